"""The waiting list: who waits for a seat is offered the next that is given back, and the offer holds it until it ends.

Who waits is an Appointment in the state ``waitlist`` without a slot. An offer is made in the transaction that frees
the seat, so the seat is never free to others in between; it ends, is declined or accepted, and then the next is asked.
None is made that would end after the time can still be asked for, or has begun. The sweep tells people, after commit.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime, time, timedelta
from typing import Final

from yba.areas.booking import actions, ledger, policies, queries, rules
from yba.areas.booking.actions import Outcome
from yba.areas.booking.ledger import Held, Taker
from yba.areas.booking.models import Offer
from yba.care import messages, people
from yba.care.identifiers import CHANNEL_TAG, SPECIALTY_CS
from yba.care.messages import reminders
from yba.fhir.errors import Conflict, Gone
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Meta, Period
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.fhir.store.rows import execute
from yba.ui.words import HANOI, local_day

LASTS: Final = timedelta(minutes=30)
#: Shorter than this nobody can answer: the seat is free to all instead.
SHORTEST: Final = timedelta(minutes=10)
#: What is offered at night can be answered in the morning.
QUIET_FROM: Final = time(21)
QUIET_UNTIL: Final = time(7, 30)
_OFFERED: Final = "select appointment_id::varchar from booking_offer where slot_id = %s"
_WRITE: Final = """
insert into booking_offer (id, appointment_id, patient_id, slot_id, starts, made_at, expires_at, outcome)
values (%s, %s, %s, %s, %s, %s, %s, 'open') returning id::varchar"""


def join(
    record: Record, *, role_id: str, patient_id: str, first: date, last: date, reason: str, phone: str
) -> Appointment:
    """Wait for a seat of a practitioner between two days; who waits there already waits once."""
    post = queries.post(record, role_id)
    patient = record.read(Patient, patient_id)
    with record.atomic():
        execute(
            record.connection,
            "select pg_advisory_xact_lock(hashtextextended(%s, 2))",
            (f"booking.wait/{patient_id}",),
        ).fetchone()
        for one in record.find(Appointment, ("patient", f"Patient/{patient_id}"), ("status", "waitlist")):
            if rules.practitioner_id_of(one) == post.practitioner_id:
                return one
        who = reference("Patient", patient.id, display=people.name_of(patient))
        coding = Coding(system=SPECIALTY_CS, code=post.specialty_code)
        made = Appointment(
            status="waitlist",
            created=rules.instant(record.clock()),
            requestedPeriod=[Period(start=first.isoformat(), end=last.isoformat())],
            specialty=[CodeableConcept(coding=[coding], text=post.specialty or None)],
            reasonCode=[CodeableConcept(text=reason)] if reason else [],
            participant=[
                AppointmentParticipant(actor=who, required="required", status="accepted"),
                AppointmentParticipant(
                    actor=reference("Practitioner", post.practitioner_id, display=post.name),
                    status="needs-action",
                ),
            ],
            extension=actions.call_back(phone),
            meta=Meta(
                tag=[
                    Coding(system=rules.FACILITY_TAG, code=post.facility_id),
                    Coding(system=CHANNEL_TAG, code="app"),
                ]
            ),
        )
        return record.create(made)


# -- offers ------------------------------------------------------------------------------------------------


def ends_at(starts: datetime, last: datetime, *, now: datetime) -> datetime | None:
    """When an offer made now ends; None where there is no time left to answer it."""
    ends = now + LASTS
    here = ends.astimezone(HANOI)
    if here.time() >= QUIET_FROM or here.time() < QUIET_UNTIL:
        morning = local_day(here) + timedelta(days=1 if here.time() >= QUIET_FROM else 0)
        ends = datetime.combine(morning, QUIET_UNTIL, HANOI)
    ends = min(ends, last, starts)
    return ends if ends - now >= SHORTEST else None


def offer_next(record: Record, held: Held) -> str:
    """Offer a seat that has just been given back to who has waited longest for it; the offer's id, empty for none.

    The slot must be locked. Whoever was offered this time before is passed over.
    """
    now = record.clock()
    ends = ends_at(held.starts, policies.last_asking(held.starts, held.policy), now=now)
    if ends is None or held.slot.status in ledger.SHUT:
        return ""
    offered = {str(row[0]) for row in execute(record.connection, _OFFERED, (held.id,)).fetchall()}
    for one in _waiting_for(record, held):
        if one.id in offered:
            continue
        offer_id, patient_id = secrets.token_urlsafe(12), rules.patient_id_of(one) or ""
        taker = Taker("offer", offer_id, patient_id=patient_id, channel="app", expires_at=ends)
        try:
            ledger.take(record, held, taker)
        except Conflict:
            return ""
        params = (offer_id, one.id, patient_id, held.id, held.starts, now, ends)
        execute(record.connection, _WRITE, params).fetchone()
        execute(record.connection, "select pg_notify('yba_live', %s)", (f"person:{patient_id}",)).fetchone()
        return offer_id
    return ""


def _waiting_for(record: Record, held: Held) -> list[Appointment]:
    """Who waits for a seat of this practitioner on this day, the longest first."""
    facility = facility_of(held.slot)
    if not held.practitioner_id or not facility:
        return []
    found = record.as_system().find(
        Appointment,
        ("status", "waitlist"),
        ("practitioner", f"Practitioner/{held.practitioner_id}"),
        ("_tag", f"{rules.FACILITY_TAG}|{facility}"),
    )
    day = local_day(held.starts).isoformat()
    fitting = [one for one in found if any(_covers(period, day) for period in one.requestedPeriod)]
    return sorted(fitting, key=lambda one: (one.created or "", one.id or ""))


def _covers(period: Period, day: str) -> bool:
    return (period.start or "")[:10] <= day <= ((period.end or "9999")[:10])


def accept(record: Record, offer_id: str) -> Outcome:
    """Take what was offered: the waiting Appointment becomes a pending one at that time.

    Raises Gone ``booking.offer-over`` when it has ended or is somebody else's; Conflict as a booking would.
    """
    with record.atomic():
        offer = _own_offer(record, offer_id)
        system = record.as_system()
        found = system.lock(Appointment, offer.appointment_id)
        if found.status != "waitlist":
            return Outcome("already" if rules.slot_id_of(found) == offer.slot_id else "cancelled", found)
        slots = ledger.locked(record, [offer.slot_id])
        here = ledger.seats_around(record, slots=[offer.slot_id], starts=offer.starts, ends=offer.starts)
        if not _live(offer, record.clock()) or offer_id not in {one.holder for one in here}:
            raise _over()
        actions.place_again(system, found, queries.time_of(system, offer.slot_id))
        found.status, found.requestedPeriod = "pending", []
        found.created = rules.instant(record.clock())
        ledger.release(record, offer.slot_id, slots[offer.slot_id], offer_id)
        stored = system.update(found)
        Offer.objects.filter(pk=offer_id).update(outcome=Offer.Outcome.ACCEPTED)
        return Outcome("done", stored)


def decline(record: Record, offer_id: str) -> None:
    """Not this time: the next is asked; who declines waits on for another."""
    with record.atomic():
        offer = _own_offer(record, offer_id)
        if _live(offer, record.clock()):
            _end(record, offer, Offer.Outcome.DECLINED)


def _own_offer(record: Record, offer_id: str) -> Offer:
    offer = Offer.objects.filter(pk=offer_id, patient_id__in=list(record.actor.persons)).first()
    if offer is None:
        raise _over()
    return offer


def _over() -> Gone:
    return Gone("booking.offer-over", "This offer has ended. You keep your place on the waiting list.")


def _live(offer: Offer, now: datetime) -> bool:
    return offer.outcome == Offer.Outcome.OPEN and offer.expires_at > now


def _end(record: Record, offer: Offer, outcome: Offer.Outcome) -> None:
    """Give the seat of an offer back, and ask the next."""
    held = ledger.locked(record, [offer.slot_id], known=[offer.slot_id]).get(offer.slot_id)
    changed = Offer.objects.filter(pk=offer.pk, outcome=Offer.Outcome.OPEN).update(outcome=outcome)
    ledger.release(record, offer.slot_id, held, offer.pk)
    if changed and held is not None:
        ledger.shown_again(record, [offer.slot_id])
        offer_next(record, ledger.locked(record, [offer.slot_id])[offer.slot_id])


def open_offers(record: Record) -> list[Offer]:
    """What the actor's people are offered now."""
    return list(
        Offer.objects.filter(
            patient_id__in=list(record.actor.persons),
            outcome=Offer.Outcome.OPEN,
            expires_at__gt=record.clock(),
        ).order_by("expires_at")
    )


def sweep(record: Record) -> int:
    """End offers whose time is over and tell people of new ones; how many of both. As the system, every minute."""
    now, done = record.clock(), 0
    for offer in Offer.objects.filter(outcome=Offer.Outcome.OPEN, expires_at__lte=now).order_by("expires_at"):
        with record.atomic():
            _end(record, offer, Offer.Outcome.EXPIRED)
            done += 1
    for offer in Offer.objects.filter(outcome=Offer.Outcome.OPEN, expires_at__gt=now, told_at=None):
        with record.atomic():
            if Offer.objects.filter(pk=offer.pk, told_at=None).update(told_at=now):
                _tell(record, offer)
                done += 1
    return done


def _tell(record: Record, offer: Offer) -> None:
    found = record.read(Appointment, offer.appointment_id)
    phone = reminders.phone_of(record, found)
    if phone:
        said = reminders.words_of(record, found) | {"when": rules.instant(offer.starts)}
        messages.write("booking.offered", phone, said, about=found, now=record.clock())
