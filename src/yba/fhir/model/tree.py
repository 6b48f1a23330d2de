"""JSON as a plain tree: for work that is about elements by name, where the typed classes would be in the way.

Objects are dicts, arrays lists; numbers written with a point or an exponent are Decimals with their digits, others
ints. Used by FHIRPath, validation, patch, XML and views; a record that is read or changed by the house's own code is
a typed value (``codec``). See docs/decisions/0005.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import spelling

Tree = Any
DEPTH = 100
LONGEST_NUMBER = 256
LARGEST_EXPONENT = 999


def parse(data: bytes | str) -> Tree:
    """Read JSON. Raises Invalid with line and column, for keys given twice, and for what goes too deep."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise Invalid("tree.utf-8", f"The text is not UTF-8 at byte {error.start}.") from None
    try:
        read = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise Invalid(
            "tree.json", f"The JSON cannot be read at line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(read)
    return read


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # add gives None: that is the point
        raise Invalid("tree.duplicate", f"'{twice[:100]}' is given twice in one object.", path=twice[:100])
    return read


def _decimal(text: str) -> Decimal:
    digits, _, exponent = text.lower().partition("e")
    if len(digits) > LONGEST_NUMBER or len(exponent) > 8 or abs(int(exponent or 0)) > LARGEST_EXPONENT:
        raise _number(text)
    return spelling.read(text)


def _integer(text: str) -> int | Decimal:
    if len(text) > LONGEST_NUMBER:
        raise _number(text)
    return spelling.read(text) if text == "-0" else int(text)


def _number(text: str) -> Invalid:
    return Invalid("tree.number-size", f"The number {text[:30]}... is too long or too large to be a measure.")


def _constant(text: str) -> Any:
    raise Invalid("tree.number", f"{text} is no number in JSON.")


def _too_deep() -> Invalid:
    return Invalid("tree.depth", f"The JSON goes deeper than {DEPTH} levels.")


def _check_depth(read: Any) -> None:
    level = [read]
    for _ in range(DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
        level = [one for one in below if isinstance(one, dict | list)]
        if not level:
            return
    raise _too_deep()


def dump(read: Tree) -> bytes:
    """Write a tree as compact JSON, decimals with the digits they have. Raises Invalid for what goes too deep."""
    parts: list[str] = []
    try:
        _write(read, parts.append)
    except RecursionError:
        raise _too_deep() from None
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError:
        raise Invalid("tree.utf-8", "A text has half a letter in it, which UTF-8 cannot hold.") from None


_quoted = json.encoder.encode_basestring


def _write(one: Any, write: Any) -> None:
    if isinstance(one, dict):
        mark = "{"
        for name, value in one.items():
            write(mark + _quoted(name) + ":")
            _write(value, write)
            mark = ","
        write("}" if mark == "," else "{}")
    elif isinstance(one, list):
        mark = "["
        for value in one:
            write(mark)
            _write(value, write)
            mark = ","
        write("]" if mark == "," else "[]")
    else:
        write(_scalar(one))


def _scalar(one: Any) -> str:
    if isinstance(one, str):
        return _quoted(one)
    if one is None:
        return "null"
    if isinstance(one, bool):
        return "true" if one else "false"
    if isinstance(one, int | Decimal):
        return str(one)
    raise TypeError(f"a tree holds no {type(one).__name__}")
