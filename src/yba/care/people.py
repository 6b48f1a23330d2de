"""People of the record: finding one, entering one, the insurance card and the family.

A person is a ``Patient``. Nobody is merged silently: a citizen number that is known already is a ``Conflict``
that names the record it belongs to, and a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from yba.care import identifiers
from yba.care.names import name_parts, tidy_name
from yba.care.refusal import Refusal
from yba.fhir.access.consent import sharing
from yba.fhir.access.standing import RELATED_PATIENT
from yba.fhir.errors import Conflict, Forbidden, Invalid
from yba.fhir.model.marks import without_marks
from yba.fhir.model.references import reference
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.datatypes import (
    Address,
    CodeableConcept,
    Coding,
    ContactPoint,
    Extension,
    HumanName,
    Identifier,
)
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson
from yba.fhir.record import Record
from yba.fhir.store.rows import execute
from yba.ui.words import local_day

RELATIONSHIP_CS: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
MOST: Final = 30
REGISTRARS: Final = frozenset({"citizen", "customer_care", "receptionist", "system"})

Relation = Literal["parent", "grandparent", "spouse", "child", "guardian", "other"]
#: Relation -> code of HL7's role codes. Source: FHIR R4, valueset-relatedperson-relationshiptype.
_ROLE_CODES: Final[dict[Relation, str]] = {
    "parent": "PRN",
    "grandparent": "GRPRN",
    "spouse": "SPS",
    "child": "CHILD",
    "guardian": "GUARD",
    "other": "FAMMEMB",
}


@dataclass(frozen=True, slots=True)
class Person:
    """What pages say of a person. Dates are FHIR dates (a year alone is possible); absent parts are empty."""

    id: str
    name: str
    birth_date: str
    gender: str
    phone: str
    citizen_number: str
    address: str
    commune: str
    province: str
    #: The citizen number is the person's own word: no desk and no identity provider has seen it.
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class Relative:
    """Someone who answers for a person; ``relation`` is HL7's role code."""

    name: str
    relation: str
    phone: str
    citizen_number: str


def person_of(patient: Patient) -> Person:
    """The values of a Patient."""
    home = patient.address[0] if patient.address else Address()
    proved, claimed = proved_number(patient.identifier), claimed_number(patient.identifier)
    return Person(
        id=patient.id or "",
        name=name_of(patient),
        birth_date=patient.birthDate or "",
        gender=patient.gender or "unknown",
        phone=phone_of(patient),
        citizen_number=proved or claimed,
        claimed=bool(claimed) and not proved,
        address=home.text
        or ", ".join(filter(None, [*[line or "" for line in home.line], home.city, home.state])),
        commune=home.city or "",
        province=home.state or "",
    )


def name_of(patient: Patient | RelatedPerson) -> str:
    """The name as written in Vietnamese: family name first."""
    for name in patient.name:
        if name.text:
            return without_marks(name.text)
        words = [name.family, *name.given]
        if any(words):
            return without_marks(" ".join(word for word in words if word))
    return ""


def phone_of(patient: Patient | RelatedPerson) -> str:
    """The first telephone number, or nothing."""
    return next((one.value for one in patient.telecom if one.system == "phone" and one.value), "")


def identifier_of(found: list[Identifier], system: str) -> str:
    """The value of the first identifier of a system, or nothing."""
    return next((one.value for one in found if one.system == system and one.value), "")


#: Uses of an identifier that prove nothing of who somebody is (FHIR R4, IdentifierUse).
_UNPROVED: Final = frozenset({"temp", "old"})
_HOLD: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 3))"


def proves(one: Identifier) -> bool:
    """Whether this is a citizen number that a desk, an identity provider or another facility vouches for."""
    return one.system == identifiers.CCCD and bool(one.value) and one.use not in _UNPROVED


def proved_number(found: Sequence[Identifier]) -> str:
    """The citizen number that was compared with a document, or nothing."""
    return next((one.value for one in found if one.value and proves(one)), "")


