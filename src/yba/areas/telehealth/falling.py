"""The rungs below sound: the hospital telephones, or another time free of charge. And what a held visit costs.

Nothing is charged before a visit was held, so what falls through costs nothing and no money has to go back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.areas.telehealth import actions, encounters, queries, rules
from yba.areas.telehealth.models import Room, Seat
from yba.care import catalogues, messages
from yba.care.identifiers import FACILITY_TAG, SPECIALTY_CS
from yba.care.line.transaction import whole
from yba.care.messages import reminders
from yba.care.money import actions as money
from yba.care.money.prices import line_for
from yba.care.refusal import Refusal, refuse
from yba.fhir.errors import Conflict, Gone, NotFound
from yba.fhir.model import references
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Annotation, CodeableConcept, Coding, Identifier, Meta
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.slot import Slot
from yba.fhir.r4.task import Task
from yba.fhir.record import Record
from yba.ui.live import changed

ONCE: Final = "https://yba.vn/fhir/sid/video-call-back"
#: Another time is no sooner than this, and no later than that.
SOONEST: Final = timedelta(minutes=10)
LATEST: Final = timedelta(days=14)
MOST_TIMES: Final = 30
Deed = Literal["take", "reached", "unreached"]


# -- the telephone -----------------------------------------------------------------------------------------


def ask_call(record: Record, seat: Seat) -> bool:
    """The person asks to be telephoned: a task on the desk's list, once a visit; the visit waits for the call."""
    system = actions.by_rule(record, f"seat:{seat.key}")
    with actions.held(seat.room) as room:
        if room.ended_at is not None or room.state not in rules.OPEN or seat.kind != Seat.Kind.PATIENT:
            return False
        if rules.may_step(room.state, "phone"):
            actions.write_state(system, room, "phone", by=seat.name, why="asked")
        system.create(_task(system, room), if_none_exist=[("identifier", f"{ONCE}|{room.name}")])
        changed(f"callbacks:{room.facility}")
    return True


def _task(system: Record, room: Room) -> Task:
    code_system, code = queries.CALL_BACK
    return Task(
        meta=Meta(tag=[Coding(system=FACILITY_TAG, code=room.facility)]),
        identifier=[Identifier(system=ONCE, value=room.name)],
        status="requested",
        intent="order",
        priority="urgent",
        code=CodeableConcept(coding=[Coding(system=code_system, code=code)], text="Gọi điện thay video"),
        description="Video không nối được, người bệnh chờ gọi điện",
        focus=reference("Appointment", room.appointment_id),
        for_=reference("Patient", room.patient_id),
        encounter=reference("Encounter", room.encounter_id),
        authoredOn=encounters.instant(system.clock()),
        owner=reference("Organization", room.facility) if room.facility else None,
    )


def turn_to_phone(record: Record, room: Room) -> bool:
    """The doctor telephones instead of the picture."""
    return actions.step(record, room, "phone", by=record.actor.name, why="doctor")


def answer_call(record: Record, task_id: str, deed: Deed) -> bool:
    """The desk takes a call, has reached the person, or has not; with the desk's own rights."""
    with whole():
        queries.call_back_of(record, task_id)
        task = record.lock(Task, task_id)
        if task.status not in ("requested", "accepted"):
            return False
        words = {"take": "Nhận gọi", "reached": "Đã nối máy với bác sĩ", "unreached": "Không nghe máy"}[deed]
        task.status = "completed" if deed == "reached" else "accepted"
        at = encounters.instant(record.clock())
        task.note = [*task.note, Annotation(text=words, time=at, authorString=record.actor.name or None)]
        record.update(task)
        changed(f"callbacks:{record.actor.facility}")
    return True


# -- another time ------------------------------------------------------------------------------------------


