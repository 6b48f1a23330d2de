"""What the book writes: one's own record, a child's, a card. The account's link to a person is made with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from yba.areas.citizen import rules
from yba.care import coverages, people
from yba.care.names import same_name
from yba.fhir.access.standing import is_ward
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record

Refused = Literal["many", "held", "minor"]


@dataclass(frozen=True, slots=True)
class Details:
    """What a person says of themselves; ``birth_date`` is a FHIR date, places are names."""

    name: str
    birth_date: str
    sex: str
    citizen_number: str = ""
    address: str = ""
    commune: str = ""
    province: str = ""
    phone: str = ""


def keep_profile(record: Record, account: Any, *, details: Details) -> Patient | Refused:
    """Enter or correct one's own record and tie the account to it.

    A record that carries the citizen number, vouched for, is joined only when it carries the very phone number this
    account has just proved, the same name and birth date, and is nobody else's own. Anybody else gets a book of
    their own, with the number as their own word (`people.claim`): nobody learns from the answer whether a number is
    known. What looks like somebody of the record goes to a human's list.
    Below 16 a guardian enters the person, never they themselves: ``minor``.
    Once verified or seen by a doctor, name, birth date and sex are corrected at a desk only: ``held``.
    """
    with record.atomic():
        own = account.links.filter(relation=rules.SELF).first()
        if own is not None:
            kept = _corrected(
                record, own.patient_id, details, held=bool(held_because(record, account, own.patient_id))
            )
            if not isinstance(kept, str):
                account.leave_to_a_human(record, details, but=own.patient_id)
            return kept
        if is_ward(Patient(birthDate=details.birth_date), record.clock()):
            return "minor"
        found = _joinable(record, account, details)
        patient = found or people.register_person(record, **_values(details))
        if found is None:
            account.leave_to_a_human(record, details, but=patient.id)
        _tie(account, patient, rules.SELF)
        account.name = people.name_of(patient)
        account.save(update_fields=["name"])
        return patient


def _values(details: Details) -> dict[str, Any]:
    return {
        "name": details.name,
        "birth_date": details.birth_date,
        "sex": details.sex,
        "phone": details.phone,
        "citizen_number": details.citizen_number,
        "claimed": True,
        "address": details.address,
        "province": details.province,
        "commune": details.commune,
    }


def _joinable(record: Record, account: Any, details: Details) -> Patient | None:
    """The record of this number, when the account has proved its phone, says the same of the person, and it is free."""
    patient = (
        people.carrier_of(record.as_system(), details.citizen_number) if details.citizen_number else None
    )
    if patient is None:
        return None
    person, phone = people.person_of(patient), account.phone
    numbers = {one.value for one in patient.telecom if one.system == "phone"}
    same = same_name(person.name, details.name) and person.birth_date == details.birth_date
    if not (phone and phone in numbers and same):
        return None
    taken = account.links.model.objects.filter(patient_id=patient.id, relation=rules.SELF).exists()
    return None if taken else patient


def _tie(account: Any, patient: Patient, relation: str) -> None:
    account.links.get_or_create(patient_id=patient.id, defaults={"relation": relation})


Held = Literal["", "verified", "child", "seen"]


def held_because(record: Record, account: Any, patient_id: str) -> Held:
    """Why name, birth date and sex stand fast: somebody vouched, a doctor wrote under them, or it is a child.

    A child with an own account could else grow older by typing. Empty: they may be changed.
    """
    if account.is_verified:
        return "verified"
    if is_ward(record.as_system().read(Patient, patient_id), record.clock()):
        return "child"
    seen = record.as_system().first(Encounter, ("patient", f"Patient/{patient_id}"), ("status", "finished"))
    return "seen" if seen is not None else ""


def _corrected(record: Record, patient_id: str, details: Details, *, held: bool) -> Patient | Refused:
    """The same person with other words; a citizen number that was vouched for is not changed here."""
    patient = record.lock(Patient, patient_id)
    said = (people.name_of(patient), patient.birthDate, patient.gender)
    if not held and is_ward(Patient(birthDate=details.birth_date), record.clock()):
        return "minor"
    if held and said != (details.name, details.birth_date, details.sex):
        return "held"
    fresh = people.new_patient(**{**_values(details), "citizen_number": ""})
    if details.citizen_number:
        people.with_number(patient, details.citizen_number, proved=False)
    patient.name = [fresh.name[0], *patient.name[1:]]
    patient.birthDate, patient.gender = fresh.birthDate, fresh.gender
    patient.address = fresh.address or patient.address
    if details.phone:
        people.with_phone(patient, details.phone)
    return record.as_system().update(patient)  # read above with the citizen's own rights


def add_child(
    record: Record, account: Any, *, own: Patient, details: Details, relation: str
) -> Patient | Refused:
    """Enter a person this account answers for: their record, who answers, and the account's tie."""
    with record.atomic():
        if account.links.count() >= rules.MOST_PERSONS:
            return "many"
        child = people.register_person(record, **_values(details))
        system, ward = record.as_system(), is_ward(child, record.clock())
        people.add_relative(
            system, child, relative=own, relation=rules.role_of_guardian(relation), guardian=ward
        )
        if not ward:
            people.let_book(system, child, delegate=own)
        _tie(account, child, relation)
        return child


def keep_card(
    record: Record, patient: Patient, *, card: str, start: date | None, end: date | None
) -> Coverage:
    """Note an insurance card; the same card again gets the new dates. Raises NotFound for another's person."""
    with record.atomic():
        record.lock(Patient, patient.id or "")
        return coverages.add_coverage(record.as_system(), patient, card=card, start=start, end=end)
