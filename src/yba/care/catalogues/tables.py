"""Reading of the catalogues' CSV files into typed rows: an unknown, missing or doubled heading stops at
once."""

from __future__ import annotations

import csv
import threading
from collections.abc import Sequence
from importlib.resources import files
from typing import TypeVar

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)

# msgspec does not guard the first look at a type: two threads at it at once crash the process.
_READING = threading.Lock()


def read_table(
    file_name: str, row_type: type[Row], *, folder: str = "yba.care.catalogues"
) -> tuple[Row, ...]:
    """Rows of a CSV of a package's folder; list fields are split at ``;``, an empty cell is an empty value.

    Raises ``ValueError`` naming file and line when a cell does not fit its type.
    """
    names = row_type.__struct_fields__
    lists = {f.name for f in msgspec.structs.fields(row_type) if f.type == tuple[str, ...]}
    text = files(folder).joinpath(file_name).read_text("utf-8")
    reader = csv.reader(text.splitlines())
    headings = next(reader)
    if sorted(headings) != sorted(names):
        raise ValueError(f"{file_name}: headings are {headings}, expected {list(names)}")
    return tuple(
        _row(file_name, line, row_type, headings, cells, lists) for line, cells in enumerate(reader, 2)
    )


def _row(
    file_name: str, line: int, row_type: type[Row], headings: list[str], cells: Sequence[str], lists: set[str]
) -> Row:
    if len(cells) != len(headings):
        raise ValueError(f"{file_name}:{line}: {len(cells)} cells, expected {len(headings)}")
    values: dict[str, object] = {}
    for name, cell in zip(headings, cells, strict=True):
        values[name] = tuple(filter(None, cell.split(";"))) if name in lists else cell
    try:
        with _READING:
            return msgspec.convert(values, row_type, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"{file_name}:{line}: {error}") from error
