"""Who an account is: one person, one account, one record; what is not sure goes to a human, nothing is merged alone.

Levels: nobody looked; a desk saw the document; an identity provider vouched. Source: Decree 69/2024 on electronic
identification names such levels; which document proves what is Circular 13/2025's reception of a patient.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from yba.care import people
from yba.care.names import same_name
from yba.fhir.errors import Conflict, RecordError
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Meta, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient, PatientLink
from yba.fhir.record import Record
from yba.site.accounts import events
from yba.site.accounts.models import AT_DESK, BY_PROVIDER, Account, AccountPerson, Doubt
from yba.site.opening import system_record

#: As many candidates as one compares with care.
MOST: Final = 5


#: Doubts that no identity provider raised: confirming one verifies nobody.
OF_THE_HOUSE: Final = frozenset({"citizen", "desk", "number"})

#: What is still to come of a booking.
AHEAD: Final = "proposed,pending,booked,arrived,checked-in,waitlist"


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody, or their identity provider, says of who they are; ``birth_date`` is a FHIR date."""

    name: str
    birth_date: str
    sex: str = ""
    citizen_number: str = ""
    phone: str = ""


def knows_owner(account: Account, proof: str) -> bool:
    """Whether somebody knows the birth date or the citizen number of whose book this is."""
    digits = re.sub(r"\D", "", proof)
    found = False
    for patient in _own_people(account):
        number = people.person_of(patient).citizen_number
        found |= bool(number) and digits == number
        year, month, day = [*(patient.birthDate or "").split("-"), "", ""][:3]
        found |= bool(day) and re.fullmatch(rf"\s*0?{int(day)}\D0?{int(month)}\D{year}\s*", proof) is not None
        found |= bool(day) and digits == f"{day}{month}{year}"
    return found


def _own_people(account: Account) -> list[Patient]:
    """Oneself; for an account without a book of its own, whom it answers for."""
    record = system_record()
    links = account.links.filter(relation=AccountPerson.SELF) or account.links.all()
    found = []
    for one in links:
        try:
            found.append(record.read(Patient, one.patient_id))
        except RecordError:
            continue
    return found


def candidates(record: Record, said: Said, *, but: str = "") -> list[str]:
    """Ids of people who may be this one: the same number, also a claimed one, or birth date and name or telephone."""
    system = record.as_system()
    found: dict[str, None] = {}
    if said.citizen_number:
        number = said.citizen_number
        same = [*people.carriers_of(system, number), *people.claimants_of(system, number)]
        found.update((one.id, None) for one in same if one.id)
    for one in _alike(system, said):
        theirs = people.proved_number(one.identifier)
        differ = bool(theirs and said.citizen_number and theirs != said.citizen_number)
        if one.id and not differ and one.active is not False:
            found[one.id] = None
    found.pop(but, None)
    return list(found)[:MOST]


def _alike(system: Record, said: Said) -> list[Patient]:
    """People of the same birth date and the same name or telephone number."""
    if not said.birth_date:
        return []
    born = ("birthdate", said.birth_date)
    words = [("name", re.sub(r"[,$|\\]", "", word)) for word in said.name.split()[:8]]
    found = [one for one in system.find(Patient, born, *words) if same_name(people.name_of(one), said.name)]
    return [*found, *(system.find(Patient, born, ("phone", said.phone)) if said.phone else [])]


def raise_doubt(account: Account, said: Said, found: list[str], *, source: str = "citizen") -> Doubt | None:
    """Put candidates on the human's list; one open doubt an account, the newest words count."""
    if not found:
        return None
    words = {
        "name": said.name,
        "birth_date": said.birth_date,
        "sex": said.sex,
        "citizen_number": said.citizen_number,
        "phone": said.phone,
    }
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=account.pk)
        doubt, _made = Doubt.objects.update_or_create(
            account=account, decided_at=None, defaults={"said": words, "candidates": found, "source": source}
        )
    return doubt


