"""What happens to a video visit: opened, entered with consent, admitted, connected, ended. Each in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from yba import fhir
from yba.areas.telehealth import encounters, queries, rules
from yba.areas.telehealth.models import Guess, Presence, Room, Seat, Signal
from yba.care import people
from yba.care.line.transaction import whole
from yba.care.messages.standing import taking_part
from yba.care.privacy.tables import Text
from yba.care.refusal import Refusal, refuse
from yba.care.remote.engines import chosen
from yba.care.sharing import tables
from yba.care.sharing.terms import TEXT, Proof, proof_of
from yba.fhir.access import Actor
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.consent import Consent, ConsentPolicy, ConsentProvision, ConsentProvisionData
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Period, Reference
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.ui.live import changed
from yba.ui.words import local_day

PURPOSE: Final = "remote-visit"
CONSENT_ONCE: Final = "https://yba.vn/fhir/sid/remote-consent"
_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
_CATEGORY: Final = "https://yba.vn/fhir/CodeSystem/consent-category"
GUESTS: Final = (Seat.Kind.RELATIVE, Seat.Kind.INTERPRETER)
_LOCKED: Final = "select * from telehealth_room where id = %s for update"


def by_rule(record: Record, who: str = "") -> Record:
    """The house's own rule; ``who`` set it going, where nobody is signed in: a link, or a seat."""
    if record.actor.role != "anonymous":
        return record.as_system()
    actor = Actor(user="system", role="system", name="Y Bạ", origin=who or "link")
    return fhir.open(
        record.connection, actor=actor, clock=record.clock, guards=record.guards, transaction=transaction.atomic,
        came=record.came,
    )  # fmt: skip


@contextmanager
def held(room: Room) -> Iterator[Room]:
    """The room, its row locked, in one transaction; open pages look again after it."""
    with whole():
        found = next(iter(Room.objects.raw(_LOCKED, [room.pk])))
        yield found
        changed(f"call:{found.name}")
        changed(f"video:{found.practitioner_id}")


# -- opening and entering ----------------------------------------------------------------------------------


def open_room(system: Record, appointment_id: str, *, by: str) -> Room | Refusal:
    """The room of a visit, made with its Encounter when first asked for. Again: the same room."""
    with whole():
        appointment = system.lock(Appointment, appointment_id)
        refusal = rules.entering(appointment, now=system.clock())
        if refusal is not None:
            return refusal
        known = queries.room_of(appointment)
        if known is not None:
            over = refuse("video.over", _("Lượt khám này đã kết thúc."))
            return known if known.state in rules.OPEN and known.ended_at is None else over
        hours = rules.hours_of(appointment)
        assert hours is not None
        visit = system.create(encounters.opened(appointment, at=system.clock()))
        room = Room(
            name=f"yba-{secrets.token_hex(12)}", appointment_id=appointment_id, starts=hours.starts,
            closes=hours.closes, encounter_id=visit.id or "", patient_id=taking_part(appointment, "Patient")[0],
            practitioner_id=taking_part(appointment, "Practitioner")[0], facility=facility_of(appointment) or "",
            engine=chosen().name, state="opened",
        )  # fmt: skip
        room.save(force_insert=True)
        changed(f"video:{room.practitioner_id}")
    return room


def take_seat(room: Room, *, kind: str, holder: str, name: str, admitted_at: datetime | None = None) -> Seat:
    """The seat of somebody who may be there by right; again: the same one."""
    known = Seat.objects.filter(room=room, kind=kind, holder=holder, removed_at=None).first()
    if known is not None:
        return known
    seat = Seat(
        room=room, key=secrets.token_hex(12), kind=kind, holder=holder, name=name[:100], expires=room.closes,
        admitted_at=admitted_at,
    )  # fmt: skip
    seat.save(force_insert=True)
    return seat


