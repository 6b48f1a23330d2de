"""FHIR's primitive types, and the checks the generated types share.

FHIR R4, datatypes.html#primitive. A date, dateTime, instant or time stays text, because its precision is part of its
meaning; its pattern admits only moments that exist.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

__all__ = [
    "Base64Binary",
    "Canonical",
    "Code",
    "Date",
    "DateTime",
    "Decimal",
    "Id",
    "Instant",
    "Integer",
    "Markdown",
    "MimeType",
    "Oid",
    "OptionalRaw",
    "PositiveInt",
    "Some",
    "String",
    "Time",
    "UnsignedInt",
    "Uri",
    "Url",
    "Uuid",
    "Xhtml",
    "bare",
    "check_choice",
    "json_name",
    "missing",
]

T = TypeVar("T")

Some = Annotated[list[T], Meta(min_length=1)]
"""A repeating element. Absent is the empty list; an empty list in JSON is refused."""

if TYPE_CHECKING:
    OptionalRaw = Raw | None
else:
    OptionalRaw = Raw  # msgspec reads Raw only where it stands alone; a default of None works all the same

_DAY = (
    r"(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
_MONTH = r"[0-9]{4}(?:-(?:0[1-9]|1[0-2]))?"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

Base64Binary = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z+/=\s]+\Z")]
Code = Annotated[str, Meta(pattern=r"\A\S+(?:\s\S+)*\Z")]
Date = Annotated[str, Meta(pattern=rf"\A(?!0000)(?:{_DAY}|{_MONTH})\Z")]
DateTime = Annotated[str, Meta(pattern=rf"\A(?!0000)(?:{_DAY}(?:T{_CLOCK}{_ZONE})?|{_MONTH})\Z")]
Id = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9.-]{1,64}\Z")]
Instant = Annotated[str, Meta(pattern=rf"\A(?!0000){_DAY}T{_CLOCK}{_ZONE}\Z")]
Integer = Annotated[int, Meta(ge=-2147483648, le=2147483647)]
# A media type with its parameters (RFC 6838), or what stands for one in _format (http.html#mime-type).
MimeType = Annotated[str, Meta(pattern=r"\A(?:[^\s/;]+/[^\s/;]+\s*(?:;.*)?|xml|json|ttl)\Z")]
Oid = Annotated[str, Meta(pattern=r"\Aurn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+\Z")]
PositiveInt = Annotated[int, Meta(ge=1, le=2147483647)]
String = Annotated[str, Meta(min_length=1, max_length=1048576)]
Time = Annotated[str, Meta(pattern=rf"\A{_CLOCK}\Z")]
UnsignedInt = Annotated[int, Meta(ge=0, le=2147483647)]
Uri = Annotated[str, Meta(pattern=r"\A\S+\Z")]
Uuid = Annotated[str, Meta(pattern=r"\Aurn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")]
Xhtml = Annotated[str, Meta(min_length=1)]
Canonical = Uri
Markdown = String
Url = Uri


def json_name(attribute: str) -> str:
    """The JSON name of an attribute: `birthDate_ext` is `_birthDate`, `class_` is `class`."""
    if attribute.endswith("_ext"):
        return "_" + attribute[:-4]
    return attribute.removesuffix("_")


def bare(element: Any) -> bool:
    """Whether the `_x` companion of an absent primitive fails to stand in for it (FHIR R4, json.html#primitive)."""
    return element is None or not element.extension


def missing(name: str) -> ValueError:
    return ValueError(f"Object missing required field `{name}`")


def check_choice(element: Struct, name: str, start: int, stop: int, required: bool) -> None:
    """Refuse more than one type of `name[x]`, or none where one is required (FHIR R4, formats.html#choice).

    `start` and `stop` bound its alternatives in the order of the fields; a value and its `_x` companion are one.
    """
    present: dict[str, bool] = {}
    for attribute in element.__struct_fields__[start:stop]:
        held = getattr(element, attribute)
        if held is not None:
            stem = attribute.removesuffix("_ext")
            counts = stem == attribute or bool(held.extension)
            present[stem] = present.get(stem, False) or counts
    if len(present) > 1:
        raise ValueError(f"Object has more than one `{name}[x]`: {', '.join(present)}")
    if required and not any(present.values()):
        raise missing(f"{name}[x]")


astuple = msgspec.structs.astuple