class InUse(Exception):
    """The account's own new record has a booking ahead or a visit: these would be out of its owner's sight."""


class Taken(Exception):
    """The person is another account's own: a human must look at that account first."""


def confirm(request: HttpRequest, doubt: Doubt, patient_id: str, *, by: Account, reason: str) -> None:
    """This account is that person: tie it, mark the record made meanwhile as replaced. Raises Taken or InUse."""
    if patient_id not in doubt.candidates:
        raise ValueError(patient_id)
    with transaction.atomic():
        doubt = Doubt.objects.select_for_update().get(pk=doubt.pk, decided_at=None)
        own = doubt.account.links.filter(relation=AccountPerson.SELF).first()
        before = own.patient_id if own is not None else ""
        if before != patient_id:
            if before and _in_use(before):
                raise InUse
            _tie(doubt.account, patient_id)
            if before:
                replaced(before, patient_id)
        if doubt.source not in OF_THE_HOUSE:
            level(doubt.account, BY_PROVIDER, by=doubt.source)
        _decide(request, doubt, by=by, patient=patient_id, reason=reason)


def _in_use(patient_id: str) -> bool:
    """Whether somebody waits for this person, or has seen them."""
    record, who = system_record(), ("patient", f"Patient/{patient_id}")
    return (
        record.first(Appointment, who, ("status", AHEAD)) is not None
        or record.first(Encounter, who) is not None
    )


def reject(request: HttpRequest, doubt: Doubt, *, by: Account, reason: str) -> None:
    """None of the candidates is this person."""
    with transaction.atomic():
        doubt = Doubt.objects.select_for_update().get(pk=doubt.pk, decided_at=None)
        _decide(request, doubt, by=by, patient="", reason=reason)


def _decide(request: HttpRequest, doubt: Doubt, *, by: Account, patient: str, reason: str) -> None:
    doubt.decided_at, doubt.decided_by = timezone.now(), by
    doubt.decided_for, doubt.reason = patient, reason
    doubt.save()
    events.note(
        "policy",
        request=request,
        account=doubt.account,
        by=by,
        patient=patient or None,
        detail="identity: confirmed" if patient else "identity: none of " + ",".join(doubt.candidates),
    )


def _tie(account: Account, patient_id: str) -> None:
    """Make a person this account's own. Raises Taken when they are another's."""
    taken = AccountPerson.objects.filter(patient_id=patient_id, relation=AccountPerson.SELF)
    if taken.exclude(account=account).exists():
        raise Taken
    account.links.filter(relation=AccountPerson.SELF).delete()
    account.links.filter(patient_id=patient_id).delete()
    try:
        with transaction.atomic():
            account.links.create(patient_id=patient_id, relation=AccountPerson.SELF)
    except IntegrityError as another:
        raise Taken from another
    patient = system_record().read(Patient, patient_id)
    account.name = people.name_of(patient)
    account.save(update_fields=["name"])


def replaced(old: str, new: str) -> None:
    """Note on both records that the second stands for the first (FHIR R4, Patient.link); nothing is moved or lost.

    Labels of the old record (a protected person) are the new one's too.
    """
    record = system_record()
    with record.atomic():
        first, second = record.lock(Patient, old), record.lock(Patient, new)
        meta = second.meta or Meta()
        labels = first.meta.security if first.meta is not None else []
        meta.security = [*meta.security, *(one for one in labels if one not in meta.security)]
        second.meta = meta
        first.active = False
        first.link = [
            *first.link,
            PatientLink(other=Reference(reference=f"Patient/{new}"), type="replaced-by"),
        ]
        second.link = [
            *second.link,
            PatientLink(other=Reference(reference=f"Patient/{old}"), type="replaces"),
        ]
        record.update(first)
        record.update(second)


def level(account: Account, value: str, *, by: str) -> None:
    account.identity, account.identity_at, account.identity_by = value, timezone.now(), by[:64]
    account.save(update_fields=["identity", "identity_at", "identity_by"])


