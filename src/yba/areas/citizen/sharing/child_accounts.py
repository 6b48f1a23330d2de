"""A child's own account: the guardian consents, the child agrees; either takes it back, and it is closed at once.

From 7 to 15 the child is asked beside the guardian; below 7 nobody opens one, from 16 the person needs no guardian.
The ages are data (``sharing.yaml`` minor, ``standing.yaml`` guardian). Sources: Luật 91/2025/QH15 and NĐ 330/2025 Đ60;
Luật Trẻ em 2016 Đ1. What waits is an `Ask`; each one's word is an `Agreement`, kept as proof; who enters is the
account's own link.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from yba.areas.citizen.rules import SELF
from yba.care import messages, people
from yba.care.keys import digest
from yba.care.privacy.actions import note
from yba.care.privacy.models import Agreement
from yba.care.refusal import Refusal, refuse
from yba.care.sharing import tables
from yba.care.sharing.family import charges
from yba.care.sharing.giving import giver_of
from yba.care.sharing.models import Ask
from yba.fhir.access.standing import is_ward, was_minor
from yba.fhir.errors import NotFound
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.words import local_day

#: What each reads and agrees to; of the texts of sharing.
BY_GUARDIAN = "child-guardian"
BY_CHILD = "child-own"


def is_of_age(record: Record, patient: Patient) -> bool:
    """Whether a child is old enough to be asked and young enough to need a guardian."""
    now, asked_from = record.clock(), int(tables.data()["minor"]["asked-from"])
    return is_ward(patient, now) and not was_minor(patient, now, asked_from)


def wards_of_age(record: Record) -> frozenset[str]:
    """The children the actor is guardian of who are old enough to be asked."""
    wards = [one.patient for one in charges(record) if one.basis == "guardian"]
    system = record.as_system()
    found = system.find(Patient, ("_id", ",".join(wards))) if wards else []
    return frozenset(one.id or "" for one in found if is_of_age(record, one))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a child's own account stands: ``waiting`` for the child, or ``open``; ``phone``: where it was asked."""

    waiting: Ask | None
    open: bool


def standing_of(record: Record, account: Any, patient_id: str) -> Standing:
    """Of the account of somebody's child."""
    rows = Ask.objects.filter(
        kind=Ask.Kind.CHILD, patient_id=patient_id, state=Ask.State.WAITING, expires_at__gt=record.clock()
    )
    held = account.links.model.objects.filter(patient_id=patient_id, relation=SELF).exists()
    return Standing(rows.order_by("-pk").first(), held)


def ask(
    record: Record, account: Any, patient_id: str, *, phone: str, version: str, origin: str
) -> Ask | Refusal:
    """The guardian consents and names the child's number. Raises NotFound for a child that is not theirs."""
    giver = giver_of(record, patient_id)
    if isinstance(giver, Refusal):
        return giver
    if giver.who != "guardian":
        raise NotFound("share.not-theirs", "There is no such book.")
    if not is_of_age(record, giver.patient):
        return refuse("child.age", _("Tài khoản riêng dành cho trẻ từ 7 đến dưới 16 tuổi."))
    now = record.clock()
    if tables.text_of(BY_GUARDIAN, local_day(now)).version != version:
        return refuse("share.text-changed", _("Lời đồng ý vừa được thay. Đọc lại bản mới rồi chọn."))
    if account.phones.filter(number=phone).exists():
        return refuse("child.phone", _("Số này là của tài khoản đang dùng. Ghi số điện thoại riêng của trẻ."))
    with transaction.atomic(), record.atomic():
        if standing_of(record, account, patient_id).open:
            return refuse("child.open", _("Trẻ này đã có tài khoản riêng."))
        mine = Ask.objects.filter(kind=Ask.Kind.CHILD, account=record.actor.user)
        if mine.filter(asked_at__gt=now - timedelta(days=1)).count() >= int(tables.data()["ask"]["a-day"]):
            return refuse("child.often", _("Hôm nay đã gửi nhiều lần. Mai gửi tiếp."))
        mine.filter(patient_id=patient_id, state=Ask.State.WAITING).update(
            state=Ask.State.WITHDRAWN, answered_at=now
        )
        row = Ask.objects.create(
            kind=Ask.Kind.CHILD, patient_id=patient_id, patient_name=people.name_of(giver.patient), phone=phone,
            account=record.actor.user, by_name=record.actor.name, token=digest(secrets.token_urlsafe(16)),
            asked_at=now, expires_at=now + timedelta(days=int(tables.data()["invite"]["days"])),
        )  # fmt: skip
        _said(record, patient_id, BY_GUARDIAN, given=True)
        called = record.actor.name[:30].rstrip()
        link = origin + reverse("citizen:own_account")
        messages.send(
            phone, f"Y Bạ: {called} đồng ý cho em có tài khoản riêng. Đọc và trả lời: {link}", "sharing.child"
        )
    return row


