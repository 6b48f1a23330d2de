"""Ordering and fetching copies; asking for corrections and erasure; erasing an account."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.citizen.privacy import copying, making, queries, tasks
from yba.areas.citizen.privacy import rules as own_rules
from yba.areas.citizen.privacy.models import BookCopy
from yba.areas.citizen.rules import Own
from yba.care.access_log import Line
from yba.care.privacy import actions as privacy
from yba.care.privacy import keeping, rules
from yba.care.privacy.models import Request
from yba.care.refusal import Refusal, refuse
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.words import local_day

MOST_WAITING = 4


def order_copy(record: Record, own: Own, *, form: str, once: str = "") -> BookCopy | Refusal:
    """Order a copy: made at once when the book is thin, else by the worker after this commits."""
    now = record.clock()
    refusal = own_rules.copy_refusal(own, today=local_day(now))
    if refusal is not None:
        privacy.note(record, "refused", own.person.id, "copy.adult")
        return refusal
    if once and (known := BookCopy.objects.filter(once=once).first()) is not None:
        return known
    mine = BookCopy.objects.filter(account=record.actor.user)
    if mine.filter(state=BookCopy.State.WAITING).count() >= MOST_WAITING:
        return refuse("copy.waiting", gettext_lazy("Đang làm vài bản sao. Đợi xong rồi xin thêm."))
    try:
        with transaction.atomic():
            copy = BookCopy.objects.create(
                account=record.actor.user, patient_id=own.person.id, patient_name=own.person.name, form=form,
                asked_at=now, once=once or None,
            )  # fmt: skip
            privacy.note(record, "export", own.person.id, f"copy {copy.pk} {form} asked")
            if copying.count(record, own.person.id) <= rules.AT_ONCE:
                making.make(record, copy)
            else:
                tasks.make_copy.defer(copy=copy.pk)
    except IntegrityError:
        return BookCopy.objects.get(once=once)
    return copy


def fetch_copy(
    record: Record, number: int, allowed: Callable[[str], bool]
) -> tuple[BookCopy, bytes] | Refusal | None:
    """The bytes, once: they are gone from here with this answer. None: no such copy of this account."""
    now = record.clock()
    with transaction.atomic():
        copy = BookCopy.objects.select_for_update().filter(pk=number, account=record.actor.user).first()
        if copy is None or not allowed(copy.patient_id):
            return None
        state = own_rules.state_now(copy, now)
        if state != BookCopy.State.READY or copy.content is None:
            return refuse(
                "copy.gone", gettext_lazy("Bản sao này đã được tải hoặc đã hết hạn. Xin bản mới nếu cần.")
            )
        content = bytes(copy.content)
        copy.content, copy.state, copy.fetched_at = None, BookCopy.State.FETCHED, now
        copy.save(update_fields=["content", "state", "fetched_at"])
        privacy.note(record, "export", copy.patient_id, f"copy {copy.pk} {copy.form} fetched")
        return copy, content


# -- requests -----------------------------------------------------------------------------------------------


def ask_correction(
    record: Record,
    own: Own,
    *,
    visit: queries.Visit | None,
    facility: tuple[str, str],
    wrong: str,
    right: str,
    once: str,
) -> Request | Refusal:
    """Ask the facility that keeps an entry, or the person's particulars, to correct it."""
    asked = privacy.Asked(
        kind=Request.Kind.CORRECT,
        patient=own.person.id,
        patient_name=own.person.name,
        facility=facility[0],
        facility_name=facility[1],
        subject=f"Encounter/{visit.id}" if visit else f"Patient/{own.person.id}",
        subject_words=visit.words if visit else "",
        wrong=wrong,
        right=right,
    )
    return privacy.ask(record, asked, once=once)


def ask_restriction(
    record: Record, own: Own, *, facility: tuple[str, str], right: str, once: str
) -> Request | Refusal:
    """Ask a facility to use the data for less than it does (NĐ 356/2025 Đ5)."""
    asked = privacy.Asked(
        kind=Request.Kind.RESTRICT, patient=own.person.id, patient_name=own.person.name, facility=facility[0],
        facility_name=facility[1], right=right,
    )  # fmt: skip
    return privacy.ask(record, asked, once=once)


