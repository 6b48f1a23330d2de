"""Denials: what one closes and what it leaves open, told before it is given; giving it. `giving.withdraw` ends it.

A denial is a Consent that denies (decision 0012): it stands against whatever other consents permit, given before or
after. It closes neither treatment where the person is treated, nor a transfer, nor an emergency.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from yba.care.refusal import Refusal, refuse
from yba.care.sharing import tables, terms
from yba.care.sharing.giving import Giver, Group, as_if, giver_of, grouped, keep, performers_of
from yba.care.sharing.terms import Given, Holder, Proof
from yba.fhir.access import Actor
from yba.fhir.access.consent import sharing
from yba.fhir.access.seeing import rows_seen
from yba.fhir.access.standing import target
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import CodeableConcept, Coding
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.record import Record
from yba.ui.words import local_day

PURPOSE: Final = "deny"
"""The text of a denial in ``texts.yaml``."""
_OPT_OUT: Final = CodeableConcept(
    coding=[Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="OPTOUT")]
)


@dataclass(frozen=True, slots=True)
class Denial:
    """Whom the book is closed to. ``parts`` None: the whole of it; ``until`` None: until it is taken back."""

    holder: Holder
    parts: tuple[str, ...] | None
    until: date | None = None

    @property
    def types(self) -> list[str]:
        """The types denied; who somebody is belongs to no part, and is denied with the whole book only."""
        return [name for one in tables.parts() if one.key in (self.parts or ()) for name in one.types]


def refusal(said: Denial, *, today: date) -> Refusal | None:
    """Why a denial cannot be given on these terms."""
    if said.parts is not None and not said.types:
        return refuse("deny.no-part", _("Chọn ít nhất một phần của sổ, hoặc chọn cả sổ."))
    if said.until is not None and said.until < today:
        return refuse("deny.until", _("Ngày kết thúc phải từ hôm nay trở đi."))
    return None


def _consent(said: Denial, giver: Giver, by: str, *, patient: str, proof: Proof, now: datetime) -> Consent:
    until = terms.end_of(said.until) if said.until is not None else None
    made = sharing(
        patient, [terms.reference_of(said.holder)], now=now, until=until, types=said.types, purposes=()
    )
    assert made.provision is not None
    made.provision.type = "deny"
    made.policyRule = _OPT_OUT
    made.performer = performers_of(giver, patient=patient, by=by)
    terms.prove(made, proof)
    return made


# -- beforehand --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Closing:
    """What a denial closes of what its holder sees now; ``still``: how much they see all the same."""

    groups: tuple[Group, ...]
    still: int

    @property
    def total(self) -> int:
        return sum(len(one.rows) for one in self.groups)


def readers(record: Record, holder: Holder) -> list[Actor]:
    """As whom the holder reads: for each purpose, a practitioner in each house of theirs."""
    facilities: list[str | None] = [holder.id if holder.kind == "facility" else None]
    if holder.kind == "practitioner":
        works = record.as_system().find(PractitionerRole, ("practitioner", f"Practitioner/{holder.id}"))
        facilities += sorted({target(one.organization)[1] for one in works} - {""})
    kinds = {"facility", holder.kind} if holder.kind == "practitioner" else {holder.kind}
    return [
        Actor(
            user="preview",
            role=one.role,
            purpose=one.code,
            facility=facility,
            practitioner=holder.id if holder.kind == "practitioner" else None,
            programme=holder.id if holder.kind == "programme" else None,
        )
        for one in tables.purposes()
        if kinds & set(one.to)
        for facility in facilities
    ]


def preview(record: Record, patient_id: str, said: Denial) -> Closing | Refusal:
    """What this would close, told by the door itself: the Consent is made, asked about, taken back."""
    giver = giver_of(record, patient_id)
    if isinstance(giver, Refusal):
        return giver
    now, actors = record.clock(), readers(record, said.holder)
    proof = Proof(tables.text_of(PURPOSE, local_day(now)), "page")
    by = record.actor.person or patient_id
    before = rows_seen(record.connection, actors, patient_id, now=now)
    with as_if(record, _consent(said, giver, by, patient=patient_id, proof=proof, now=now)):
        after = rows_seen(record.connection, actors, patient_id, now=now)
        return Closing(grouped(sorted(one for one in before - after if one.type != "Consent")), len(after))


def deny(
    record: Record,
    patient_id: str,
    said: Denial,
    *,
    version: str,
    assent: bool = False,
    language: str = "vi",
    once: str = "",
) -> Consent | Refusal:
    """Close a book to somebody. ``version``: of the text read; ``assent``: the child was asked and agrees."""
    giver = giver_of(record, patient_id)
    if isinstance(giver, Refusal):
        return giver
    now = record.clock()
    text = tables.text_of(PURPOSE, local_day(now))
    if text.version != version:
        return refuse("deny.text-changed", _("Lời này vừa được thay. Đọc lại bản mới rồi chọn."))
    why = refusal(said, today=local_day(now))
    if why is not None:
        return why
    if giver.asks_child and not assent:
        return refuse("deny.assent", _("Trẻ từ 7 tuổi phải được hỏi ý. Hỏi trẻ rồi đánh dấu là trẻ đồng ý."))
    proof = Proof(text, "page", language, assent and giver.asks_child)
    made = _consent(said, giver, record.actor.person or patient_id, patient=patient_id, proof=proof, now=now)
    return keep(record, made, once=f"{record.actor.user}.{patient_id}.{once}" if once else "")


def against(given: Iterable[Given], holder: Holder, *, now: datetime) -> Given | None:
    """The denial that stands against a holder now, if there is one."""
    return next(
        (
            one
            for one in given
            if one.denies
            and one.state(now) == "active"
            and (not one.holders or any(it.id == holder.id for it in one.holders))
        ),
        None,
    )
