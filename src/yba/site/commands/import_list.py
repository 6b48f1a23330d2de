"""Import a ministry's list: `yba import icd10 FILE.xlsx`."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from yba.site.opening import database_ready


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("list", choices=["icd10"])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--name", default="icd10", help="name of the list; importing it again replaces it")
    parser.add_argument(
        "--valid-from", type=date.fromisoformat, default=date(2025, 1, 1), metavar="YYYY-MM-DD"
    )


def run(given: argparse.Namespace) -> int:
    if not given.file.is_file():
        print(f"yba: {given.file} is not there.")
        return 1
    with database_ready():
        from yba.care.icd10_import import import_icd10

        report = import_icd10(given.file, list_name=given.name, valid_from=given.valid_from)
    for row in report.refused:
        print(f"{given.file}: {row.sheet}, line {row.line}: {row.reason}", file=sys.stderr)
    print(f"{report.read} rows read, {report.stored} stored, {len(report.refused)} refused.")
    return 1 if report.refused else 0
