"""Recurring visits as one act: booked, confirmed, called off and moved together, or one of them alone.

How a series is kept (decision). R4 has no recurrence; R5 gave Appointment `recurrenceId` and `recurrenceTemplate`, and
R4 keeps a repeating order as `ServiceRequest.occurrenceTiming`. A series is here what R4 can say by itself:

* every visit is an Appointment of its own, with its own slot, code, version and reminders: whatever knows one visit
  (check-in, the hospital's system, an app) knows these, and one of them may be moved without touching the rest;
* they share an identifier of the system `booking-series`, so `Appointment?identifier=<system>|<value>` is the series,
  in R4's own search;
* which one it is (the third of twelve) is R5's `Appointment.recurrenceId` by HL7's extension for elements of other
  versions (R5, 2.1.28.0.2 Extensions for converting between versions): what reads R5 finds it where R5 has it;
* the order of a doctor, where there is one, is `basedOn`, as R4 has it.

The rhythm itself is not kept: what was promised are the times, and those stand in the visits.

The order of every act: the key of the act, the timetable's row, the visits' rows by id, then the ledger's own order for
all times at once (`ledger.locked`), then reads, then writes. All in one transaction: all of it, or nothing. What a
citizen may not ask for one by one (further ahead than the timetable is open) the house takes for them as holds of the
series, and their own writes make bookings of these: the door and the guards see every visit.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from yba.areas.booking import actions, free, holds, ledger, moving, planning, policies, queries, rules
from yba.areas.booking.actions import Channel, Outcome
from yba.areas.booking.ledger import Held, Taker
from yba.areas.booking.models import Contact
from yba.areas.booking.planning import House
from yba.care.identifiers import CHANNEL_TAG, REGISTRATION_CODE
from yba.care.remote import mode
from yba.fhir.errors import Conflict, Invalid, NotFound
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension, Identifier, Meta
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.service_request import ServiceRequest
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record, check_right, facility_of
from yba.fhir.store.rows import execute

#: Series a citizen has open for one person at a time.
MOST_SERIES: Final = 2
_ONE_BY_ONE: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 2))"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is the same for every visit of a series. ``order``: the ServiceRequest it carries out."""

    patient_id: str
    reason: str
    phone: str = ""
    channel: Channel = "app"
    symptoms: str = ""
    video: bool = False
    order: str = ""


# -- booking -----------------------------------------------------------------------------------------------


def book(
    record: Record,
    *,
    schedule_id: str,
    slot_ids: Sequence[str],
    wish: Wish,
    once: str,
    called_from: Collection[str] = (),
) -> list[Appointment]:
    """Book all these times of one timetable for one person, in the order of time; the same ``once`` books once.

    By staff they are booked and told in one message; a citizen asks for them, and the desk confirms them together.
    Raises Conflict ``booking.series-taken`` (``gone``: the times that went meanwhile), ``booking.series-long``,
    ``booking.too-many-series``, ``booking.too-many``; Invalid ``booking.slot-unknown``, ``booking.series-empty``.
    """
    check_right(record, "Appointment", interaction="create")
    if len(set(slot_ids)) != len(slot_ids) or not slot_ids or not once:
        raise Invalid("booking.series-empty", "A series names each of its times once, and a key of its own.")
    return record.attempt(lambda: _booked(record, schedule_id, slot_ids, wish, once, called_from))


def _booked(
    record: Record,
    schedule_id: str,
    slot_ids: Sequence[str],
    wish: Wish,
    once: str,
    called_from: Collection[str],
) -> list[Appointment]:
    key = f"{record.actor.user}.{once}"
    execute(record.connection, _ONE_BY_ONE, (f"booking.series/{key}",)).fetchone()
    known = record.first(Appointment, ("identifier", f"{rules.REQUEST_KEY}|{key}.1"))
    if known is not None:
        return visits_of(record, known)
    house = _locked_house(record, schedule_id)
    _check_size(record, house, len(slot_ids))
    patient = record.read(Patient, wish.patient_id)
    for number in called_from:
        holds.found_again(record, phone=number)
    planning.opened(record, house, slot_ids)
    held = ledger.locked(record, slot_ids)
    _check_free(record, house, list(held.values()))
    bound = record.actor.role in policies.BOUND
    joined = f"s-{secrets.token_hex(8)}"
    if bound:
        _check_series(record, wish.patient_id)
        _hold(record, list(held.values()), joined)
    else:
        actions.check_count(record, wish.patient_id)
    like = _like(record, house, patient, wish, booked=not bound)
    post = queries.post_of(record, house.schedule)
    in_order = sorted(held.values(), key=lambda one: (one.starts, one.id))
    made = [
        record.create(_visit(record, like, one, post, number=at, series=joined, key=f"{key}.{at}"))
        for at, one in enumerate(in_order, 1)
    ]
    if not bound:
        actions.note_contact(record, made[0], Contact.Kind.CONFIRMED, note=f"1–{len(made)}")
        tell(record, made, kind="series")
    return made


