"""Giving, showing beforehand and withdrawing a share: the person's own acts, each one Consent of the record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.care import people
from yba.care.refusal import Refusal, refuse
from yba.care.sharing import tables, terms
from yba.care.sharing.terms import Given, Proof, Terms
from yba.fhir.access import Actor
from yba.fhir.access.consent import is_emergency
from yba.fhir.access.seeing import Seen, charges_of, rows_seen
from yba.fhir.access.standing import is_dead, is_ward, target, was_minor
from yba.fhir.errors import NotFound
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import Identifier, Reference
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.words import local_day

ONCE: Final = "https://yba.vn/fhir/sid/consent-once"
Who = Literal["self", "guardian"]


@dataclass(frozen=True, slots=True)
class Giver:
    """Who decides about a book: the person, or the guardian of a child; ``asks_child``: the child is asked too."""

    patient: Patient
    who: Who
    asks_child: bool

    @property
    def may_sensitive(self) -> bool:
        """A guardian does not see the child's sensitive entries, so gives none away."""
        return self.who == "self"


def giver_of(record: Record, patient_id: str) -> Giver | Refusal:
    """Whether the actor may decide who sees this book. Raises NotFound for one that is not theirs to give."""
    now, own = record.clock(), record.actor.person
    guardian = own is not None and any(
        one.patient == patient_id and one.basis == "guardian"
        for one in charges_of(record.connection, own, now=now)
    )
    if own is None or not (own == patient_id or guardian):
        raise NotFound("share.not-theirs", "There is no such book.")
    patient = record.as_system().read(Patient, patient_id)
    if is_dead(patient):
        return refuse("share.dead", _("Sổ của người đã mất được khóa, không chia sẻ được nữa."))
    if own == patient_id:
        if is_ward(patient, now):
            return refuse(
                "share.minor",
                _("Chưa đủ 16 tuổi: cha mẹ hoặc người giám hộ chia sẻ sổ này, sau khi hỏi ý trẻ."),
            )
        return Giver(patient, "self", False)
    asked_from = int(tables.data()["minor"]["asked-from"])
    return Giver(patient, "guardian", patient.birthDate is None or not was_minor(patient, now, asked_from))


