"""A facility asks a person to share the book: by a link to their phone, by a code they tell, or on paper.

The person's phone is the one in the record (of a child: of those who answer for it). What is then given is treatment,
the whole book without its sensitive kinds, for the days of ``sharing.yaml``; by the link the person chooses freely.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from yba.care import messages, people
from yba.care.asked import first
from yba.care.keys import digest
from yba.care.refusal import Refusal, refuse
from yba.care.sharing import noting, tables, terms
from yba.care.sharing.giving import giver_of, keep, phones_of
from yba.care.sharing.models import Ask
from yba.care.sharing.terms import Holder, Proof, Terms
from yba.fhir.access import Actor
from yba.fhir.access.seeing import stands
from yba.fhir.access.standing import is_dead, is_ward
from yba.fhir.errors import NotFound
from yba.fhir.model.fold import fold
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.words import local_day

_WAITING: Final = """
select {columns} from sharing_ask
 where kind = 'share' and state = 'waiting' and patient_id = %s and facility = %s and expires_at > %s
 order by asked_at desc limit 1"""
#: Who may ask a person of their own facility.
ASKERS: Final = ("doctor", "nurse", "head_of_department", "receptionist")
#: Who may note a consent that was signed on paper.
DESK: Final = ("receptionist", "records_office")


@dataclass(frozen=True, slots=True)
class State:
    """How a person's book stands to the actor's facility. ``until``: FHIR time of the share that lasts longest."""

    patient_id: str
    is_shared: bool
    asked: Ask | None
    phone: str


def state_of(record: Record, patient: Patient) -> State:
    """Whether other facilities' entries are open to the actor's facility, and what was asked."""
    now, key = record.clock(), patient.id or ""
    shared = stands(record.connection, record.actor, key, "consent", "transfer", "emergency", now=now)
    asked = None if shared else waiting(record, key)
    phones = phones_of(record, patient)
    return State(key, shared, asked, phones[0] if phones else "")


def offer(record: Record, patient_id: str, facility: str, day: date) -> str:
    """Where a person can share the book with a facility they are going to; empty when it is shared, or not theirs."""
    now = record.clock()
    there = Actor(user="offer", role="doctor", facility=facility)
    if not facility or stands(record.connection, there, patient_id, "consent", "transfer", now=now):
        return ""
    try:
        if isinstance(giver_of(record, patient_id), Refusal):
            return ""
    except NotFound:
        return ""
    until = max(day, local_day(now)) + timedelta(days=tables.length("visit"))
    asked = urlencode({"toi": f"facility:{facility}", "cho": patient_id, "den": until.isoformat()})
    return f"{reverse('citizen:sharing_new')}?{asked}"


def waiting(record: Record, patient_id: str) -> Ask | None:
    """What the actor's facility asked of a person that is not answered yet."""
    said = [patient_id, record.actor.facility or "", record.clock()]
    return first(Ask, _WAITING, said)


def _asked_person(record: Record, patient_id: str) -> Patient:
    """A person the actor may see. Raises NotFound, also for who may not ask."""
    if record.actor.role not in ASKERS or not record.actor.facility:
        raise NotFound("share.none", "There is no such page.")
    return record.read(Patient, patient_id)


def ask(record: Record, patient_id: str, *, origin: str) -> Ask | Refusal:
    """Text a link and a code to the person's phone. Raises NotFound for a person the actor may not see."""
    patient = _asked_person(record, patient_id)
    if is_dead(patient):
        return refuse("share.dead", _("Sổ của người đã mất được khóa, không chia sẻ được nữa."))
    phones, now = phones_of(record, patient), record.clock()
    if not phones:
        return refuse(
            "ask.no-phone", _("Sổ chưa có số điện thoại. Ghi số ở quầy tiếp đón, hoặc lấy đồng ý trên giấy.")
        )
    known = tables.data()["ask"]
    today = Ask.objects.filter(
        patient_id=patient_id, facility=record.actor.facility, asked_at__gt=now - timedelta(days=1)
    )
    if today.count() >= int(known["a-day"]):
        return refuse(
            "ask.too-many", _("Đã nhắn nhiều lần trong ngày. Lấy đồng ý trên giấy, hoặc đợi tới mai.")
        )
    facility = _facility_name(record)
    token, code = secrets.token_urlsafe(12), f"{secrets.randbelow(1_000_000):06d}"
    with transaction.atomic():
        Ask.objects.filter(
            kind=Ask.Kind.SHARE,
            patient_id=patient_id,
            facility=record.actor.facility,
            state=Ask.State.WAITING,
        ).update(code="")  # an older code no longer counts; its link does
        row = Ask.objects.create(
            kind=Ask.Kind.SHARE, patient_id=patient_id, patient_name=people.name_of(patient), phone=phones[0],
            facility=record.actor.facility or "", facility_name=facility, account=record.actor.user,
            by_name=record.actor.name, token=digest(token), code=_sealed(code, patient_id), asked_at=now,
            code_until=now + timedelta(minutes=int(known["code-minutes"])),
            expires_at=now + timedelta(days=int(known["days"])),
        )  # fmt: skip
        link = origin + reverse("citizen:sharing_asked", args=[token])
        place = fold(facility).title()[:24].rstrip()
        text = f"Y Ba: {place} xin xem so. Chon phan cho xem: {link} Dong y het thi doc ma {code}"
        messages.send(phones[0], text, "sharing.ask")
        record.audit(
            "policy", type_name="Patient", identifier=patient_id, patients=[patient_id], detail="share asked"
        )
    return row