def claimed_number(found: Sequence[Identifier]) -> str:
    """The citizen number the person typed, or nothing."""
    claimed = (one.value for one in found if one.system == identifiers.CCCD_CLAIMED and one.value)
    return next(claimed, "")


def claim(number: str) -> Identifier:
    """A number as somebody says it of themselves: it matches nothing and holds up nobody until it is compared."""
    return Identifier(use="temp", system=identifiers.CCCD_CLAIMED, value=number)


def with_number(patient: Patient, number: str, *, proved: bool) -> Patient:
    """The person with this citizen number; a claimed one never stands beside, or in place of, a proved one."""
    if not proved and proved_number(patient.identifier):
        return patient
    dropped = {identifiers.CCCD_CLAIMED, identifiers.CCCD} if proved else {identifiers.CCCD_CLAIMED}
    others = [one for one in patient.identifier if one.system not in dropped]
    made = Identifier(use="official", system=identifiers.CCCD, value=number) if proved else claim(number)
    patient.identifier = [*others, *([made] if number else [])]
    return patient


def hold_number(record: Record, number: str) -> None:
    """Let writers of the same citizen number wait for each other, until the transaction ends."""
    execute(record.connection, _HOLD, (f"people.citizen-number/{number}",)).fetchone()


def carriers_of(record: Record, number: str) -> list[Patient]:
    """Who has this citizen number, vouched for, among active people the actor may see; more than one is a mistake."""
    found = record.find(Patient, ("identifier", f"{identifiers.CCCD}|{number}"))
    return [
        one for one in found
        if one.active is not False and any(proves(it) and it.value == number for it in one.identifier)
    ]  # fmt: skip


def carrier_of(record: Record, number: str, *, but: str | None = None) -> Patient | None:
    """The one with this citizen number, vouched for."""
    return next((one for one in carriers_of(record, number) if one.id != but), None)


def claimants_of(record: Record, number: str) -> list[Patient]:
    """Active people who typed this number of themselves, for a human to compare; no rule decides by them."""
    found = record.find(Patient, ("identifier", f"{identifiers.CCCD_CLAIMED}|{number}"))
    return [one for one in found if one.active is not False]


# -- finding ---------------------------------------------------------------------------------------------


def find_people(record: Record, text: str, *, limit: int = MOST) -> list[Patient]:
    """People by citizen number, phone, insurance card, or words of the name (accents and order are free).

    At most ``limit``; an empty question finds nobody.
    """
    text = text.strip()
    compact = re.sub(r"[\s.\-]", "", text)
    if not compact:
        return []
    if any(sign.isdigit() for sign in compact):
        return _by_number(record, text, compact, limit)
    names = [("name", _plain(word)) for word in text.split()[:8] if _plain(word)]
    if not names:
        return []
    return _patients(record, [*names, ("_count", str(limit))])


def _by_number(record: Record, text: str, compact: str, limit: int) -> list[Patient]:
    count = ("_count", str(limit))
    phone = identifiers.check_phone(text)
    if not isinstance(phone, Refusal):
        found = _patients(record, [("phone", phone.value), count])
        if found:
            return found
    if re.fullmatch(r"[0-9]{12}", compact):
        return people_of_number(record, compact, limit=limit)
    if re.fullmatch(r"[0-9]{9}", compact):
        return _patients(record, [("identifier", f"{identifiers.CMND}|{compact}"), count])
    card = identifiers.check_insurance_card(compact)
    if isinstance(card, Refusal):
        return []
    return patients_of_card(record, card.number)


def patients_of_card(record: Record, card: str) -> list[Patient]:
    """Who holds an insurance card (15 characters, or the last 10 digits alone)."""
    found = [
        *record.find(Coverage, ("identifier", f"{identifiers.BHYT}|{card}")),
        *record.find(Coverage, ("identifier", f"{identifiers.BHYT}|{card[-10:]}")),
    ]
    ids = {(one.beneficiary.reference or "").removeprefix("Patient/") for one in found} - {""}
    return _patients(record, [("_id", ",".join(sorted(ids)))]) if ids else []


