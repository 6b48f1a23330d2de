"""What is stored before the person it hangs on, or at the same moment: no row unlabelled, no guardian forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.builders import an_observation
from tests.conftest import Databases
from tests.fhir.access_house import ACT, ROLE_CODE, House, coded, house, kept_by, of, ref, sees
from yba import fhir
from yba.fhir.access import SYSTEM, labels
from yba.fhir.access.consent import sharing
from yba.fhir.r4.datatypes import Coding, Identifier, Meta
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson

__all__ = ["house"]
NUMBER = Identifier(system="http://e.x/so", value="046158005555")
CHILD = "2020-05-05"
VIP = Coding(system=ACT, code="CEL")


def mother(child: str) -> RelatedPerson:
    return RelatedPerson(
        active=True, patient=of(child), relationship=[coded(ROLE_CODE, "MTH")], identifier=[NUMBER]
    )


def test_a_guardian_whose_record_is_made_later(house: House) -> None:
    child = house.person("Bé Na", birthDate=CHILD)
    result = house.result(child)
    house.system.create(mother(child))
    guardian = house.person("Mẹ")
    assert not sees(house.citizen(guardian), result)
    patient = house.system.read(Patient, guardian)
    patient.identifier = [NUMBER]
    house.system.update(patient)
    assert sees(house.citizen(guardian), result)
    patient.identifier = []  # it was somebody else's
    house.system.update(patient)
    assert not sees(house.citizen(guardian), result)
    newcomer = house.person("Mẹ Thật", identifier=[NUMBER])
    assert sees(house.citizen(newcomer), result)
    twin = house.person("Người Trùng Số", identifier=[NUMBER])  # now it names nobody
    assert not sees(house.citizen(newcomer), result)
    house.system.delete(Patient, twin)
    assert sees(house.citizen(newcomer), result)


def test_a_consent_to_a_relative_whose_record_is_made_later(house: House) -> None:
    person = house.person()
    result = house.result(person)
    relative = house.system.create(mother(person))
    house.system.create(sharing(person, [ref(f"RelatedPerson/{relative.id}")], now=house.now, purposes=()))
    friend = house.person("Người Thân", identifier=[NUMBER])
    assert sees(house.citizen(friend), result)


def test_many_at_once_in_any_order(house: House) -> None:
    rows: list[Any] = [
        mother("c1"), an_observation("c1", id="o1"), Patient(id="m1", identifier=[NUMBER]),
        Patient(id="c1", birthDate=CHILD),
    ]  # fmt: skip
    rows[0].id = "r1"
    for one in house.system.put_all(rows):
        assert not isinstance(one, fhir.errors.RecordError)
    assert sees(house.citizen("m1"), "o1")


def test_a_chart_that_was_there_before_its_person(house: House) -> None:
    result = str(house.system.create(an_observation("v1", meta=kept_by("A"))).id)
    house.system.update(Patient(id="v1", meta=Meta(security=[VIP])))
    house.visit("v1")
    assert not sees(house.doctor(), result)


@pytest.fixture
def two(databases: Databases, template: str) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    """Connections to a database of their own."""
    name = databases.new(template)
    made: list[psycopg.Connection[Any]] = []

    def connect() -> psycopg.Connection[Any]:
        made.append(psycopg.connect(databases.conninfo(name), autocommit=True))
        return made[-1]

    yield connect
    for one in made:
        one.close()
    databases.drop(name)


def _beside(
    connect: Callable[[], psycopg.Connection[Any]], work: Callable[[fhir.Record], object]
) -> threading.Thread:
    thread = threading.Thread(target=lambda: work(fhir.open(connect(), actor=SYSTEM)))
    thread.start()
    time.sleep(0.3)  # it is under way, and waits where it has to
    return thread


@pytest.mark.parametrize("many", [False, True])
def test_a_write_in_flight_while_its_person_becomes_vip(
    two: Callable[[], psycopg.Connection[Any]], many: bool
) -> None:
    connection = two()
    first = fhir.open(connection, actor=SYSTEM)
    one, other = (str(first.create(Patient()).id) for _ in range(2))

    def write(record: fhir.Record, person: str) -> object:
        row = an_observation(person)
        return record.put_all([row]) if many else record.create(row)

    def flip(record: fhir.Record, person: str) -> object:
        return record.update(Patient(id=person, meta=Meta(security=[VIP])))

    with first.atomic():  # the write has not ended when the person is made VIP
        write(first, one)
        flipping = _beside(two, lambda record: flip(record, one))
    flipping.join(10)
    with first.atomic():  # the person is made VIP, and that has not ended when the row is written
        flip(first, other)
        writing = _beside(two, lambda record: write(record, other))
    writing.join(10)
    assert connection.execute(
        "select count(*) from record.resource where type = 'Observation'"
    ).fetchone() == (2,)
    assert _unlabelled(connection) == 0


def _unlabelled(connection: psycopg.Connection[Any]) -> int:
    query = "select count(*) from record.resource where type = 'Observation' and sensitive & %s = 0"
    row = connection.execute(query, (labels.OF_VIP,)).fetchone()
    assert row is not None
    return int(row[0])


def test_guardian_and_paper_at_the_same_moment(two: Callable[[], psycopg.Connection[Any]]) -> None:
    connection = two()
    first = fhir.open(connection, actor=SYSTEM)
    child = str(first.create(Patient(birthDate=CHILD)).id)
    for paper_first in (True, False):
        number = Identifier(system="http://e.x/so", value=f"so-{paper_first}")
        paper = mother(child)
        paper.identifier = [number]
        pair = [
            lambda record, it=paper: record.create(it),
            lambda record, it=number: record.create(Patient(identifier=[it])),
        ]
        inside, beside = pair if paper_first else reversed(pair)
        with first.atomic():
            inside(first)
            other = _beside(two, beside)
        other.join(10)
    rows = connection.execute("select count(*) from record.standing where basis = 'guardian'").fetchone()
    assert rows == (2,)
