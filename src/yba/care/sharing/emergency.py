"""Breaking the glass: a chart opened in an emergency, told to the person, judged by an auditor afterwards.

The opening is a Consent that only this rule makes (``yba.fhir.record.writing`` refuses any other). It lets the one
practitioner named see the chart for the hours of ``standing.yaml``, and ends by the record's clock.
Source: Luật 15/2023/QH15 Đ10 k3, Đ61; Luật 91/2025/QH15 Đ19 k1; HL7 v3-ActReason BTG, ETREAT.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from yba.care import messages, people
from yba.care.chart import HANOI
from yba.care.refusal import Refusal, refuse
from yba.care.sharing import tables
from yba.care.sharing.giving import phones_of
from yba.care.sharing.models import Review
from yba.care.sharing.noting import NOTED
from yba.fhir.access import Actor
from yba.fhir.access.consent import emergency
from yba.fhir.access.standing import data, is_dead
from yba.fhir.errors import NotFound
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.record import Record
from yba.ui.words import local_day

PURPOSE: Final = "ETREAT"
SHORTEST: Final = 10


def may_open(actor: Actor) -> bool:
    """Whether somebody may break the glass: who treats, or reception with the right to do it for the doctor on duty."""
    known = tables.data()["emergency"]
    if actor.role in known["roles"]:
        return bool(actor.practitioner and actor.facility)
    return is_desk(actor)


def is_desk(actor: Actor) -> bool:
    """Whether somebody opens for another: reception, whose account has the right."""
    desk = tables.data()["emergency"]["desk"]
    return actor.role == desk["role"] and desk["right"] in actor.rights and bool(actor.facility)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is said when the glass is broken."""

    patient: str
    reason: str
    words: str
    #: For reception: the Practitioner who is to see the chart.
    practitioner: str = ""


def acting(record: Record) -> Record:
    """The record for reading in an emergency: every act of it is audited with that purpose."""
    record.actor = replace(record.actor, purpose=PURPOSE)
    return record


def break_the_glass(record: Record, opening: Opening) -> Review | Refusal:
    """Open a chart for three hours. The same practitioner and person while it is open: the opening there is."""
    why = _refusal(record, opening)
    if why is not None:
        return why
    acting(record)
    actor = (
        record.actor
        if not is_desk(record.actor)
        else replace(record.actor, practitioner=opening.practitioner)
    )
    system, now = record.as_system(), record.clock()
    patient = system.read(Patient, opening.patient)
    if is_dead(patient):
        return refuse("emergency.dead", _("Người này đã mất: sổ được khóa, không mở cấp cứu."))
    known = current_of(record, opening.patient, practitioner=actor.practitioner or "")
    if known is not None:
        return known
    reason = next(one for one in tables.reasons() if one.key == opening.reason)
    words = opening.words.strip()
    made = emergency(actor, opening.patient, reason=f"{reason.names['vi']}. {words}", now=now)
    with transaction.atomic(), record.atomic():
        kept = system.create(made)
        review = Review.objects.create(
            consent=kept.id or "", patient_id=opening.patient, patient_name=people.name_of(patient),
            facility=actor.facility or "", facility_name=_name(system, actor.facility or ""),
            practitioner=actor.practitioner or "", account=actor.user, by_name=actor.name, role=actor.role,
            reason=opening.reason, words=words, opened_at=now, until=now + _life(),
            due=local_day(now) + timedelta(days=int(tables.data()["emergency"]["review-days"])),
        )  # fmt: skip
        review.told = _tell(record, patient, review)
        review.save(update_fields=["told"])
        record.audit(
            "emergency", type_name="Consent", identifier=kept.id, patients=[opening.patient],
            detail=f"{opening.reason}: {words}",
        )  # fmt: skip
    return review


def _life() -> timedelta:
    return timedelta(hours=data()["emergency"]["hours"])


def _refusal(record: Record, opening: Opening) -> Refusal | None:
    if not may_open(record.actor):
        raise NotFound("emergency.none", "There is no such page.")
    if opening.reason not in {one.key for one in tables.reasons()}:
        return refuse("emergency.reason", _("Chọn lý do mở cấp cứu."))
    if len(opening.words.strip()) < SHORTEST:
        return refuse(
            "emergency.words", _("Viết rõ tình trạng, ít nhất 10 chữ cái: người kiểm tra nhật ký sẽ đọc.")
        )
    if is_desk(record.actor) and not _works_here(record, opening.practitioner):
        return refuse("emergency.doctor", _("Chọn bác sĩ trực của cơ sở: chỉ người đó mở được sổ."))
    return None