def _locked_house(record: Record, schedule_id: str) -> House:
    planning.house_of(record, schedule_id)  # the door is asked before anything waits for a lock
    record.as_system().lock(Schedule, schedule_id)
    return planning.house_of(record, schedule_id)


def _check_size(record: Record, house: House, count: int) -> None:
    if count > house.policy.series_most:
        raise Conflict(
            "booking.series-long",
            f"A series of this timetable has at most {house.policy.series_most} visits; {count} were asked for.",
            most=house.policy.series_most,
        )


def _check_series(record: Record, patient_id: str) -> None:
    """One person's series are few. Counted one after the other, as single requests are (``guards``)."""
    execute(record.connection, _ONE_BY_ONE, (f"booking.person/{patient_id}",)).fetchone()
    joined = {rules.series_of(one) for one in actions.open_bookings(record, patient_id)} - {""}
    if len(joined) >= MOST_SERIES:
        raise Conflict(
            "booking.too-many-series",
            f"This person has {len(joined)} series of visits already. Call one off first.",
            held=len(joined),
        )


def _check_free(
    record: Record, house: House, slots: Sequence[Held], *, leaving: Collection[str] = ()
) -> None:
    """All of them under their locks, so that every one that went is named at once."""
    owners = holds.owners_of(record)
    left = free.free_for(record, [one.slot for one in slots], owners=owners, leaving=leaving, any_day=True)
    gone = [
        one for one in slots
        if one.id not in left or not planning.may_ask(house.policy, one.starts, record)
    ]  # fmt: skip
    if gone:
        raise Conflict(
            "booking.series-taken",
            f"{len(gone)} of these times have just been taken. Nothing was booked. Choose others for them.",
            path="Appointment.slot",
            gone=",".join(one.id for one in gone),
        )


def _hold(record: Record, slots: Sequence[Held], joined: str) -> None:
    """The times of a series, held by the house for who asks: their own writes make bookings of them."""
    owner = ledger.owner_of(record.actor)
    taker = Taker(
        "hold", joined, channel="app", owners=holds.owners_of(record), owner=owner, role=record.actor.role,
        expires_at=record.clock() + holds.LASTS,
    )  # fmt: skip
    for one in slots:
        ledger.take(record, one, taker)


def _like(record: Record, house: House, patient: Patient, wish: Wish, *, booked: bool) -> Appointment:
    """What every visit of the series is like."""
    given = mode.mode_of_schedule(record, house.schedule)
    if wish.video and given == "on-site":
        raise Invalid("booking.no-video", "This service is not given by video. Book a visit on the spot.")
    found = Appointment(
        status="booked" if booked else "pending",
        created=rules.instant(record.clock()),
        reasonCode=[CodeableConcept(text=wish.reason)] if wish.reason else [],
        comment=wish.symptoms or None,
        participant=[actions.participant_of(patient)],
        meta=Meta(tag=[Coding(system=CHANNEL_TAG, code=wish.channel)]),
        extension=actions.call_back(wish.phone),
        basedOn=[_order(record, wish)] if wish.order else [],
    )
    return mode.set_video(found, wish.video or given == "remote")


def _order(record: Record, wish: Wish) -> Any:
    """The order the series carries out: one the actor may see, of the same person."""
    order = record.read(ServiceRequest, wish.order)
    if queries.target_id(order.subject, "Patient") != wish.patient_id:
        raise Invalid("booking.order-differs", "The order is of another person.", path="Appointment.basedOn")
    return reference("ServiceRequest", order.id)


