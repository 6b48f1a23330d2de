"""What a FHIR Consent lets through: its provisions as rows of ``record.standing``. FHIR R4, consent.html.

Taken are privacy consents that are active. The root provision permits, nested ones that deny take from it. A root that
denies lets nothing through but what a nested one permits, and stands against what other consents permit (basis
``denial``): of several the most protective counts, whichever came later. A denial inside a permission is an exception
to that one alone; so is a root that denies where the consent is one to opt in and names what it lets through.

What this record can't hold a row to (a class that is no resource type, a code of content) opens nothing, and denies
all: a consent is never read more widely than it was given. Sensitive labels pass only where the provision names them;
HIV status never by default (Luật Phòng, chống HIV/AIDS Đ30).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from yba.fhir.access.actor import Actor
from yba.fhir.access.labels import DECEASED, OF_VIP, VIP, bits_of, of_security
from yba.fhir.access.standing import (
    ALWAYS,
    FOREVER,
    Source,
    Standing,
    data,
    holders,
    instant_of,
    is_dead,
    target,
)
from yba.fhir.model.dates import instant
from yba.fhir.r4 import MODULES
from yba.fhir.r4.consent import Consent, ConsentProvision, ConsentProvisionActor
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Meta, Period, Reference

CATEGORY: Final = "https://yba.vn/fhir/CodeSystem/consent-category"
EMERGENCY: Final = "emergency"
KIN: Final = "next-of-kin"
"""Category of what a records office opens of a dead person's book to a relative who asked with papers."""
SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
REASON: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_TYPES: Final = "http://hl7.org/fhir/resource-types"
_ACTIONS: Final = frozenset({"access", "use", "disclose"})
_CUSTODIAN: Final = "CST"
_ONE_FACILITY: Final = frozenset({"Organization"})
_LABELLED: Final = bits_of(("hiv", "mental", "reproductive", "vip", "restricted"))


@dataclass(frozen=True, slots=True)
class _Terms:
    """A provision read: to whom, how far. ``understood``: nothing in it that rows can't be held to."""

    holders: tuple[str, ...]
    row: Standing
    understood: bool = True


def opened(source: Source) -> list[Standing]:
    """The rows of a Consent."""
    consent = source.resource
    if consent.status != "active" or source.patient is None:
        return []
    if not _has(consent.scope, data()["consent"]["scope"]):
        return []
    against = _against(source) if denies(consent) else []
    if consent.provision is None:
        return against
    person = source.look.content("Patient", source.patient)
    root = consent.provision
    basis = "emergency" if is_emergency(consent) else "consent"
    if root.type == "permit":
        found = _permitted(root, source, basis, (ALWAYS, FOREVER))
    else:  # FHIR gives no default: what is not said to permit does not
        inside = _times(root.period, (ALWAYS, FOREVER))
        closed = root.type == "deny" or denies(consent)
        permits = [one for one in root.provision if closed and one.type == "permit"]
        found = [row for one in permits for row in _permitted(one, source, basis, inside)]
    if person is not None and is_dead(person):
        found = _of_dead(found, opened_to_kin=_is_of(consent, KIN))
    return against + found


def _of_dead(found: list[Standing], *, opened_to_kin: bool) -> list[Standing]:
    """The book of who has died is locked for relatives, but for those a records office opened it to."""
    kept = [one for one in found if opened_to_kin or not one.holder.startswith("person:")]
    return [replace(one, labels=one.labels | DECEASED) for one in kept] if opened_to_kin else kept


def is_emergency(consent: Any) -> bool:
    """Whether a Consent is an emergency opening, which the house's rule makes and nobody else."""
    return _is_of(consent, EMERGENCY)


def is_of_a_rule(consent: Any) -> bool:
    """Whether only a rule of the house may make such a Consent: in an emergency, or for next of kin."""
    return _is_of(consent, EMERGENCY) or _is_of(consent, KIN)


def _is_of(consent: Any, category: str) -> bool:
    return any(
        one.system == CATEGORY and one.code == category for each in consent.category for one in each.coding
    )


def _permitted(one: ConsentProvision, source: Source, basis: str, within: tuple[str, str]) -> list[Standing]:
    terms = _read(one, source, basis, within)
    if not terms.understood:
        return []
    rows = [replace(terms.row, holder=holder, basis=_basis(holder, basis)) for holder in terms.holders]
    for inner in one.provision:
        if inner.type == "deny":
            denied = _read(inner, source, basis, within)
            rows = [left for row in rows for left in _without(row, denied, inner)]
    return rows


def _basis(holder: str, basis: str) -> str:
    return "delegate" if holder.startswith("person:") and basis == "consent" else basis


# -- one provision -----------------------------------------------------------------------------------------


