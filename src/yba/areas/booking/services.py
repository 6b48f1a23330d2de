"""What a facility offers to book: HealthcareService with its length, price, preparation and where it takes place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from yba.care.identifiers import SPECIALTY_CS
from yba.care.remote import mode, office
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model import references
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension, Money
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record

_EXTENSION: Final = "https://yba.vn/fhir/extension/"
#: Minutes a visit takes (positiveInt), its price (Money), and where: `on-site`, `remote` or `either` (code).
MINUTES: Final = _EXTENSION + "service-minutes"
PRICE: Final = _EXTENSION + "service-price"
MODE: Final = mode.SERVICE_MODE
#: In `HealthcareService.program`: health insurance pays for it here (the facility has the contract: Law on HI, 24).
PROGRAM_CS: Final = "https://yba.vn/fhir/cs/program"
INSURANCE: Final = "bhyt"
Mode = Literal["on-site", "remote", "either"]


@dataclass(frozen=True, slots=True)
class Service:
    """One service as pages show it; ``minutes`` 0 and ``price`` None: not said."""

    id: str
    name: str
    specialty: str = ""
    minutes: int = 0
    price: int | None = None
    preparation: str = ""
    mode: str = "on-site"
    active: bool = True
    insured: bool = False


def is_insured(found: HealthcareService) -> bool:
    """Whether health insurance is accepted for it."""
    return any(
        one.system == PROGRAM_CS and one.code == INSURANCE for each in found.program for one in each.coding
    )


def service_of(found: HealthcareService) -> Service:
    """The values of a HealthcareService."""
    said = {one.url: one for one in found.extension}
    money = said[PRICE].valueMoney if PRICE in said else None
    coding = found.specialty[0].coding if found.specialty else []
    kind = found.type[0].text if found.type else None
    return Service(
        id=found.id or "",
        name=found.name or kind or "",
        specialty=next((one.code or "" for one in coding if one.system == SPECIALTY_CS), ""),
        minutes=(said[MINUTES].valuePositiveInt or 0) if MINUTES in said else 0,
        price=int(money.value) if money and money.value is not None else None,
        preparation=found.extraDetails or "",
        mode=(said[MODE].valueCode or "on-site") if MODE in said else "on-site",
        active=found.active is not False,
        insured=is_insured(found),
    )


def write_into(found: HealthcareService, service: Service, *, specialty_name: str) -> None:
    """Put the values into a HealthcareService; what they do not speak of stays."""
    found.name, found.active = service.name, service.active
    found.extraDetails = service.preparation or None
    found.specialty = (
        [
            CodeableConcept(
                coding=[Coding(system=SPECIALTY_CS, code=service.specialty)], text=specialty_name or None
            )
        ]
        if service.specialty
        else []
    )
    others_paid = [
        each
        for each in found.program
        if not any(one.system == PROGRAM_CS and one.code == INSURANCE for one in each.coding)
    ]
    paid = CodeableConcept(coding=[Coding(system=PROGRAM_CS, code=INSURANCE)], text="Bảo hiểm y tế")
    found.program = [*others_paid, paid] if service.insured else others_paid
    others = [one for one in found.extension if one.url not in (MINUTES, PRICE, MODE)]
    own = [Extension(url=MODE, valueCode=service.mode)]
    if service.minutes:
        own.append(Extension(url=MINUTES, valuePositiveInt=service.minutes))
    if service.price is not None:
        own.append(Extension(url=PRICE, valueMoney=Money(value=Decimal(service.price), currency="VND")))
    found.extension = [*others, *own]


def services_at(record: Record, facility: str) -> list[Service]:
    """Everything a facility offers, by name."""
    found = record.find(HealthcareService, ("organization", f"Organization/{facility}"))
    offered = (service_of(one) for one in found if not office.is_chat(one))
    return sorted(offered, key=lambda one: (not one.active, one.name))


def service_id_of(schedule: Schedule) -> str:
    """The service a timetable is for; empty where it does not say."""
    for actor in schedule.actor:
        target = references.target(actor)
        if target is not None and target[0] == "HealthcareService":
            return target[1]
    return ""


def of_slot(record: Record, slot_id: str) -> Service | None:
    """The service a time is of; None where its timetable names none, or is gone."""
    try:
        slot = record.read(Slot, slot_id) if slot_id else None
        target = references.target(slot.schedule) if slot is not None else None
        schedule = record.read(Schedule, target[1]) if target is not None else None
    except (NotFound, Gone):
        return None
    return services_of(record, [schedule]).get(schedule.id or "") if schedule is not None else None


def services_of(record: Record, schedules: Iterable[Schedule]) -> dict[str, Service]:
    """Schedule id -> its service, in one search."""
    by_schedule = {one.id or "": service_id_of(one) for one in schedules}
    wanted = sorted(set(filter(None, by_schedule.values())))
    if not wanted:
        return {}
    found = {one.id: service_of(one) for one in record.find(HealthcareService, ("_id", ",".join(wanted)))}
    return {key: found[one] for key, one in by_schedule.items() if one in found}
