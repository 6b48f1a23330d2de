"""Whether a JSON value is a value of a primitive type: its kind, its format, its range, and that dates exist.

FHIR R4, datatypes.html#primitive and json.html#primitive.
"""

from __future__ import annotations

import calendar
import re
from decimal import Decimal
from typing import Any

_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DAY = r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])"
_FORMATS: dict[str, tuple[re.Pattern[str], str]] = {
    "code": (re.compile(r"[^\s]+(\s[^\s]+)*"), "is not a code: no spaces at its ends, none doubled"),
    "id": (re.compile(r"[A-Za-z0-9\-.]{1,64}"), "is not an id: 1 to 64 letters, digits, '-' and '.'"),
    "uri": (re.compile(r"\S+"), "is not a URI: it is empty or has spaces"),
    "url": (re.compile(r"\S+"), "is not a URL: it is empty or has spaces"),
    "canonical": (re.compile(r"\S+"), "is not a canonical URL: it is empty or has spaces"),
    "oid": (re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+"), "is not an OID, written urn:oid:1.2.3"),
    "uuid": (
        re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        "is not a UUID, written urn:uuid: and lower-case digits",
    ),
    "date": (
        re.compile(rf"(?P<y>[0-9]{{4}})(-(0[1-9]|1[0-2]))?|{_DAY}"),
        "is not a date that exists, written YYYY-MM-DD, YYYY-MM or YYYY",
    ),
    "dateTime": (
        re.compile(rf"(?P<y>[0-9]{{4}})(-(0[1-9]|1[0-2]))?|{_DAY}(T{_TIME}{_ZONE})?"),
        "is not a moment that exists, written YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss "
        "with a time zone",
    ),
    "instant": (
        re.compile(rf"{_DAY}T{_TIME}{_ZONE}"),
        "is not an instant that exists, written YYYY-MM-DDThh:mm:ss with a time zone",
    ),
    "time": (re.compile(_TIME), "is not a time of day, written hh:mm:ss"),
}
_DATES = frozenset({"date", "dateTime", "instant"})
_LEAST = {"integer": -(2**31), "positiveInt": 1, "unsignedInt": 0}
_MOST = 2**31 - 1
_LONGEST = 1_048_576  # FHIR R4, datatypes.html#string: one megabyte
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_BASE64 = re.compile(r"[0-9A-Za-z+/]*")


def fault_of(value: Any, kind: str) -> str | None:
    """What is wrong, to be read after the path; None for a value of the kind."""
    if kind == "boolean":
        return None if isinstance(value, bool) else f"must be true or false, found {_found(value)}."
    if kind in _LEAST:
        return _whole(value, kind)
    if kind == "decimal":
        good = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return None if good else f"must be a number, found {_found(value)}."
    if not isinstance(value, str):
        return f"must be text, found {_found(value)}."
    return _text(value, kind)


def _whole(value: Any, kind: str) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        what = "a number with a fraction or exponent" if isinstance(value, Decimal) else _found(value)
        return f"must be a whole number, found {what}."
    if not _LEAST[kind] <= value <= _MOST:
        return f"is not a whole number from {_LEAST[kind]} to {_MOST}."
    return None


def _text(value: str, kind: str) -> str | None:
    if not value.strip(" \t\r\n"):
        return "is empty."
    control = _CONTROL.search(value)
    if control is not None:
        return f"has the character U+{ord(control[0]):04X}, which is not allowed."
    if kind == "base64Binary":
        return _base64(value)
    form = _FORMATS.get(kind)
    if form is None:
        return f"is longer than {_LONGEST} characters." if len(value) > _LONGEST else None
    found = form[0].fullmatch(value)
    shown = value if len(value) <= 60 else value[:60] + "..."
    if found is None or (kind in _DATES and not _exists(found)):
        return f"'{shown}' {form[1]}."
    return _uri(value) if kind in ("uri", "url", "canonical") else None


def _base64(value: str) -> str | None:
    """Base64, with white space anywhere (R4's own pattern allows it)."""
    packed = "".join(value.split())
    body = packed.rstrip("=")
    if _BASE64.fullmatch(body) and len(packed) % 4 == 0 and len(packed) - len(body) <= 2:
        return None
    return f"'{value[:60]}' is not base64 text."


def _exists(found: re.Match[str]) -> bool:
    parts = found.groupdict()
    if parts.get("y") is not None:
        return parts["y"] != "0000"
    year, month, day = int(parts["year"]), int(parts["month"]), int(parts["day"])
    return year > 0 and day <= calendar.monthrange(year, month)[1]


def _uri(value: str) -> str | None:
    if value.startswith("urn:uuid:") and not _UUID.fullmatch(value[9:].partition("|")[0].partition("#")[0]):
        return f"'{value[:80]}': a UUID is written with 32 lower-case digits in five groups."
    if value.startswith("urn:oid:") and not _OID.fullmatch(value[8:].partition("|")[0].partition("#")[0]):
        return f"'{value[:80]}' is not an OID, written urn:oid:1.2.3."
    return None


def _found(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return "text" if isinstance(value, str) else "a number"
