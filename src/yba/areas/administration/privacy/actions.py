"""What the facility writes: entries of the register of breaches, and answers to what people ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy, gettext_noop

from yba.areas.administration.privacy import addenda, rules
from yba.areas.administration.privacy.models import Breach, BreachStep
from yba.care.privacy import actions as privacy
from yba.care.privacy import keeping
from yba.care.privacy.models import Request
from yba.care.refusal import Refusal, refuse
from yba.fhir.errors import Conflict
from yba.fhir.record import Record
from yba.ui.words import local_day

# -- breaches -------------------------------------------------------------------------------------------------


def _breach_step(record: Record, breach: Breach, words: str, note: str = "") -> None:
    BreachStep.objects.create(
        breach=breach, at=record.clock(), by_name=record.actor.name, words=words, note=note
    )
    privacy.note(record, "policy", "", f"breach {breach.number}: {words}")


@dataclass(frozen=True, slots=True)
class Found:
    """A breach as it is entered."""

    detected_at: datetime
    happened_at: datetime | None
    what: str
    data: Sequence[str]
    affected: int | None


def enter_breach(record: Record, found: Found, *, once: str = "") -> Breach | Refusal:
    """Begin the file of a breach: the clock of 72 hours runs from its detection."""
    refusal = rules.times_refusal(detected=found.detected_at, happened=found.happened_at, now=record.clock())
    if refusal is not None:
        return refusal
    if once and (known := Breach.objects.filter(once=once).first()) is not None:
        return known
    try:
        with transaction.atomic():
            breach = Breach.objects.create(
                facility=record.actor.facility or "", happened_at=found.happened_at, detected_at=found.detected_at,
                due_at=rules.due_at(found.detected_at), what=found.what, data=list(found.data),
                affected=found.affected, entered_by=record.actor.name, once=once or None,
            )  # fmt: skip
            _breach_step(record, breach, gettext_noop("Đã ghi vi phạm"), found.what)
    except IntegrityError:
        return Breach.objects.get(once=once)
    return breach


def _held(record: Record, number: int) -> Breach:
    """The breach of the actor's own facility, its row held. Raises Breach.DoesNotExist."""
    return Breach.objects.select_for_update().get(pk=number, facility=record.actor.facility or "")


def add_to_breach(
    record: Record, number: int, *, note: str, affected: int | None, measures: str
) -> Breach | Refusal:
    """What was found or done since; the count and the measures as they are known now."""
    with transaction.atomic():
        breach = _held(record, number)
        if breach.closed_at is not None:
            return refuse("breach.closed", gettext_lazy("Vi phạm này đã khép lại."))
        if affected is not None:
            breach.affected = affected
        if measures.strip():
            breach.measures = measures.strip()
        breach.save(update_fields=["affected", "measures"])
        said = "\n".join(filter(None, [note.strip(), measures.strip()]))
        _breach_step(record, breach, gettext_noop("Đã ghi thêm"), said)
        return breach


def report(record: Record, number: int, *, at: datetime, paper: str) -> Breach | Refusal:
    """The authority has been told (Mẫu 08)."""
    fields = {"reported_at": at, "report_number": paper}
    return _told(record, number, fields, at=at, words=gettext_noop("Đã báo cơ quan chuyên trách"), note=paper)


def tell(record: Record, number: int, *, at: datetime, how: str) -> Breach | Refusal:
    """The people concerned have been told."""
    fields = {"told_at": at, "told_how": how}
    return _told(record, number, fields, at=at, words=gettext_noop("Đã báo người bị ảnh hưởng"), note=how)


def _told(
    record: Record, number: int, fields: Mapping[str, object], *, at: datetime, words: str, note: str
) -> Breach | Refusal:
    with transaction.atomic():
        breach = _held(record, number)
        refusal = rules.notice_refusal(breach, at=at, now=record.clock())
        if refusal is not None:
            return refusal
        for name, value in fields.items():
            setattr(breach, name, value)
        breach.save(update_fields=list(fields))
        _breach_step(record, breach, words, note)
        return breach


def leave_unreported(record: Record, number: int, *, because: str) -> Breach | Refusal:
    """Why the authority need not be told: it stands in the file for whoever inspects it."""
    if not because.strip():
        return refuse("breach.because", gettext_lazy("Ghi lý do không phải báo."))
    with transaction.atomic():
        breach = _held(record, number)
        breach.unreported_because = because.strip()
        breach.save(update_fields=["unreported_because"])
        _breach_step(record, breach, gettext_noop("Không phải báo"), because.strip())
        return breach


