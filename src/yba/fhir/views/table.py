"""Rows of a view as they leave: JSON, NDJSON or CSV, in pieces of bounded size."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yba.fhir.errors import Unsupported
from yba.fhir.model import tree
from yba.fhir.views.rows import Output

Row = Sequence[Any]
PIECE = 1000
MEDIA = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_quoted = json.encoder.encode_basestring


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows that may be read once. Decimals are texts of their digits, JSON values are JSON texts."""

    columns: tuple[Output, ...]
    rows: Iterable[Row]

    def plain(self, row: Row) -> Iterator[Any]:
        """The values of a row as a tree has them."""
        for column, value in zip(self.columns, row, strict=True):
            if value is None:
                yield None
            elif column.form == "json":
                yield tree.parse(value)
            else:
                yield Decimal(value) if column.form == "decimal" else value


def written(table: Table, form: str, *, header: bool = True) -> Iterator[bytes]:
    """The table in a format. Raises Unsupported for a format that is not written row by row."""
    if form == "json":
        return _json(table)
    if form == "ndjson":
        return _ndjson(table)
    if form == "csv":
        return _csv(table, header=header)
    raise Unsupported(
        "views.format",
        f"Rows are not written as '{form[:40]}'; json, ndjson and csv are offered.",
        path="_format",
    )


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    piece: list[Row] = []
    for row in rows:
        piece.append(row)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _objects(table: Table) -> Callable[[Row], str]:
    parts = [(_quoted(column.name) + ":", _JSON[column.form]) for column in table.columns]

    def written_object(row: Row) -> str:
        return (
            "{"
            + ",".join(
                name + ("null" if value is None else write(value))
                for (name, write), value in zip(parts, row, strict=True)
            )
            + "}"
        )

    return written_object


def _json(table: Table) -> Iterator[bytes]:
    one, mark = _objects(table), "[\n"
    for piece in _pieces(table.rows):
        yield (mark + ",\n".join(map(one, piece))).encode()
        mark = ",\n"
    yield b"[]\n" if mark == "[\n" else b"\n]\n"


def _ndjson(table: Table) -> Iterator[bytes]:
    one = _objects(table)
    for piece in _pieces(table.rows):
        yield "".join(one(row) + "\n" for row in piece).encode()


def _csv(table: Table, *, header: bool) -> Iterator[bytes]:
    """RFC 4180; null is an empty field, JSON stands in a field as its text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if header:
        writer.writerow([column.name for column in table.columns])
    forms = [_CSV.get(column.form) for column in table.columns]
    for piece in _pieces(table.rows):
        for row in piece:
            writer.writerow(
                [
                    value if form is None or value is None else form(value)
                    for form, value in zip(forms, row, strict=True)
                ]
            )
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    if out.tell():
        yield out.getvalue().encode()


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _json_in_csv(text: str) -> str:
    """A JSON text; one that is a string alone stands as that string."""
    return str(json.loads(text)) if text.startswith('"') else text


_JSON: Mapping[str, Callable[[Any], str]] = {
    "text": _quoted, "integer": str, "decimal": str, "boolean": _truth, "json": str,
}  # fmt: skip
_CSV: Mapping[str, Callable[[Any], str]] = {"boolean": _truth, "json": _json_in_csv}