def waiting_for(record: Record, phones: list[str]) -> Ask | None:
    """The newest guardian's consent that waits for whoever holds one of these numbers."""
    rows = Ask.objects.filter(
        kind=Ask.Kind.CHILD, phone__in=phones, state=Ask.State.WAITING, expires_at__gt=record.clock()
    )
    return rows.order_by("-pk").first()


def accept(record: Record, account: Any, row: Ask, *, version: str) -> Refusal | None:
    """The child agrees: from now on this account is the child's own. The age and the guardian are looked at anew."""
    now = record.clock()
    if tables.text_of(BY_CHILD, local_day(now)).version != version:
        return refuse("share.text-changed", _("Lời đồng ý vừa được thay. Đọc lại bản mới rồi chọn."))
    with transaction.atomic(), record.atomic():
        held = Ask.objects.select_for_update().get(pk=row.pk)
        patient = record.as_system().read(Patient, held.patient_id)
        if held.state != Ask.State.WAITING or held.expires_at <= now or not is_of_age(record, patient):
            return refuse("child.over", _("Lời mời này đã được trả lời hoặc đã hết hạn. Nhờ cha mẹ gửi lại."))
        if account.links.filter(relation=SELF).exists():
            return refuse("child.has-book", _("Tài khoản này đã có sổ của một người."))
        if account.links.model.objects.filter(patient_id=held.patient_id, relation=SELF).exists():
            return refuse("child.open", _("Trẻ này đã có tài khoản riêng."))
        try:
            with transaction.atomic():
                account.links.filter(patient_id=held.patient_id).delete()
                account.links.create(patient_id=held.patient_id, relation=SELF)
        except IntegrityError:
            return refuse("child.has-book", _("Tài khoản này đã có sổ của một người."))
        account.name = people.name_of(patient)
        account.save(update_fields=["name"])
        held.state, held.answered_at = Ask.State.GIVEN, now
        held.save(update_fields=["state", "answered_at"])
        _said(record, held.patient_id, BY_CHILD, given=True)
    return None


def decline(record: Record, row: Ask) -> None:
    """The child says no: nothing is opened, and the guardian sees it."""
    with transaction.atomic():
        held = Ask.objects.select_for_update().get(pk=row.pk)
        if held.state == Ask.State.WAITING:
            held.state, held.answered_at = Ask.State.DECLINED, record.clock()
            held.save(update_fields=["state", "answered_at"])
            note(record, "consent", held.patient_id, f"{BY_CHILD} declined")


def close(record: Record, account: Any, patient_id: str) -> Refusal | None:
    """Either takes their word back: the account leads to the book no more, from this moment on.

    Raises NotFound for one of a book the actor has no say in.
    """
    own = record.actor.person == patient_id
    patient = record.as_system().read(Patient, patient_id)
    if own and not is_ward(patient, record.clock()):
        return refuse("child.grown", _("Đã đủ 16 tuổi: tài khoản này do chính mình giữ."))
    if not own:
        giver = giver_of(record, patient_id)
        if isinstance(giver, Refusal):
            return giver
    with transaction.atomic():
        rows = Ask.objects.filter(kind=Ask.Kind.CHILD, patient_id=patient_id)
        rows.filter(state__in=[Ask.State.WAITING, Ask.State.GIVEN]).update(
            state=Ask.State.WITHDRAWN, answered_at=record.clock()
        )
        account.links.model.objects.filter(patient_id=patient_id, relation=SELF).delete()
        _said(record, patient_id, BY_CHILD if own else BY_GUARDIAN, given=False)
    return None


def _said(record: Record, patient_id: str, purpose: str, *, given: bool) -> None:
    """Keep one's word with the text it was given to: proof (NĐ 356/2025 Đ6)."""
    now = record.clock()
    text = tables.text_of(purpose, local_day(now))
    Agreement.objects.create(
        patient_id=patient_id, account=record.actor.user, purpose=purpose, version=text.version,
        digest=text.digest, given=given, at=now, method=Agreement.Method.PAGE, by_name=record.actor.name,
    )  # fmt: skip
    note(record, "consent", patient_id, f"{purpose}/{text.version} {'given' if given else 'withdrawn'}")
