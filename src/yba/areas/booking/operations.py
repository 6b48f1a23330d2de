"""FHIR operations of booking: ``Appointment/$find``, ``$hold``, ``$book``, ``$reschedule``, ``$cancel``.

Names and shape follow Argonaut Scheduling 1.0.0 (``$find``, ``$hold``, ``$book``): what is found or held comes as
Appointments that are not stored (``proposed``), what is booked as the stored one. Every one passes the same ledger,
door and rules as the pages. The same ``Idempotency-Key`` (header, or parameter ``key``) answers the same booking.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import close_old_connections, connection, transaction

from yba import fhir
from yba.areas.booking import (
    actions,
    any_doctor,
    free,
    holds,
    moving,
    planning,
    queries,
    rhythm,
    rules,
    series,
)
from yba.care.identifiers import BASE, SPECIALTY_CS
from yba.fhir.errors import Conflict, Forbidden, Gone, Invalid, NotFound, TooCostly
from yba.fhir.model import codec
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.bundle import Bundle, BundleEntry
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension, Identifier, Meta, Reference
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record
from yba.fhir.rest.operations.call import Call, Operation, Parameter, answer
from yba.fhir.rest.operations.searchset import searchset, url
from yba.fhir.rest.response import Response
from yba.ui.words import HANOI

HOLD_KEY: Final = BASE + "booking-hold"
#: Until when a proposed Appointment is held (instant).
HELD_UNTIL: Final = "https://yba.vn/fhir/extension/held-until"
_DEFINITION: Final = "https://yba.vn/fhir/OperationDefinition/Appointment-"
_APPOINTMENT: Final = frozenset({"Appointment"})
_CALLING: Final = frozenset({"citizen", "receptionist", "customer_care", "outside_system", "system"})
_MOST: Final = 100
_PAGES: Final = 10


def _house(call: Call) -> Record:
    """The record on Django's connection: what is booked, noted and written to people is one transaction."""
    one = call.record
    if one.actor.role not in _CALLING:
        raise Forbidden("booking.role", f"The role {one.actor.role} books nothing.")
    if one.connection is connection.connection:
        return one
    close_old_connections()
    connection.ensure_connection()
    return fhir.open(
        connection.connection, actor=one.actor, clock=one.clock, guards=one.guards,
        transaction=transaction.atomic, integrity=one.integrity, base_url=one.base_url, came=one.came,
    )  # fmt: skip


def _target(call: Call, name: str, kind: str) -> str:
    """The id a parameter names: a Reference, or text as ``Slot/1`` or ``1``; empty where it is not given."""
    return _id_of(call, name, kind, call.value(name))


