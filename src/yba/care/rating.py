"""Whether a visit may be rated by its person: the book leads there, booking takes what is said (`booking.ratings`).

Only a visit that took place with somebody who can be booked, and none that says more than that somebody came: a visit
with a sensitive label, or on a day of which anything in the chart bears one, is not rated, nor is one of a specialty
whose name alone would tell. The labels are looked at again whenever something is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yba.care.chart.elements import display_of
from yba.fhir.model import references
from yba.fhir.model.dates import period_of
from yba.fhir.r4.datatypes import Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.record import Record, facility_of
from yba.fhir.record.labelled import labelled_visits

#: Who keeps what is said about visits: the house itself, for whom nobody of any facility works.
KEEPER: Final = "yba-ratings"
#: Specialties that tell by their name what somebody came for (Luật Khám bệnh, chữa bệnh 15/2023/QH15 Đ10 k2).
UNASKED: Final = frozenset({"tam-than"})
#: For so long a visit may be rated first; what was said may be changed at any time.
LASTS: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Seen:
    """A visit that took place, with whom and where."""

    encounter_id: str
    patient_id: str
    practitioner_id: str
    doctor: str
    facility_id: str
    facility: str
    started: datetime
    appointment_id: str = ""


def seen_in(encounter: Encounter) -> Seen | None:
    """Who saw whom; None where it did not take place, or nobody is named.

    Of several practitioners the last one: the room adds who really saw the person after whom they had booked.
    """
    start = encounter.period.start if encounter.period else None
    doctors = [one.individual for one in encounter.participant if _id(one.individual, "Practitioner")]
    facility = _id(encounter.serviceProvider, "Organization") or facility_of(encounter) or ""
    patient = _id(encounter.subject, "Patient")
    if encounter.status != "finished" or not (start and doctors and facility and patient):
        return None
    return Seen(
        encounter_id=encounter.id or "",
        patient_id=patient,
        practitioner_id=_id(doctors[-1], "Practitioner"),
        doctor=display_of(doctors[-1]),
        facility_id=facility,
        facility=display_of(encounter.serviceProvider),
        started=period_of(start)[0],
        appointment_id=next((_id(one, "Appointment") for one in encounter.appointment), ""),
    )


def _id(ref: Reference | None, kind: str) -> str:
    target = references.target(ref) if ref is not None else None
    return target[1] if target is not None and target[0] == kind else ""


def role_of(record: Record, seen: Seen) -> str:
    """The role in which somebody saw them, at that facility; empty where the specialty is not asked of."""
    found = record.as_system().find(
        PractitionerRole,
        ("practitioner", f"Practitioner/{seen.practitioner_id}"),
        ("organization", f"Organization/{seen.facility_id}"),
    )
    codes = {
        one.id or "": {coding.code for concept in one.specialty for coding in concept.coding} for one in found
    }
    if any(told & UNASKED for told in codes.values()):
        return ""
    return min(codes, default="")


def may_rate(record: Record, encounter: Encounter) -> bool:
    """Whether the page of a visit leads to rating it."""
    seen = seen_in(encounter)
    return (
        seen is not None
        and record.clock() - seen.started < LASTS
        and bool(role_of(record, seen))
        and not labelled_visits(record, [(seen.patient_id, seen.encounter_id)], besides=KEEPER)
    )
