"""What is asked of conversations: whose they are, what was said, who waits, who could answer. All through the door."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from yba.areas.telehealth.chat import marking, rules
from yba.areas.telehealth.chat.threads import (
    ANSWERED,
    CATEGORY,
    CLOSED,
    MESSAGE,
    THREAD,
    URGENT,
    WAITING,
    Said,
    Thread,
    instant,
    said_of,
    thread_of,
)
from yba.care import people
from yba.care.identifiers import FACILITY_TAG
from yba.care.messages.standing import taking_part
from yba.fhir.access import Actor
from yba.fhir.access.seeing import stands
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model import references
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.communication import Communication
from yba.fhir.r4.datatypes import Coding, Reference
from yba.fhir.r4.diagnostic_report import DiagnosticReport
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.record import Record, facility_of
from yba.ui.words import as_date, local_day, moment, ngay

ADULT: Final = 18
#: What may be asked about on the list of conversations: visits and bookings around today.
ASKED_BEFORE: Final = timedelta(days=30)
ASKED_AFTER: Final = timedelta(days=60)
_COMING: Final = ("proposed", "pending", "booked", "arrived", "checked-in")


def none_of(thread_id: str) -> NotFound:
    return NotFound("chat.none", "There is no such conversation.", id=thread_id)


# -- a conversation ----------------------------------------------------------------------------------------


def own_thread(record: Record, thread_id: str) -> Thread:
    """A conversation of oneself, or of somebody one acts for. Raises NotFound."""
    found = thread_of(record.read(Communication, thread_id))
    if found is None or not found.patient or found.patient not in record.actor.persons:
        raise none_of(thread_id)
    return found


def staff_thread(record: Record, thread_id: str) -> Thread:
    """A conversation of the own facility's with a person the door lets one treat. Raises NotFound."""
    found = thread_of(record.read(Communication, thread_id))
    if found is None or not found.patient or found.facility != record.actor.facility:
        raise none_of(thread_id)
    return found


def said_in(record: Record, thread_id: str, *, pages: int = 1) -> tuple[list[Said], bool]:
    """The last messages one may read, oldest first; whether there are earlier ones."""
    most = rules.SHOWN * pages
    page = record.search(
        Communication,
        [("part-of", f"Communication/{thread_id}"), ("category", f"{CATEGORY}|{MESSAGE}"), ("_sort", "-sent"),
         ("_count", str(most))],
    )  # fmt: skip
    found = [said_of(one) for one in page.matches if isinstance(one, Communication)]
    return found[::-1], page.next is not None


def hides(record: Record, thread: Thread) -> bool:
    """Whether the person wrote something since the last answer that this reader may not read."""
    if thread.person_last is None or (thread.staff_last and thread.staff_last >= thread.person_last):
        return False
    asked = [("part-of", f"Communication/{thread.id}"), ("category", f"{CATEGORY}|{MESSAGE}")]
    if thread.staff_last is not None:
        asked.append(("sent", f"gt{instant(thread.staff_last)}"))
    waiting = {one.id for one in record.as_system().find(Communication, *asked)}
    return bool(waiting - {one.id for one in record.find(Communication, *asked)})


def message_of(record: Record, thread_id: str, message_id: str) -> Communication:
    """One message of a conversation. Raises NotFound."""
    found = record.read(Communication, message_id)
    parts = [references.target(one) for one in found.partOf]
    if ("Communication", thread_id) not in parts:
        raise none_of(message_id)
    return found


def said_once(system: Record, once: str, key: str) -> Communication | None:
    """The message a form was sent with before."""
    return system.first(Communication, ("identifier", f"{key}|{once}")) if once else None


# -- lists -------------------------------------------------------------------------------------------------


def own_threads(record: Record) -> list[Thread]:
    """The conversations of everybody one acts for, the latest first."""
    people = ",".join(f"Patient/{one}" for one in sorted(record.actor.persons))
    if not people:
        return []
    found = record.find(Communication, ("category", f"{CATEGORY}|{THREAD}"), ("subject", people))
    threads = [one for one in map(thread_of, found) if one is not None]
    return sorted(threads, key=_latest, reverse=True)


def _latest(thread: Thread) -> datetime:
    moments = [one for one in (thread.person_last, thread.staff_last, thread.since) if one is not None]
    return max(moments, default=moment("1900-01-01T00:00:00Z"))


