"""What the room and the visit page read: the room, the visit with its person, drafts, and a finished visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from yba.areas.clinic.content import Content, from_json
from yba.areas.clinic.models import Draft
from yba.areas.clinic.rules import Person
from yba.care import identifiers, people
from yba.care.chart import (
    Medicine,
    Problem,
    Trend,
    display_of,
    id_of,
    medicine_of,
    problem_of,
    trends_of,
)
from yba.care.chart import text_of as text_of_concept
from yba.fhir.errors import NotFound
from yba.fhir.r4.clinical_impression import ClinicalImpression
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.location import Location
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.record import Record
from yba.ui.words import local_day

FOLLOW_UP = "390906007"


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit of one's own room, with its person."""

    encounter: Encounter
    patient: Patient

    @property
    def id(self) -> str:
        return self.encounter.id or ""

    @property
    def patient_id(self) -> str:
        return self.patient.id or ""

    @property
    def finished(self) -> bool:
        return self.encounter.status == "finished"

    @property
    def remote(self) -> bool:
        """Whether it is at a distance, where the law lets less be prescribed (`yba.care.remote.law`)."""
        return self.encounter.class_.code == "VR"


def room_of(record: Record, location: str) -> Location | None:
    """The room the account sits in; where it names none, the first room of the doctor's own role there."""
    if location:
        found = record.first(Location, ("_id", location))
        return found if found and _keeper(found) == record.actor.facility else None
    if not record.actor.practitioner:
        return None
    roles = record.find(PractitionerRole, ("practitioner", f"Practitioner/{record.actor.practitioner}"))
    for role in roles:
        if id_of(role.organization) == record.actor.facility and role.location:
            return record.first(Location, ("_id", id_of(role.location[0])))
    return None


def visit_of(record: Record, encounter_id: str, *, room: str) -> Visit:
    """The visit, if it belongs to this room or this doctor at the own facility. Raises NotFound otherwise."""
    encounter = record.read(Encounter, encounter_id)
    mine = record.actor.practitioner in {id_of(one.individual) for one in encounter.participant} - {""}
    here = room in {id_of(one.location) for one in encounter.location} - {""}
    if id_of(encounter.serviceProvider) != record.actor.facility or not (mine or here):
        raise NotFound("clinic.visit", "There is no such visit in this room.", id=encounter_id)
    if encounter.status not in ("in-progress", "finished", "arrived", "triaged", "onleave"):
        raise NotFound("clinic.visit", "This visit is not under way.", id=encounter_id)
    return Visit(encounter, record.read(Patient, id_of(encounter.subject)))


def draft_of(encounter_id: str) -> tuple[Content, int, datetime | None]:
    """What was typed so far, its version (0: nothing saved yet) and when it was saved."""
    found = Draft.objects.filter(encounter_id=encounter_id).first()
    return (from_json(found.content), found.version, found.saved_at) if found else (Content(), 0, None)


def first_content(visit: Visit) -> Content:
    """A fresh note begins with what the person said when booking."""
    reasons = [text_of_concept(one) for one in visit.encounter.reasonCode]
    return Content(complaint="; ".join(filter(None, reasons)))


def person_of(patient: Patient, *, today: date) -> Person:
    """Sex and age for the limits of codes."""
    born = _day(patient.birthDate)
    if born is None:
        year = int(patient.birthDate[:4]) if patient.birthDate else None
        return Person(patient.gender or "unknown", today.year - year if year else None, None)
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return Person(patient.gender or "unknown", years, (today - born).days)


def facility_code(record: Record) -> str:
    """The five characters of the own facility."""
    own = record.read(Organization, record.actor.facility or "")
    return people.identifier_of(own.identifier, identifiers.FACILITY)


# -- a finished visit --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finished:
    """A signed visit as the record keeps it."""

    complaint: str
    examination: str
    advice: str
    diagnoses: tuple[Problem, ...]
    vitals: tuple[Trend, ...]
    medicines: tuple[Medicine, ...]
    orders: tuple[str, ...]
    follow_up: str
    prescription: str
    ended: str
    doctor: str


def finished_visit(record: Record, encounter: Encounter) -> Finished:
    """What was written down: five searches, whatever was written."""
    of_visit = ("encounter", f"Encounter/{encounter.id}")
    impression = record.first(ClinicalImpression, of_visit)
    ranks = {id_of(one.condition): one.rank or 99 for one in encounter.diagnosis}
    conditions = record.find(Condition, of_visit)
    conditions.sort(key=lambda one: ranks.get(one.id or "", 99))
    requests = prescribed(record.find(MedicationRequest, of_visit))
    services = record.find(ServiceRequest, of_visit)
    observations = record.find(Observation, of_visit)
    later = [one for one in services if is_follow_up(one)]
    medicines = tuple(medicine_of(one) for one in requests)
    return Finished(
        complaint=(impression.description or "") if impression else "",
        examination=(impression.summary or "") if impression else "",
        advice="\n".join(one.text or "" for one in impression.note) if impression else "",
        diagnoses=tuple(problem_of(one) for one in conditions),
        vitals=trends_of(observations),
        medicines=medicines,
        orders=tuple(text_of_concept(one.code) for one in services if not is_follow_up(one)),
        follow_up=next((one.occurrenceDateTime or "" for one in later), ""),
        prescription=next((one.prescription for one in medicines if one.prescription), ""),
        ended=(encounter.period.end or "") if encounter.period else "",
        doctor=next(filter(None, (display_of(one.individual) for one in encounter.participant)), ""),
    )


def prescribed(requests: list[MedicationRequest]) -> list[MedicationRequest]:
    """The lines of a prescription in the order they were written."""

    def order(one: MedicationRequest) -> int:
        line = next((it.value or "" for it in one.identifier if it.system == LINE), "")
        return int(line.rpartition("/")[2] or 0)

    return sorted((one for one in requests if one.status != "entered-in-error"), key=order)


LINE = identifiers.BASE + "prescription-line"


def is_follow_up(one: ServiceRequest) -> bool:
    """Whether it plans to see the person again."""
    return one.code is not None and any(coding.code == FOLLOW_UP for coding in one.code.coding)


def prescription_lines(record: Record, code: str) -> list[MedicationRequest]:
    """The lines under a prescription's code that the actor may see. Raises NotFound when there are none."""
    found = record.find(MedicationRequest, ("identifier", f"{identifiers.PRESCRIPTION}|{code}"))
    if not found:
        raise NotFound("clinic.prescription", "There is no such prescription.", code=code)
    return prescribed(found)


def _keeper(location: Location) -> str:
    tags = location.meta.tag if location.meta else []
    tagged = next((one.code or "" for one in tags if one.system == identifiers.FACILITY_TAG), "")
    return tagged or id_of(location.managingOrganization)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text and len(text) == 10 else None


def today_of(record: Record) -> date:
    """Today in Vietnam."""
    return local_day(record.clock())
