"""Agreeing, withdrawing, asking and answering: each in one transaction with its proof and its audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy, gettext_noop

from yba.care.privacy import rules, tables
from yba.care.privacy.models import Agreement, Officer, Request, Step
from yba.care.refusal import Refusal, refuse
from yba.fhir.record import Record
from yba.fhir.store.rows import Stored
from yba.ui.words import local_day

#: Open requests of one person at a time: more are no help to anybody.
MOST_OPEN: Final = 10


def note(record: Record, act: str, patient: str, detail: str) -> None:
    """The audit of an act on these tables, under the person it is about."""
    about = Stored("Patient", patient, 0, record.clock(), None, patient) if patient else None
    record.audit(act, type_name="Patient" if patient else None, stored=about, detail=detail)


# -- consents ---------------------------------------------------------------------------------------------


def agree(
    record: Record,
    *,
    patient: str,
    purpose: str,
    version: str,
    given: bool,
    method: str = Agreement.Method.PAGE,
    evidence: Mapping[str, str] | None = None,
) -> Agreement | Refusal:
    """Keep that a person agreed to (or withdrew from) the text they read. The text must be the one in force."""
    now = record.clock()
    text = tables.text_in_force(purpose, local_day(now))
    if text is None or (given and text.version != version):
        return refuse(
            "privacy.text-changed", gettext_lazy("Lời đồng ý vừa được thay. Đọc lại bản mới rồi chọn.")
        )
    with transaction.atomic():
        current = newest(patient, purpose)
        if current is not None and current.given == given and (not given or current.version == version):
            return current
        if current is None and not given:
            return refuse(
                "privacy.never-given", gettext_lazy("Chưa từng đồng ý việc này nên không có gì để rút.")
            )
        row = Agreement.objects.create(
            patient_id=patient, account=record.actor.user, purpose=purpose, version=text.version,
            digest=text.digest, given=given, at=now, method=method, by_name=record.actor.name,
            evidence=dict(evidence or {}),
        )  # fmt: skip
        note(record, "consent", patient, f"{purpose}/{text.version} {'given' if given else 'withdrawn'}")
        return row


def newest(patient: str, purpose: str) -> Agreement | None:
    """What a person said last about a purpose."""
    return Agreement.objects.filter(patient_id=patient, purpose=purpose).order_by("-at", "-id").first()


def consented(patient: str, purpose: str) -> bool:
    """Whether a purpose may be followed now: only a yes is a yes (Luật 91/2025/QH15 Đ9)."""
    found = newest(patient, purpose)
    return found is not None and found.given


# -- requests ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks. ``subject``: the entry of the book it is about, as ``Encounter/1``."""

    kind: str
    patient: str
    patient_name: str
    facility: str = ""
    facility_name: str = ""
    subject: str = ""
    subject_words: str = ""
    wrong: str = ""
    right: str = ""


def ask(record: Record, asked: Asked, *, once: str = "") -> Request | Refusal:
    """Enter a request with its deadlines; the same form sent twice enters one."""
    now = record.clock()
    today = local_day(now)
    if once and (known := Request.objects.filter(once=once).first()) is not None:
        return known
    open_now = Request.objects.filter(patient_id=asked.patient, state__in=Request.PENDING).count()
    if open_now >= MOST_OPEN:
        return refuse(
            "privacy.too-many",
            gettext_lazy("Đang có %(count)s yêu cầu chờ trả lời. Đợi trả lời hoặc rút bớt rồi gửi thêm."),
            count=open_now,
        )
    try:
        with transaction.atomic():
            row = Request.objects.create(
                kind=asked.kind, patient_id=asked.patient, patient_name=asked.patient_name,
                account=record.actor.user, facility=asked.facility, facility_name=asked.facility_name,
                subject=asked.subject, subject_words=asked.subject_words, wrong=asked.wrong, right=asked.right,
                asked_at=now, reply_due=rules.due("first-reply", today), due=rules.due(asked.kind, today),
                once=once or None,
            )  # fmt: skip
            step(record, row, gettext_noop("Đã gửi"))
            note(record, "request", asked.patient, f"{row.number} {asked.kind} {asked.subject}")
    except IntegrityError:
        return Request.objects.get(once=once)
    return row