def enter(
    record: Record, appointment: Appointment, *, holder: str, name: str, version: str, language: str, agreed: bool,
    by: str, guardian: str = "",
) -> Seat | Refusal:  # fmt: skip
    """The person, or who acts for them, comes into the waiting room, having agreed to this version of the text.

    The visit becomes ``arrived`` and the booking with it. Coming back: the same seat, no second consent.
    ``guardian``: who agrees for them, and as what; empty: they themselves.
    """
    system = by_rule(record, by)
    now = system.clock()
    text = tables.text_of(PURPOSE, local_day(now))
    if not agreed:
        return refuse("video.consent", _("Đọc và đồng ý khám từ xa rồi mới vào phòng chờ."))
    if version != text.version:
        return refuse("video.text-changed", _("Lời đồng ý vừa được thay. Đọc lại bản mới rồi chọn."))
    with whole():
        room = open_room(system, appointment.id or "", by=by)
        if isinstance(room, Refusal):
            return room
        with held(room) as room:
            seat = take_seat(room, kind="patient", holder=holder, name=name)
            _keep_consent(system, appointment, room, text, language=language, name=name, guardian=guardian)
            if rules.may_step(room.state, "waiting"):
                write_state(system, room, "waiting", by=name)
                booked = system.lock(Appointment, appointment.id or "")
                if booked.status == "booked":
                    booked.status = "arrived"
                    system.update(booked)
    return seat


def _keep_consent(
    system: Record,
    appointment: Appointment,
    room: Room,
    text: Text,
    *,
    language: str,
    name: str,
    guardian: str,
) -> None:
    """One Consent a visit and giver: which words, when, by whom, how (Luật 15/2023 Đ80; NĐ 356/2025 Đ6)."""
    patient = taking_part(appointment, "Patient")
    now = system.clock()
    once = f"{appointment.id}.{room.pk}.{name}"[:120]
    proof = proof_of(Proof(text, "page", language, by=name if guardian else ""))
    system.create(
        Consent(
            identifier=[Identifier(system=CONSENT_ONCE, value=once)],
            status="active",
            scope=CodeableConcept(coding=[Coding(system=_SCOPE, code="treatment")]),
            category=[
                CodeableConcept(coding=[Coding(system=_CATEGORY, code=PURPOSE)], text=text.titles["vi"])
            ],
            patient=reference("Patient", patient[0], display=patient[1] or None),
            dateTime=encounters.instant(now),
            performer=[
                Reference(type="RelatedPerson", display=guardian)
                if guardian
                else reference("Patient", patient[0])
            ],
            organization=[reference("Organization", room.facility)] if room.facility else [],
            policy=[ConsentPolicy(uri=f"{TEXT}{text.purpose}/{text.version}")],
            provision=ConsentProvision(
                type="permit",
                period=Period(start=encounters.instant(now), end=encounters.instant(room.closes)),
                data=[
                    ConsentProvisionData(
                        meaning="instance", reference=reference("Encounter", room.encounter_id)
                    )
                ],
            ),
            extension=[proof],
        ),
        if_none_exist=[("identifier", f"{CONSENT_ONCE}|{once}")],
    )


def name_of_person(system: Record, appointment: Appointment) -> str:
    """Whose visit it is, by name."""
    patient, said = taking_part(appointment, "Patient")
    return said or people.name_of(system.read(Patient, patient))


# -- steps -------------------------------------------------------------------------------------------------


def write_state(system: Record, room: Room, state: str, *, by: str = "", why: str = "") -> None:
    """Go to a state that was found possible. The caller holds the room."""
    encounters.write_step(system, room.encounter_id, state, at=system.clock(), by=by, why=why)
    room.state = state
    room.save(update_fields=["state"])


def step(record: Record, room: Room, state: str, *, by: str = "", why: str = "") -> bool:
    """Go to a state, if the call may go there from where it is; False where it may not, or is there already."""
    system = by_rule(record, by)
    with held(room) as found:
        if not rules.may_step(found.state, state):
            return False
        write_state(system, found, state, by=by, why=why)
    return True


