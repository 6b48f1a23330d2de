"""Every write of a person or a card is checked, whoever asks; one citizen number has one record."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from yba import fhir
from yba.care import coverages, demo, guards, people
from yba.care.identifiers import BHYT, CCCD
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.errors import Conflict, Invalid, RecordError
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.datatypes import CodeableConcept, Identifier, Reference, Resource
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson

#: 23 November in Vietnam, still the 22nd in UTC.
NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
NUMBER = "046158001234"


def opened(connection: Any, actor: Actor = SYSTEM) -> fhir.Record:
    return fhir.open(connection, actor=actor, clock=lambda: NOW, guards=guards.GUARDS)


@pytest.fixture
def guarded(connection: psycopg.Connection[Any]) -> fhir.Record:
    return opened(connection)


def person(number: str = "", system: str = CCCD, **fields: Any) -> Patient:
    identifier = [Identifier(system=system, value=number)] if number else []
    return Patient(identifier=identifier, **fields)


def relative(**fields: Any) -> RelatedPerson:
    return RelatedPerson(patient=Reference(reference="Patient/p"), **fields)


def card(number: str | None, *, kind: str = "BHYT", **fields: Any) -> Coverage:
    return Coverage(
        status="active", type=CodeableConcept(text=kind), subscriberId=number,
        beneficiary=Reference(reference="Patient/p"), payor=[Reference(display="BHXH")], **fields,
    )  # fmt: skip


def refusal_of(record: fhir.Record, resource: Resource) -> tuple[str, str | None, str]:
    with pytest.raises(RecordError) as refused, record.atomic():
        record.create(resource)
    return refused.value.key, refused.value.path, refused.value.message


COMPARE = "Compare it with the card and send it again."


@pytest.mark.parametrize(
    ("resource", "key", "path", "message"),
    [
        (
            person(birthDate="2026-11-24"), "people.birth-in-future", "Patient.birthDate",
            "Patient.birthDate: 2026-11-24 lies in the future; today is 2026-11-23. "
            "Correct the date and send it again.",
        ),
        (
            person(birthDate="2027"), "people.birth-in-future", "Patient.birthDate",
            "Patient.birthDate: 2027 lies in the future; today is 2026-11-23. Correct the date and send it again.",
        ),
        (
            relative(birthDate="2026-12"), "people.birth-in-future", "RelatedPerson.birthDate",
            "RelatedPerson.birthDate: 2026-12 lies in the future; today is 2026-11-23. "
            "Correct the date and send it again.",
        ),
        (
            person(NUMBER[:11]), "citizen.length", "Patient.identifier[0].value",
            f"Patient.identifier[0].value: the citizen number must have 12 digits, this one has 11. {COMPARE}",
        ),
        (
            person("046 158 001 234"), "citizen.characters", "Patient.identifier[0].value",
            "Patient.identifier[0].value: the citizen number must be 12 digits and nothing else. " + COMPARE,
        ),
        (
            person("04615800123x"), "citizen.characters", "Patient.identifier[0].value",
            "Patient.identifier[0].value: the citizen number must be 12 digits and nothing else. " + COMPARE,
        ),
        (
            relative(identifier=[Identifier(system=CCCD, value="1")]), "citizen.length",
            "RelatedPerson.identifier[0].value",
            f"RelatedPerson.identifier[0].value: the citizen number must have 12 digits, this one has 1. {COMPARE}",
        ),
        (
            card("HT3994612345678"), "insurance.province", "Coverage.subscriberId",
            "Coverage.subscriberId: the insurance number has '99' as its province (characters 4 and 5), "
            f"which is not one of the insurer's. {COMPARE}",
        ),
        (
            card("HT346461234567"), "insurance.length", "Coverage.subscriberId",
            "Coverage.subscriberId: the insurance number has 14 characters; an insurance card has 15, "
            f"or 10 digits where only the social insurance number is known. {COMPARE}",
        ),
        (
            card("ZZ3464612345678"), "insurance.group", "Coverage.subscriberId",
            "Coverage.subscriberId: the insurance number begins with 'ZZ', which is not a group of insured "
            f"people. {COMPARE}",
        ),
        (
            card("HT9464612345678"), "insurance.rights", "Coverage.subscriberId",
            "Coverage.subscriberId: the insurance number has '9' as its third character; the level of rights "
            f"is 1 to 5. {COMPARE}",
        ),
        (
            card("HT346461234567X"), "insurance.social", "Coverage.subscriberId",
            "Coverage.subscriberId: the insurance number must end with the 10 digits of the social insurance "
            f"number. {COMPARE}",
        ),
        (
            card("ht3464612345678"), "insurance.form", "Coverage.subscriberId",
            "Coverage.subscriberId: the insurance number must be capital letters and digits without spaces. "
            + COMPARE,
        ),
        (
            card(None, kind="x", identifier=[Identifier(system=BHYT, value="HT3")]), "insurance.length",
            "Coverage.identifier[0].value",
            "Coverage.identifier[0].value: the insurance number has 3 characters; an insurance card has 15, "
            f"or 10 digits where only the social insurance number is known. {COMPARE}",
        ),
        (
            person("HT3994612345678", BHYT), "insurance.province", "Patient.identifier[0].value",
            "Patient.identifier[0].value: the insurance number has '99' as its province (characters 4 and 5), "
            f"which is not one of the insurer's. {COMPARE}",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_where_and_what_next(
    guarded: fhir.Record, resource: Resource, key: str, path: str, message: str
) -> None:
    assert refusal_of(guarded, resource) == (key, path, message)
    assert guarded.count(type(resource)) == 0


@pytest.mark.parametrize(
    "resource",
    [
        person(birthDate="2026-11-23"),
        person(birthDate="2026"),
        person(NUMBER),
        person("999-11", "http://hl7.org/fhir/sid/us-ssn"),
        Patient(identifier=[Identifier(system=CCCD, assigner=Reference(display="chưa có số"))]),
        relative(identifier=[Identifier(system=CCCD, value=NUMBER)], birthDate="1958"),
        card("HT3464612345678", identifier=[Identifier(system=BHYT, value="HT3464612345678")]),
        card("4612345678"),
        card("anything", kind="Private"),
        card(None),
    ],
)
def test_what_is_right_or_not_ours_is_stored(guarded: fhir.Record, resource: Resource) -> None:
    assert guarded.create(resource).id


def test_a_citizen_number_has_one_record(guarded: fhir.Record) -> None:
    first = guarded.create(person(NUMBER))
    with pytest.raises(Conflict) as refused, guarded.atomic():
        guarded.create(person(NUMBER))
    assert (refused.value.key, refused.value.params["patient"]) == ("people.known", first.id)
    assert refused.value.message == (
        "Patient.identifier[0].value: another person of the record carries this citizen number. "
        "Find them by the number and decide whether it is the same person; nothing was merged."
    )
    second = guarded.create(person())
    second.identifier = person(NUMBER).identifier
    with pytest.raises(Conflict), guarded.atomic():
        guarded.update(second)
    assert guarded.count(Patient) == 2


def test_a_record_put_aside_or_deleted_frees_the_number_and_claims_it_again(guarded: fhir.Record) -> None:
    first = guarded.create(person(NUMBER))
    first.active = False
    first = guarded.update(first)
    second = guarded.create(person(NUMBER))
    first.active = True
    with pytest.raises(Conflict), guarded.atomic():
        guarded.update(first)
    guarded.delete(Patient, second.id or "")
    assert guarded.update(first).active is True


def test_what_stood_before_does_not_stop_a_correction(connection: psycopg.Connection[Any]) -> None:
    history = fhir.open(connection, actor=SYSTEM)
    loaded = [
        history.create(person("123", birthDate="2030-01-01")), history.create(person(NUMBER)),
        history.create(person(NUMBER)), history.create(card("HT3994612345678")),
        history.create(relative(birthDate="2030")),
    ]  # fmt: skip
    record = opened(connection)
    for one in loaded:
        one.language = "vi"
        assert record.update(one).language == "vi"
    wrong = loaded[0]
    assert isinstance(wrong, Patient)
    wrong.birthDate = "2031-01-01"
    with pytest.raises(Invalid), record.atomic():
        record.update(wrong)


def test_registering_a_person_still_names_the_known_one(guarded: fhir.Record) -> None:
    def register() -> Patient:
        return people.register_person(
            guarded, name="Nguyễn Thị Hạnh", birth_date="1958-03-14", sex="female", citizen_number=NUMBER
        )

    first = register()
    with pytest.raises(Conflict) as refused:
        register()
    assert (refused.value.key, refused.value.params["patient"]) == ("people.known", first.id)
    coverages.add_coverage(guarded, first, card="HT3464612345678")
    child = guarded.create(people.new_patient(name="Bé Na", birth_date="2020-01-01", sex="female"))
    assert people.add_relative(guarded, child, relative=first, relation="parent").id


def test_of_many_at_once_one_gets_the_number(own_database: str) -> None:
    gate, found = threading.Barrier(12), list[str]()

    def create(turn: int) -> None:
        with psycopg.connect(own_database, autocommit=True) as connection:
            record = opened(connection)
            known = record.create(person()) if turn % 3 == 0 else None
            gate.wait()
            try:
                if known is not None:
                    known.identifier = person(NUMBER).identifier
                    record.update(known)
                elif turn % 3 == 1:
                    people.register_person(
                        record, name="Lê Văn Hùng", birth_date="1955", sex="male", citizen_number=NUMBER
                    )
                else:
                    record.create(person(NUMBER))
                found.append("made")
            except RecordError as error:
                found.append(error.key)

    threads = [threading.Thread(target=create, args=(turn,)) for turn in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["made"] + ["people.known"] * 11
    with psycopg.connect(own_database, autocommit=True) as connection:
        assert opened(connection).count(Patient, ("identifier", f"{CCCD}|{NUMBER}")) == 1


def test_the_demo_province_passes(guarded: fhir.Record) -> None:
    checked = 0
    for resource in demo.province(NOW.date()):
        if isinstance(resource, Patient | RelatedPerson | Coverage):
            guarded.create_stored(resource, identifier=resource.id)
            checked += 1
    assert checked > 600
