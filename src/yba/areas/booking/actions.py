"""What booking writes: each in one transaction, with the ordinary tables beside the record.

The record of a page opens its transactions through Django, so that both share one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from yba.areas.booking import capacity, holds, queries, rules
from yba.areas.booking.models import Contact
from yba.care import asked, messages, people
from yba.care.identifiers import CHANNEL_TAG, REGISTRATION_CODE, SPECIALTY_CS, new_registration_code
from yba.care.messages import reminders
from yba.care.remote import links, mode
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import (
    CodeableConcept,
    Coding,
    ContactPoint,
    Extension,
    Identifier,
    Meta,
    Reference,
)
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record, facility_of
from yba.fhir.store.rows import execute
from yba.ui import words
from yba.ui.words import local_day

CALL_BACK: Final = reminders.CALL_BACK
_ANSWERED: Final = """
with claim as (delete from booking_claim where appointment_id = %s)
delete from booking_progress where appointment_id = %s returning 1"""
Channel = Literal["app", "phone", "desk", "his", "sms"]
Result = Literal["done", "already", "cancelled", "missing", "moved"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an act on a request: ``already`` when it had been done before, by whomever."""

    result: Result
    appointment: Appointment


# -- a citizen or an agent books ------------------------------------------------------------------------


def book_appointment(
    record: Record,
    *,
    slot_id: str,
    patient_id: str,
    reason: str,
    symptoms: str = "",
    phone: str = "",
    channel: Channel = "app",
    once: str = "",
    called_from: Collection[str] = (),
    video: bool = False,
    beyond: str = "",
    known: queries.Post | None = None,
    code: str = "",
) -> Appointment:
    """Ask for a slot: a pending appointment that holds it. The same ``once`` answers the same appointment.

    ``called_from``: numbers of the account that were proved; what was held for them by telephone is theirs.
    ``video``: the visit takes place by video, where the doctor's service is given so.
    ``beyond``: why one more than the seats is taken; staff only, as far as the timetable lets their role.
    ``known``: the post whose times were shown, read already for this request. ``code``: a registration code under
    which staff confirm it at once.

    Raises Conflict ``booking.slot-taken`` or ``booking.too-many``; Invalid ``booking.no-video``; NotFound for an
    unknown slot or person.
    """
    time = queries.time_of(record, slot_id, known=known)
    patient = record.read(Patient, patient_id)
    key = f"{record.actor.user}.{once}" if once else ""
    appointment = Appointment(
        status="booked" if code else "pending",
        identifier=[*_identified(rules.REQUEST_KEY, key), *_identified(REGISTRATION_CODE, code)],
        created=rules.instant(record.clock()),
        reasonCode=[CodeableConcept(text=reason)] if reason else [],
        comment=symptoms or None,
        participant=[participant_of(patient)],
        meta=Meta(tag=[Coding(system=CHANNEL_TAG, code=channel)]),
        extension=[*call_back(phone), *_beyond(beyond)],
    )
    place_again(record, mode.set_video(appointment, video), time)
    condition = [("identifier", f"{rules.REQUEST_KEY}|{key}")] if key else None
    with record.atomic():
        for number in called_from:
            holds.found_again(record, phone=number)
        # What a citizen asks for is counted by the guard, whichever way it comes.
        if record.actor.role != "citizen":
            _check_count_but(record, patient_id, condition)
        return record.create(appointment, if_none_exist=condition)


def _identified(system: str, value: str) -> list[Identifier]:
    return [Identifier(system=system, value=value)] if value else []


def _check_count_but(record: Record, patient_id: str, known: list[tuple[str, str]] | None) -> None:
    """``check_count``, unless this very booking is there: a form sent twice is answered, whatever was booked since."""
    try:
        check_count(record, patient_id)
    except Conflict:
        if not (known and record.first(Appointment, *known)):
            raise


def check_count(record: Record, patient_id: str, *, series: str = "") -> None:
    """One person does not hold up a hospital; a series counts once. Raises Conflict ``booking.too-many``.

    ``series``: the one that is being booked, its visits not counted.
    """
    open_ones = open_bookings(record, patient_id)
    joined = {rules.series_of(one) for one in open_ones} - {"", series}
    held = sum(not rules.series_of(one) for one in open_ones) + len(joined)
    if held >= rules.MOST_OPEN:
        raise Conflict(
            "booking.too-many",
            f"This person holds {held} open bookings already. Cancel one first.",
            held=held,
        )


