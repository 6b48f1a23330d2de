"""What of a Patient tells one person from another, in the form it is compared in.

Names are read the Vietnamese way: the family name first, the word a person is called by last. Everything is compared
folded (no accents, no case, đ as d); accents are kept beside it, because two names that differ only by an accent that
both of them write are two names (An and Ân).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yba.fhir.model.fold import fold, fold_words

SID = "https://yba.vn/fhir/sid/"
INSURANCE = SID + "bhyt"
#: Systems whose numbers a state gives to one person only.
STRONG_SYSTEMS = frozenset({SID + "cccd", SID + "cmnd", INSURANCE})
#: The same by the type of an identifier (HL7 v2 table 0203): national, passport, social security, record numbers.
STRONG_TYPES = frozenset({"NI", "NNVNM", "PPN", "SS", "SB", "MR", "PI", "CZ", "DL"})


@dataclass(frozen=True, slots=True)
class Number:
    """An identifier: its system ("" for none), its value without blanks, and whether one person only has it."""

    system: str
    value: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Name:
    """A name as words: folded, and as written (small letters, composed)."""

    folded: tuple[str, ...]
    written: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traits:
    """What is compared. Empty parts were not given."""

    numbers: tuple[Number, ...] = ()
    names: tuple[Name, ...] = ()
    birth: str = ""
    gender: str = ""
    contacts: frozenset[str] = frozenset()
    provinces: frozenset[str] = frozenset()
    communes: frozenset[str] = frozenset()
    birth_order: int | None = None
    replaced: bool = False


def traits_of(patient: Mapping[str, Any]) -> Traits:
    """The traits of a Patient as a tree; what has another shape than FHIR's is left out."""
    order = patient.get("multipleBirthInteger")
    return Traits(
        numbers=tuple(_numbers(patient)),
        names=tuple(dict.fromkeys(_names(patient))),
        birth=_text(patient.get("birthDate")),
        gender=_text(patient.get("gender")),
        contacts=frozenset(_contacts(patient)),
        provinces=frozenset(_places(patient, "state")),
        communes=frozenset([*_places(patient, "city"), *_places(patient, "district")]),
        birth_order=order if isinstance(order, int) else None,
        replaced=patient.get("active") is False
        or any(one.get("type") == "replaced-by" for one in _listed(patient, "link")),
    )


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _listed(tree: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    found = tree.get(name)
    if isinstance(found, list):
        yield from (one for one in found if isinstance(one, dict))


def _numbers(patient: Mapping[str, Any]) -> Iterator[Number]:
    for one in _listed(patient, "identifier"):
        value = re.sub(r"[\s.]", "", _text(one.get("value")))
        if not value or one.get("use") in ("old", "temp"):
            continue
        system = _text(one.get("system"))
        kind = one.get("type")
        types = (
            {coding.get("code") for coding in _listed(kind, "coding")} if isinstance(kind, dict) else set()
        )
        strong = system in STRONG_SYSTEMS or bool(system and types & STRONG_TYPES)
        yield Number(system, value, strong)


def _names(patient: Mapping[str, Any]) -> Iterator[Name]:
    for one in _listed(patient, "name"):
        given = one.get("given")
        parts = [_text(one.get("family")), *(map(_text, given) if isinstance(given, list) else ())]
        for text in (_text(one.get("text")), " ".join(part for part in parts if part)):
            words = fold_words(text)
            if words:
                written = unicodedata.normalize("NFC", text).casefold()
                kept = re.findall(r"\w+", written.replace("_", " "))
                yield Name(tuple(words), tuple(kept) if len(kept) == len(words) else tuple(words))


def _contacts(patient: Mapping[str, Any]) -> Iterator[str]:
    for one in _listed(patient, "telecom"):
        value = _text(one.get("value"))
        if one.get("system") == "email":
            yield fold(value)
        elif one.get("system") in ("phone", "sms", None) and (number := phone(value)):
            yield number


def phone(text: str) -> str:
    """A telephone number as digits with a 0 in front: "+84 905 123 456" is 0905123456. "" for what is none."""
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    for prefix in ("0084", "84"):
        if digits.startswith(prefix) and len(digits) >= len(prefix) + 9:
            digits = "0" + digits[len(prefix) :]
    return digits if len(digits) >= 7 else ""


# Words of an administrative unit that are written or not: "Phường Thuận Hòa", "P. Thuận Hòa", "Thuận Hòa".
_UNIT = re.compile(r"^(?:thanh pho|tinh|quan|huyen|thi xa|thi tran|phuong|xa|dac khu|tp|q|p|h|tx|tt|x|t) ")


def _places(patient: Mapping[str, Any], element: str) -> Iterator[str]:
    for one in _listed(patient, "address"):
        words = " ".join(fold_words(_text(one.get(element))))
        if words:
            yield _UNIT.sub("", words, count=1)
