"""Import of an official ICD-10 list in Vietnamese from the ministry's workbook (annex of Decision
4469/QĐ-BYT).

Columns are found by their headings, limits by the titles of the annexes: A2 not as main disease, A3.x ages,
A4.x sex.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q

from yba.care.models import DiagnosisName
from yba.fhir.errors import Invalid
from yba.fhir.model.fold import fold

_CODE = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9A-Z]{1,3})?")
_HEADING_ROWS = 10
Progress = Callable[[int, int], None]
Cells = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not stored: its sheet, line and reason."""

    sheet: str
    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import read, stored and refused."""

    read: int = 0
    stored: int = 0
    refused: list[RefusedRow] = field(default_factory=list)


@dataclass(slots=True)
class _Limits:
    not_main: set[str] = field(default_factory=set)
    sex: dict[str, str] = field(default_factory=dict)
    ages: dict[str, tuple[int | None, int | None, int | None]] = field(default_factory=dict)


def import_icd10(
    path: Path | str, *, list_name: str, valid_from: date, progress: Progress | None = None
) -> ImportReport:
    """Read the workbook and store its rows, replacing an earlier import of the same ``list_name``.

    A list that was valid before ends the day before ``valid_from``. One transaction: all or nothing; single
    bad rows
    are refused and reported. ``progress(done, total)`` is called now and then. Raises ``Invalid`` when the
    file is
    no workbook or has no sheet with the columns of codes and names.
    """
    import openpyxl  # only importers need it

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except Exception as error:
        raise Invalid(
            "icd10.not-a-workbook", f"{Path(path).name} is not an xlsx workbook: {error}"
        ) from error
    try:
        return _import(book, list_name, valid_from, progress)
    finally:
        book.close()


def _import(book: Any, list_name: str, valid_from: date, progress: Progress | None) -> ImportReport:
    report, limits, rows = ImportReport(), _Limits(), {}
    main_sheet = None
    for sheet in book.worksheets:
        columns = _columns(sheet)
        if columns and main_sheet is None:
            main_sheet = sheet
            rows = _read_names(sheet, columns, report, progress)
        else:
            _read_limits(sheet, limits)
    if main_sheet is None:
        raise Invalid(
            "icd10.no-columns", "No sheet has the columns MÃ BỆNH and TÊN BỆNH; is this the ICD-10 annex?"
        )
    known = {code.replace(".", "") for code in rows}
    report.refused += [
        RefusedRow("", 0, f"limit for a code that is not in the list: {code}")
        for code in sorted((limits.not_main | limits.sex.keys() | limits.ages.keys()) - known)
    ]
    stored = [_model(code, names, limits, list_name, valid_from) for code, names in rows.items()]
    with transaction.atomic():
        DiagnosisName.objects.filter(list_name=list_name).delete()
        earlier = DiagnosisName.objects.filter(Q(valid_to=None) | Q(valid_to__gte=valid_from))
        earlier.filter(valid_from__lt=valid_from).update(valid_to=valid_from - timedelta(days=1))
        DiagnosisName.objects.bulk_create(stored, batch_size=2_000)
    report.stored = len(stored)
    if progress:
        progress(report.read, report.read)
    return report


def _columns(sheet: Any) -> tuple[int, int, int, int] | None:
    """Line of headings and places of code, Vietnamese and English name, in a sheet that has them."""
    for line, cells in enumerate(sheet.iter_rows(max_row=_HEADING_ROWS, values_only=True), 1):
        headings = [fold(str(cell or "")).strip() for cell in cells]
        if "ma benh" in headings and "ten benh" in headings:
            english = next(
                (h for h in ("disease name", "ten benh tieng anh", "ten tieng anh") if h in headings), ""
            )
            return (
                line,
                headings.index("ma benh"),
                headings.index("ten benh"),
                headings.index(english) if english else -1,
            )
    return None


def _read_names(
    sheet: Any, columns: tuple[int, int, int, int], report: ImportReport, progress: Progress | None
) -> dict[str, tuple[str, str]]:
    heading_line, code_at, vi_at, en_at = columns
    total = max((sheet.max_row or 0) - heading_line, 0)
    rows: dict[str, tuple[str, str]] = {}
    for line, cells in enumerate(
        sheet.iter_rows(min_row=heading_line + 1, values_only=True), heading_line + 1
    ):
        if not any(cells):
            continue
        report.read += 1
        code, name_vi = _text(cells, code_at).upper().rstrip("*†+ "), _text(cells, vi_at)
        reason = _row_refusal(code, name_vi, rows)
        if reason:
            report.refused.append(RefusedRow(sheet.title, line, reason))
        else:
            rows[code] = (name_vi, _text(cells, en_at) if en_at >= 0 else "")
        if progress and report.read % 500 == 0:
            progress(report.read, total)
    return rows


def _row_refusal(code: str, name_vi: str, rows: dict[str, tuple[str, str]]) -> str | None:
    if not _CODE.fullmatch(code):
        return f"not an ICD-10 code: {code!r}"
    if not name_vi:
        return f"{code} has no Vietnamese name"
    if len(name_vi) > 500:
        return f"{code} has a name longer than 500 characters"
    if code in rows:
        return f"{code} appears twice"
    return None


def _text(cells: Cells, place: int) -> str:
    value = cells[place] if place < len(cells) else None
    return "" if value is None else " ".join(str(value).split())


def _read_limits(sheet: Any, limits: _Limits) -> None:
    """Rows under a title "Phụ lục A..." share its limit; a sheet may hold several titles."""
    apply: Callable[[str], None] | None = None
    for cells in sheet.iter_rows(max_col=2, values_only=True):
        first = _text(cells, 0)
        title = fold(first)
        if title.startswith("phu luc"):
            apply = _limit_of(title, limits)
        elif apply and re.fullmatch(r"[A-Z][0-9]{2}[0-9A-Z]{0,3}", code := first.upper().replace(".", "")):
            apply(code)


def _limit_of(title: str, limits: _Limits) -> Callable[[str], None] | None:
    """What the title of an annex says about the codes under it; None for annexes without a limit."""
    if "khong su dung la benh chinh" in title:
        return limits.not_main.add
    if "chi co o gioi" in title:
        sex = "female" if title.endswith("nu") else "male"
        return lambda code: limits.sex.update({code: sex})
    if "tuoi" in title and (ages := _ages_of(title)):
        return lambda code: limits.ages.update({code: ages})
    return None


def _ages_of(title: str) -> tuple[int | None, int | None, int | None] | None:
    """(from years, to years, from days) of a title such as "(tuổi hợp lệ : 9 – 60 tuổi)"; None when
    unreadable."""
    said = title[title.rfind("(") + 1 :]
    numbers = [int(number) for number in re.findall(r"\d+", said)]
    if not numbers:
        return None
    if "ngay tuoi" in said:
        return (None, None, numbers[0] + 1)
    if said.rstrip(" )").endswith("ngay"):
        return (None, numbers[-1] // 366, None)
    if "tro len" in said:
        return (numbers[0], None, None)
    if "tren" in said:
        return (numbers[0] + 1, None, None)
    return (numbers[0] or None, numbers[-1], None)


def _model(
    code: str, names: tuple[str, str], limits: _Limits, list_name: str, valid_from: date
) -> DiagnosisName:
    plain = code.replace(".", "")
    age_from, age_to, age_from_days = limits.ages.get(plain, (None, None, None))
    return DiagnosisName(
        code=code,
        name_vi=names[0],
        name_en=names[1][:500],
        usable_as_main=plain not in limits.not_main,
        sex=limits.sex.get(plain, ""),
        age_from=age_from,
        age_to=age_to,
        age_from_days=age_from_days,
        list_name=list_name,
        valid_from=valid_from,
    )