def open_bookings(record: Record, patient_id: str) -> list[Appointment]:
    """What a person has asked for or booked from today on."""
    today = local_day(record.clock()).isoformat()
    asked = (("patient", f"Patient/{patient_id}"), ("status", "pending,booked"), ("date", f"ge{today}"))
    return record.find(Appointment, *asked)


def participant_of(patient: Patient) -> AppointmentParticipant:
    """The one who comes, as a booking names them."""
    who = reference("Patient", patient.id, display=people.name_of(patient))
    return AppointmentParticipant(actor=who, required="required", status="accepted")


def call_back(phone: str) -> list[Extension]:
    """The number to call about a booking, as its extension."""
    if not phone:
        return []
    return [Extension(url=CALL_BACK, valueContactPoint=ContactPoint(system="phone", value=phone))]


def _beyond(reason: str) -> list[Extension]:
    return [Extension(url=capacity.OVERBOOKED, valueString=reason)] if reason else []


def without_beyond(appointment: Appointment) -> list[Extension]:
    """Its extensions but for why it was taken beyond the seats: at another time that is asked anew."""
    return [one for one in appointment.extension if one.url != capacity.OVERBOOKED]


def call_back_of(appointment: Appointment) -> str:
    """The number this person asked to be called at; empty: the one in their record."""
    for one in appointment.extension:
        if one.url == CALL_BACK and one.valueContactPoint is not None:
            return one.valueContactPoint.value or ""
    return ""


def place_again(record: Record, appointment: Appointment, time: queries.Time) -> None:
    """The same in a slot whose service may be given elsewhere: by video where it is given so alone.

    Raises Invalid ``booking.no-video`` where a visit by video is not given so at all.
    """
    given = mode.mode_of_schedule(record, time.schedule)
    by_video = mode.is_video(appointment)
    if by_video and given == "on-site":
        raise Invalid("booking.no-video", "This service is not given by video. Book a visit on the spot.")
    mode.set_video(appointment, by_video or given == "remote")
    place(appointment, time.slot, time.post)


def place(appointment: Appointment, slot: Slot, post: queries.Post) -> None:
    """Write slot, time, doctor, room, specialty and facility into an appointment."""
    appointment.slot = [reference("Slot", slot.id)]
    appointment.start, appointment.end = slot.start, slot.end
    coding = [Coding(system=SPECIALTY_CS, code=post.specialty_code)] if post.specialty_code else []
    appointment.specialty = [CodeableConcept(coding=coding, text=post.specialty or None)] if coding else []
    by_video = mode.is_video(appointment)
    appointment.serviceType = list(slot.serviceType)
    mode.set_video(appointment, by_video)
    kept = [
        one
        for one in appointment.participant
        if one.actor is not None and queries.target_id(one.actor, "Patient")
    ]
    appointment.participant = [
        *kept,
        *_others(
            ("Practitioner", post.practitioner_id, post.name),
            ("Location", "" if by_video else post.location_id, post.room),
        ),
    ]
    meta = appointment.meta or Meta()
    facility = facility_of(slot) or post.facility_id
    tags = [one for one in meta.tag if one.system != rules.FACILITY_TAG]
    meta.tag = [*tags, Coding(system=rules.FACILITY_TAG, code=facility)] if facility else tags
    appointment.meta = meta


def _others(*who: tuple[str, str, str]) -> Sequence[AppointmentParticipant]:
    return [
        AppointmentParticipant(
            actor=Reference(reference=f"{kind}/{one}", display=name or None),
            required="required",
            status="accepted",
        )
        for kind, one, name in who
        if one
    ]


