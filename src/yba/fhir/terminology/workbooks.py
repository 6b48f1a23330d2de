"""A sheet of an official workbook as the CSV the importer reads: its columns are named by their headings.

Needs ``openpyxl``, which the platform brings.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yba.fhir.errors import Invalid, Unsupported

_HEADING_ROWS = 15


@dataclass(frozen=True, slots=True)
class Group:
    """A level above the codes that stands in columns of every row: the headings of its code and of its names."""

    code: str
    display: str
    english: str | None = None


@dataclass(slots=True)
class _Groups:
    """The groups met so far, the outermost level first: code -> names and the code above."""

    levels: Sequence[tuple[int, int, int | None]]
    found: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def innermost(self, cells: Sequence[Any]) -> str:
        """The group a row stands in, and all above it noted; "" for none."""
        above = ""
        for code, display, english in self.levels:
            name = _text(cells[code]) if code < len(cells) else ""
            if name and name != above:
                told = _text(cells[english]) if english is not None else ""
                self.found.setdefault(name, (_text(cells[display]) or name, told, above))
                above = name
        return above


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


def groups_of(text: str) -> list[Group]:
    """``MÃ CHƯƠNG=TÊN CHƯƠNG=CHAPTER NAME,MÃ NHÓM=TÊN NHÓM``, the outermost first. Raises Invalid."""
    found = []
    for part in text.split(","):
        names = [name.strip() for name in part.split("=")]
        if len(names) not in (2, 3) or not all(names):
            raise Invalid("terminology.groups", f"'{part[:50]}' is not CODE=NAME or CODE=NAME=ENGLISH NAME.")
        found.append(Group(*names))
    return found


def to_csv(
    workbook: Path,
    columns: dict[str, str],
    into: Path,
    *,
    sheet: str | None = None,
    groups: Sequence[Group] = (),
) -> None:
    """Write the sheet that has the headings as CSV, a line a row, so that lines keep the numbers of their rows.

    The first sheet with all headings counts unless one is named. A parent that is the code itself is none, as
    official lists write their upper rows; such a row stands below its innermost group. ``groups`` become codes of
    their own, after all others. Raises Invalid when no sheet has the headings.
    """
    columns = dict(columns) | ({"parent": ""} if groups and "parent" not in columns else {})
    named = {ours: theirs for ours, theirs in columns.items() if theirs} | {
        f"{number}.{part}": theirs
        for number, one in enumerate(groups)
        for part, theirs in (("code", one.code), ("display", one.display), ("english", one.english))
        if theirs
    }
    try:
        import openpyxl
    except ImportError:
        raise Unsupported("terminology.openpyxl", "Reading workbooks needs the package openpyxl.") from None
    book = openpyxl.load_workbook(workbook, read_only=True)
    try:
        for one in book.worksheets:
            if sheet in (None, one.title):
                begin = _headings(one, named)
                if begin is not None:
                    _write(one, columns, *begin, into, _Groups(_levels(begin[1], len(groups))))
                    return
    finally:
        book.close()
    raise Invalid(
        "terminology.headings",
        f"No sheet{f' {sheet}' if sheet else ''} has the headings {', '.join(named.values())} in its first "
        f"{_HEADING_ROWS} rows.",
    )


def _headings(sheet: Any, columns: dict[str, str]) -> tuple[int, dict[str, int]] | None:
    """The row of the headings and the place of each column wanted."""
    wanted: dict[str, list[str]] = {}
    for ours, theirs in columns.items():
        wanted.setdefault(theirs.casefold(), []).append(ours)
    for number, cells in enumerate(sheet.iter_rows(max_row=_HEADING_ROWS, values_only=True), 1):
        found: dict[str, int] = {}
        for place, cell in enumerate(cells):
            for ours in wanted.get(" ".join(str(cell or "").split()).casefold(), ()):
                found.setdefault(ours, place)
        if len(found) == len(columns):
            return number, found
    return None


def _levels(places: dict[str, int], count: int) -> list[tuple[int, int, int | None]]:
    return [
        (places[f"{number}.code"], places[f"{number}.display"], places.get(f"{number}.english"))
        for number in range(count)
    ]


def _write(
    sheet: Any, columns: dict[str, str], number: int, places: dict[str, int], into: Path, groups: _Groups
) -> None:
    with into.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(columns)
        for _ in range(number - 1):  # the rows above the headings, so that a bad line has its row's number
            opened.write("\n")
        codes = set()
        at = list(columns).index("code")
        for cells in _rows(sheet, number, columns, places, groups):
            codes.add(cells[at])
            if any(cells):
                writer.writerow(cells)
            else:
                opened.write("\n")
        for code, (display, english, above) in groups.found.items():
            own = {"code": code, "display": display, "display:en": english, "parent": above}
            if code not in codes:
                writer.writerow([own.get(name, "") for name in columns])


def _rows(
    sheet: Any, number: int, columns: dict[str, str], places: dict[str, int], groups: _Groups
) -> Iterator[list[str]]:
    names = list(columns)
    for cells in sheet.iter_rows(min_row=number + 1, values_only=True):
        row = [
            _text(cells[places[name]]) if name in places and places[name] < len(cells) else ""
            for name in names
        ]
        code = row[names.index("code")]
        if "parent" in columns and code:
            group, at = groups.innermost(cells), names.index("parent")
            if row[at] in ("", code):
                row[at] = group if group != code else ""
        yield row


def _text(cell: Any) -> str:
    """A cell as one line: numbers of codes come as floats from some workbooks."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).split()) if cell is not None else ""