def _visit(
    record: Record, like: Appointment, held: Held, post: queries.Post, *, number: int, series: str, key: str
) -> Appointment:
    made = Appointment(
        status=like.status, created=like.created, reasonCode=like.reasonCode, comment=like.comment,
        participant=list(like.participant), basedOn=like.basedOn, serviceType=list(like.serviceType),
        meta=Meta(tag=list(like.meta.tag) if like.meta else []),
        extension=[*like.extension, Extension(url=rules.NUMBER, valuePositiveInt=number)],
        identifier=[
            Identifier(system=rules.REQUEST_KEY, value=key), Identifier(system=rules.SERIES, value=series),
        ],
    )  # fmt: skip
    if like.status == "booked":
        code = Identifier(system=REGISTRATION_CODE, value=actions.new_code(record))
        made.identifier = [*made.identifier, code]
    actions.place(made, held.slot, post)
    return made


# -- reading -----------------------------------------------------------------------------------------------


def visits_of(record: Record, one: Appointment) -> list[Appointment]:
    """Every visit of the series one is of, by the clock: of the same person at the same facility alone."""
    joined = rules.series_of(one)
    if not joined:
        return [one]
    found = record.find(Appointment, ("identifier", f"{rules.SERIES}|{joined}"))
    own = [each for each in found if _same(each, one)]
    return sorted(own, key=lambda each: (each.start or "", rules.number_of(each)))


def _same(one: Appointment, other: Appointment) -> bool:
    return rules.patient_id_of(one) == rules.patient_id_of(other) and facility_of(one) == facility_of(other)


def find(record: Record, series: str) -> list[Appointment]:
    """The visits of a series the actor may see. Raises NotFound."""
    found = record.first(Appointment, ("identifier", f"{rules.SERIES}|{series}"))
    if found is None:
        raise NotFound("booking.no-series", "There is no such series of visits.")
    return visits_of(record, found)


def following(visits: Sequence[Appointment], number: int, *, alone: bool = False) -> list[Appointment]:
    """The visits from one on (or it alone) that are still to come off or move."""
    return [
        one
        for one in visits
        if one.status in rules.OPEN
        and one.slot
        and (rules.number_of(one) == number or (rules.number_of(one) > number and not alone))
    ]


def tell(record: Record, visits: Sequence[Appointment], *, kind: str) -> None:
    """One message for all of them, about the first."""
    first = min(visits, key=lambda one: one.start or "")
    actions.tell_person(record, first, kind=kind, count=str(len(visits)))


# -- the desk ----------------------------------------------------------------------------------------------


def confirm(record: Record, appointment_id: str) -> Outcome:
    """Confirm a request; of a series all that wait, each with its code, in one transaction and told in one message.

    Those whose time is over by now are left for the desk to move or refuse.
    """
    with record.atomic():
        asked = record.read(Appointment, appointment_id)
        waiting = [one for one in visits_of(record, asked) if one.status in rules.WAITING]
        if not rules.series_of(asked) or len(waiting) < 2:
            return actions.confirm_request(record, appointment_id)
        for key in sorted(one.id or "" for one in waiting):
            record.lock(Appointment, key)
        done = [actions.confirm_request(record, one.id or "", told=False) for one in waiting]
        new = [one.appointment for one in done if one.result == "done"]
        if new:
            tell(record, new, kind="series")
        own = next((one for one in done if one.appointment.id == appointment_id), Outcome("already", asked))
        return own if own.result == "done" or not new else Outcome("done", new[0])


def refuse_rest(record: Record, found: Appointment) -> None:
    """A series that is refused, or could not be asked about, is so whole: those that waited with it end as it did."""
    waiting = [one.id or "" for one in visits_of(record, found) if one.status in rules.WAITING]
    for key in sorted(waiting) if rules.series_of(found) else ():
        row = record.lock(Appointment, key)
        if row.status in rules.WAITING:  # else another agent confirmed it meanwhile
            row.status, row.cancelationReason = "cancelled", found.cancelationReason
            actions.answered(record.update(row).id or "")


# -- this one and those after it ---------------------------------------------------------------------------


