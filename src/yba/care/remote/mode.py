"""How a visit says that it is by video: a coding in ``Appointment.serviceType``, where its service is given so.

FHIR R4 has no element for either. A HealthcareService says by the extension `SERVICE_MODE` where it is given; a booking
says it in ``serviceType`` ("the specific service that is to be performed").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from yba.fhir.model import references
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.record import Record

MODE_CS: Final = "https://yba.vn/fhir/cs/visit-mode"
VIDEO: Final = "video"
#: Of a HealthcareService: where it is given (code ``on-site``, ``remote`` or ``either``).
SERVICE_MODE: Final = "https://yba.vn/fhir/extension/service-mode"
#: An Encounter of this class is at a distance (v3-ActCode, "virtual").
VIRTUAL: Final = Coding(
    system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="VR", display="virtual"
)


def concept() -> CodeableConcept:
    """The mark itself; its words are in Vietnamese, as everything stored."""
    return CodeableConcept(
        coding=[Coding(system=MODE_CS, code=VIDEO, display="Qua video")], text="Khám từ xa qua video"
    )


def _says_video(concepts: Iterable[CodeableConcept]) -> bool:
    return any(code.system == MODE_CS and code.code == VIDEO for one in concepts for code in one.coding)


def is_video(appointment: Appointment) -> bool:
    """Whether the visit takes place by video."""
    return _says_video(appointment.serviceType)


def set_video(appointment: Appointment, on: bool) -> Appointment:
    """Mark the visit as by video, or as on the spot; other service types stay."""
    others = [one for one in appointment.serviceType if not _says_video([one])]
    appointment.serviceType = [*others, concept()] if on else others
    return appointment


def service_mode(service: HealthcareService) -> str:
    """Where a service is given: ``on-site``, ``remote`` or ``either``."""
    return next(
        (one.valueCode for one in service.extension if one.url == SERVICE_MODE and one.valueCode), "on-site"
    )


def mode_of_schedule(record: Record, schedule: Schedule) -> str:
    """Where the visits of a timetable take place, by the service it is for."""
    for actor in schedule.actor:
        target = references.target(actor)
        if target is not None and target[0] == "HealthcareService":
            found = record.first(HealthcareService, ("_id", target[1]))
            return service_mode(found) if found is not None else "on-site"
    return "on-site"


def offers_video(record: Record, roles: Sequence[PractitionerRole]) -> set[str]:
    """Ids of those roles one of whose services is given by video. One search."""
    services = {
        target[1]
        for role in roles
        for one in role.healthcareService
        if (target := references.target(one)) is not None
    }
    if not services:
        return set()
    found = record.find(HealthcareService, ("_id", ",".join(sorted(services))), ("active", "true"))
    remote = {one.id for one in found if service_mode(one) != "on-site"}
    return {
        role.id or ""
        for role in roles
        if any(
            (it := references.target(one)) is not None and it[1] in remote for one in role.healthcareService
        )
    }