def admit(record: Record, room: Room, key: str) -> bool:
    """Let somebody of this room in; the person's own seat makes the visit begin. Again does nothing."""
    system = by_rule(record)
    with held(room) as found:
        seat = Seat.objects.filter(room=found, key=key, removed_at=None).first()
        if seat is None or found.state not in rules.OPEN:
            return False
        if seat.admitted_at is None:
            seat.admitted_at = system.clock()
            seat.save(update_fields=["admitted_at"])
            if seat.kind in GUESTS:
                encounters.write_guest(
                    system, found.encounter_id, seat.kind, seat.name, seat.admitted_at, None
                )
        if seat.kind == Seat.Kind.PATIENT and rules.may_step(found.state, "admitted"):
            write_state(system, found, "admitted", by=record.actor.name)
    return True


def remove(record: Record, room: Room, key: str) -> bool:
    """Take an invited person out; the doctor's and the person's own seats stay."""
    with held(room) as found:
        seat = Seat.objects.filter(room=found, key=key, removed_at=None, kind__in=GUESTS).first()
        if seat is None:
            return False
        now = record.clock()
        if seat.admitted_at is not None:
            encounters.write_guest(
                by_rule(record), found.encounter_id, seat.kind, seat.name, seat.admitted_at, now
            )
        Seat.objects.filter(pk=seat.pk).update(removed_at=now, link=None)
        Presence.objects.filter(seat=seat, left_at=None).update(left_at=now)
        Signal.objects.filter(to=seat).delete()
    return True


def end(record: Record, room: Room) -> bool:
    """The call is over: nobody gets in any more, who was there is written down. Again does nothing."""
    system = by_rule(record)
    with held(room) as found:
        if not rules.may_step(found.state, "ended"):
            return False
        write_state(system, found, "ended", by=record.actor.name)
        close(system, found)
    return True


def close(system: Record, room: Room, *, at: datetime | None = None) -> None:
    """Shut the room: presences end, invitations and signals go. The caller holds it."""
    now = at or system.clock()
    room.ended_at = room.ended_at or now
    room.save(update_fields=["ended_at"])
    Presence.objects.filter(seat__room=room, left_at=None).update(left_at=now)
    Signal.objects.filter(to__room=room).delete()
    Seat.objects.filter(room=room).update(link=None)
    guests = Seat.objects.filter(room=room, kind__in=GUESTS, removed_at=None).exclude(admitted_at=None)
    for one in guests:
        assert one.admitted_at is not None
        encounters.write_guest(system, room.encounter_id, one.kind, one.name, one.admitted_at, now)


def identify(record: Record, room: Room, how: str) -> None:
    """The doctor says how they know who is in the picture."""
    own = record.actor.practitioner
    by = reference("Practitioner", own, display=record.actor.name or None) if own else None
    with held(room) as found:
        encounters.write_identity(by_rule(record), found.encounter_id, how, at=record.clock(), by=by)


# -- presence ----------------------------------------------------------------------------------------------


def came(seat: Seat, *, at: datetime, by: str, occupant: str = "") -> None:
    """Somebody is in the call from now; told twice it counts once."""
    known = Presence.objects.filter(seat=seat, by=by, occupant=occupant, left_at=None)
    if known.exists():
        return
    with transaction.atomic():
        Presence.objects.bulk_create(
            [Presence(seat=seat, came_at=at, by=by, occupant=occupant)], ignore_conflicts=True
        )
        Seat.objects.filter(pk=seat.pk, first_joined_at=None).update(first_joined_at=at)


def met(system: Record, room: Room) -> None:
    """By what an engine tells: with the doctor and the person both there the visit is in call."""
    kinds = set(
        Presence.objects.filter(seat__room=room, left_at=None, seat__removed_at=None).values_list(
            "seat__kind", flat=True
        )
    )
    if {Seat.Kind.DOCTOR, Seat.Kind.PATIENT} <= kinds:
        step(system, room, "in-call")


