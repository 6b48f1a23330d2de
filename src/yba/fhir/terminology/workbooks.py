"""A sheet of an official workbook as the CSV the importer reads: its columns are named by their headings.

Needs ``openpyxl``, which the platform brings.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yba.fhir.errors import Invalid, Unsupported

_HEADING_ROWS = 15


def columns_of(text: str) -> dict[str, str]:
    """``code=MÃ BỆNH,display=TÊN BỆNH`` -> heading of our CSV -> heading of the workbook. Raises Invalid."""
    found = {}
    for part in text.split(","):
        ours, equals, theirs = part.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            raise Invalid("terminology.columns", f"'{part[:50]}' is not OURS=THEIRS, as in code=MÃ BỆNH.")
        found[ours.strip()] = theirs.strip()
    if "code" not in found:
        raise Invalid("terminology.columns", "The columns must say which one is the code: code=HEADING.")
    return found


def to_csv(workbook: Path, columns: dict[str, str], into: Path, *, sheet: str | None = None) -> None:
    """Write the sheet that has the headings as CSV, a line a row, so that lines keep the numbers of their rows.

    The first sheet with all headings counts unless one is named. A parent that is the code itself is none, as
    official lists write their upper rows. Raises Invalid when no sheet has the headings.
    """
    try:
        import openpyxl
    except ImportError:
        raise Unsupported("terminology.openpyxl", "Reading workbooks needs the package openpyxl.") from None
    book = openpyxl.load_workbook(workbook, read_only=True)
    try:
        for one in book.worksheets:
            if sheet in (None, one.title):
                begin = _headings(one, columns)
                if begin is not None:
                    _write(one, columns, *begin, into)
                    return
    finally:
        book.close()
    raise Invalid(
        "terminology.headings",
        f"No sheet{f' {sheet}' if sheet else ''} has the headings {', '.join(columns.values())} in its first "
        f"{_HEADING_ROWS} rows.",
    )


def _headings(sheet: Any, columns: dict[str, str]) -> tuple[int, dict[str, int]] | None:
    """The row of the headings and the place of each column wanted."""
    wanted = {theirs.casefold(): ours for ours, theirs in columns.items()}
    for number, cells in enumerate(sheet.iter_rows(max_row=_HEADING_ROWS, values_only=True), 1):
        found: dict[str, int] = {}
        for place, cell in enumerate(cells):
            ours = wanted.get(" ".join(str(cell or "").split()).casefold())
            if ours is not None:
                found.setdefault(ours, place)
        if len(found) == len(columns):
            return number, found
    return None


def _write(sheet: Any, columns: dict[str, str], number: int, places: dict[str, int], into: Path) -> None:
    with into.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(columns)
        for _ in range(number - 1):  # the rows above the headings, so that a bad line has its row's number
            opened.write("\n")
        for cells in _rows(sheet, number, columns, places):
            if any(cells):
                writer.writerow(cells)
            else:
                opened.write("\n")


def _rows(sheet: Any, number: int, columns: dict[str, str], places: dict[str, int]) -> Iterator[list[str]]:
    names = list(columns)
    for cells in sheet.iter_rows(min_row=number + 1, values_only=True):
        row = [_text(cells[places[name]]) if places[name] < len(cells) else "" for name in names]
        code = row[names.index("code")]
        if "parent" in columns and row[names.index("parent")] == code:
            row[names.index("parent")] = ""
        yield row


def _text(cell: Any) -> str:
    """A cell as one line: numbers of codes come as floats from some workbooks."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).split()) if cell is not None else ""