def _id_of(call: Call, name: str, kind: str, value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("reference")
    if value is None:
        return ""
    found = str(value).removeprefix(f"{call.request.base_url}/")
    type_name, slash, key = found.rpartition("/")
    if slash and type_name != kind:
        raise Invalid(
            "operation.value",
            f"The parameter '{name}' names a {kind}, not '{found[:50]}'.",
            path=f"Parameters.{name}",
        )
    return key[:64]


# -- $find ------------------------------------------------------------------------------------------------

_FIND: Final = (
    "start",
    "end",
    "specialty",
    "practitioner",
    "organization",
    "patient",
    "count",
    "any-practitioner",
    "schedule",
    "series-count",
    "series-step",
    "series-weekday",
)


def find(call: Call) -> Response:
    """Times the caller can have, in the order of the clock, as Appointments that are not stored."""
    call.refuse_unknown(_FIND)
    record = _house(call)
    most = call.number("count")
    most = min(20 if most is None else most, _MOST)
    if call.text("series-count"):
        found = _series_times(call, record)
        entries = [b'{"resource":%b,"search":{"mode":"match"}}' % codec.encode(one) for one in found]
        return searchset(
            entries, [("self", url(call.request.base_url, "Appointment/$find", []))], len(entries)
        )
    now = record.clock()
    start = rules.moment(call.text("start") or rules.instant(now))
    end = rules.moment(call.text("end") or rules.instant(now + timedelta(days=rules.HORIZON_DAYS)))
    asked = [
        ("status", "free,busy-tentative"), ("start", f"ge{rules.instant(max(start, now))}"),
        ("start", f"lt{rules.instant(end)}"), ("_sort", "start"), ("_count", "200"),
    ]  # fmt: skip
    specialty, practitioner = call.text("specialty"), _target(call, "practitioner", "Practitioner")
    facility = _target(call, "organization", "Organization")
    if specialty:
        asked.append(("specialty", specialty if "|" in specialty else f"{SPECIALTY_CS}|{specialty}"))
    if practitioner:
        asked.append(("schedule.actor", f"Practitioner/{practitioner}"))
    if facility:
        asked.append(("_tag", f"{rules.FACILITY_TAG}|{facility}"))
    patient = _target(call, "patient", "Patient")
    if call.text("any-practitioner") == "true":
        found = _of_anybody(record, facility, specialty, start, end, patient)[:most]
    else:
        found = _proposals(record, asked, most=most, patient=patient)
    entries = [b'{"resource":%b,"search":{"mode":"match"}}' % codec.encode(one) for one in found]
    own = url(call.request.base_url, "Appointment/$find", [])
    return searchset(entries, [("self", own)], len(entries))


def _series_times(call: Call, record: Record) -> list[Appointment]:
    """For each day of a rhythm in one timetable the free time nearest to the hour of ``start``; days without one stay
    out. Its times may not be opened yet: ``$book`` opens them.
    """
    first = rules.moment_or_none(call.text("start") or "")
    house = planning.house_of(record, _target(call, "schedule", "Schedule") or "-")
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    days = frozenset(names.index(one) for one in call.texts("series-weekday") if one in names)
    count, step = call.number("series-count") or 0, call.number("series-step") or 0
    if first is None or bool(days) == bool(step) or step > rhythm.MOST_STEP:
        raise Invalid(
            "operation.value",
            "A series has a start, and either series-weekday (mon, tue, ...) or series-step (days apart).",
            path="Parameters.series-step",
        )
    here = first.astimezone(HANOI)
    wished = rhythm.Rhythm(
        here.date(), here.time(), step=step, weekdays=days, times=min(count, house.policy.series_most)
    )
    post = queries.post_of(record, house.schedule)
    made = []
    for one in planning.plan(record, house, rhythm.days_of(wished), wished.at):
        if one.time is not None:
            slot = Slot(
                id=one.time.id, schedule=reference("Schedule", house.schedule.id), status="free",
                start=rules.instant(one.time.start), end=rules.instant(one.time.end), meta=house.schedule.meta,
            )  # fmt: skip
            who = [AppointmentParticipant(actor=slot.schedule, status="accepted")]
            proposed = Appointment(status="proposed", participant=who)
            actions.place(proposed, slot, post)
            proposed.participant = [*proposed.participant] or who
            made.append(proposed)
    return made


def _of_anybody(
    record: Record, facility: str, specialty: str | None, start: datetime, end: datetime, patient: str
) -> list[Appointment]:
    """Each time at which somebody of the specialty is free, once; who it will be is chosen by ``$book``."""
    if not (facility and specialty):
        raise Invalid(
            "operation.missing",
            "Any practitioner is asked for at one organization and of one specialty.",
            path="Parameters.specialty",
        )
    code = specialty.rpartition("|")[2]
    coding = CodeableConcept(coding=[Coding(system=SPECIALTY_CS, code=code)])
    who = [
        AppointmentParticipant(
            actor=Reference(reference=f"Patient/{patient}") if patient else None,
            type=[] if patient else [CodeableConcept(text="Any practitioner")],
            status="needs-action",
        )
    ]
    return [
        Appointment(
            status="proposed", start=rules.instant(one.start), end=rules.instant(one.end), specialty=[coding],
            participant=who, meta=Meta(tag=[Coding(system=rules.FACILITY_TAG, code=facility)]),
        )
        for one in any_doctor.times(record, facility=facility, specialty=code, days=queries.MOST_DAYS)
        if start <= one.start < end
    ]  # fmt: skip


def _proposals(record: Record, asked: list[tuple[str, str]], *, most: int, patient: str) -> list[Appointment]:
    found: list[Appointment] = []
    posts: dict[str, queries.Post] = {}
    after: str | None = None
    for _page in range(_PAGES):
        page = record.search(Slot, [*asked, *([("_cursor", after)] if after else [])])
        slots = [one for one in page.matches if isinstance(one, Slot)]
        left = free.free_for(record, slots)
        for slot in slots:
            if slot.id in left and len(found) < most:
                found.append(_proposal(record, slot, posts, patient=patient))
        after = page.next
        if after is None or len(found) >= most:
            return found
    raise TooCostly(
        "booking.find-wide", "Too many taken times lie before the free ones. Narrow start and end."
    )


def _proposal(
    record: Record, slot: Slot, posts: dict[str, queries.Post], *, patient: str = ""
) -> Appointment:
    schedule = queries.target_id(slot.schedule, "Schedule")
    if schedule not in posts:
        posts[schedule] = queries.slot_and_post(record, slot.id or "")[1]
    who = [Reference(reference=f"Patient/{patient}")] if patient else []
    made = Appointment(
        status="proposed",
        participant=[AppointmentParticipant(actor=one, status="needs-action") for one in who],
    )
    actions.place(made, slot, posts[schedule])
    if not made.participant:
        made.participant = [AppointmentParticipant(actor=slot.schedule, status="accepted")]
    return made


# -- $hold, $book -----------------------------------------------------------------------------------------


def _slot_of(call: Call) -> str:
    """The slot a call is about: the parameter, or that of the Appointment sent along."""
    slot_id = _target(call, "slot", "Slot")
    sent = call.resource("appt-resource") if call.all("appt-resource") else None
    if not slot_id and isinstance(sent, dict):
        refs = [one.get("reference", "") for one in sent.get("slot", []) if isinstance(one, dict)]
        if len(refs) == 1:
            slot_id = str(refs[0]).rpartition("/")[2][:64]
    if not slot_id:
        raise Invalid("operation.missing", f"${call.operation.name} needs one slot.", path="Parameters.slot")
    return slot_id


def hold(call: Call) -> Response:
    """Hold a time for ten minutes; the same again is the same hold."""
    call.refuse_unknown(("slot", "appt-resource", "phone"))
    record, slot_id = _house(call), _slot_of(call)
    made = record.attempt(lambda: holds.hold(record, [slot_id], phone=call.text("phone") or ""))
    found = _proposal(record, record.read(Slot, slot_id), {})
    found.identifier = [Identifier(system=HOLD_KEY, value=made.id)]
    found.extension = [Extension(url=HELD_UNTIL, valueInstant=rules.instant(made.until))]
    return answer(found)


_BOOK: Final = (
    "slot", "hold", "appt-resource", "patient", "reason", "comment", "phone", "overbooking-reason", "key",
    "specialty", "organization", "start", "schedule", "based-on",
)  # fmt: skip


def book(call: Call) -> Response:
    """Book a time, held before or not. A citizen's is pending until the facility has called; others' is booked.

    Several times of one timetable are a series: all of them or none, answered as a collection.
    """
    call.refuse_unknown(_BOOK)
    record, phone = _house(call), call.text("phone") or ""
    if len(call.all("slot")) > 1:
        return _collection(_book_series(call, record, phone))
    hold_id = call.text("hold")
    anybody = not hold_id and bool(call.text("specialty")) and not call.all("slot")
    slot_id = ""
    if hold_id:
        slot_id = holds.own_hold(record, hold_id, holds.owners_of(record, phone=phone)).slots[0]
    elif not anybody:
        slot_id = _slot_of(call)
    said: dict[str, Any] = {
        "patient_id": _patient(call),
        "reason": call.text("reason") or "",
        "phone": phone,
        "once": call.text("key") or (call.request.header("IDEMPOTENCY_KEY") or "")[:64],
    }
    if anybody:
        return answer(_book_anybody(call, record, said))
    said["slot_id"] = slot_id
    if record.actor.role == "citizen":
        made = record.attempt(
            lambda: actions.book_appointment(record, symptoms=call.text("comment") or "", **said)
        )
        return answer(made)
    channel: actions.Channel = _CHANNELS.get(record.actor.role, "desk")
    beyond = call.text("overbooking-reason") or ""
    made = record.attempt(lambda: actions.book_for_caller(record, channel=channel, beyond=beyond, **said))
    return answer(made)


def _book_series(call: Call, record: Record, phone: str) -> list[Appointment]:
    """Every time of a series in one act (``series``)."""
    slots = [_id_of(call, "slot", "Slot", one.value) for one in call.all("slot")]
    once = call.text("key") or (call.request.header("IDEMPOTENCY_KEY") or "")[:64]
    if not once:
        raise Invalid(
            "operation.missing", "A series is booked under a key of its own.", path="Parameters.key"
        )
    wish = series.Wish(
        patient_id=_patient(call), reason=call.text("reason") or "", phone=phone,
        channel="app" if record.actor.role == "citizen" else _CHANNELS.get(record.actor.role, "desk"),
        symptoms=call.text("comment") or "", order=_target(call, "based-on", "ServiceRequest"),
    )  # fmt: skip
    schedule = _target(call, "schedule", "Schedule") or _schedule_of(record, slots)
    return series.book(record, schedule_id=schedule, slot_ids=slots, wish=wish, once=once)


def _schedule_of(record: Record, slots: list[str]) -> str:
    """The timetable of a series: that of the first of its times that is opened."""
    for one in slots:
        try:
            return queries.target_id(record.read(Slot, one).schedule, "Schedule")
        except (NotFound, Gone):
            continue
    raise Invalid(
        "operation.missing",
        "None of these times is opened yet: name their timetable, too.",
        path="Parameters.schedule",
    )


def _collection(found: list[Appointment]) -> Response:
    return answer(Bundle(type="collection", entry=[BundleEntry(resource=codec.to_raw(one)) for one in found]))


def _book_anybody(call: Call, record: Record, said: dict[str, Any]) -> Appointment:
    """Whoever of the specialty at an organization has the fewest people then."""
    facility, start = _target(call, "organization", "Organization"), call.text("start")
    starts = rules.moment_or_none(start or "")
    if not facility or starts is None:
        raise Invalid(
            "operation.missing",
            "Any practitioner wants organization, specialty and start.",
            path="Parameters",
        )
    asked: dict[str, Any] = {
        "facility": facility,
        "specialty": (call.text("specialty") or "").rpartition("|")[2],
        "starts": starts,
    }
    if record.actor.role == "citizen":
        asked["symptoms"] = call.text("comment") or ""
    else:
        asked |= {"confirmed": True, "channel": _CHANNELS.get(record.actor.role, "desk"),
                  "beyond": call.text("overbooking-reason") or ""}  # fmt: skip
    return record.attempt(lambda: any_doctor.book(record, **asked, **said))


_CHANNELS: Final[dict[str, actions.Channel]] = {"outside_system": "his", "customer_care": "phone"}


def _patient(call: Call) -> str:
    patient = _target(call, "patient", "Patient")
    sent = call.resource("appt-resource") if call.all("appt-resource") else None
    if not patient and isinstance(sent, dict):
        for one in sent.get("participant", []):
            ref = one.get("actor", {}).get("reference", "") if isinstance(one, dict) else ""
            if str(ref).rpartition("/")[0].endswith("Patient"):
                patient = str(ref).rpartition("/")[2][:64]
    if not patient:
        raise Invalid("operation.missing", "$book needs the patient who comes.", path="Parameters.patient")
    return patient


# -- $reschedule, $cancel ---------------------------------------------------------------------------------


def _over(appointment: Appointment) -> Conflict:
    return Conflict(
        "booking.over",
        f"This appointment is {appointment.status}: it can't be moved or called off any more.",
        path="Appointment.status",
    )


def reschedule(call: Call) -> Response:
    """Move it to another slot, within the rules of its timetable.

    With ``visit`` (parts ``appointment`` and ``slot``) several visits of its series, all of them or none.
    """
    call.refuse_unknown(("slot", "appt-resource", "reason", "visit"))
    record, reason = _house(call), call.text("reason") or ""
    if call.all("visit"):
        found = record.read(Appointment, call.id or "")
        chosen = {
            _id_of(call, "visit", "Appointment", _part(one, "appointment")): _id_of(
                call, "visit", "Slot", _part(one, "slot")
            )
            for one in call.all("visit")
        }
        return _collection(
            series.move_following(record, rules.series_of(found), chosen=chosen, reason=reason)
        )
    slot_id = _slot_of(call)
    outcome = record.attempt(lambda: moving.reschedule(record, call.id or "", slot_id=slot_id, reason=reason))
    if outcome.result == "cancelled":
        raise _over(outcome.appointment)
    return answer(record.read(Appointment, call.id or ""))


def cancel(call: Call) -> Response:
    """Call it off; what is off already stays off. ``series`` ``following``: and the visits of its series after it."""
    call.refuse_unknown(("reason", "series"))
    record, reason = _house(call), call.text("reason") or ""
    if (call.text("series") or "this") != "this":
        return _collection(_cancel_series(call, record, reason))
    outcome = record.attempt(lambda: actions.cancel_appointment(record, call.id or "", reason=reason))
    if outcome.result == "missing":
        raise _over(outcome.appointment)
    return answer(record.read(Appointment, call.id or ""))


def _part(one: Parameter, name: str) -> Any:
    """A part of a parameter: a Reference, or text."""
    return next((part.value for part in one.parts if part.name == name), None)


def _cancel_series(call: Call, record: Record, reason: str) -> list[Appointment]:
    """This visit and those after it, or all that are still to come."""
    asked, found = call.text("series"), record.read(Appointment, call.id or "")
    joined = rules.series_of(found)
    if asked not in ("following", "all") or not joined:
        raise Invalid(
            "operation.value",
            "'series' is 'this', 'following' or 'all', of a visit that is one of a series.",
            path="Parameters.series",
        )
    first = rules.number_of(found) if asked == "following" else 0
    visits = series.visits_of(record, found)
    numbers = [
        rules.number_of(one) for one in visits if rules.number_of(one) >= first and one.status in rules.OPEN
    ]
    if numbers:
        record.attempt(lambda: series.cancel_following(record, joined, number=min(numbers), reason=reason))
    return series.visits_of(record, found)


def _operation(name: str, run: Callable[[Call], Response], *, on_one: bool, changes: bool) -> Operation:
    return Operation(
        name, run, type_level=not on_one, instance=on_one, types=_APPOINTMENT, changes=changes,
        body="appt-resource", definition=_DEFINITION + name,
    )  # fmt: skip


OPERATIONS: Final = (
    _operation("find", find, on_one=False, changes=False),
    _operation("hold", hold, on_one=False, changes=True),
    _operation("book", book, on_one=False, changes=True),
    _operation("reschedule", reschedule, on_one=True, changes=True),
    _operation("cancel", cancel, on_one=True, changes=True),
)