def may_rebook(room: Room | None, appointment: Appointment, *, now: datetime) -> Refusal | None:
    """Why this visit can't be booked again here: only one whose room was open and which was not held."""
    over = refuse("video.over", _("Lượt khám này đã kết thúc."))
    if room is None or appointment.status not in rules.COMING:
        return refuse(
            "video.rebook", _("Lượt này chưa mở phòng. Muốn đổi giờ, vào Lịch hẹn hoặc gọi bệnh viện.")
        )
    if room.ended_at is None:
        return None if room.state in rules.OPEN else over
    doctor = Seat.objects.filter(room=room, kind=Seat.Kind.DOCTOR).exclude(first_joined_at=None).exists()
    return over if room.state == "ended" or doctor else None


def free_times(system: Record, appointment: Appointment) -> list[Slot]:
    """Free times of the same timetable in the next days."""
    schedule = _schedule_of(system, appointment)
    if not schedule:
        return []
    now = system.clock()
    page = system.search(
        Slot,
        [
            ("schedule", f"Schedule/{schedule}"), ("status", "free"), ("start", f"ge{(now + SOONEST).isoformat()}"),
            ("start", f"lt{(now + LATEST).isoformat()}"), ("_sort", "start"), ("_count", str(MOST_TIMES)),
        ],
    )  # fmt: skip
    return [one for one in page.matches if isinstance(one, Slot)]


def _schedule_of(system: Record, appointment: Appointment) -> str:
    target = references.target(appointment.slot[0]) if appointment.slot else None
    try:
        slot = system.read(Slot, target[1]) if target else None
    except (NotFound, Gone):
        slot = None
    found = references.target(slot.schedule) if slot else None
    return found[1] if found else ""


def rebook(system: Record, appointment_id: str, slot_id: str, *, by: str) -> Appointment | Refusal:
    """The same booking at another time, free of charge; the old room is shut, its visit says why.

    The capacity of the new time is held by booking's own guard in the same transaction; it has the last word.
    """
    taken = refuse("video.slot-taken", _("Giờ này vừa có người đặt. Chọn giờ khác."))
    try:
        with whole():
            found = system.lock(Appointment, appointment_id)
            room = queries.room_of(found)
            refusal = may_rebook(room, found, now=system.clock())
            if refusal is not None or room is None:
                return refusal or taken
            slot = next((one for one in free_times(system, found) if one.id == slot_id), None)
            if slot is None:
                return taken
            with actions.held(room) as old:
                actions.write_state(system, old, "rebooked", by=by)
                actions.close(system, old)
            found.slot, found.start, found.end = [reference("Slot", slot.id)], slot.start, slot.end
            found.status = "booked"
            stored = system.update(found)
            phone = reminders.phone_of(system, stored)
            if phone:
                messages.write(
                    "booking.moved",
                    phone,
                    reminders.words_of(system, stored),
                    about=stored,
                    now=system.clock(),
                )
            return stored
    except Conflict:
        return taken


# -- money -------------------------------------------------------------------------------------------------


def charge_held(system: Record, room: Room) -> None:
    """The examination of a visit that was held, at the facility's price; the cashier has it then. Once a room."""
    with actions.held(room) as found:
        if found.charged_at is not None:
            return
        found.charged_at = system.clock()
        found.save(update_fields=["charged_at"])
        appointment = system.read(Appointment, found.appointment_id)
        codes = {
            code.code for one in appointment.specialty for code in one.coding if code.system == SPECIALTY_CS
        }
        exam = next(
            (one for one in catalogues.services() if one.group == "exam" and one.specialty in codes), None
        )
        line = line_for(system, exam.code, found.facility) if exam else None
        if line is not None:
            visit = system.read(Encounter, found.encounter_id)
            money.charge(
                system, encounter=visit, patient=system.read(Patient, found.patient_id), lines=[line]
            )


def was_held(system: Record, room: Room) -> bool:
    """Whether the two met: by picture, by sound or by telephone."""
    steps = encounters.steps_of(system.read(Encounter, room.encounter_id))
    return "in-call" in steps or ("phone" in steps and steps[-1] == "ended")