def left(seat: Seat, *, at: datetime, by: str, occupant: str = "") -> None:
    """Somebody is in the call no more."""
    Presence.objects.filter(seat=seat, by=by, occupant=occupant, left_at=None).update(left_at=at)


def connected(record: Record, seat: Seat) -> None:
    """A browser says it hears and sees another; once the doctor's and the person's both do, the visit is in call."""
    system = by_rule(record, f"seat:{seat.key}")
    with held(seat.room) as room:
        now = system.clock()
        Seat.objects.filter(pk=seat.pk).update(connected_at=now)
        kinds = set(
            Seat.objects.filter(room=room, removed_at=None)
            .exclude(connected_at=None)
            .exclude(admitted_at=None)
            .values_list("kind", flat=True)
        )
        if {Seat.Kind.DOCTOR, Seat.Kind.PATIENT} <= kinds and rules.may_step(room.state, "in-call"):
            write_state(system, room, "in-call")


# -- links -------------------------------------------------------------------------------------------------


def may_guess(appointment_id: str, *, now: datetime) -> bool:
    """Whether a birth date may be tried once more at this visit's link; the try is counted."""
    Guess.objects.bulk_create([Guess(appointment_id=appointment_id, since=now)], ignore_conflicts=True)
    with whole():
        sql = "select * from telehealth_guess where appointment_id = %s for update"
        row = next(iter(Guess.objects.raw(sql, [appointment_id])))
        if now - row.since > rules.GUESSES_WITHIN:
            row.count, row.since = 0, now
        if row.count >= rules.MOST_GUESSES:
            return False
        row.count += 1
        row.save(update_fields=["count", "since"])
    return True


def invite(record: Record, room: Room, *, name: str, kind: str) -> str | Refusal:
    """A seat for a relative or an interpreter, under a name both sides see; the secret of its link, shown once."""
    checked = rules.invited_name(name)
    if isinstance(checked, Refusal):
        return checked
    if kind not in GUESTS:
        return refuse("video.invite", _("Chọn người nhà hoặc người phiên dịch."))
    secret = secrets.token_urlsafe(18)
    with held(room) as found:
        if found.state not in rules.OPEN or found.ended_at is not None:
            return refuse("video.over", _("Lượt khám này đã kết thúc."))
        guests = Seat.objects.filter(room=found, removed_at=None, kind__in=GUESTS)
        if guests.count() >= rules.MOST_INVITED:
            most = _("Đã mời đủ %(most)s người. Mời bớt một người ra rồi mời tiếp.")
            return refuse("video.many", most, most=rules.MOST_INVITED)
        expires = min(found.closes, record.clock() + rules.INVITED_FOR)
        Seat(
            room=found, key=secrets.token_hex(12), kind=kind, name=checked, link=queries.link_hash(secret),
            expires=expires,
        ).save(force_insert=True)  # fmt: skip
    return secret


def accept(seat: Seat, *, now: datetime) -> Seat | None:
    """Somebody follows an invitation: the seat is this browser's, and its link is used up. None: somebody was first."""
    holder = f"guest:{secrets.token_hex(12)}"
    taken = Seat.objects.filter(
        pk=seat.pk, holder="", removed_at=None, expires__gt=now, link=seat.link, room__ended_at=None
    ).update(holder=holder, link=None, expires=seat.room.closes)
    if not taken:
        return None
    seat.refresh_from_db()
    with held(seat.room):
        pass
    return seat


# -- the ladder --------------------------------------------------------------------------------------------


def note_rung(record: Record, seat: Seat, rung: str, *, why: str = "") -> None:
    """A page went down or up: the room keeps the rung, the visit each change of it."""
    system = by_rule(record, f"seat:{seat.key}")
    with held(seat.room) as room:
        if room.rung == rung or room.ended_at is not None or room.state not in rules.OPEN:
            return
        room.rung = rung
        room.save(update_fields=["rung"])
        encounters.note(system, room.encounter_id, f"rung-{rung}", at=system.clock(), by=seat.name, why=why)
