"""The place where a page ended, as text in its ``next`` link.

It holds the sort values and ``rid`` of the last row, not a number of rows: what others write before that place
moves nothing. It gives no right: every row of the next page passes the access door again.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from math import isfinite

import msgspec

from yba.fhir.errors import Invalid
from yba.fhir.search.sorting import Key

# Larger than any number a resource may hold, and within what the database's type can.
LARGEST_EXPONENT = 10_000
_cursor = msgspec.json.Decoder(list[int | str | None])


def encode(shape: str, values: Sequence[object]) -> str:
    """A cursor for an order (``shape``: its type and sort keys) and the last row's values."""
    texts = [None if value is None else _text(value) for value in values]
    packed = msgspec.json.encode([zlib.crc32(shape.encode()), *texts])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(shape: str, order: Sequence[Key], cursor: str) -> list[object]:
    """The values of a cursor. Raises Invalid when it is not one of this search's."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, *texts = _cursor.decode(packed)
        if check != zlib.crc32(shape.encode()) or len(texts) != len(order):
            raise ValueError(cursor)
        return [_value(text, key) for text, key in zip(texts, order, strict=True)]
    except (ValueError, ArithmeticError, binascii.Error, msgspec.DecodeError):
        raise Invalid(
            "search.cursor", "'_cursor' is not from a page of this search. Start again at the first page."
        ) from None


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _value(text: int | str | None, key: Key) -> object:
    if text is None:
        if not key.nullable:
            raise ValueError(key.sql)
        return None
    if not isinstance(text, str) or "\x00" in text:
        raise ValueError(key.sql)
    if key.type == "bigint":
        number = int(text)
        if not abs(number) < 1 << 63:
            raise ValueError(text)
        return number
    if key.type == "timestamptz":
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return moment
    if key.type == "float8":
        score = float(text)
        if not isfinite(score):
            raise ValueError(text)
        return score
    return _number(text) if key.type == "numeric" else text


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if number.is_nan() or (number.is_finite() and abs(number.adjusted()) > LARGEST_EXPONENT):
        raise ValueError(text)
    return number