@dataclass(frozen=True, slots=True)
class Inbox:
    """The team's conversations; ``more``: some stand on a further page."""

    threads: list[Thread]
    more: bool = False


def urgent_threads(record: Record, *, mine: bool) -> Inbox:
    """Those in which a word of alarm waits, longest first."""
    return _inbox(
        record, [("category", f"{CATEGORY}|{URGENT}"), ("status", WAITING), ("_sort", "sent")], mine, 1
    )


def waiting_threads(record: Record, *, mine: bool, page: int = 1) -> Inbox:
    """Those in which the person waits for an answer, longest first."""
    return _inbox(record, [("status", WAITING), ("_sort", "sent")], mine, page)


def answered_threads(record: Record, *, mine: bool, page: int = 1) -> Inbox:
    """The others, the latest first."""
    return _inbox(record, [("status", f"{ANSWERED},{CLOSED}"), ("_sort", "-sent")], mine, page)


def _inbox(record: Record, asked: list[tuple[str, str]], mine: bool, page: int) -> Inbox:
    params = [
        ("category", f"{CATEGORY}|{THREAD}"), ("_tag", f"{FACILITY_TAG}|{record.actor.facility}"), *asked,
        ("_count", str(rules.LISTED * page)),
    ]  # fmt: skip
    if mine:
        params.append(("recipient", f"Practitioner/{record.actor.practitioner}"))
    found = record.search(Communication, params)
    threads = [thread_of(one) for one in found.matches if isinstance(one, Communication)]
    return Inbox([one for one in threads if one is not None], found.next is not None)


# -- what a conversation is about --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Matter:
    """A booking, a visit or a result, and who is concerned. ``labels``: it carries into the conversation."""

    type: str
    id: str
    patient: str
    patient_name: str
    facility: str
    doctor: str
    doctor_name: str
    topic: str
    labels: list[Coding] = field(default_factory=list)
    minor: bool = False

    def unwritten(self) -> Thread:
        """The conversation it would be."""
        return Thread(
            "", self.patient, self.patient_name, self.facility, self.doctor, self.doctor_name, self.topic, "", None,
            (self.type, self.id),
        )  # fmt: skip


def matter_of(record: Record, type_name: str, identifier: str) -> Matter:
    """What a new conversation is about, as far as the door lets one read it. Raises NotFound."""
    if type_name not in rules.ABOUT:
        raise none_of(identifier)
    found = record.read(type_name, identifier)
    patient, doctor, day, why = _told(found)
    facility = facility_of(found) or ""
    if not patient[0] or not facility:
        raise none_of(identifier)
    system = record.as_system()
    person = system.read(Patient, patient[0])
    minor = is_minor(person, local_day(record.clock()))
    return Matter(
        type_name, identifier, patient[0], patient[1] or people.name_of(person), facility, *doctor,
        ", ".join(filter(None, [ngay(day) if day else "", why])),
        labels=marking.of_row(system, type_name, identifier, minor=minor), minor=minor,
    )  # fmt: skip


def is_minor(person: Patient, today: date) -> bool:
    """Whether labels of minors hold; of one whose birth date is not known they do not."""
    born = as_date(person.birthDate)
    return (
        born is not None
        and (today.year - born.year - ((today.month, today.day) < (born.month, born.day))) < ADULT
    )


_Told = tuple[tuple[str, str], tuple[str, str], str, str]


def _told(found: object) -> _Told:
    """Patient, doctor, day and reason of a booking, a visit or a result."""
    if isinstance(found, Appointment):
        why = next((one.text for one in found.reasonCode if one.text), "")
        return taking_part(found, "Patient"), taking_part(found, "Practitioner"), found.start or "", why or ""
    if isinstance(found, Encounter):
        doctors = [one.individual for one in found.participant]
        why = next((one.text for one in found.reasonCode if one.text), "")
        start = found.period.start if found.period else None
        return _named([found.subject], "Patient"), _named(doctors, "Practitioner"), start or "", why or ""
    assert isinstance(found, DiagnosticReport)
    who = _named([*found.resultsInterpreter, *found.performer], "Practitioner")
    day = found.issued or found.effectiveDateTime or ""
    return _named([found.subject], "Patient"), who, day, (found.code.text if found.code else "") or ""