def _read(one: ConsentProvision, source: Source, basis: str, within: tuple[str, str]) -> _Terms:
    since, until = _times(one.period, within)
    types, known_types = _types(one.class_)
    kept = [target(actor.reference)[1] for actor in one.actor if _is_custodian(actor)]
    who = [
        holder
        for actor in one.actor
        if not _is_custodian(actor)
        for holder in holders(actor.reference, source.look)
    ]
    labels = 0
    known_labels = True
    for label in one.securityLabel:
        bit = of_security(label.system, label.code)
        known_labels = known_labels and bit != 0
        labels |= bit | (OF_VIP if bit & VIP else 0)
    named = tuple("/".join(target(each.reference)) for each in one.data if target(each.reference) != ("", ""))
    row = Standing(
        source.patient or "", "", basis, since, until, types or None, labels & _LABELLED, _purposes(one.purpose),
        tuple(kept) or None, named if one.data else None, *_moments(one.dataPeriod),
    )  # fmt: skip
    acts = {each.code for concept in one.action for each in concept.coding}
    understood = known_types and not one.code and (not one.action or bool(acts & _ACTIONS))
    if one.type == "permit":  # a label that is not known widens nothing
        understood = understood and (known_labels or bool(labels))
    return _Terms(tuple(dict.fromkeys(who)), row, understood)


def _is_custodian(actor: ConsentProvisionActor) -> bool:
    return (
        any(one.code == _CUSTODIAN for one in actor.role.coding)
        and target(actor.reference)[0] in _ONE_FACILITY
    )


def _types(classes: Sequence[Coding]) -> tuple[tuple[str, ...], bool]:
    found = tuple(one.code for one in classes if one.system in (_TYPES, None) and one.code in MODULES)
    return tuple(one for one in found if one is not None), len(found) == len(classes)


def _purposes(purposes: Sequence[Coding]) -> tuple[str, ...] | None:
    """The purposes named, and those that are kinds of them."""
    if not purposes:
        return None
    wider = data()["consent"]["purposes"]
    found = [inner for one in purposes if one.code for inner in (one.code, *wider.get(one.code, ()))]
    return tuple(dict.fromkeys(found))


def _times(period: Period | None, within: tuple[str, str]) -> tuple[str, str]:
    """The stretch of a period, cut to another."""
    start, end = (
        instant_of(period.start if period else None)[0],
        instant_of(period.end if period else None)[1],
    )
    low, high = (one.isoformat() if one else None for one in (start, end))
    since = max((one for one in (low, within[0]) if one not in (None, ALWAYS)), default=ALWAYS)
    until = min((one for one in (high, within[1]) if one not in (None, FOREVER)), default=FOREVER)
    return str(since), str(until)


def _moments(period: Period | None) -> tuple[str | None, str | None]:
    if period is None:
        return None, None
    start, end = instant_of(period.start)[0], instant_of(period.end)[1]
    return start.isoformat() if start else None, end.isoformat() if end else None


# -- what stands against others ----------------------------------------------------------------------------

ANYBODY: Final = "*"
"""Holder of a denial that names nobody, or somebody this record does not know."""
_NO_ACCESS: Final = frozenset({"collect", "correct"})
"""Actions of consentaction that are none of seeing."""


def denies(consent: Any) -> bool:
    """Whether a Consent stands against others: its root denies, by its type or (R4: roots have none) by its policy.

    One to opt in whose root denies all but what it names only bounds what it gives itself.
    """
    root = consent.provision
    said = root.type if root is not None else None
    if said is None:
        return consent.policyRule is not None and _has(consent.policyRule, ("OPTOUT",))
    opts_in = consent.policyRule is not None and _has(consent.policyRule, ("OPTIN",))
    return said == "deny" and not (opts_in and any(one.type == "permit" for one in root.provision))


def _against(source: Source) -> list[Standing]:
    """The rows of a denial. What they can't be held to bounds nothing: it is never read more narrowly than said."""
    root = source.resource.provision or ConsentProvision()
    acts = {code.code for concept in root.action for code in concept.coding}
    if acts and acts <= _NO_ACCESS:
        return []
    terms = _read(root, source, "denial", (ALWAYS, FOREVER))
    named = [one for one in root.actor if not _is_custodian(one)]
    known = all(holders(one.reference, source.look) for one in named)
    labels = [of_security(one.system, one.code) for one in root.securityLabel]
    row = replace(
        terms.row,
        types=terms.row.types if _types(root.class_)[1] else None,
        labels=terms.row.labels if all(labels) else 0,
        purposes=terms.row.purposes if all(one.code for one in root.purpose) else None,
        named=terms.row.named if all(one.meaning == "instance" for one in root.data) else None,
    )
    whom = terms.holders if named and known else (ANYBODY,)
    return [replace(row, holder=holder) for holder in whom]


# -- what is denied ----------------------------------------------------------------------------------------