def cancel_appointment(
    record: Record,
    appointment_id: str,
    *,
    reason: str = "",
    seen: str = "",
    told: bool = True,
    answers: str = "",
) -> Outcome:
    """Call a booking off, free its time and tell its person; a second click changes nothing. Raises NotFound.

    ``seen``: the start that was shown to whoever asks, as FHIR writes it; with another by now nothing is called off.
    ``told`` False: one message is said for several (``series``).
    ``answers``: the number whoever asks is answered at already; it is not told a second time.
    """
    with record.atomic():
        found = record.read(Appointment, appointment_id)
        found = record.as_system().lock(Appointment, found.id or "")
        if found.status == "cancelled":
            return Outcome("already", found)
        if seen and seen != found.start:
            return Outcome("moved", found)
        if not rules.may_cancel(found, now=record.clock()):
            return Outcome("missing", found)
        found.status = "cancelled"
        if reason:
            found.cancelationReason = CodeableConcept(text=reason)
        answered(appointment_id)
        stored = record.update(found)
        system = record.as_system()
        # Who only waited for a seat is told of no time.
        if told and stored.start and not (answers and reminders.phone_of(system, stored) == answers):
            tell_person(system, stored, kind="cancelled")
        return Outcome("done", stored)


# -- the desk -------------------------------------------------------------------------------------------


def book_for_caller(
    record: Record,
    *,
    slot_id: str,
    patient_id: str,
    reason: str,
    phone: str,
    channel: Channel,
    once: str,
    video: bool = False,
    beyond: str = "",
) -> Appointment:
    """Book for someone on the phone or at the desk: held, confirmed and told at once, in one transaction."""
    with record.atomic():
        code = new_code(record)
        made = book_appointment(
            record,
            slot_id=slot_id,
            patient_id=patient_id,
            reason=reason,
            phone=phone,
            channel=channel,
            once=once,
            video=video,
            beyond=beyond,
            code=code,
        )
        if rules.code_of(made) != code:  # the same form again: what it made stands, and is confirmed
            return confirm_request(record, made.id or "").appointment
        note_contact(record, made, Contact.Kind.CONFIRMED)
        tell_person(record, made, kind="confirmed")
        return made


def note_contact(
    record: Record, about: Appointment, kind: Contact.Kind, *, note: str = "", reason: str = ""
) -> None:
    """Note what was done about a request; ``reason`` is a code of ``desk.yaml``. Only the desk's agents are counted."""
    agent = record.actor.user if record.actor.role == "customer_care" else ""
    asked.insert(Contact(
        appointment_id=about.id or "", at=record.clock(), agent=agent, agent_name=record.actor.name,
        facility=facility_of(about) or "", kind=kind, reason=reason, note=note[:500],
        asked_at=rules.asked_at(about),
    ))  # fmt: skip


def correct_request(
    record: Record, appointment_id: str, *, name: str, phone: str, reason: str, symptoms: str
) -> Outcome:
    """Write down what the caller said: name as spelled, number to call, reason, symptoms."""
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        if found.status not in rules.OPEN:
            return Outcome("cancelled", found)
        changed = _correct_person(record, rules.patient_id_of(found) or "", name=name, phone=phone)
        others = [one for one in found.extension if one.url != CALL_BACK]
        before = (rules.reason_of(found), found.comment or "", call_back_of(found))
        if (reason, symptoms, phone) == before and changed is None:
            return Outcome("already", found)
        found.reasonCode = [CodeableConcept(text=reason)] if reason else []
        found.comment = symptoms or None
        found.extension = [*others, *call_back(phone)]
        if changed is not None:
            for one in found.participant:
                if one.actor is not None and queries.target_id(one.actor, "Patient"):
                    one.actor.display = people.name_of(changed)
        note_contact(record, found, Contact.Kind.CORRECTED)
        return Outcome("done", record.update(found))


def _correct_person(record: Record, patient_id: str, *, name: str, phone: str) -> Patient | None:
    patient = record.lock(Patient, patient_id)
    same_name = not name or people.name_of(patient) == name
    if same_name and (not phone or people.phone_of(patient)):
        return None
    if not same_name:
        people.with_name(patient, name)
    if phone and not people.phone_of(patient):
        people.with_phone(patient, phone)
    return record.update(patient)


