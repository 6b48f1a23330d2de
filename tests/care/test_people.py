"""People: entering, finding by whatever is known, cards and family."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from tests.builders import an_actor
from yba import fhir
from yba.care import coverages, people
from yba.fhir.access import SYSTEM
from yba.fhir.errors import Conflict, Forbidden, Invalid

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def opened(connection, actor=SYSTEM):
    return fhir.open(connection, actor=actor, clock=lambda: NOW)


def enter(connection, **changes):
    values = {
        "name": "Nguyễn Thị Hạnh", "birth_date": date(1958, 9, 5), "sex": "female", "phone": "0905123456",
        "citizen_number": "046158001234", "address": "12 Bến Nghé Mới", "commune": "Phường Thuận Hóa",
        "province": "Thành phố Huế",
    } | changes  # fmt: skip
    return people.register_person(opened(connection), **values)


def test_a_name_is_split_the_vietnamese_way(connection):
    name = enter(connection).name[0]
    assert (name.text, name.family, name.given) == ("Nguyễn Thị Hạnh", "Nguyễn", ["Thị", "Hạnh"])


def test_a_known_number_is_a_conflict_that_names_the_record(connection):
    first = enter(connection)
    with pytest.raises(Conflict) as refused:
        enter(connection, name="Người Khác")
    assert (refused.value.key, refused.value.params["patient"]) == ("people.known", first.id)


def test_a_birth_in_the_future_is_refused(connection):
    with pytest.raises(Invalid) as refused:
        enter(connection, birth_date="2027")
    assert refused.value.key == "people.birth-in-future"


def test_a_doctor_enters_nobody(connection):
    with pytest.raises(Forbidden):
        people.register_person(
            opened(connection, an_actor("doctor")), name="A B", birth_date="1990", sex="male"
        )


@pytest.mark.parametrize(
    "text",
    [
        "hanh nguyen",
        "HẠNH",
        "0905 123 456",
        "+84905123456",
        "046 158 001 234",
        "HT3 46 4612345678",
        "4612345678",
    ],
)
def test_a_person_is_found_by_what_one_knows(connection, text):
    patient = enter(connection)
    enter(connection, name="Trần Đức Anh", phone="0987654321", citizen_number="046090001234")
    coverages.add_coverage(opened(connection), patient, card="HT3464612345678")
    assert [one.id for one in people.find_people(opened(connection), text)] == [patient.id]


@pytest.mark.parametrize("text", ["", "  ", "khong ai", "0900000000", ",|$"])
def test_nobody_is_found_by_nothing(connection, text):
    enter(connection)
    assert people.find_people(opened(connection), text) == []


def test_d_with_a_bar_is_found_without_it(connection):
    patient = enter(connection, name="Trần Đức Anh")
    assert [one.id for one in people.find_people(opened(connection), "duc")] == [patient.id]


def test_the_same_card_again_gets_the_new_dates(connection):
    patient, record = enter(connection), opened(connection)
    coverages.add_coverage(record, patient, card="HT3464612345678", end=date(2025, 12, 31))
    old = coverages.coverage_of(record, patient.id, date(2026, 11, 23))
    assert coverages.coverage_refusal(old, on=date(2026, 11, 23)).key == "insurance.expired"
    coverages.add_coverage(record, patient, card="HT3464612345678", end=date(2026, 12, 31))
    new = coverages.coverage_of(record, patient.id, date(2026, 11, 23))
    assert new.id == old.id
    assert coverages.coverage_refusal(new, on=date(2026, 11, 23)) is None


def test_a_valid_card_goes_before_one_that_has_run_out(connection):
    patient, record = enter(connection), opened(connection)
    coverages.add_coverage(
        record, patient, card="HT3464612345678", end=date(2030, 12, 31), start=date(2029, 1, 1)
    )
    good = coverages.add_coverage(record, patient, card="GD4464612345678", end=date(2026, 12, 31))
    assert coverages.coverage_of(record, patient.id, date(2026, 11, 23)).id == good.id


def test_a_card_of_no_province_is_refused(connection):
    with pytest.raises(Invalid) as refused:
        coverages.add_coverage(opened(connection), enter(connection), card="HT3994612345678")
    assert refused.value.key == "insurance.province"


def test_family_is_who_answers_for_a_person(connection):
    mother, record = enter(connection), opened(connection)
    child = enter(connection, name="Lê An Na", citizen_number=None, birth_date="2022-09-01")
    people.add_relative(record, child, relative=mother, relation="parent")
    (found,) = people.family_of(record, child.id)
    assert (found.name, found.relation, found.phone) == ("Nguyễn Thị Hạnh", "PRN", "0905123456")