def _works_here(record: Record, practitioner: str) -> bool:
    from yba.fhir.r4.practitioner_role import PractitionerRole

    asked = [("practitioner", f"Practitioner/{practitioner}")]
    asked.append(("organization", f"Organization/{record.actor.facility}"))
    return bool(practitioner) and record.first(PractitionerRole, *asked) is not None


def _name(system: Record, facility: str) -> str:
    try:
        return system.read(Organization, facility).name or ""
    except NotFound:
        return ""


def doctor_name(record: Record, practitioner: str) -> str:
    """The name of a practitioner, or nothing."""
    try:
        found = record.read(Practitioner, practitioner)
    except NotFound:
        return ""
    return next((one.text or " ".join(filter(None, [one.family, *one.given])) for one in found.name), "")


def _tell(record: Record, patient: Patient, review: Review) -> int:
    """Message the person, and of a child those who answer for it; how many."""
    called = people.name_of(patient)[:30].rstrip()
    place = review.facility_name[:36].rstrip()
    at = review.opened_at.astimezone(HANOI).strftime("%H:%M %d/%m")
    hours = data()["emergency"]["hours"]
    text = f"Y Bạ: {at} {place} mở sổ của {called} vì cấp cứu, {hours} giờ. Xem: mục Ai đã mở sổ. Không đúng: bấm Hỏi."
    phones = phones_of(record, patient)
    for phone in phones:
        messages.send(phone, text, "sharing.emergency", f"emergency.{review.consent}.{phone}")
    return len(phones)


# -- while it is open --------------------------------------------------------------------------------------


def current_of(record: Record, patient_id: str, *, practitioner: str) -> Review | None:
    """The opening of a chart for a practitioner that has not ended."""
    found = Review.objects.filter(
        patient_id=patient_id, practitioner=practitioner, ended_at=None, until__gt=record.clock()
    )
    return found.order_by("-opened_at").first()


def open_now(record: Record) -> list[Review]:
    """What is open for the actor, newest first; at reception: what the desk opened."""
    found = Review.objects.filter(ended_at=None, until__gt=record.clock()).exclude(reason=NOTED)
    mine = (
        found.filter(practitioner=record.actor.practitioner)
        if record.actor.practitioner
        else found.filter(account=record.actor.user)
    )
    return list(mine.order_by("-opened_at"))


def end(record: Record, review: Review) -> None:
    """Close the chart before its time."""
    now = record.clock()
    with transaction.atomic(), record.atomic():
        row = Review.objects.select_for_update().get(pk=review.pk)
        if row.ended_at is not None or row.until <= now:
            return
        _withdraw(record, row)
        row.save(update_fields=["ended_at"])


def _withdraw(record: Record, row: Review) -> None:
    system = record.as_system()
    consent = system.lock(Consent, row.consent)
    if consent.status == "active":
        consent.status = "inactive"
        system.update(consent)
    row.ended_at = record.clock()


# -- afterwards --------------------------------------------------------------------------------------------


def judge(record: Record, number: int, *, justified: bool, note: str) -> Review | Refusal:
    """An auditor's verdict, once, with its grounds; nobody judges what they opened themselves.

    A noted consent that has no good grounds is withdrawn at once.

    Raises Review.DoesNotExist for one of another facility.
    """
    if not note.strip():
        return refuse("review.note", _("Viết căn cứ của kết luận."))
    with transaction.atomic(), record.atomic():
        row = Review.objects.select_for_update().get(pk=number, facility=record.actor.facility or "")
        if row.state != Review.State.WAITING:
            return refuse("review.judged", _("Lần mở này đã có kết luận của %(name)s."), name=row.judged_by)
        if row.account == record.actor.user:
            return refuse(
                "review.own", _("Người mở không tự xem xét. Chuyển cho người kiểm tra nhật ký khác.")
            )
        row.state = Review.State.JUSTIFIED if justified else Review.State.UNJUSTIFIED
        row.note, row.judged_at, row.judged_by = note.strip(), record.clock(), record.actor.name
        if row.reason == NOTED and not justified:
            _withdraw(record, row)
        row.save(update_fields=["state", "note", "judged_at", "judged_by", "ended_at"])
        record.audit(
            "alert", type_name="Consent", identifier=row.consent, patients=[row.patient_id],
            detail=f"{'noted' if row.reason == NOTED else 'emergency'} {row.state}",
        )  # fmt: skip
    return row
