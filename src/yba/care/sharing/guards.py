"""What a Consent must hold that no rule of the house writes: over ``/fhir``, by a person or a records office.

A person gives only their own, alone only when old enough, and in their own name; the one change they make later is to
withdraw. An app acts for a person but does not consent for them. What came from an emergency is changed by its rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from yba.care import messages
from yba.care.refusal import Refusal
from yba.care.sharing import noting
from yba.care.sharing.giving import Giver, giver_of, phones_of
from yba.fhir.access.consent import is_of_a_rule
from yba.fhir.access.standing import target
from yba.fhir.errors import Forbidden, Invalid, NotFound
from yba.fhir.model import codec
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Guard, Record

PERSONS: Final = ("citizen", "guardian", "delegate")


def guard_consent(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Raises Forbidden ``consent.*`` for who may not give it, Invalid ``consent.*`` for what it cannot mean."""
    old = before if isinstance(before, Consent) else None
    new = after if isinstance(after, Consent) else None
    if new is not None and (old is None or old.patient != new.patient):
        _check_named(new)
    if record.actor.role == "system":
        if old is not None and is_of_a_rule(old) and record.actor.origin is None:
            raise Forbidden("consent.by-rule", "This opening is changed by its own rule only.")
        return
    if any(one is not None and is_of_a_rule(one) for one in (old, new)):
        raise Forbidden(
            "consent.by-rule",
            "An opening in an emergency, or for next of kin, is made and ended by its own rule only.",
        )
    if new is None:
        return
    if old is not None:
        _check_withdrawal(old, new)
        return
    if record.actor.app is not None:
        raise Forbidden(
            "consent.by-app",
            "An app can't consent for a person. Lead them to the page 'Chia sẻ sổ' of Y Bạ.",
        )
    patient = _patient(record, new)
    if record.actor.role in PERSONS:
        _check_own(record, new, patient)
    else:
        _check_noted(record, new, patient)


def _check_withdrawal(old: Consent, new: Consent) -> None:
    """The only change: active (or proposed) becomes inactive (rejected), and all else stays."""
    allowed = {"active": ("inactive",), "proposed": ("inactive", "rejected")}
    if new.status == old.status and _same(old, new):
        return
    if new.status not in allowed.get(old.status or "", ()):
        raise Invalid(
            "consent.status",
            f"A consent that is '{old.status}' can only be withdrawn (status 'inactive'). Give a new one instead.",
            path="Consent.status",
        )
    if not _same(old, new):
        raise Invalid(
            "consent.changed",
            "The terms of a consent are not changed. Withdraw it (status 'inactive') and give a new one.",
            path="Consent",
        )


def _same(old: Consent, new: Consent) -> bool:
    def terms(one: Consent) -> Any:
        tree = msgspec.json.decode(codec.encode(one))
        return {name: value for name, value in tree.items() if name not in ("meta", "status", "text")}

    return bool(terms(old) == terms(new))


def _check_named(consent: Consent) -> None:
    """A person who is named by a number or by words alone: the consent would be kept and open, or deny, nothing."""
    if consent.patient is not None and target(consent.patient)[0] != "Patient":
        raise Invalid(
            "consent.patient",
            "Consent.patient names no book of this record: give its reference as 'Patient/<id>'. A number alone "
            "(patient.identifier) is not followed; find the id with GET Patient?identifier=<system>|<number>.",
            path="Consent.patient",
        )


def _patient(record: Record, consent: Consent) -> Patient:
    kind, identifier = target(consent.patient)
    if kind != "Patient":
        raise Invalid(
            "consent.patient", "Say whose book it is about, as 'Patient/<id>'.", path="Consent.patient"
        )
    return record.as_system().read(Patient, identifier)


def _check_own(record: Record, consent: Consent, patient: Patient) -> None:
    """By the person, or by the guardian of a child, of whom from 7 the child is named as well."""
    who = _giver(record, patient)
    if consent.status != "active":
        raise Invalid("consent.status", "A consent that is given has status 'active'.", path="Consent.status")
    known = {("Patient", record.actor.person), ("Patient", patient.id)}
    performers = [target(one) for one in consent.performer]
    for place, one in enumerate(performers):
        if one not in known:
            raise Invalid(
                "consent.performer",
                f"Consent.performer[{place}]: who gives it is Patient/{record.actor.person}.",
                path=f"Consent.performer[{place}]",
            )
    if who.asks_child and not known.issubset(performers):
        raise Invalid(
            "consent.assent",
            "From 7 a child is asked: name the guardian and the child in Consent.performer.",
            path="Consent.performer",
        )
    named = [target(actor.reference) for one in _provisions(consent.provision) for actor in one.actor]
    if ("Patient", patient.id) in named:
        raise Invalid(
            "consent.to-oneself",
            "A person needs no consent to see their own book.",
            path="Consent.provision.actor",
        )
    wider = [one for one in _provisions(consent.provision) if one.type == "permit"]
    kin = [
        one
        for each in wider
        for one in each.actor
        if target(one.reference)[0] in ("Patient", "RelatedPerson")
    ]
    if who.who == "guardian" and (kin or any(one.securityLabel for one in wider)):
        raise Invalid(
            "consent.wider",
            "A guardian gives neither the child's sensitive kinds nor the book to other relatives.",
            path="Consent.provision",
        )


def _giver(record: Record, patient: Patient) -> Giver:
    try:
        found = giver_of(record, patient.id or "")
    except NotFound:
        raise Forbidden(
            "consent.not-own", "A person consents for themselves, or as guardian of a child."
        ) from None
    if isinstance(found, Refusal):
        said = {
            "share.minor": ("consent.minor", "Below 16 a guardian consents, and from 7 the child is asked."),
            "share.dead": ("consent.dead", "The book of a person who has died is locked."),
        }[found.key]
        raise Forbidden(*said)
    return found


def _check_noted(record: Record, consent: Consent, patient: Patient) -> None:
    """By a role that may note one: proved, for the facility that notes it; the person is told, an auditor judges."""
    noting.check_proof(record, consent, patient)
    own = ("Organization", record.actor.facility or "")
    for one in _provisions(consent.provision):
        if any(target(actor.reference) != own for actor in one.actor):
            raise Invalid(
                "consent.actor", f"It is noted for the own facility only: Organization/{own[1]}.",
                path="Consent.provision.actor",
            )  # fmt: skip
        if one.securityLabel and one.type == "permit":
            raise Invalid(
                "consent.labels", "Sensitive kinds are shared by the person on their own page.",
                path="Consent.provision.securityLabel",
            )  # fmt: skip
    text = "Y Bạ: một cơ sở ghi sổ được chia sẻ theo giấy đã ký. Không đúng: vào sổ, Chia sẻ sổ, Rút lại."
    phones = phones_of(record, patient)
    for phone in phones:
        messages.send(phone, text, "sharing.noted", f"noted.{consent.id}.{phone}")
    noting.to_review(record, consent, patient, told=len(phones))


def _provisions(root: Any) -> list[Any]:
    if root is None:
        return []
    return [root, *(inner for one in root.provision for inner in _provisions(one))]


GUARDS: Final[Mapping[str, Sequence[Guard]]] = {"Consent": (guard_consent,)}