def _without(row: Standing, denied: _Terms, said: ConsentProvision) -> list[Standing]:
    """What a permit leaves after a denial inside it. Of a denial by several things the widest reading counts."""
    if denied.holders and row.holder not in denied.holders:
        return [row]
    if said.actor and not denied.holders and denied.row.kept is None:
        return []  # somebody is denied whom this record does not know: it may be anybody
    one, left = denied.row, row
    narrowed = False
    if one.types is not None:
        left = replace(
            left, types=tuple(name for name in left.types or tuple(MODULES) if name not in one.types)
        )
        narrowed = True
    if said.securityLabel:
        left = replace(left, labels=left.labels & ~one.labels)
        narrowed = True
    if said.purpose and not narrowed:
        if left.purposes is None:
            return []  # all purposes but some: what asks for none of them can't be told apart
        left = replace(
            left, purposes=tuple(name for name in left.purposes if name not in (one.purposes or ()))
        )
        narrowed = True
    if not narrowed and denied.understood and said.dataPeriod is not None:
        return _around(left, one.occurred_from, one.occurred_until)
    if not narrowed and denied.understood and said.period is not None:
        return _beside(left, one)
    return [left] if narrowed and denied.understood else []


def _around(row: Standing, low: str | None, high: str | None) -> list[Standing]:
    """What happened before and after a stretch of time."""
    found = []
    if low is not None:
        found.append(replace(row, occurred_until=min(filter(None, (low, row.occurred_until)))))
    if high is not None:
        found.append(replace(row, occurred_from=max(filter(None, (high, row.occurred_from)))))
    return found


def _beside(row: Standing, denied: Standing) -> list[Standing]:
    """The time before and after the one a denial holds."""
    found = []
    if denied.since != ALWAYS:
        found.append(replace(row, until=min(one for one in (denied.since, row.until) if one != FOREVER)))
    if denied.until != FOREVER:
        found.append(replace(row, since=max(one for one in (denied.until, row.since) if one != ALWAYS)))
    return found


def _has(concept: CodeableConcept, codes: Sequence[str]) -> bool:
    return any(one.code in codes for one in concept.coding)


# -- consents the house makes ------------------------------------------------------------------------------


def _coded(system: str, code: str) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code)])


def sharing(
    patient: str,
    recipients: Sequence[Reference],
    *,
    now: datetime,
    until: datetime | None = None,
    types: Sequence[str] = (),
    purposes: Sequence[str] = ("TREAT",),
    labels: Sequence[Coding] = (),
) -> Consent:
    """A person's consent to share the book, not stored yet: with whom, to what end, which types, until when."""
    return Consent(
        status="active",
        scope=_coded(SCOPE, "patient-privacy"),
        category=[_coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "IDSCL")],
        patient=Reference(reference=f"Patient/{patient}"),
        dateTime=instant(now),
        performer=[Reference(reference=f"Patient/{patient}")],
        policyRule=_coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN"),
        provision=ConsentProvision(
            type="permit",
            period=Period(start=instant(now), end=instant(until) if until is not None else None),
            actor=[
                ConsentProvisionActor(
                    role=_coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
                    reference=one,
                )
                for one in recipients
            ],
            action=[_coded("http://terminology.hl7.org/CodeSystem/consentaction", "access")],
            securityLabel=list(labels),
            purpose=[Coding(system=REASON, code=one) for one in purposes],
            class_=[Coding(system=_TYPES, code=one) for one in types],
        ),
    )


def emergency(actor: Actor, patient: str, *, reason: str, now: datetime) -> Consent:
    """The opening of a chart in an emergency, not stored yet: by who treats, for the hours ``standing.yaml`` says.

    Stored by a rule of the house (``Record.as_system``), which tells the person and the auditor. The reason stands in
    the provision's purpose. Raises ValueError for an actor who is no practitioner, or without a reason.
    """
    known = data()["emergency"]
    if not actor.practitioner or not reason.strip():
        raise ValueError("an emergency opening needs a practitioner and a reason")
    made = sharing(
        patient, [Reference(reference=f"Practitioner/{actor.practitioner}")], now=now,
        until=now + timedelta(hours=known["hours"]), purposes=(),
        labels=[_LABEL_CODES[name] for name in known["labels"]],
    )  # fmt: skip
    made.category = [_coded(CATEGORY, EMERGENCY)]
    made.performer = [Reference(reference=f"Practitioner/{actor.practitioner}")]
    made.policyRule = CodeableConcept(
        coding=[Coding(system=REASON, code="BTG", display="break the glass")], text=reason.strip()
    )
    if actor.facility:
        made.meta = Meta(tag=[Coding(system="https://yba.vn/fhir/facility", code=actor.facility)])
    return made


_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_LABEL_CODES: Final = {
    "hiv": Coding(system=_ACT, code="HIV"),
    "mental": Coding(system=_ACT, code="PSY"),
    "reproductive": Coding(system=_ACT, code="SEX"),
    "vip": Coding(system=_ACT, code="CEL"),
    "restricted": Coding(system="http://terminology.hl7.org/CodeSystem/v3-Confidentiality", code="R"),
}
"""The security label that names each label in a provision."""
