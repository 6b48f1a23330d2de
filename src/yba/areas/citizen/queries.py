"""What the book reads: a page of entries, one visit, the day. A handful of searches however thick the book is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeVar

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from yba.areas.citizen.rules import SELF, Entry, Own
from yba.care import chart, people, rating
from yba.care.chart.reading import happened
from yba.care.line import queries as lines
from yba.care.line.models import Ticket
from yba.care.sharing import family
from yba.fhir.errors import NotFound
from yba.fhir.model import references
from yba.fhir.model.dates import period_of
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.clinical_impression import ClinicalImpression
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import Reference, Resource
from yba.fhir.r4.diagnostic_report import DiagnosticReport
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.location import Location
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.medication_statement import MedicationStatement
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.procedure import Procedure
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.record import Record
from yba.ui import spoken, words

PAGE: Final = 50
MOST: Final = 1000
NAMED: Final = 4

R = TypeVar("R", bound=Resource)


def own_people(record: Record, links: Iterable[tuple[str, str]]) -> list[Own]:
    """Oneself, then whom the record says one is guardian or delegate of; ``links`` say what they are called.

    In the order of the links: (patient id, relation); who has none comes last.
    """
    called, own = dict(links), record.actor.person
    held = dict.fromkeys(one.patient for one in family.charges(record))
    ids = [
        *([own] if own else []),
        *(pid for pid in called if pid in held),
        *(pid for pid in held if pid not in called),
    ]
    if not ids:
        return []
    found = {one.id: one for one in record.find(Patient, ("_id", ",".join(ids)))}
    return [
        Own(people.person_of(found[pid]), SELF if pid == own else called.get(pid, ""))
        for pid in ids
        if pid in found
    ]


# -- the book -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BookPart:
    """A page of the book; ``next`` and ``before`` lead to older entries, empty at the end."""

    entries: list[Entry]
    next: str = ""
    before: str = ""


def book_part(
    record: Record, patient_id: str, *, cursor: str = "", before: str = "", count: int = PAGE
) -> BookPart:
    """A page of visits with what came of them, and what happened beside visits in the same stretch of time.

    ``cursor`` and ``before`` come from the page ahead. Nine searches at most.
    """
    whose = ("patient", f"Patient/{patient_id}")
    asked = [whose, ("_sort", "-date"), ("_count", str(count))] + ([("_cursor", cursor)] if cursor else [])
    page = record.search(Encounter, asked)
    visits = [one for one in page.matches if isinstance(one, Encounter)]
    oldest = min((_start(one) for one in visits if _start(one)), default="")
    day = words.as_date(oldest)  # whole days, so that a result stays beside its visit
    after = day.isoformat() if page.next and day else ""
    window = _window(after, before)
    by_visit = _of_visits(record, whose, visits)
    beside = _results(_many(record, DiagnosticReport, whose, window), by_visit)
    beside += _immunisations(_many(record, Immunization, whose, window))
    beside += _procedures(_many(record, Procedure, whose, window), by_visit)
    beside += _follow_ups(_many(record, ServiceRequest, whose, _named(window, "authored")))
    beside += _receipts(_many(record, Invoice, whose, window))
    entries = [_visit_entry(one, by_visit) for one in visits if happened(one)]
    entries += [one for one in beside if one.when and _is_within(one.when, after, before)]
    return BookPart(entries, page.next or "", after)


def _is_within(when: str, after: str, before: str) -> bool:
    """Whether an entry begins in the stretch of a page: a day overlaps two stretches but begins in one."""
    start = period_of(when)[0]
    return (not after or start >= period_of(after)[0]) and (not before or start < period_of(before)[0])


def _window(after: str, before: str) -> list[tuple[str, str]]:
    return [("date", f"ge{after}")] * bool(after) + [("date", f"lt{before}")] * bool(before)


def _named(window: Sequence[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    return [(name, value) for _name, value in window]


def _many(
    record: Record, kind: type[R], whose: tuple[str, str], window: Sequence[tuple[str, str]]
) -> list[R]:
    page = record.search(kind, [whose, *window, ("_count", str(MOST))])
    return [one for one in page.matches if isinstance(one, kind)]


def _start(one: Encounter) -> str:
    return (one.period.start or "") if one.period else ""


@dataclass(frozen=True, slots=True)
class _OfVisits:
    """What came of visits, by their ids; ``ids`` are the visits of this page."""

    ids: frozenset[str]
    conditions: dict[str, list[Condition]]
    medicines: dict[str, list[MedicationRequest]]


def _of_visits(record: Record, whose: tuple[str, str], visits: Sequence[Encounter]) -> _OfVisits:
    names = ",".join(f"Encounter/{one.id}" for one in visits)
    conditions: dict[str, list[Condition]] = defaultdict(list)
    medicines: dict[str, list[MedicationRequest]] = defaultdict(list)
    if names:
        among = [("encounter", names)]
        for one in _many(record, Condition, whose, among):
            conditions[_id(one.encounter)].append(one)
        for request in _many(record, MedicationRequest, whose, among):
            medicines[_id(request.encounter)].append(request)
    return _OfVisits(frozenset(one.id or "" for one in visits), conditions, medicines)


def _id(ref: Reference | None) -> str:
    found = references.target(ref)
    return found[1] if found else ""


def title_of(one: Encounter) -> str:
    """What kind of visit it was."""
    if one.type:
        return chart.text_of(one.type[0])
    inside = one.class_ is not None and one.class_.code in ("IMP", "ACUTE", "NONAC")
    return _("Nằm viện") if inside else _("Khám bệnh")


def place_of(one: Encounter) -> str:
    """Doctor and house, as far as they are named."""
    doctor = next((chart.display_of(who.individual) for who in one.participant if who.individual), "")
    return ", ".join(filter(None, [doctor, chart.display_of(one.serviceProvider)]))


def _visit_entry(one: Encounter, found: _OfVisits) -> Entry:
    key = one.id or ""
    names = list(dict.fromkeys(chart.text_of(it.code) for it in found.conditions.get(key, ())))
    count = len(found.medicines.get(key, ()))
    said = ngettext("Kê %(count)s thuốc", "Kê %(count)s thuốc", count) % {"count": count} if count else ""
    notes = [_some(names), said, place_of(one)]
    return Entry(
        "visit",
        _start(one),
        title_of(one),
        tuple(note for note in notes if note),
        reverse("citizen:visit", args=[key]),
    )


def _some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(filter(None, names[:NAMED]))
    rest = len(names) - NAMED
    return shown if rest <= 0 else _("%(names)s và %(rest)s mục nữa") % {"names": shown, "rest": rest}


def _visit_url(ref: Reference | None) -> str:
    key = _id(ref)
    return reverse("citizen:visit", args=[key]) if key else ""


def _results(reports: Sequence[DiagnosticReport], found: _OfVisits) -> list[Entry]:
    entries = []
    for one in reports:
        when = (
            one.effectiveDateTime
            or (one.effectivePeriod.start if one.effectivePeriod else "")
            or one.issued
            or ""
        )
        count = len(one.result)
        said = ngettext("%(count)s kết quả", "%(count)s kết quả", count) % {"count": count} if count else ""
        notes = tuple(filter(None, [one.conclusion or "", said]))
        entries.append(Entry("result", when, chart.text_of(one.code), notes, _visit_url(one.encounter)))
    return entries


def _immunisations(found: Sequence[Immunization]) -> list[Entry]:
    entries = []
    for one in found:
        if one.status != "completed":
            continue
        dose = next((it.doseNumberPositiveInt or it.doseNumberString for it in one.protocolApplied), None)
        vaccine = chart.text_of(one.vaccineCode)
        said = _("Mũi %(dose)s") % {"dose": dose} if dose and "mũi" not in vaccine else ""
        notes = [said, chart.display_of(one.location)]
        title = _("Tiêm %(vaccine)s") % {"vaccine": vaccine}
        entries.append(Entry("immunisation", one.occurrenceDateTime or "", title, tuple(filter(None, notes))))
    return entries


def _procedures(found: Sequence[Procedure], visits: _OfVisits) -> list[Entry]:
    """Procedures done; grouped by day and name, since a thick record repeats them."""
    entries = []
    for one in found:
        when = one.performedDateTime or (one.performedPeriod.start if one.performedPeriod else "") or ""
        if one.status == "completed" and when:
            entries.append(Entry("procedure", when, chart.text_of(one.code), (), _visit_url(one.encounter)))
    return entries


def _follow_ups(found: Sequence[ServiceRequest]) -> list[Entry]:
    entries = []
    for one in found:
        if (
            one.intent != "plan"
            or one.status in ("revoked", "entered-in-error")
            or not one.occurrenceDateTime
        ):
            continue
        note = next((it.text for it in one.note if it.text), "")
        title = _("Hẹn khám lại %(day)s") % {"day": words.ngay(one.occurrenceDateTime)}
        when = one.authoredOn or one.occurrenceDateTime
        entries.append(Entry("follow-up", when, title, (note,) if note else (), _visit_url(one.encounter)))
    return entries


def _receipts(found: Sequence[Invoice]) -> list[Entry]:
    entries = []
    for one in found:
        if one.status not in ("issued", "balanced") or one.totalGross is None or one.totalGross.value is None:
            continue
        paid = one.status == "balanced"
        said = _("Đã trả %(sum)s") if paid else _("Chưa trả %(sum)s")
        title = said % {"sum": spoken.money(one.totalGross.value)}
        names = [
            chart.text_of(it.chargeItemCodeableConcept) for it in one.lineItem if it.chargeItemCodeableConcept
        ]
        number = next(
            (it.value or "" for it in one.identifier if it.system and it.system.endswith("/invoice")), ""
        )
        notes = tuple(filter(None, [_some(names), _("Số %(number)s") % {"number": number} if number else ""]))
        entries.append(Entry("receipt", one.date or "", title, notes))
    return entries


# -- one visit ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of the book."""

    patient_id: str
    title: str
    start: str
    place: str
    reason: str
    complaint: str
    advice: str
    diagnoses: tuple[tuple[str, str], ...]
    medicines: tuple[chart.Medicine, ...]
    results: tuple[chart.Trend, ...]
    follow_ups: tuple[Entry, ...]
    receipts: tuple[Entry, ...]
    procedures: tuple[str, ...]
    may_rate: bool = False


