"""Import lists: `yba import icd10 FILE.xlsx`, `yba import codesystem FILE.csv`, `yba import package FILE.tgz`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from yba.site.opening import database_ready

if TYPE_CHECKING:
    from yba.fhir.terminology.importing import Report


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "list",
        choices=["icd10", "codesystem", "package"],
        help="the ministry's ICD-10; a code system as CSV; a FHIR package",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--name", help="icd10: name of the list, importing it again replaces it; codesystem: its name"
    )
    parser.add_argument(
        "--valid-from", type=date.fromisoformat, default=date(2025, 1, 1), metavar="YYYY-MM-DD"
    )
    group = parser.add_argument_group("codesystem")
    group.add_argument("--url", help="canonical url of the code system")
    group.add_argument("--version", help="its version; importing the same again replaces it")
    group.add_argument("--title", help="its title")
    group.add_argument("--language", default="vi", help="language of the column 'display' (vi)")
    group.add_argument(
        "--columns",
        metavar="OURS=THEIRS,...",
        help="FILE is a workbook: its headings, e.g. 'code=MÃ BỆNH,display=TÊN BỆNH,display:en=DISEASE NAME'",
    )
    group.add_argument(
        "--groups",
        metavar="CODE=NAME[=ENGLISH],...",
        help="with --columns: headings of levels above the codes, the outermost first, e.g. 'MÃ CHƯƠNG=TÊN CHƯƠNG'",
    )
    group.add_argument("--sheet", help="the sheet of the workbook; the first with these headings")
    group.add_argument("--part", action="store_true", help="the file is only a part of the code system")
    group.add_argument("--skip-bad", action="store_true", help="import the good lines though others are bad")


def run(given: argparse.Namespace) -> int:
    if not given.file.is_file():
        print(f"yba: {given.file} is not there.")
        return 1
    if given.list == "codesystem" and not given.url:
        print("yba: name the code system with --url.")
        return 1
    with database_ready():
        return _icd10(given) if given.list == "icd10" else _terminology(given)


def _icd10(given: argparse.Namespace) -> int:
    from yba.care.icd10_import import import_icd10

    report = import_icd10(given.file, list_name=given.name or "icd10", valid_from=given.valid_from)
    for row in report.refused:
        print(f"{given.file}: {row.sheet}, line {row.line}: {row.reason}", file=sys.stderr)
    print(f"{report.read} rows read, {report.stored} stored, {len(report.refused)} refused.")
    return 1 if report.refused else 0


def _terminology(given: argparse.Namespace) -> int:
    from yba.fhir.errors import RecordError
    from yba.fhir.terminology.importing import import_package
    from yba.site.opening import system_record

    try:
        report = (
            import_package(system_record(), given.file) if given.list == "package" else _code_system(given)
        )
    except RecordError as error:
        print(f"{given.file}: {error.message}", file=sys.stderr)
        return 1
    for fault in report.faults:
        print(f"{given.file}: {fault.place}: {fault.reason}", file=sys.stderr)
    unchanged = f", {report.unchanged} unchanged" if report.unchanged else ""
    print(f"{report.read} read, {report.stored} stored{unchanged}, {len(report.faults)} refused.")
    return 1 if report.faults else 0


def _code_system(given: argparse.Namespace) -> Report:
    from yba.fhir.terminology.importing import About, import_csv
    from yba.fhir.terminology.workbooks import columns_of, groups_of, to_csv
    from yba.site.opening import system_record

    about = About(given.url, given.version, given.name, given.title, given.language, given.part)
    with tempfile.TemporaryDirectory() as folder:
        file = given.file
        if given.columns:
            file = Path(folder) / "list.csv"
            groups = groups_of(given.groups) if given.groups else ()
            to_csv(given.file, columns_of(given.columns), file, sheet=given.sheet, groups=groups)
        return import_csv(system_record(), file, about=about, skip_bad=given.skip_bad)
