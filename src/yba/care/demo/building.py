"""Small makers of FHIR values the demo province is built from."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, Literal

from yba.care.identifiers import FACILITY_TAG, LOINC, UCUM
from yba.care.names import name_parts
from yba.fhir.r4.datatypes import (
    CodeableConcept,
    Coding,
    ContactPoint,
    HumanName,
    Identifier,
    Meta,
    Quantity,
    Reference,
)

VIETNAM: Final = timezone(timedelta(hours=7))
HL7: Final = "http://terminology.hl7.org/CodeSystem/"


def of_facility(facility: str) -> Meta:
    """The tag that says which facility made a resource."""
    return Meta(tag=[Coding(system=FACILITY_TAG, code=facility)])


def ref(type_name: str, id: str, display: str | None = None) -> Reference:
    return Reference(reference=f"{type_name}/{id}", display=display)


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code, display=display)], text=text)


def identifier(system: str, value: str) -> Identifier:
    return Identifier(system=system, value=value)


def full_name(text: str, prefix: str | None = None) -> HumanName:
    family, given = name_parts(text)
    return HumanName(
        use="official", text=text, family=family or None, given=list(given), prefix=[prefix] if prefix else []
    )


def phone(number: str, use: Literal["mobile", "work"] = "mobile") -> ContactPoint:
    return ContactPoint(system="phone", value=number, use=use)


def quantity(value: str | Decimal, unit: str, code: str) -> Quantity:
    return Quantity(value=Decimal(value), unit=unit, system=UCUM, code=code)


def loinc(code: str, display: str, text: str) -> CodeableConcept:
    return concept(LOINC, code, display, text)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=VIETNAM)


def moment(when: datetime) -> str:
    """A FHIR dateTime with seconds and zone."""
    return when.isoformat(timespec="seconds")


def age_on(birth: date, day: date) -> int:
    """Whole years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
