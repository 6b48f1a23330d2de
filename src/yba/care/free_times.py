"""The next free times of a specialty, and who takes emergencies in: what other areas show on the way to booking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yba.care.identifiers import SPECIALTY_CS
from yba.fhir.model import references
from yba.fhir.r4.datatypes import Reference, Resource
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record

#: How far ahead is looked.
HORIZON: Final = timedelta(days=14)
#: HL7's code of an emergency department (http://terminology.hl7.org/CodeSystem/service-category).
EMERGENCY_SERVICE: Final = ("http://terminology.hl7.org/CodeSystem/service-category", "14")


@dataclass(frozen=True, slots=True)
class FreeTime:
    """A free time of one practitioner at one facility. Booking has the last word: it may be taken by then."""

    slot_id: str
    role_id: str
    start: datetime
    doctor: str
    facility: str


@dataclass(frozen=True, slots=True)
class EmergencyPlace:
    """A facility that takes emergencies in."""

    name: str
    phone: str
    address: str
    province: str


def next_free_times(record: Record, specialty: str, *, most: int = 3) -> list[FreeTime]:
    """The soonest free times of a specialty, the first of each practitioner before anybody's second. Two searches."""
    now = record.clock()
    page = record.search(
        Slot,
        [
            ("specialty", f"{SPECIALTY_CS}|{specialty}"), ("status", "free"), ("start", f"ge{now.isoformat()}"),
            ("start", f"lt{(now + HORIZON).isoformat()}"), ("_sort", "start"), ("_count", "50"),
            ("_include", "Slot:schedule"),
        ],
    )  # fmt: skip
    roles_of = {
        one.id or "": _target(one.actor, "PractitionerRole")
        for one in page.included
        if isinstance(one, Schedule)
    }
    slots = [one for one in page.matches if isinstance(one, Slot)]
    wanted = sorted({role for role in roles_of.values() if role})
    known = _known(record, wanted) if wanted else {}
    found = [time for one in slots if (time := _free_time(one, roles_of, known)) is not None]
    firsts = {one.role_id: one for one in reversed(found)}
    chosen = sorted(firsts.values(), key=lambda one: one.start)[:most]
    rest = [one for one in found if one not in chosen]
    return sorted(chosen + rest[: most - len(chosen)], key=lambda one: one.start)


def _known(record: Record, roles: list[str]) -> dict[str, Resource]:
    """The roles with who and where they are of, by reference."""
    page = record.search(
        PractitionerRole,
        [
            ("_id", ",".join(roles)), ("_count", str(len(roles))), ("_include", "PractitionerRole:practitioner"),
            ("_include", "PractitionerRole:organization"),
        ],
    )  # fmt: skip
    return {f"{type(one).__name__}/{one.id}": one for one in [*page.matches, *page.included]}


def _free_time(slot: Slot, roles_of: dict[str, str], known: dict[str, Resource]) -> FreeTime | None:
    schedule = _target([slot.schedule] if slot.schedule else [], "Schedule")
    role = known.get(f"PractitionerRole/{roles_of.get(schedule, '')}")
    if not isinstance(role, PractitionerRole) or not slot.start or role.active is False:
        return None
    who = known.get((role.practitioner.reference or "") if role.practitioner else "")
    where = known.get((role.organization.reference or "") if role.organization else "")
    return FreeTime(
        slot_id=slot.id or "",
        role_id=role.id or "",
        start=datetime.fromisoformat(slot.start.replace("Z", "+00:00")),
        doctor=_name(who) if isinstance(who, Practitioner) else "",
        facility=(where.name or "") if isinstance(where, Organization) else "",
    )


def _name(who: Practitioner) -> str:
    """As it stands on the door: written out in the record, else put together."""
    for name in who.name:
        return name.text or " ".join(filter(None, [*name.prefix, name.family, *name.given]))
    return ""


def _target(references_: Iterable[Reference], kind: str) -> str:
    found = (references.target(one) for one in references_)
    return next((one[1] for one in found if one is not None and one[0] == kind), "")


def emergency_places(record: Record) -> list[EmergencyPlace]:
    """Facilities whose record says that they take emergencies in, by province and name. One search."""
    page = record.search(
        HealthcareService,
        [
            ("service-category", "|".join(EMERGENCY_SERVICE)), ("active", "true"), ("_count", "200"),
            ("_include", "HealthcareService:organization"),
        ],
    )  # fmt: skip
    houses: dict[str, Resource] = {one.id or "": one for one in page.included}
    found = []
    for service in page.matches:
        if isinstance(service, HealthcareService):
            house = houses.get(_target([service.providedBy] if service.providedBy else [], "Organization"))
            found.append(_place(service, house if isinstance(house, Organization) else None))
    return sorted(found, key=lambda one: (one.province, one.name))


def _place(service: HealthcareService, house: Organization | None) -> EmergencyPlace:
    address = house.address[0] if house and house.address else None
    lines = [
        *(address.line if address else []),
        address.city if address else "",
        address.state if address else "",
    ]
    telecom = [*service.telecom, *(house.telecom if house else [])]
    return EmergencyPlace(
        name=(house.name if house else "") or service.name or "",
        phone=next((one.value for one in telecom if one.system == "phone" and one.value), ""),
        address=", ".join(filter(None, lines)),
        province=(address.state or "") if address else "",
    )