def move_request(
    record: Record, appointment_id: str, *, slot_id: str, reason: str = "", beyond: str = ""
) -> Outcome:
    """Another time: the old one stays held until the new one is. Raises Conflict ``booking.slot-taken``.

    ``beyond``: why one more than the seats is taken there; what was said of the old time says nothing of the new.
    """
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        if found.status not in rules.OPEN:
            return Outcome("cancelled", found)
        if rules.slot_id_of(found) == slot_id:
            return Outcome("already", found)
        time = queries.time_of(record, slot_id)
        place_again(record, found, time)
        found.extension = [*without_beyond(found), *_beyond(beyond)]
        stored = record.update(found)
        note_contact(
            record, stored, Contact.Kind.MOVED, note=words.when(time.slot.start or ""), reason=reason
        )
        if stored.status == "booked":
            tell_person(record, stored, kind="moved")
        return Outcome("done", stored)


def confirm_request(record: Record, appointment_id: str, *, told: bool = True) -> Outcome:
    """Confirm: a registration code, the state booked (so reception sees it), and the message to the person.

    A time that is over is not confirmed (``missing``): nobody was told to come, so nobody is to be called absent.
    ``told`` False: one message is said for several (``series``).
    """
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        if found.status not in rules.WAITING:
            return Outcome("already" if found.status in rules.HOLDING else "cancelled", found)
        if found.end and rules.moment(found.end) <= record.clock():
            return Outcome("missing", found)
        found.status = "booked"
        found.identifier = [*found.identifier, Identifier(system=REGISTRATION_CODE, value=new_code(record))]
        stored = record.update(found)
        note_contact(record, stored, Contact.Kind.CONFIRMED)
        answered(appointment_id)
        if told:
            tell_person(record, stored, kind="confirmed")
        return Outcome("done", stored)


def new_code(record: Record) -> str:
    """A code no booking has; two that draw the same one at the same moment wait for each other."""
    while True:
        code = new_registration_code()
        execute(record.connection, "select pg_advisory_xact_lock(hashtextextended(%s, 3))", (code,))
        if not queries.code_is_used(record, code):
            return code


def tell_person(
    record: Record, appointment: Appointment, *, kind: str, once: str | None = None, **more: str
) -> None:
    """Write the message about what became of a booking; it leaves after commit. ``more``: values of its own.

    ``once``: what it is told once for, where that is not this version of the booking.
    """
    phone = reminders.phone_of(record, appointment)
    if kind == "confirmed" and mode.is_video(appointment) and links.address(appointment):
        kind = "video"
    if phone:
        messages.write(
            f"booking.{kind}",
            phone,
            reminders.words_of(record, appointment) | more,
            about=appointment,
            dedupe_key=once,
            now=record.clock(),
        )


def refuse_request(
    record: Record, appointment_id: str, *, reason: str, code: str = "", why: CodeableConcept | None = None
) -> Outcome:
    """Say no, with the reason the person reads in their bookings; the time is free again.

    ``code`` is the desk's own word for the reason, ``why`` the reason with FHIR's code.
    """
    with record.atomic():
        return call_off(
            record, record.lock(Appointment, appointment_id), why or CodeableConcept(text=reason),
            kind=Contact.Kind.REFUSED, code=code, note=reason, told="refused",
        )  # fmt: skip


def call_off(
    record: Record,
    found: Appointment,
    why: CodeableConcept,
    *,
    kind: Contact.Kind,
    told: str,
    code: str = "",
    note: str = "",
) -> Outcome:
    """End a request the desk holds locked: cancelled for a reason, noted, told, its seat free."""
    if found.status not in rules.OPEN:
        return Outcome("already" if found.status == "cancelled" else "cancelled", found)
    found.status, found.cancelationReason = "cancelled", why
    stored = record.update(found)
    note_contact(record, stored, kind, note=note, reason=code)
    answered(stored.id or "")
    if stored.start:
        tell_person(record, stored, kind=told)
    return Outcome("done", stored)


def answered(appointment_id: str) -> None:
    """Nobody has to call about it any more."""
    asked.values(_ANSWERED, [appointment_id, appointment_id])


def tell(record: Record, *, facility: str) -> None:
    """Refresh the open screening lists of a facility once this is committed."""
    execute(record.connection, "select pg_notify('yba_live', %s)", (f"screening:{facility}",)).fetchone()
