"""Whom an app is to be about: a citizen's own people, or somebody a member of staff may see and finds by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from yba.care import people
from yba.fhir.errors import RecordError
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.site.accounts.models import Account, AccountPerson
from yba.ui import words

MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """One who can be chosen."""

    id: str
    name: str
    note: str


def own_people(record: Record, account: Account) -> list[Choice]:
    """The people of an account, oneself first; one who can't be seen any more is left out."""
    links = sorted(
        account.links.values_list("patient_id", "relation", "pk"),
        key=lambda it: (it[1] != AccountPerson.SELF, it[2]),
    )
    found = [one_person(record, patient) for patient, _, _ in links]
    return [one for one in found if one is not None]


def one_person(record: Record, patient: str) -> Choice | None:
    """Somebody by id, if the actor may see them."""
    try:
        return _choice(record.read(Patient, patient))
    except RecordError:
        return None


def found_people(record: Record, text: str) -> list[Choice]:
    """People the actor may see, by words of the name or a number."""
    try:
        return [_choice(one) for one in people.find_people(record, text, limit=MOST)]
    except RecordError:
        return []


def _choice(person: Patient) -> Choice:
    return Choice(person.id or "", people.name_of(person), words.ngay(person.birthDate))