def close_breach(record: Record, number: int) -> Breach | Refusal:
    """Close the file when nothing is missing."""
    with transaction.atomic():
        breach = _held(record, number)
        refusal = rules.close_refusal(breach)
        if refusal is not None:
            return refusal
        now = record.clock()
        breach.closed_at, breach.kept_until = now, rules.kept_until(local_day(now))
        breach.save(update_fields=["closed_at", "kept_until"])
        _breach_step(record, breach, gettext_noop("Đã khép lại"))
        return breach


# -- requests -------------------------------------------------------------------------------------------------


def _asked(record: Record, number: int) -> Request:
    """A request to the actor's own facility, its row held. Raises Request.DoesNotExist."""
    return Request.objects.select_for_update().get(pk=number, facility=record.actor.facility or "")


def refuse_request(record: Record, number: int, *, answer: str, article: str) -> Request | Refusal:
    """No, and why: the person reads it."""
    if not answer.strip():
        return refuse("privacy.reason", gettext_lazy("Viết lý do: người xin sẽ đọc."))
    with transaction.atomic():
        row = _asked(record, number)
        if not row.is_pending:
            return privacy.closed_already(row)
        return privacy.close(record, row, accepted=False, answer=answer.strip(), article=article.strip())


def correct(
    record: Record, number: int, *, answer: str, particulars: addenda.Particulars | None = None
) -> Request | Refusal:
    """Yes: an addendum beside what was signed, or new particulars of the person, and where both came from."""
    if not answer.strip():
        return refuse("privacy.reason", gettext_lazy("Viết điều đã sửa: người xin sẽ đọc."))
    with transaction.atomic():
        row = _asked(record, number)
        if not row.is_pending or row.kind != Request.Kind.CORRECT:
            return privacy.closed_already(row)
        if row.subject.startswith("Patient/"):
            if particulars is None or particulars.is_empty:
                return refuse("privacy.nothing", gettext_lazy("Ghi ít nhất một điều đúng của nhân thân."))
            try:
                written = addenda.change_particulars(record, row, particulars)
            except Conflict:
                transaction.set_rollback(True)
                return refuse(
                    "privacy.number-known", gettext_lazy("Số căn cước này là của người khác trong sổ.")
                )
        else:
            written = addenda.append(record, row, answer.strip())
        return privacy.close(
            record,
            row,
            accepted=True,
            answer=answer.strip(),
            addendum=written.addendum,
            provenance=written.provenance,
        )


def restrict(record: Record, number: int, *, answer: str) -> Request | Refusal:
    """Yes to anything but a correction or an erasure: what was done is written down."""
    if not answer.strip():
        return refuse("privacy.reason", gettext_lazy("Viết điều đã làm: người xin sẽ đọc."))
    with transaction.atomic():
        row = _asked(record, number)
        if not row.is_pending or row.kind in (Request.Kind.CORRECT, Request.Kind.ERASE):
            return privacy.closed_already(row)
        return privacy.close(record, row, accepted=True, answer=answer.strip())


def erase(record: Record, number: int, *, decision: str, answer: str) -> Request | Refusal:
    """Take away the visits whose time of keeping has passed, by a decision of the facility's head (TT 33/2025)."""
    if not decision.strip():
        return refuse(
            "privacy.decision", gettext_lazy("Ghi số quyết định hủy hồ sơ của người đứng đầu cơ sở.")
        )
    with transaction.atomic():
        row = _asked(record, number)
        if not row.is_pending or row.kind != Request.Kind.ERASE:
            return privacy.closed_already(row)
        system = record.as_system()
        today = local_day(record.clock())
        past = [
            one
            for one in keeping.kept_of(system, row.patient_id)
            if one.facility == row.facility and one.is_past(today)
        ]
        if not past:
            return refuse("privacy.kept", gettext_lazy("Chưa hồ sơ nào quá hạn giữ, nên chưa được hủy."))
        count = sum(addenda.erase_visit(system, visit) for one in past for visit in one.visits)
        said = "\n".join(filter(None, [answer.strip(), decision.strip()]))
        articles = "; ".join(dict.fromkeys(one.article for one in past))
        privacy.note(
            record, "erase", row.patient_id, f"{row.number}: {count} resources, {decision.strip()}"[:2000]
        )
        return privacy.close(record, row, accepted=True, answer=said, article=articles)