def step(record: Record, row: Request, words: str, text: str = "") -> None:
    """Write down what was done; ``words`` is a sentence of the house, translated when it is read."""
    Step.objects.create(
        request=row, at=record.clock(), by_name=record.actor.name or "Y Bạ", words=words, note=text
    )


def locked(number: int) -> Request:
    """The request, its row held until the transaction ends. Raises Request.DoesNotExist."""
    return Request.objects.select_for_update().get(pk=number)


def take(record: Record, number: int, note_text: str = "") -> Request | Refusal:
    """The first reply (two working days): somebody looks at it."""
    with transaction.atomic():
        row = locked(number)
        if row.state != Request.State.OPEN:
            return closed_already(row)
        row.state, row.replied_at = Request.State.TAKEN, record.clock()
        row.save(update_fields=["state", "replied_at"])
        step(record, row, gettext_noop("Đã nhận và đang xem"), note_text)
        note(record, "request", row.patient_id, f"{row.number} taken")
        return row


def extend(record: Record, number: int, reason: str) -> Request | Refusal:
    """The longer time, where another party must act too; the person reads why."""
    with transaction.atomic():
        row = locked(number)
        if not row.is_pending:
            return closed_already(row)
        if row.is_extended:
            return refuse("privacy.extended", gettext_lazy("Yêu cầu này đã được gia hạn một lần."))
        if not reason.strip():
            return refuse("privacy.reason", gettext_lazy("Viết lý do gia hạn: người xin sẽ đọc."))
        asked = local_day(row.asked_at)
        row.due, row.is_extended = rules.due(row.kind, asked, extended=True), True
        row.save(update_fields=["due", "is_extended"])
        step(record, row, gettext_noop("Đã gia hạn"), reason.strip())
        note(record, "request", row.patient_id, f"{row.number} extended")
        return row


def close(
    record: Record,
    row: Request,
    *,
    accepted: bool,
    answer: str,
    article: str = "",
    addendum: str = "",
    provenance: str = "",
) -> Request:
    """Write the answer into a row the caller holds."""
    now = record.clock()
    row.state = Request.State.ACCEPTED if accepted else Request.State.REFUSED
    row.answer, row.article, row.addendum, row.provenance = answer, article, addendum, provenance
    row.closed_at, row.closed_by = now, record.actor.name or "Y Bạ"
    row.replied_at = row.replied_at or now
    row.save()
    said = gettext_noop("Đã làm theo") if accepted else gettext_noop("Đã trả lời: không làm được")
    if row.kind == Request.Kind.QUESTION:
        said = gettext_noop("Mở không đúng, đã xử lý") if accepted else gettext_noop("Mở đúng việc")
    step(record, row, said, answer)
    note(record, "request", row.patient_id, f"{row.number} {row.state}")
    return row


def withdraw(record: Record, number: int) -> Request | Refusal:
    """The person takes the request back."""
    with transaction.atomic():
        row = locked(number)
        if not row.is_pending:
            return closed_already(row)
        row.state, row.closed_at, row.closed_by = Request.State.WITHDRAWN, record.clock(), record.actor.name
        row.save(update_fields=["state", "closed_at", "closed_by"])
        step(record, row, gettext_noop("Người xin đã rút"))
        note(record, "request", row.patient_id, f"{row.number} withdrawn")
        return row


def closed_already(row: Request) -> Refusal:
    return refuse(
        "privacy.closed",
        gettext_lazy("Yêu cầu %(number)s đã ở trạng thái “%(state)s”."),
        number=row.number,
        state=row.state_words,
    )


# -- the officer ------------------------------------------------------------------------------------------


def name_officer(record: Record, *, facility: str, name: str, phone: str, email: str) -> Officer:
    """Write down who protects the data of a facility from now on."""
    with transaction.atomic():
        row = Officer.objects.create(
            facility=facility, name=name, phone=phone, email=email, named_at=record.clock(),
            named_by=record.actor.name,
        )  # fmt: skip
        note(record, "policy", "", f"officer of {facility}")
        return row


def officer_of(facility: str) -> Officer | None:
    """The one named last."""
    return Officer.objects.filter(facility=facility).order_by("-named_at", "-id").first()