def visit(record: Record, encounter_id: str) -> Visit:
    """A visit and everything noted in it. Raises NotFound, Gone."""
    one = record.read(Encounter, encounter_id)
    patient_id = _id(one.subject)
    if not patient_id:
        raise NotFound("citizen.no-visit", "There is no such visit.")
    among = ("encounter", f"Encounter/{encounter_id}")
    whose = ("patient", f"Patient/{patient_id}")
    conditions = _many(record, Condition, whose, [among])
    requests = _many(record, MedicationRequest, whose, [among])
    observations = _many(record, Observation, whose, [among])
    impressions = _many(record, ClinicalImpression, whose, [among])
    plans = _many(record, ServiceRequest, whose, [among])
    procedures = _many(record, Procedure, whose, [among])
    invoices = record.find(Invoice, whose, ("identifier", encounter_id))
    impression = impressions[0] if impressions else None
    return Visit(
        patient_id=patient_id,
        title=title_of(one),
        start=_start(one),
        place=place_of(one),
        reason=chart.text_of(one.reasonCode[0]) if one.reasonCode else "",
        complaint=(impression.description or "") if impression else "",
        advice="\n".join(note.text for note in impression.note if note.text) if impression else "",
        diagnoses=tuple(
            dict.fromkeys((chart.problem_of(it).code, chart.problem_of(it).name) for it in conditions)
        ),
        medicines=tuple(
            chart.medicine_of(it) for it in requests if it.status not in ("entered-in-error", "draft")
        ),
        results=chart.trends_of(observations),
        follow_ups=tuple(_follow_ups(plans)),
        receipts=tuple(_receipts(invoices)),
        procedures=tuple(dict.fromkeys(chart.text_of(it.code) for it in procedures)),
        may_rate=rating.may_rate(record, one),
    )