def _sealed(code: str, patient_id: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), f"share:{patient_id}:{code}".encode(), "sha256").hexdigest()


def _facility_name(record: Record) -> str:
    try:
        return record.as_system().read(Organization, record.actor.facility or "").name or ""
    except NotFound:
        return ""


def desk_terms(record: Record, *, today: date) -> Terms:
    """What a consent at a desk says: this facility, treatment, the whole book without its sensitive kinds."""
    holder = Holder("facility", record.actor.facility or "", _facility_name(record))
    return Terms(holder, ("TREAT",), None, today + timedelta(days=tables.length("visit")))


def use_code(record: Record, patient_id: str, code: str) -> Consent | Refusal:
    """The person told the code: note their consent. Five wrong codes end it."""
    patient = _asked_person(record, patient_id)
    now = record.clock()
    with transaction.atomic():
        first = waiting(record, patient_id)
        row = Ask.objects.select_for_update().get(pk=first.pk) if first is not None else None
        if row is None or not row.code or row.code_until is None or row.code_until <= now:
            return refuse("ask.code-over", _("Mã đã hết hạn. Nhắn lại để có mã mới."))
        if row.tries >= int(tables.data()["ask"]["tries"]):
            return refuse("ask.code-tries", _("Đã nhập sai nhiều lần. Nhắn lại để có mã mới."))
        if not hmac.compare_digest(row.code, _sealed(code.strip(), patient_id)):
            row.tries += 1
            row.save(update_fields=["tries"])
            return refuse(
                "ask.code-wrong", _("Mã chưa đúng. Mã gồm 6 chữ số, gửi tới số %(phone)s."), phone=row.phone
            )
        made = _noted(record, patient, method="code", by="")
        row.state, row.answered_at, row.consent, row.code = Ask.State.GIVEN, now, made.id or "", ""
        row.save(update_fields=["state", "answered_at", "consent", "code"])
        return made


def note_paper(record: Record, patient_id: str, *, paper: str) -> Consent | Refusal:
    """A consent signed on paper: where the paper is kept stands in it, and the person is told at once."""
    if record.actor.role not in DESK:
        raise NotFound("share.none", "There is no such page.")
    patient = record.read(Patient, patient_id)
    if is_dead(patient):
        return refuse("share.dead", _("Sổ của người đã mất được khóa, không chia sẻ được nữa."))
    if len(paper.strip()) < 3:
        return refuse("ask.paper", _("Ghi số hoặc nơi lưu tờ đồng ý có chữ ký."))
    with transaction.atomic():
        by = f"{record.actor.name}: {paper.strip()}"[:200]
        made = _noted(record, patient, method="paper", by=by, paper=paper.strip()[:200])
        place = _facility_name(record)[:40].rstrip()
        text = f"Y Bạ: {place} ghi sổ được chia sẻ theo giấy đã ký. Không đúng: vào sổ, Chia sẻ sổ, Rút lại."
        phones = phones_of(record, patient)
        for phone in phones:
            messages.send(phone, text, "sharing.noted", f"noted.{made.id}.{phone}")
        noting.to_review(record, made, patient, told=len(phones))
    return made


def _noted(record: Record, patient: Patient, *, method: terms.Method, by: str, paper: str = "") -> Consent:
    now = record.clock()
    today = local_day(now)
    performers = [f"Patient/{patient.id}"] if not is_ward(patient, now) else _guardians(record, patient)
    made = terms.consent_of(
        desk_terms(record, today=today), patient=patient.id or "", performers=performers, now=now,
        proof=Proof(tables.text_of("share", today), method, by=by),
    )  # fmt: skip
    return keep(record, noting.proved(made, paper=paper, now=now) if paper else made)


def _guardians(record: Record, patient: Patient) -> list[str]:
    from yba.fhir.r4.related_person import RelatedPerson

    found = record.as_system().find(RelatedPerson, ("patient", f"Patient/{patient.id}"))
    return [f"RelatedPerson/{one.id}" for one in found if one.active is not False]


# -- the person's answer by the link -----------------------------------------------------------------------


def asked(token: str, now: datetime) -> Ask | None:
    """What a link asks; None for one that is answered, over or unknown."""
    found = Ask.objects.filter(token=digest(token), state=Ask.State.WAITING, expires_at__gt=now)
    return found.first()


def answer(record: Record, row: Ask, *, consent: str) -> None:
    """The link was followed: a Consent was given, or (empty) declined."""
    state = Ask.State.GIVEN if consent else Ask.State.DECLINED
    Ask.objects.filter(pk=row.pk, state=Ask.State.WAITING).update(
        state=state, answered_at=record.clock(), consent=consent, code=""
    )