def people_of_number(record: Record, number: str, *, limit: int = MOST) -> list[Patient]:
    """For a human: who carries this citizen number; nobody: who says it of themselves (``Person.claimed``)."""
    count = ("_count", str(limit))
    proved = _patients(record, [("identifier", f"{identifiers.CCCD}|{number}"), count])
    return proved or _patients(record, [("identifier", f"{identifiers.CCCD_CLAIMED}|{number}"), count])


def _patients(record: Record, params: list[tuple[str, str]]) -> list[Patient]:
    return [one for one in record.search(Patient, params).matches if isinstance(one, Patient)]


def _plain(word: str) -> str:
    """A typed word without the signs that mean something in a search."""
    return re.sub(r"[,$|\\]", "", word)


# -- entering --------------------------------------------------------------------------------------------


def human_name(text: str) -> HumanName:
    """The name with its parts: family name first, the called name last."""
    text = tidy_name(text)
    family, given = name_parts(text)
    return HumanName(use="official", text=text, family=family or None, given=list(given))


def home_address(address: str, *, commune: str = "", province: str = "") -> list[Address]:
    """A home address: house and street, commune, province, and the whole as one line."""
    parts = [part.strip() for part in (address, commune, province) if part and part.strip()]
    if not parts:
        return []
    already = [part for part in parts[1:] if part.casefold() not in parts[0].casefold()]
    return [
        Address(
            use="home",
            text=", ".join([parts[0], *already]),
            line=[address.strip()] if address.strip() else [],
            city=commune.strip() or None,
            state=province.strip() or None,
            country="VN",
        )
    ]


def new_patient(
    *,
    name: str,
    birth_date: date | str,
    sex: str,
    phone: str = "",
    citizen_number: str = "",
    claimed: bool = False,
    address: str = "",
    province: str = "",
    commune: str = "",
) -> Patient:
    """A Patient of these values, not stored yet. ``sex`` is FHIR's administrative gender; ``claimed``: see `claim`."""
    gender: identifiers.Gender = "unknown"
    if sex in ("male", "female", "other"):
        gender = sex  # type: ignore[assignment]  # narrowed by the test above
    made = Patient(
        active=True,
        name=[human_name(name)],
        telecom=[ContactPoint(system="phone", use="mobile", value=phone)] if phone else [],
        gender=gender,
        birthDate=birth_date.isoformat() if isinstance(birth_date, date) else birth_date,
        address=home_address(address, commune=commune, province=province),
    )
    return with_number(made, citizen_number, proved=not claimed)


def register_person(
    record: Record,
    *,
    name: str,
    birth_date: date | str,
    sex: str,
    phone: str = "",
    citizen_number: str | None = None,
    claimed: bool = False,
    address: str = "",
    province: str = "",
    commune: str = "",
) -> Patient:
    """Enter a new person; ``province`` and ``commune`` are names, ``birth_date`` a day or a FHIR date.

    ``claimed``: the number is the person's own word; it is kept apart and meets nobody else's (`claim`).
    Raises Conflict ``people.known`` (``params["patient"]``: the id) when the citizen number has a record
    already: the caller asks a person what to do. Raises Invalid for a birth in the future or a wrong number.
    """
    if record.actor.role not in REGISTRARS:
        raise Forbidden("people.register", "This role may not enter new people.")
    birth = birth_date.isoformat() if isinstance(birth_date, date) else birth_date
    today = local_day(record.clock()).isoformat()
    if birth > today[: len(birth)]:
        raise Invalid(
            "people.birth-in-future", "The birth date lies in the future.", path="Patient.birthDate"
        )
    number = ""
    if citizen_number:
        checked = identifiers.check_citizen_number(citizen_number)
        if isinstance(checked, Refusal):
            raise Invalid(checked.key, "The citizen number is not one.", path="Patient.identifier")
        number = checked.value
    patient = new_patient(
        name=name, birth_date=birth, sex=sex, phone=phone, citizen_number=number, claimed=claimed,
        address=address, province=province, commune=commune,
    )  # fmt: skip
    system = record.as_system()
    if not number or claimed:
        return system.create(patient)
    with system.atomic():
        hold_number(system, number)
        known = carrier_of(system, number)
        if known is not None:
            raise Conflict(
                "people.known",
                "A person with this citizen number is in the record already.",
                patient=known.id,
            )
        return system.create(patient)