def cancel_following(
    record: Record, series: str, *, number: int, alone: bool = False, reason: str = ""
) -> list[Appointment]:
    """Call off a visit and all after it (or it ``alone``), or none: the cut-off of each holds for its person.

    Those that have begun stay as they are. It is told in one message. Raises Conflict ``booking.cancel-late``.
    """
    with record.atomic():
        now = record.clock()
        still = following(find(record, series), number, alone=alone)
        wanted = [one for one in still if rules.may_cancel(one, now=now)]
        keys = sorted(one.id or "" for one in wanted)
        for key in keys:
            record.as_system().lock(Appointment, key)
        slots = [slot for key in keys for slot in ledger.held_by(record, key)]
        ledger.locked(record, slots, known=slots)
        done = [
            actions.cancel_appointment(record, one.id or "", reason=reason, told=len(wanted) == 1)
            for one in wanted
        ]
        off = [one.appointment for one in done if one.result == "done"]
        for one in off if record.actor.role not in policies.BOUND else ():
            actions.note_contact(record, one, Contact.Kind.REFUSED, note=reason)
        if off and len(wanted) > 1:
            tell(record.as_system(), off, kind="series-cancelled")
        return off


def move_following(
    record: Record, series: str, *, chosen: Mapping[str, str], reason: str = ""
) -> list[Appointment]:
    """Move visits (Appointment id -> slot) of a series at once, or none; each counts as a move of that visit.

    The times they give back are free for each other. All are of one timetable: a visit that is with somebody else by
    now is moved by itself. Raises as ``moving.reschedule`` and ``book`` do.
    """
    return record.attempt(lambda: _moved(record, series, chosen, reason))


def _moved(record: Record, series: str, chosen: Mapping[str, str], reason: str) -> list[Appointment]:
    visits = {one.id or "": one for one in find(record, series)}
    wanted = {key: slot for key, slot in chosen.items() if key in visits and slot}
    if not wanted or len(set(wanted.values())) != len(wanted):
        raise Invalid("booking.series-empty", "Choose another time for at least one visit, each time once.")
    system = record.as_system()
    schedule_id = schedule_of(record, visits[min(wanted)])
    house = _locked_house(record, schedule_id)
    rows = {}
    for key in sorted(wanted):
        check_right(record, "Appointment", key, interaction="update")
        rows[key] = system.lock(Appointment, key)
    coming = {key: one for key, one in rows.items() if one.status in rules.OPEN}
    going = {key: wanted[key] for key in coming if rules.slot_id_of(coming[key]) != wanted[key]}
    if any(schedule_of(record, coming[key]) != schedule_id for key in going):
        raise Conflict(
            "booking.move-elsewhere",
            "These visits are with different practitioners by now. Move those of one of them at a time.",
            path="Appointment.slot",
        )
    planning.opened(record, house, list(going.values()))
    current = {key: ledger.held_by(record, key) for key in going}
    now_held = [slot for slots in current.values() for slot in slots]
    slots = ledger.locked(record, {*going.values(), *now_held}, known=now_held)
    kinds = {key: moving.check_move(record, coming[key], slots, current[key], reason) for key in going}
    _check_free(record, house, [slots[one] for one in going.values()], leaving=list(going))
    made = []
    for key in _in_turn(going, current):
        stored, slot = moving.moved(system, coming[key], going[key])
        kind = Contact.Kind.OVERRIDDEN if kinds[key] else Contact.Kind.MOVED
        note = " · ".join(filter(None, [slot.start or "", reason]))
        actions.note_contact(record, stored, kind, note=note)
        made.append(stored)
    told = [one for one in made if one.status == "booked"]
    if told:
        tell(record, told, kind="series-moved")
    return sorted(made, key=lambda one: one.start or "")


def schedule_of(record: Record, one: Appointment) -> str:
    """The timetable a visit is in. Raises NotFound, Gone."""
    slot = record.as_system().read(Slot, rules.slot_id_of(one) or "")
    return queries.target_id(slot.schedule, "Schedule")


def _in_turn(going: Mapping[str, str], current: Mapping[str, Sequence[str]]) -> list[str]:
    """Who moves first: nobody into a time another of them has not left yet.

    Raises Conflict ``booking.series-crossed`` where two would change places.
    """
    left, order = dict(going), []
    while left:
        taken = {slot: key for key in left for slot in current[key]}
        ready = sorted(key for key, slot in left.items() if taken.get(slot, key) == key)
        if not ready:
            raise Conflict(
                "booking.series-crossed",
                "Two visits of this series would change places. Move one of them to a free time first.",
            )
        order += ready
        for key in ready:
            del left[key]
    return order