# -- the day --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Coming:
    """A booking ahead."""

    id: str
    status: str
    start: datetime
    doctor: str
    room: str
    specialty: str
    code: str


def coming_visits(record: Record, patient_id: str, *, today: date, limit: int = 5) -> list[Coming]:
    """Bookings of today and later that still stand."""
    found = record.find(
        Appointment, ("patient", f"Patient/{patient_id}"), ("status", "pending,booked,proposed"),
        ("date", f"ge{today.isoformat()}"), ("_sort", "date"),
    )  # fmt: skip
    return [_coming(one) for one in found if one.start][:limit]


def _coming(one: Appointment) -> Coming:
    names = {
        target[0]: chart.display_of(it.actor)
        for it in one.participant
        if (target := references.target(it.actor))
    }
    code = next(
        (it.value or "" for it in one.identifier if (it.system or "").endswith("/registration-code")), ""
    )
    return Coming(
        id=one.id or "",
        status=one.status or "",
        start=datetime.fromisoformat((one.start or "").replace("Z", "+00:00")).astimezone(words.HANOI),
        doctor=names.get("Practitioner", ""),
        room=names.get("Location", ""),
        specialty=(one.specialty[0].text or "") if one.specialty else "",
        code=code,
    )


def medicines_today(record: Record, patient_id: str, *, today: date) -> tuple[chart.Medicine, ...]:
    """What the person takes today."""
    whose = ("patient", f"Patient/{patient_id}")
    requests = record.find(MedicationRequest, whose, ("status", "active"), ("_sort", "-authoredon"))
    statements = record.find(MedicationStatement, whose)
    return chart.medicines_of(requests, statements, today=today)