def ask_about_opening(record: Record, own: Own, line: Line, *, why: str, once: str) -> Request | Refusal:
    """Ask the facility of one opening of the book what it was for (Luật 91/2025/QH15 Đ4: the right to know)."""
    when = f"{spoken.when(line.since)}"
    said = [
        line.name,
        line.role,
        line.facility,
        when,
        f"{line.acts}: {line.things}" if line.things else line.acts,
    ]
    subject = f"Opening/{line.place}/{line.who}"
    pending = Request.objects.filter(
        patient_id=own.person.id, subject=subject, state__in=Request.PENDING
    ).first()
    if pending is not None:
        return pending
    asked = privacy.Asked(
        kind=Request.Kind.QUESTION, patient=own.person.id, patient_name=own.person.name,
        facility=line.facility_id, facility_name=line.facility, subject=subject,
        subject_words=" · ".join(filter(None, said))[:300], wrong=why,
    )  # fmt: skip
    return privacy.ask(record, asked, once=once)


def ask_erasure(record: Record, own: Own, *, why: str, once: str) -> list[Request] | Refusal:
    """Ask every facility that keeps records; where the law keeps them still, the refusal is the answer (Đ5, P-05)."""
    today = local_day(record.clock())
    groups = keeping.kept_of(record, own.person.id)
    facilities = {one.facility: one.facility_name for one in groups} or {"": ""}
    made = []
    with transaction.atomic():
        for facility, name in facilities.items():
            asked = privacy.Asked(
                kind=Request.Kind.ERASE, patient=own.person.id, patient_name=own.person.name, facility=facility,
                facility_name=name, wrong=why,
            )  # fmt: skip
            row = privacy.ask(record, asked, once=f"{once}.{facility}"[:64] if once else "")
            if isinstance(row, Refusal):
                transaction.set_rollback(True)
                return row
            made.append(row)
            mine = [one for one in groups if one.facility == facility]
            if row.state == Request.State.OPEN and not any(one.is_past(today) for one in mine):
                answer, article = kept_answer(mine)
                privacy.close(record.as_system(), row, accepted=False, answer=answer, article=article)
    return made


def kept_answer(groups: Sequence[keeping.KeptGroup]) -> tuple[str, str]:
    """Why nothing can be erased, and the articles that say so."""
    if not groups:
        from yba.care.privacy.tables import classes

        book_class = next(one for one in classes() if one.key == "book")
        return (
            _("Sổ sức khỏe điện tử được giữ 10 năm sau khi chủ sổ qua đời, nên chưa xóa được."),
            book_class.article,
        )
    parts = [
        _("%(name)s: %(count)s lần khám, giữ vĩnh viễn") % {"name": one.name, "count": one.count}
        if one.until is None
        else _("%(name)s: %(count)s lần khám, giữ đến %(day)s")
        % {"name": one.name, "count": one.count, "day": words.ngay(one.until)}
        for one in groups
    ]
    said = _("Luật bắt buộc giữ hồ sơ bệnh án nên chưa xóa được. %(parts)s.") % {"parts": "; ".join(parts)}
    return said, "; ".join(dict.fromkeys(one.article for one in groups))


# -- the account --------------------------------------------------------------------------------------------


def erase_account(record: Record, account: Any) -> None:
    """Erase what the account alone holds: numbers, devices, family, copies. The books stay, and say why."""
    with transaction.atomic():
        patients = sorted(account.links.values_list("patient_id", flat=True))
        BookCopy.objects.filter(account=record.actor.user).update(content=None, state=BookCopy.State.EXPIRED)
        for patient in patients:
            privacy.note(record, "account-erased", patient, f"account {record.actor.user}")
        import_string(settings.YBA_ERASE_ACCOUNT)(account)


def file_name(copy: BookCopy) -> str:
    """A plain name for the file: no name of the person in a list of downloads."""
    day = re.sub(r"\D", "", words.ngay(copy.asked_at))
    return f"so-y-ba-{day}-{copy.pk}.{'pdf' if copy.form == BookCopy.Form.PDF else 'json'}"


def waits_until(copy: BookCopy) -> str:
    return spoken.when(copy.expires_at) if copy.expires_at else ""