def _named(found: list[Reference | None] | list[Reference], kind: str) -> tuple[str, str]:
    for one in found:
        target = references.target(one)
        if one is not None and target is not None and target[0] == kind:
            return target[1], one.display or ""
    return "", ""


def thread_about(system: Record, matter: Matter) -> Thread | None:
    """The conversation there is about something already."""
    found = system.find(
        Communication,
        ("category", f"{CATEGORY}|{THREAD}"),
        ("subject", f"Patient/{matter.patient}"),
        ("_tag", f"{FACILITY_TAG}|{matter.facility}"),
    )
    threads = (thread_of(one) for one in found)
    return next((one for one in threads if one is not None and one.about == (matter.type, matter.id)), None)


def matters(record: Record, known: list[Thread]) -> list[tuple[str, str, str, str, str]]:
    """Bookings and visits around today nobody has asked about: type, id, moment, doctor, person."""
    people = ",".join(f"Patient/{one}" for one in sorted(record.actor.persons))
    if not people:
        return []
    now = record.clock()
    asked = {one.about for one in known}
    first, last = (now - ASKED_BEFORE).isoformat(), (now + ASKED_AFTER).isoformat()
    visits = record.find(Encounter, ("subject", people), ("date", f"ge{first}"), ("status:not", "cancelled"))
    booked = record.find(
        Appointment, ("patient", people), ("date", f"ge{now.isoformat()}"), ("date", f"le{last}"),
        ("status", ",".join(_COMING)),
    )  # fmt: skip
    rows = [
        (type(one).__name__, one.id or "", day, doctor[1], patient[1])
        for one in [*visits, *booked]
        for patient, doctor, day, _why in [_told(one)]
        if (type(one).__name__, one.id) not in asked and facility_of(one)
    ]
    return sorted(rows, key=lambda one: one[2], reverse=True)[:10]


# -- who answers -------------------------------------------------------------------------------------------


def answerable(system: Record, thread: Thread | Matter) -> bool:
    """Whether somebody at the facility still treats the person, so that what is written there can be read."""
    reader = Actor(user="", role="doctor", facility=thread.facility, practitioner=thread.doctor or None)
    return stands(
        system.connection, reader, thread.patient, "visit", "booking", "care-team", now=system.clock()
    )


def facility_name(record: Record, facility: str) -> tuple[str, str]:
    """Name and telephone of the facility."""
    try:
        found = record.read(Organization, facility)
    except (NotFound, Gone):
        return "", ""
    return found.name or "", next((t.value for t in found.telecom if t.system == "phone" and t.value), "")


def colleagues(record: Record, facility: str) -> list[tuple[str, str]]:
    """Who works at the facility: practitioner and name, each once."""
    roles = record.find(PractitionerRole, ("organization", f"Organization/{facility}"), ("active", "true"))
    found: dict[str, str] = {}
    for one in roles:
        target = references.target(one.practitioner)
        if target is not None and one.practitioner is not None:
            specialty = next((each.text for each in one.specialty if each.text), "")
            name = one.practitioner.display or target[1]
            found.setdefault(target[1], f"{name}, {specialty}" if specialty else name)
    return sorted(found.items(), key=lambda one: one[1])


def bookable_role(record: Record, thread: Thread | Matter) -> str:
    """The role under which the doctor of a conversation is booked at its facility; empty where there is none."""
    if not thread.doctor:
        return ""
    found = record.first(
        PractitionerRole,
        ("practitioner", f"Practitioner/{thread.doctor}"),
        ("organization", f"Organization/{thread.facility}"),
        ("active", "true"),
    )
    return (found.id or "") if found is not None else ""


def next_visit(record: Record, thread: Thread) -> Appointment | None:
    """The next visit of the person with the doctor of a conversation: what it became."""
    if not thread.doctor:
        return None
    found = record.find(
        Appointment, ("patient", f"Patient/{thread.patient}"), ("practitioner", f"Practitioner/{thread.doctor}"),
        ("date", f"ge{record.clock().isoformat()}"), ("status", ",".join(_COMING)),
    )  # fmt: skip
    coming = [one for one in found if facility_of(one) == thread.facility]
    return min(coming, key=lambda one: one.start or "", default=None)
