"""Next of kin and the locked book of somebody who has died: asked with papers, decided by a records office.

What is opened is a Consent of the office for the one who asked: some kinds, some days, no sensitive rows.
Sources: Luật 15/2023/QH15 Đ69 k4 (summary of the record to next of kin); Bộ luật Dân sự 2015 Đ38 k2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from yba.care import people
from yba.care.refusal import Refusal, refuse
from yba.care.sharing import tables, terms
from yba.care.sharing.giving import keep
from yba.care.sharing.models import KinRequest
from yba.care.sharing.terms import Proof
from yba.care.uploads.rules import Accepted
from yba.fhir.access.consent import KIN, sharing
from yba.fhir.access.standing import is_dead
from yba.fhir.r4.consent import ConsentPolicy
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.words import local_day

ANSWER_DAYS: Final = 10
MOST_OPEN: Final = 5
OFFICE: Final = "records_office"


@dataclass(frozen=True, slots=True)
class Asked:
    """What next of kin say."""

    name: str
    number: str
    relation: str
    why: str
    facility: str
    facility_name: str
    asker_name: str
    paper: Accepted


def ask(record: Record, asked: Asked, *, once: str = "") -> KinRequest | Refusal:
    """Send a request to the facility; whether there is such a person is not told here."""
    now = record.clock()
    if once and (known := KinRequest.objects.filter(once=once).first()) is not None:
        return known
    if (
        KinRequest.objects.filter(account=record.actor.user, state=KinRequest.State.WAITING).count()
        >= MOST_OPEN
    ):
        return refuse("kin.too-many", _("Đang có nhiều yêu cầu chờ trả lời. Đợi trả lời rồi gửi thêm."))
    try:
        with transaction.atomic():
            row = KinRequest.objects.create(
                name=asked.name, number=asked.number, relation=asked.relation, why=asked.why,
                facility=asked.facility, facility_name=asked.facility_name, asker=record.actor.person or "",
                asker_name=asked.asker_name, account=record.actor.user, paper=asked.paper.content,
                paper_kind=asked.paper.kind, paper_name=asked.paper.name[:200], asked_at=now,
                due=local_day(now) + timedelta(days=ANSWER_DAYS), once=once or None,
            )  # fmt: skip
            record.audit("request", detail=f"next of kin {row.pk} to {asked.facility}")
    except IntegrityError:
        return KinRequest.objects.get(once=once)
    return row


def decide(record: Record, number: int, *, accept: bool, answer: str) -> KinRequest | Refusal:
    """The records office's answer. Raises KinRequest.DoesNotExist for one of another facility."""
    if not answer.strip():
        return refuse("kin.answer", _("Viết câu trả lời: người xin sẽ đọc."))
    now = record.clock()
    with transaction.atomic(), record.atomic():
        row = KinRequest.objects.select_for_update().get(pk=number, facility=record.actor.facility or "")
        if row.state != KinRequest.State.WAITING:
            return refuse("kin.decided", _("Yêu cầu này đã được trả lời."))
        if accept:
            patient = people.carrier_of(record.as_system(), row.number)
            if patient is None or not is_dead(patient):
                return refuse(
                    "kin.not-dead",
                    _("Không có sổ với số căn cước này được ghi là đã mất. Ghi ngày mất vào sổ trước."),
                )
            row.patient_id, row.consent = patient.id or "", _opened(record, row, patient)
        row.state = KinRequest.State.ACCEPTED if accept else KinRequest.State.REFUSED
        row.answer, row.decided_at, row.decided_by = answer.strip(), now, record.actor.name
        row.save()
        record.audit(
            "policy", type_name="Consent" if row.consent else None, identifier=row.consent or None,
            patients=[row.patient_id] if row.patient_id else [], detail=f"next of kin {row.pk} {row.state}",
        )  # fmt: skip
    return row


def _opened(record: Record, row: KinRequest, patient: Patient) -> str:
    now, known = record.clock(), tables.data()["kin"]
    until = terms.end_of(local_day(now) + timedelta(days=int(known["days"])))
    made = sharing(
        patient.id or "", [Reference(reference=f"Patient/{row.asker}", display=row.asker_name)], now=now,
        until=until, types=known["types"], purposes=(),
    )  # fmt: skip
    made.category = [*made.category, CodeableConcept(coding=[Coding(system=terms.CATEGORY, code=KIN)])]
    made.performer = [Reference(reference=f"Organization/{row.facility}", display=row.facility_name)]
    text = tables.text_of("share", local_day(now))
    made.policy = [ConsentPolicy(uri=f"{terms.TEXT}next-of-kin/1")]
    made.extension = [terms.proof_of(Proof(text, "office", by=f"{record.actor.name}: {row.pk}"))]
    return keep(record, made).id or ""