# -- beforehand --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """What a share lets through of one kind."""

    key: str
    name: str
    rows: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a share lets through that its holder does not see without it; ``before``: what they see already."""

    groups: tuple[Group, ...]
    before: int

    @property
    def total(self) -> int:
        return sum(len(one.rows) for one in self.groups)


def readers(chosen: Terms) -> list[Actor]:
    """As whom the holder reads, for each purpose."""
    holder = chosen.holder
    if holder.kind == "person":
        return [Actor(user="preview", role="citizen", person=holder.id)]
    roles = {one.code: one.role for one in tables.purposes()}
    return [
        Actor(
            user="preview",
            role=roles[code],
            purpose=code,
            facility=holder.id if holder.kind == "facility" else None,
            practitioner=holder.id if holder.kind == "practitioner" else None,
            programme=holder.id if holder.kind == "programme" else None,
        )
        for code in chosen.purposes
    ]


class _TakenBack(Exception):
    """Ends the transaction of a preview."""


@contextmanager
def as_if(record: Record, consent: Consent) -> Iterator[None]:
    """The record as it would be with a Consent; nothing of it stays."""
    try:
        with record.atomic():
            record.as_system().create(consent)
            yield
            raise _TakenBack
    except _TakenBack:
        pass


def preview(record: Record, patient_id: str, chosen: Terms) -> Preview | Refusal:
    """What these terms would let through, told by the door itself: the Consent is made, asked about, taken back."""
    giver = giver_of(record, patient_id)
    if isinstance(giver, Refusal):
        return giver
    now, actors = record.clock(), readers(chosen)
    text = tables.text_of("share", local_day(now))
    made = terms.consent_of(
        chosen,
        patient=patient_id,
        performers=[f"Patient/{record.actor.person}"],
        proof=Proof(text, "page"),
        now=now,
    )
    before = rows_seen(record.connection, actors, patient_id, now=now)
    after: frozenset[Seen] = frozenset()
    with as_if(record, made):
        after = rows_seen(record.connection, actors, patient_id, now=now)
    return Preview(grouped(sorted(one for one in after - before if one.type != "Consent")), len(before))


def grouped(rows: Sequence[Seen]) -> tuple[Group, ...]:
    """Rows by the kinds people know, in the order of the list; what is of none comes last."""
    found: dict[str, list[Seen]] = {one.key: [] for one in tables.parts()}
    other: list[Seen] = []
    for one in rows:
        part = tables.part_of(one.type)
        (found[part.key] if part else other).append(one)
    groups = [Group(one.key, one.name, tuple(found[one.key])) for one in tables.parts() if found[one.key]]
    return tuple(groups + ([Group("other", str(_("Mục khác")), tuple(other))] if other else []))


# -- giving and withdrawing --------------------------------------------------------------------------------


def give(
    record: Record,
    patient_id: str,
    chosen: Terms,
    *,
    version: str,
    assent: bool = False,
    language: str = "vi",
    once: str = "",
) -> Consent | Refusal:
    """Share a book on these terms. ``version``: of the text read; ``assent``: the child was asked and agrees."""
    giver = giver_of(record, patient_id)
    if isinstance(giver, Refusal):
        return giver
    now = record.clock()
    text = tables.text_of("delegate" if chosen.holder.kind == "person" else "share", local_day(now))
    if text.version != version:
        return refuse("share.text-changed", _("Lời đồng ý vừa được thay. Đọc lại bản mới rồi chọn."))
    why = terms.refusal(chosen, today=local_day(now), may_sensitive=giver.may_sensitive)
    if why is not None:
        return why
    if giver.asks_child and not assent:
        return refuse("share.assent", _("Trẻ từ 7 tuổi phải được hỏi ý. Hỏi trẻ rồi đánh dấu là trẻ đồng ý."))
    performers = performers_of(giver, patient=patient_id, by=record.actor.person or patient_id)
    made = terms.consent_of(
        chosen, patient=patient_id, performers=[one.reference or "" for one in performers], now=now,
        proof=Proof(text, "page", language, assent and giver.asks_child),
    )  # fmt: skip
    return keep(record, made, once=f"{record.actor.user}.{patient_id}.{once}" if once else "")


def performers_of(giver: Giver, *, patient: str, by: str) -> list[Reference]:
    """Who gives it: the person or the guardian, and from 7 the child as well."""
    names = [by, *([patient] if giver.asks_child and by != patient else [])]
    return [Reference(reference=f"Patient/{one}") for one in names]


def keep(record: Record, consent: Consent, *, once: str = "") -> Consent:
    """Store a Consent by the house's rule; the same form sent twice makes one."""
    system = record.as_system()
    if not once:
        return system.create(consent)
    consent.identifier = [Identifier(system=ONCE, value=once[:120])]
    stored, _made = system.create_stored(consent, if_none_exist=[("identifier", f"{ONCE}|{once[:120]}")])
    return system.read(Consent, stored.id)


def given_of(record: Record, patient_id: str) -> list[Given]:
    """Every Consent about a book that the actor may see, newest first: those that hold, wait, have ended."""
    found = record.find(Consent, ("patient", f"Patient/{patient_id}"))
    lines = [
        terms.read(one) for one in found if any(code.code == "patient-privacy" for code in one.scope.coding)
    ]
    return sorted(lines, key=lambda one: (one.since, one.id), reverse=True)


def one_given(record: Record, consent_id: str) -> tuple[Consent, str]:
    """A Consent the actor may see, and whose book it is about. Raises NotFound."""
    found = record.read(Consent, consent_id)
    return found, target(found.patient)[1]


def withdraw(record: Record, consent_id: str) -> Consent | Refusal:
    """Take a share back, at once: by who may give it, or by the relative it was given to.

    Raises NotFound for one of a book the actor has no say in.
    """
    consent, patient_id = one_given(record, consent_id)
    if is_emergency(consent):
        return refuse(
            "share.emergency", _("Lần mở cấp cứu tự hết sau 3 giờ và được xem xét; không rút được.")
        )
    given = terms.read(consent)
    mine = any(one.kind == "person" and one.id == record.actor.person for one in given.holders)
    if not mine or given.denies:  # whom it denies does not take it back
        giver = giver_of(record, patient_id)
        if isinstance(giver, Refusal):
            return giver
    with record.atomic():
        system = record.as_system()
        current = system.lock(Consent, consent_id)
        if current.status not in ("active", "proposed"):
            return current
        current.status = "inactive"
        return system.update(current)


def phones_of(record: Record, patient: Patient) -> list[str]:
    """Whom to tell about a book: the person, and of a child those who answer for it. Read by the house's rule."""
    system, now = record.as_system(), record.clock()
    found = [people.phone_of(patient)]
    if is_ward(patient, now):
        found += [one.phone for one in people.family_of(system, patient.id or "")]
    return list(dict.fromkeys(one for one in found if one))