def follow_ups_ahead(record: Record, patient_id: str, *, today: date) -> list[Entry]:
    """Days a doctor asked the person to come back on, from today."""
    found = record.find(
        ServiceRequest, ("patient", f"Patient/{patient_id}"), ("status", "active"),
        ("occurrence", f"ge{today.isoformat()}"),
    )  # fmt: skip
    return _follow_ups(found)


@dataclass(frozen=True, slots=True)
class Place:
    """A ticket of today and where it stands in its line."""

    ticket: Ticket
    room: str
    house: str
    now: str
    ahead: int
    wait: str
    topic: str


def place_in_line(record: Record, patient_id: str) -> Place | None:
    """The person's ticket of today with those before it; None when there is none."""
    ticket = lines.ticket_of(record, patient=patient_id)
    if ticket is None or ticket.status == "cancelled":
        return None
    queue = lines.place_of(record, facility=ticket.facility, key=ticket.line, day=ticket.day)
    wait = lines.wait_range(record, ticket=ticket, place=queue)
    return Place(
        ticket=ticket,
        room=_name(record, Location, ticket.room),
        house=_name(record, Organization, ticket.facility),
        now=queue.now.code if queue.now else "",
        ahead=len(lines.ahead_of(ticket, queue)),
        wait=spoken.minutes(wait.low, wait.high) if wait.high else "",
        topic=f"queue:{ticket.facility}:{ticket.line}",
    )


def _name(record: Record, kind: type[Location] | type[Organization], key: str) -> str:
    try:
        return record.read(kind, key).name or "" if key else ""
    except NotFound:
        return key