def verify_number(record: Record, patient_id: str, number: str) -> Patient | Conflict:
    """Note the citizen number a document showed; the Conflict ``people.known`` when another person carries it."""
    system = record.as_system()
    with system.atomic():
        hold_number(system, number)
        other = carrier_of(system, number, but=patient_id)
        if other is not None:
            return Conflict(
                "people.known",
                "A person with this citizen number is in the record already.",
                patient=other.id,
            )
        return system.update(with_number(system.lock(Patient, patient_id), number, proved=True))


def with_phone(patient: Patient, phone: str) -> Patient:
    """The person with this number first; older numbers stay behind it."""
    others = [one for one in patient.telecom if not (one.system == "phone" and one.value == phone)]
    patient.telecom = [ContactPoint(system="phone", use="mobile", value=phone), *others]
    return patient


def with_name(patient: Patient, name: str) -> Patient:
    """The person with the official name corrected."""
    patient.name = [human_name(name), *patient.name[1:]]
    return patient


# -- family ----------------------------------------------------------------------------------------------


def add_relative(
    record: Record, patient: Patient, *, relative: Patient, relation: Relation, guardian: bool = False
) -> RelatedPerson:
    """Note that ``relative`` (a person of the record too) is, say, the parent of ``patient``.

    ``guardian``: they also answer for the person as a guardian does, and see the book of a minor.
    """
    number = proved_number(relative.identifier)
    identifier = [Identifier(system=identifiers.CCCD, value=number)] if number else []
    related = RelatedPerson(
        active=True,
        patient=reference("Patient", patient.id, display=name_of(patient) or None),
        identifier=identifier,
        relationship=[
            CodeableConcept(
                coding=[Coding(system=RELATIONSHIP_CS, code=_ROLE_CODES[relation])], text=relation
            ),
            *([CodeableConcept(coding=[Coding(system=RELATIONSHIP_CS, code="GUARD")])] if guardian else []),
        ],
        extension=[Extension(url=RELATED_PATIENT, valueReference=reference("Patient", relative.id))],
        name=[human_name(name_of(relative))],
        telecom=[ContactPoint(system="phone", value=phone_of(relative))] if phone_of(relative) else [],
    )
    return record.create(related)


#: What somebody needs to book for an adult of the family: who they are and when they are expected, not the chart.
TO_BOOK: Final = ("Patient", "RelatedPerson", "Coverage", "Appointment", "Consent")


def let_book(record: Record, patient: Patient, *, delegate: Patient) -> Consent:
    """Note that an adult lets ``delegate`` book for them, and see no more than that needs.

    Who opens the whole book to a relative says so themselves. Source: Luật 91/2025/QH15 Đ9 (consent per purpose).
    """
    made = sharing(
        patient.id or "", [reference("Patient", delegate.id)], now=record.clock(), types=TO_BOOK, purposes=()
    )
    made.performer = [reference("Patient", delegate.id)]
    return record.create(made)


def family_of(record: Record, patient_id: str) -> list[Relative]:
    """Who answers for a person, in the order they were noted."""
    found = record.find(RelatedPerson, ("patient", f"Patient/{patient_id}"))
    return [
        Relative(
            name=name_of(one),
            relation=one.relationship[0].coding[0].code or ""
            if one.relationship and one.relationship[0].coding
            else "",
            phone=phone_of(one),
            citizen_number=identifier_of(one.identifier, identifiers.CCCD),
        )
        for one in found
        if one.active is not False
    ]
