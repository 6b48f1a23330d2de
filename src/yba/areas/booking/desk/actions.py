"""What the desk writes beside the deeds of ``booking.actions``: answers, flags, calls nobody took, duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yba.areas.booking import actions, queries, series
from yba.areas.booking import rules as booking
from yba.areas.booking.actions import Outcome
from yba.areas.booking.desk import rules, scripts
from yba.areas.booking.desk.queries import level_of
from yba.areas.booking.desk.rules import Reason
from yba.areas.booking.models import Claim, Contact, Progress
from yba.fhir.errors import Invalid
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension
from yba.fhir.record import Record, facility_of
from yba.ui import words

REASON_CS: Final = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
#: The booking that stays when another was asked for twice.
DUPLICATE_OF: Final = "https://yba.vn/fhir/extension/duplicate-of"


@dataclass(frozen=True, slots=True)
class Tried:
    """What comes after a call nobody took: when to call again, or that this was the last."""

    outcome: Outcome
    attempts: int
    next_at: datetime | None


def keep_answers(
    record: Record,
    appointment_id: str,
    script: scripts.Script,
    answers: scripts.Answers,
    *,
    done: bool = False,
) -> list[scripts.Flag]:
    """Keep the answers and put the request where its red flags say; the flags, gravest first."""
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        before = scripts.kept_answers(record, appointment_id)
        made = scripts.response(
            record, script, found, answers, before=before, status="completed" if done else "in-progress"
        )
        if before is None:
            record.create(made)
        elif (before.item, before.status, before.questionnaire) != (
            made.item,
            made.status,
            made.questionnaire,
        ):
            record.update(made)
        flags = scripts.flags(script.form, answers)
        if found.status in booking.WAITING:
            _place(record, found, flags)
        return flags


def close_answers(record: Record, appointment_id: str) -> None:
    """The call is over: what was answered is what was answered."""
    kept = scripts.kept_answers(record, appointment_id)
    if kept is not None and kept.status == "in-progress":
        kept.status = "completed"
        record.update(kept)


def confirm(record: Record, appointment_id: str) -> Outcome:
    """Confirm a request, and close its script."""
    with record.atomic():
        outcome = series.confirm(record, appointment_id)
        close_answers(record, appointment_id)
        return outcome


def _place(record: Record, found: Appointment, flags: list[scripts.Flag]) -> None:
    """Move the request up (or back, when an answer was a mistake); said once, and in the appointment's own priority."""
    level = flags[0].level if flags else ""
    why = "; ".join(one.text for one in flags)[:500]
    before = Progress.objects.filter(appointment_id=found.id).first()
    if (before.level if before is not None else "") == level:
        if before is not None and before.why != why:
            Progress.objects.filter(appointment_id=found.id).update(why=why)
        return
    Progress.objects.update_or_create(appointment_id=found.id or "", defaults={"level": level, "why": why})
    found.priority = rules.PRIORITY[flags[0].level] if flags else None
    stored = record.update(found)
    actions.note_contact(record, stored, Contact.Kind.FLAGGED, note=why, reason=level)


def unreached(record: Record, appointment_id: str, *, reason: Reason, later: datetime | None = None) -> Tried:
    """Nobody answered: noted, with the time of the next attempt; after the last one the person is told and it ends.

    ``later``: when the person asked to be called.
    """
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        if found.status not in booking.WAITING:
            return Tried(Outcome("already", found), 0, None)
        one = queries.booking_of(found)
        before = Progress.objects.filter(appointment_id=appointment_id).first()
        level, attempts = level_of(one, before), (before.attempts if before is not None else 0) + 1
        at = rules.next_attempt(attempts, level=level, now=record.clock(), visit=one.start, later=later)
        actions.note_contact(record, found, Contact.Kind.UNREACHED, note=str(reason), reason=reason.code)
        if at is None:
            return Tried(_ended(record, found, attempts), attempts, None)
        Progress.objects.update_or_create(
            appointment_id=appointment_id, defaults={"attempts": attempts, "next_at": at}
        )
        Claim.objects.filter(appointment_id=appointment_id).delete()
        actions.tell(record, facility=record.actor.facility or "")
        return Tried(Outcome("done", found), attempts, at)


def _ended(record: Record, found: Appointment, attempts: int) -> Outcome:
    # What the person reads stays in Vietnamese, whatever language the agent's page is in.
    said = f"Đã gọi {attempts} lần không gặp. Lượt này được nhả cho người khác; muốn khám thì đặt lại."
    why = CodeableConcept(coding=[Coding(system=REASON_CS, code="other")], text=said)
    close_answers(record, found.id or "")
    ended = actions.call_off(
        record, found, why, kind=Contact.Kind.ENDED, told="unreached", note=str(attempts)
    )
    series.refuse_rest(record, ended.appointment)
    return ended


def refuse(record: Record, appointment_id: str, *, reason: Reason, added: str = "") -> Outcome:
    """Say no for one of the desk's reasons; the person reads it, with what the agent added."""
    said = ". ".join(filter(None, [reason.words["vi"] if reason.code != "other" else "", added]))
    why = CodeableConcept(coding=[Coding(system=REASON_CS, code=reason.fhir)], text=said)
    with record.atomic():
        outcome = actions.refuse_request(record, appointment_id, reason=said, code=reason.code, why=why)
        if outcome.result == "done":
            series.refuse_rest(record, outcome.appointment)
        close_answers(record, appointment_id)
        return outcome


def same_as(record: Record, appointment_id: str, *, kept: str) -> Outcome:
    """Asked for twice: this one is called off, ``kept`` stays.

    Raises Invalid ``desk.not-the-same`` when ``kept`` is not an open booking of the same person at this facility.
    """
    with record.atomic():
        rows = {key: record.lock(Appointment, key) for key in sorted({appointment_id, kept})}
        found, other = rows[appointment_id], rows[kept]
        person = booking.patient_id_of(found)
        if (
            appointment_id == kept
            or person is None
            or booking.patient_id_of(other) != person
            or other.status not in booking.OPEN
            or facility_of(other) != facility_of(found)
        ):
            raise Invalid(
                "desk.not-the-same", "The booking that stays is an open one of the same person here."
            )
        close_answers(record, appointment_id)
        when = queries.booking_of(other).start
        said = (
            f"Trùng với lượt {words.when(when)}; lượt đó vẫn giữ."
            if when
            else "Trùng với một lượt khác vẫn giữ."
        )
        found.extension = [
            *found.extension, Extension(url=DUPLICATE_OF, valueReference=reference("Appointment", kept)),
        ]  # fmt: skip
        why = CodeableConcept(coding=[Coding(system=REASON_CS, code="oth-oerr")], text=said)
        return actions.call_off(record, found, why, kind=Contact.Kind.DUPLICATE, told="duplicate", note=kept)


def move_and_confirm(
    record: Record, appointment_id: str, *, slot_id: str, reason: str, confirmed: bool, beyond: str = ""
) -> Outcome:
    """Another time and, when the person agrees on the telephone, its confirmation in the same transaction."""
    with record.atomic():
        moved = actions.move_request(record, appointment_id, slot_id=slot_id, reason=reason, beyond=beyond)
        if not confirmed or moved.result == "cancelled" or moved.appointment.status not in booking.WAITING:
            return moved
        return confirm(record, appointment_id)