def verify_at_desk(
    request: HttpRequest, record: Record, account: Account | None, *, patient: str, by: Account, document: str,
    number: str = "",
) -> bool:  # fmt: skip
    """A desk compared the document with the person and the record; ``number``: the citizen number it shows.

    False, and nothing noted, when another person carries that number: both then wait for a human.
    """
    with transaction.atomic():
        if number:
            kept = people.verify_number(record, patient, number)
            if isinstance(kept, Conflict):
                _doubt_number(record, account, patient, number, str(kept.params.get("patient", "")))
                return False
        if account is not None:
            level(account, AT_DESK, by=f"{by.facility}/{by.pk}")
        events.note(
            "policy",
            request=request,
            account=account,
            by=by,
            patient=patient,
            detail=f"identity: verified at a desk by {document}" + (", citizen number" if number else ""),
        )
    return True


def _doubt_number(record: Record, account: Account | None, patient: str, number: str, other: str) -> None:
    if account is None:
        return
    person = people.person_of(record.as_system().read(Patient, patient))
    said = Said(person.name, person.birth_date, person.gender, number, person.phone)
    raise_doubt(account, said, [other], source="desk")


def vouched(request: HttpRequest, account: Account, said: Said, *, source: str) -> str:
    """What an identity provider's word makes of an account: ``verified``, ``doubt`` or ``new``.

    The provider is the further proof: a record with the very citizen number, name and birth date becomes the
    account's own, when no other account holds it. All else that looks alike goes to a human.
    """
    record = system_record()
    own = account.person
    if own is not None:
        patient = record.read(Patient, own)
        other = people.carrier_of(record, said.citizen_number, but=own) if said.citizen_number else None
        if _agrees(patient, said) and other is None:
            _complete(record, patient, said)
            level(account, BY_PROVIDER, by=source)
            events.note(
                "policy", request=request, account=account, patient=own, detail="identity: vouched for"
            )
            return "verified"
        found = [own, *candidates(record, said, but=own)][:MOST]
        raise_doubt(account, said, found, source=source)
        return "doubt"
    same = people.carrier_of(record, said.citizen_number) if said.citizen_number else None
    if same is not None and same.id and _agrees(same, said):
        try:
            with transaction.atomic():
                _tie(account, same.id)
                level(account, BY_PROVIDER, by=source)
                events.note(
                    "policy",
                    request=request,
                    account=account,
                    patient=same.id,
                    detail="identity: vouched for",
                )
            return "verified"
        except Taken:
            raise_doubt(account, said, [same.id], source=source)
            return "doubt"
    found = candidates(record, said)
    if any(not people.person_of(record.read(Patient, one)).claimed for one in found):
        raise_doubt(account, said, found, source=source)
        return "doubt"
    # Whoever typed this number before holds up nobody; that both are looked at sees `guards`.
    return _entered(request, account, record, said, source)


def _entered(request: HttpRequest, account: Account, record: Record, said: Said, source: str) -> str:
    """Nobody like this is in the record: enter them as the provider says."""
    with transaction.atomic():
        patient = people.register_person(
            record, name=said.name, birth_date=said.birth_date, sex=said.sex or "unknown", phone=said.phone,
            citizen_number=said.citizen_number or None,
        )  # fmt: skip
        _tie(account, patient.id or "")
        level(account, BY_PROVIDER, by=source)
        events.note(
            "policy", request=request, account=account, patient=patient.id, detail="identity: vouched for"
        )
    return "verified"


def _agrees(patient: Patient, said: Said) -> bool:
    number = people.proved_number(patient.identifier)
    return (
        same_name(people.name_of(patient), said.name)
        and patient.birthDate == said.birth_date
        and (not number or not said.citizen_number or number == said.citizen_number)
    )


def _complete(record: Record, patient: Patient, said: Said) -> None:
    """Note the citizen number the provider gave, when the record had none that was vouched for."""
    if said.citizen_number and not people.proved_number(patient.identifier):
        people.verify_number(record, patient.id or "", said.citizen_number)
