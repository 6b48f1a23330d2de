"""Check-in: one transaction from the booking to the number and the fee, or nothing at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.db import connection
from django.utils.translation import gettext_lazy as _

from yba.areas.booking import rules as booking
from yba.areas.booking.queue import queries, rules
from yba.care import asked, coverages, people
from yba.care.identifiers import CHANNEL_TAG, TICKET
from yba.care.line import actions as line
from yba.care.line import queries as lines
from yba.care.line.models import Status, Ticket
from yba.care.line.order import usual_priority
from yba.care.line.transaction import whole
from yba.care.money import actions as money
from yba.care.money import queries as money_queries
from yba.care.money import rules as money_rules
from yba.care.money.models import Receipt
from yba.care.names import shortened
from yba.care.refusal import Refusal, refuse
from yba.fhir.model.dates import instant
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Period
from yba.fhir.r4.encounter import Encounter, EncounterLocation, EncounterParticipant
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.ui.words import local_day

ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LIVE: Final = (Status.WAITING, Status.CALLED, Status.IN_ROOM)
_OF_VISIT: Final = "update line_ticket set encounter_id = %s where id = %s returning id"


@dataclass(frozen=True, slots=True)
class Card:
    """An insurance card as typed or scanned; dates may be unknown."""

    number: str
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A walk-in nobody has entered yet; ``birth`` a day or a FHIR date."""

    name: str
    birth: date | str
    sex: str
    phone: str = ""
    citizen_number: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the desk filled in: where to, who goes first, the card, whether money is taken now."""

    post: queries.Post
    letter: str
    priority: str = ""
    card: Card | None = None
    method: str = ""
    reason: str = ""
    key: str = ""
    source: str = "desk"


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """The number, and the receipt when the fee was taken at once."""

    ticket: Ticket
    receipt: Receipt | None = None


def check_in_booking(record: Record, *, appointment_id: str, wish: Wish) -> CheckedIn | Refusal:
    """A booked person has come: booking arrived, visit begun, number drawn, fee charged. Again: the same number."""
    with whole():
        appointment = record.lock(Appointment, appointment_id)
        known = line.known_ticket(appointment_id=appointment_id)
        if known is not None:
            return CheckedIn(known)
        refusal = rules.check_in_refusal(appointment, today=local_day(record.clock()))
        if refusal:
            return refusal
        patient = record.read(Patient, booking.patient_id_of(appointment) or "")
        appointment.status = "arrived"
        record.update(appointment)
        return _admit(record, patient, wish, appointment)


def check_in_walk_in(
    record: Record, *, wish: Wish, patient_id: str = "", person: NewPerson | None = None
) -> CheckedIn | Refusal:
    """Someone without a booking: a known person, or one entered in the same transaction. Takes no slot, joins the line.

    The same ``wish.key`` answers the same number, also for two submits at once. Raises Conflict ``people.known``.
    """
    if not wish.key:
        raise ValueError("a walk-in needs a key")
    with whole():
        _hold(wish.key)
        known = line.known_ticket(key=wish.key)
        if known is not None:
            return CheckedIn(known)
        if person is not None:
            patient = people.register_person(
                record, name=person.name, birth_date=person.birth, sex=person.sex, phone=person.phone,
                citizen_number=person.citizen_number or None, address=person.address,
            )  # fmt: skip
        else:
            patient = record.read(Patient, patient_id)
        waiting = _waiting(record, str(patient.id), wish.post.room_id)
        if waiting is not None:
            return refuse(
                "queue.waiting", _("Người này đã có số %(code)s của phòng này hôm nay."), code=waiting.code
            )
        return _admit(record, patient, wish, None)


def cancel_check_in(record: Record, *, ticket: Ticket) -> Ticket | Refusal:
    """Undo a check-in nobody has acted on: number void, visit and unpaid invoice cancelled, booking as before.

    Refused once money was taken or the visit has begun. Again: nothing more happens.
    """
    with whole():
        found = line.cancel(record, ticket=ticket.pk)
        if isinstance(found, Refusal) or not found.encounter_id:
            return found
        visit = record.lock(Encounter, found.encounter_id)
        if visit.status == "cancelled":
            return found
        for invoice in money_queries.invoices_of(record, encounter=found.encounter_id):
            locked = record.lock(Invoice, str(invoice.id))
            if locked.status == "balanced":
                raise Paid
            locked.status = "cancelled"
            record.update(locked)
        visit.status = "cancelled"
        record.update(visit)
        if found.appointment_id:
            appointment = record.lock(Appointment, found.appointment_id)
            appointment.status = "booked"
            record.update(appointment)
        return found


class Paid(Exception):
    """Money was taken for the visit: everything is rolled back."""


def _waiting(record: Record, patient_id: str, room: str) -> Ticket | None:
    """The number somebody has for this room already: waiting for it, in it, or on the way to it."""
    served = {one.code for one in lines.queues_of(record.actor.facility) if room in one.rooms}
    live = Ticket.objects.filter(patient_id=patient_id, day=local_day(record.clock()), status__in=LIVE)
    for one in live:
        legs = [{"queue": one.waits_in, "room": one.room}, *one.route]
        if any(leg["room"] == room or leg["queue"] in served for leg in legs):
            return one
    return None


def _admit(record: Record, patient: Patient, wish: Wish, appointment: Appointment | None) -> CheckedIn:
    facility = (facility_of(appointment) if appointment else None) or record.actor.facility or ""
    now = record.clock()
    if wish.card is not None:
        coverages.add_coverage(
            record, patient, card=wish.card.number, start=wish.card.start, end=wish.card.end
        )
    ticket = _ticket(record, patient, wish, appointment, facility=facility, now=now)
    visit = record.create(_visit(patient, wish, appointment, facility=facility, ticket=ticket, now=now))
    asked.values(_OF_VISIT, [visit.id, ticket.pk])
    ticket.encounter_id = visit.id or ""
    return CheckedIn(ticket, _fee(record, patient, wish, visit, ticket, facility))


def _ticket(
    record: Record,
    patient: Patient,
    wish: Wish,
    appointment: Appointment | None,
    *,
    facility: str,
    now: datetime,
) -> Ticket:
    age = rules.age_on(patient.birthDate, local_day(now))
    priority = wish.priority or usual_priority(age, booked=appointment is not None)
    tags = appointment.meta.tag if appointment and appointment.meta else []
    way = queries.way_in(wish, facility=facility, booked=appointment is not None)
    return line.draw(
        record,
        facility=facility,
        room=way.first.room,
        waits_in=way.first.queue,
        letter=way.letter,
        route=way.route,
        patient_id=patient.id or "",
        patient_name=shortened(people.name_of(patient)),
        gender=patient.gender or "",
        birth_year=int(patient.birthDate[:4]) if patient.birthDate else None,
        appointment_id=(appointment.id or "") if appointment else "",
        doctor=wish.post.doctor if way.doctor else "",
        specialty=wish.post.specialty,
        source=next((one.code or "" for one in tags if one.system == CHANNEL_TAG), "app")
        if appointment
        else wish.source,
        priority=priority,
        due_at=booking.moment(appointment.start) if appointment and appointment.start else None,
        key="" if appointment else wish.key,
        fresh=True,  # both ways to check in have looked, holding the appointment's row or the form's lock
    )


def _visit(
    patient: Patient,
    wish: Wish,
    appointment: Appointment | None,
    *,
    facility: str,
    ticket: Ticket,
    now: datetime,
) -> Encounter:
    post = wish.post
    reasons = list(appointment.reasonCode) if appointment else []
    if wish.reason and not reasons:
        reasons = [CodeableConcept(text=wish.reason)]
    return Encounter(
        status="arrived",
        class_=Coding(system=ACT_CODE, code="AMB", display="ambulatory"),
        identifier=[Identifier(system=TICKET, value=ticket.code)],
        subject=reference("Patient", patient.id, display=people.name_of(patient)),
        appointment=[reference("Appointment", appointment.id)] if appointment else [],
        participant=[
            EncounterParticipant(individual=reference("Practitioner", post.practitioner_id, post.doctor))
        ],
        location=[
            EncounterLocation(location=reference("Location", post.room_id, post.room), status="active")
        ],
        serviceType=CodeableConcept(text=post.specialty) if post.specialty else None,
        serviceProvider=reference("Organization", facility),
        period=Period(start=instant(now)),
        reasonCode=reasons,
    )


def _fee(
    record: Record, patient: Patient, wish: Wish, visit: Encounter, ticket: Ticket, facility: str
) -> Receipt | None:
    """Charge the examination; take the money at once when the desk says so."""
    fee = queries.fee_of(record, wish.post, facility=facility)
    if fee is None:
        return None
    invoice = money.charge(record, encounter=visit, patient=patient, lines=[fee], ticket=ticket.code)
    if not wish.method:
        return None
    paid = money.pay(
        record,
        invoice.id or "",
        method=wish.method,
        amount=money_rules.sum_of(invoice),
        key=f"queue.{ticket.pk}",
    )
    return paid if isinstance(paid, Receipt) else None


def _hold(key: str) -> None:
    """Two submits of one form: the second waits until the first is stored."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 3))", [key])
