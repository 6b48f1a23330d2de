"""Who acts for whom in a family: guardians of children by RelatedPerson, delegates of adults by their own Consent.

An invitation is a Consent that waits (``proposed``) and becomes active when the one invited accepts it, so the record
alone says who stands to whom. Sources: Luật 15/2023/QH15 Đ8; Bộ luật Dân sự 2015 Đ21, Đ138.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from yba.care import identifiers, messages, people
from yba.care.keys import digest
from yba.care.refusal import Refusal, refuse
from yba.care.sharing import tables, terms
from yba.care.sharing.giving import giver_of, keep
from yba.care.sharing.models import Ask
from yba.care.sharing.terms import Proof, Terms
from yba.fhir.access.seeing import Charge, charges_of
from yba.fhir.access.standing import birthday, data, was_minor
from yba.fhir.errors import NotFound
from yba.fhir.model.fold import fold
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import Reference
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson
from yba.fhir.record import Record
from yba.ui.words import local_day


def charges(record: Record) -> list[Charge]:
    """The persons the actor acts for now."""
    own = record.actor.person
    return charges_of(record.connection, own, now=record.clock()) if own else []


@dataclass(frozen=True, slots=True)
class Grown:
    """A child somebody was guardian of who has come of the age; ``on``: that birthday."""

    name: str
    on: datetime


def grown(record: Record) -> list[Grown]:
    """Children of the actor who have come of age within the last year: the page says why the book is gone."""
    own, now = record.actor.person, record.clock()
    if not own:
        return []
    system, age = record.as_system(), int(data()["guardian"]["until-age"])
    number = people.proved_number(system.read(Patient, own).identifier)
    if not number:
        return []
    related = system.find(RelatedPerson, ("identifier", f"{identifiers.CCCD}|{number}"))
    found = []
    for one in related:
        child = system.first(Patient, ("_id", (one.patient.reference or "").removeprefix("Patient/")))
        guards = {code.code for each in one.relationship for code in each.coding} & set(
            data()["guardian"]["relations"]
        )
        if child is None or not guards or one.active is False or was_minor(child, now, age):
            continue
        day = birthday(child.birthDate, age)
        if day is not None and now - timedelta(days=365) < day:
            found.append(Grown(people.name_of(child), day))
    return found


# -- delegates ---------------------------------------------------------------------------------------------


def invite(
    record: Record,
    patient_id: str,
    chosen: Terms,
    *,
    phone: str,
    origin: str,
    version: str,
    language: str = "vi",
) -> Ask | Refusal:
    """An adult invites a relative by phone: a Consent that waits for the one who answers the message."""
    giver = giver_of(record, patient_id)
    if isinstance(giver, Refusal):
        return giver
    if giver.who != "self":
        return refuse("invite.minor", _("Sổ của trẻ do người giám hộ giữ, không mời người khác được."))
    now = record.clock()
    text = tables.text_of("delegate", local_day(now))
    if text.version != version:
        return refuse("share.text-changed", _("Lời đồng ý vừa được thay. Đọc lại bản mới rồi chọn."))
    why = terms.refusal(chosen, today=local_day(now))
    if why is not None:
        return why
    token = secrets.token_urlsafe(12)
    made = terms.consent_of(
        chosen,
        patient=patient_id,
        performers=[f"Patient/{patient_id}"],
        proof=Proof(text, "page", language),
        now=now,
    )
    made.status = "proposed"
    _to(made, Reference(display=chosen.holder.name))
    with transaction.atomic(), record.atomic():
        kept = keep(record, made)
        row = Ask.objects.create(
            kind=Ask.Kind.INVITE, patient_id=patient_id, patient_name=people.name_of(giver.patient), phone=phone,
            account=record.actor.user, by_name=record.actor.name, token=digest(token), consent=kept.id or "",
            asked_at=now, expires_at=now + timedelta(days=int(tables.data()["invite"]["days"])),
        )  # fmt: skip
        link = origin + reverse("citizen:sharing_invited", args=[token])
        called = fold(people.name_of(giver.patient)).title()[:30].rstrip()
        messages.send(
            phone, f"Y Ba: {called} nho xem so va dat kham giup. Nhan loi: {link}", "sharing.invite"
        )
    return row


def _to(consent: Consent, who: Reference) -> None:
    """Name the one a Consent is given to, in each of its permits."""
    root = consent.provision
    assert root is not None
    for one in [root, *root.provision]:
        for actor in one.actor:
            actor.reference = who


def accept(record: Record, row: Ask) -> Consent | Refusal:
    """The one invited says yes: from now on they act for the person. Whose number was texted is told by the account."""
    own, now = record.actor.person, record.clock()
    if own is None:
        return refuse("invite.no-book", _("Lập sổ của mình trước, rồi mở lại lời mời."))
    if own == row.patient_id:
        return refuse("invite.self", _("Đây là lời mời do chính mình gửi. Gửi cho người thân."))
    system = record.as_system()
    with transaction.atomic(), record.atomic():
        held = Ask.objects.select_for_update().get(pk=row.pk)
        if held.state != Ask.State.WAITING or held.expires_at <= now:
            return refuse("invite.over", _("Lời mời này đã được trả lời hoặc đã hết hạn."))
        consent = system.lock(Consent, held.consent)
        if consent.status != "proposed":
            return refuse("invite.withdrawn", _("Người mời đã rút lời mời."))
        _to(consent, Reference(reference=f"Patient/{own}", display=people.name_of(system.read(Patient, own))))
        consent.status = "active"
        kept = system.update(consent)
        held.state, held.answered_at = Ask.State.GIVEN, now
        held.save(update_fields=["state", "answered_at"])
    return kept


def decline(record: Record, row: Ask) -> None:
    """The one invited says no."""
    system = record.as_system()
    with transaction.atomic(), record.atomic():
        held = Ask.objects.select_for_update().get(pk=row.pk)
        if held.state != Ask.State.WAITING:
            return
        consent = system.lock(Consent, held.consent)
        if consent.status == "proposed":
            consent.status = "rejected"
            system.update(consent)
        held.state, held.answered_at = Ask.State.DECLINED, record.clock()
        held.save(update_fields=["state", "answered_at"])


def invitation(record: Record, token: str, phones: list[str]) -> Ask:
    """An invitation of a link, for the account whose number it was sent to. Raises NotFound."""
    found = Ask.objects.filter(
        kind=Ask.Kind.INVITE, token=digest(token), state=Ask.State.WAITING, expires_at__gt=record.clock()
    ).first()
    if found is None or found.phone not in phones:
        raise NotFound("invite.none", "There is no such invitation.")
    return found
