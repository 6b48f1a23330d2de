"""What every write of a person or an insurance card must hold, whichever way it comes in: page, desk or FHIR API.

The record calls a guard inside the write's transaction, before the write. Only what the write brings in is checked:
what stood in the record before (a loaded history) does not stop somebody who corrects a telephone number. Identifiers
of other systems, and cards that do not say they are ours, are nobody's business here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from yba.care import identifiers, people
from yba.care.refusal import Refusal
from yba.fhir.errors import Conflict, Forbidden, Invalid
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.datatypes import Identifier, Resource
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson
from yba.fhir.record import Guard, Record
from yba.ui.words import local_day

#: The word for the statutory insurance in ``Coverage.type``.
STATUTORY: Final = "BHYT"
_CARD_WORDS: Final[Mapping[str, str]] = {
    "insurance.length": (
        "has {count} characters; an insurance card has 15, or 10 digits where only the social insurance number is known"
    ),
    "insurance.group": "begins with '{code}', which is not a group of insured people",
    "insurance.rights": "has '{code}' as its third character; the level of rights is 1 to 5",
    "insurance.province": "has '{code}' as its province (characters 4 and 5), which is not one of the insurer's",
    "insurance.social": "must end with the 10 digits of the social insurance number",
}


def guard_patient(record: Record, before: Resource | None, after: Resource | None) -> None:
    """A person's birth date, citizen number and insurance number; one record for one citizen number.

    Raises Invalid ``people.birth-in-future``, ``citizen.*``, ``insurance.*``; Conflict ``people.known``; Forbidden
    ``people.link``.
    """
    if not isinstance(after, Patient):
        return
    old = before if isinstance(before, Patient) else None
    _check_links(record, after, old)
    _check_birth(record, after, old.birthDate if old else None)
    known = _numbers(old.identifier) if old else frozenset()
    _check_identifiers(after.identifier, known, "Patient")
    if after.active is False:
        return
    # One that is made active again claims its number again; so does one whose number was only claimed before.
    held = _proved(old.identifier) if old is not None and old.active is not False else frozenset()
    for place, one in enumerate(after.identifier):
        if one.value and people.proves(one) and one.value not in held:
            _claim(record, one.value, f"Patient.identifier[{place}].value", own=after.id)


def _check_links(record: Record, after: Patient, old: Patient | None) -> None:
    """Links join charts: who treats one reads what is under the other (`fhir.access.linked`). A rule makes them."""
    if record.actor.role != "system" and after.link != (old.link if old is not None else []):
        raise Forbidden(
            "people.link",
            "That two records are one person's is noted where the person is identified, not by a bare write.",
            path="Patient.link",
        )


def _proved(found: Sequence[Identifier]) -> frozenset[str]:
    return frozenset(one.value for one in found if one.value and people.proves(one))


def guard_related_person(record: Record, before: Resource | None, after: Resource | None) -> None:
    """The same checks for who answers for a person; one may be noted for many, so numbers may repeat."""
    if not isinstance(after, RelatedPerson):
        return
    old = before if isinstance(before, RelatedPerson) else None
    _check_birth(record, after, old.birthDate if old else None)
    _check_identifiers(after.identifier, _numbers(old.identifier) if old else frozenset(), "RelatedPerson")


def guard_coverage(record: Record, before: Resource | None, after: Resource | None) -> None:
    """The number of an insurance card, where the card says it is of the statutory insurance.

    Raises Invalid ``insurance.length``, ``.group``, ``.rights``, ``.province``, ``.social``, ``.form``.
    """
    if not isinstance(after, Coverage):
        return
    old = before if isinstance(before, Coverage) else None
    _check_identifiers(after.identifier, _numbers(old.identifier) if old else frozenset(), "Coverage")
    number = after.subscriberId
    if number is None or not _is_statutory(after):
        return
    if old is None or old.subscriberId != number or not _is_statutory(old):
        _check_card(number, "Coverage.subscriberId")


def _is_statutory(coverage: Coverage) -> bool:
    """Whether it says of itself that it is a card of Vietnam's social insurance."""
    if any(one.system == identifiers.BHYT for one in coverage.identifier):
        return True
    kind = coverage.type
    return kind is not None and (kind.text == STATUTORY or any(one.code == STATUTORY for one in kind.coding))


def _numbers(found: Sequence[Identifier]) -> frozenset[tuple[str, str]]:
    return frozenset((one.system, one.value) for one in found if one.system and one.value)


def _of(
    found: Sequence[Identifier], system: str, known: frozenset[tuple[str, str]], at: str
) -> Iterator[tuple[str, str]]:
    """Path and value of each identifier of a system that is new."""
    for place, one in enumerate(found):
        if one.system == system and one.value and (system, one.value) not in known:
            yield f"{at}.identifier[{place}].value", one.value


def _check_identifiers(found: Sequence[Identifier], known: frozenset[tuple[str, str]], at: str) -> None:
    for system in (identifiers.CCCD, identifiers.CCCD_CLAIMED):
        for path, value in _of(found, system, known, at):
            _check_citizen_number(value, path)
    for path, value in _of(found, identifiers.BHYT, known, at):
        _check_card(value, path)


def _check_birth(record: Record, person: Patient | RelatedPerson, known: str | None) -> None:
    """A birth of any precision is not after today, as Hanoi counts days."""
    birth = person.birthDate
    if birth is None or birth == known:
        return
    today = local_day(record.clock()).isoformat()
    if birth > today[: len(birth)]:
        path = f"{type(person).__name__}.birthDate"
        raise Invalid(
            "people.birth-in-future",
            f"{path}: {birth} lies in the future; today is {today}. Correct the date and send it again.",
            path=path,
        )


def _check_citizen_number(value: str, path: str) -> None:
    checked = identifiers.check_citizen_number(value)
    if not isinstance(checked, Refusal) and checked.value == value:
        return
    key = checked.key if isinstance(checked, Refusal) else "citizen.characters"
    why = (
        f"the citizen number must have 12 digits, this one has {len(value)}"
        if key == "citizen.length"
        else "the citizen number must be 12 digits and nothing else"
    )
    raise Invalid(key, f"{path}: {why}. Compare it with the card and send it again.", path=path)


def _check_card(value: str, path: str) -> None:
    checked = identifiers.check_insurance_card(value)
    if isinstance(checked, Refusal):
        key, why = checked.key, _CARD_WORDS[checked.key].format_map(checked.params)
    elif checked.number != value:
        key, why = "insurance.form", "must be capital letters and digits without spaces"
    else:
        return
    raise Invalid(
        key, f"{path}: the insurance number {why}. Compare it with the card and send it again.", path=path
    )


def _claim(record: Record, number: str, path: str, *, own: str | None) -> None:
    """Nobody else who is active carries the number. Writers of the same number wait here for each other."""
    people.hold_number(record, number)
    other = people.carrier_of(record.as_system(), number, but=own)
    if other is not None:
        raise Conflict(
            "people.known",
            f"{path}: another person of the record carries this citizen number. "
            "Find them by the number and decide whether it is the same person; nothing was merged.",
            path=path,
            patient=other.id,
        )


GUARDS: Final[Mapping[str, Sequence[Guard]]] = {
    "Patient": (guard_patient,),
    "RelatedPerson": (guard_related_person,),
    "Coverage": (guard_coverage,),
}
