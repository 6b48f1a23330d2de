"""What was sensitive in a version hides that version, in rows and totals alike, whatever the resource says now."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest

from tests.fhir.access_house import ACT, House, house, kept_by, of
from yba import fhir
from yba.fhir import errors, jobs
from yba.fhir.access import labels
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding
from yba.fhir.store import version_labels
from yba.fhir.store.read import History

__all__ = ["house"]
HIV = Coding(system=ACT, code="HIV")
ICD = "http://hl7.org/fhir/sid/icd-10"


def disease(code: str, **fields: Any) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=ICD, code=code)], **fields)


class Past:
    """A diagnosis that was HIV in its second version and is none any more; one that was deleted; one that never was."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.person = house.person()
        house.visit(self.person)
        self.doctor = house.doctor(practitioner="d2")
        self.mended = self.made("J00")
        for code in ("B20.1", "J06.9"):
            house.later(minutes=1)
            self.mended.code = disease(code)
            self.mended = house.system.update(self.mended)
        self.gone = self.made("B20.1")
        house.later(minutes=1)
        house.system.delete(Condition, self.gone.id or "")
        self.plain = self.made("J00")

    def made(self, code: str) -> Condition:
        return self.house.system.create(
            Condition(subject=of(self.person), code=disease(code), meta=kept_by("A"))
        )

    def told(self, record: fhir.Record, identifier: str | None = None, **asked: Any) -> set[str]:
        """The versions of the history, each as id/version; the total must be their number."""
        found = record.history("Condition", identifier, History(**asked), count=True)
        names = {f"{one.id}/{one.version}" for _, one in found.found}
        assert found.total == len(names) == len(found.found)
        return names


class Run:
    """A job under way, on the test's own connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection

    def cancelled(self) -> bool:
        return False

    def progress(self, _done: int) -> None:
        return


@pytest.fixture
def past(house: House) -> Past:
    return Past(house)


def test_rows_and_total_of_a_type(past: Past) -> None:
    mended, gone, plain = past.mended.id, past.gone.id, past.plain.id
    every = {f"{mended}/1", f"{mended}/2", f"{mended}/3", f"{gone}/1", f"{gone}/2", f"{plain}/1"}
    assert past.told(past.house.system) == every
    assert past.told(past.house.doctor(rights=frozenset({"hiv"}))) == every
    assert past.told(past.doctor) == {f"{mended}/1", f"{mended}/3", f"{plain}/1"}
    assert past.told(past.doctor, mended) == {f"{mended}/1", f"{mended}/3"}
    since = past.house.now
    assert past.told(past.doctor, since=since) == {f"{plain}/1"}
    assert past.told(past.doctor, at=(since, None)) == {f"{mended}/3", f"{plain}/1"}
    with pytest.raises(errors.NotFound):
        past.told(past.doctor, gone)
    with pytest.raises(errors.NotFound):
        past.doctor.vread_stored("Condition", mended or "", "2")
    with pytest.raises(errors.NotFound):  # not gone: that there was one is the diagnosis
        past.doctor.read(Condition, gone or "")


def test_pages_are_whole(past: Past) -> None:
    first = past.doctor.history("Condition", None, History(count=2), count=True)
    assert first.total == 3
    last = first.found[-1][1]
    rest = past.doctor.history(
        "Condition", None, History(count=2, after=(last.updated, last.rid, last.version))
    )
    assert len(first.found) == 2
    assert len(rest.found) == 1


def test_many_at_once_keep_it_too(past: Past) -> None:
    made = past.doctor.as_system().put_all(
        [Condition(subject=of(past.person), code=disease(code), meta=kept_by("A")) for code in ("B20", "J00")]
    )
    for one in made:
        assert not isinstance(one, errors.RecordError)
        past.house.system.update(
            Condition(id=one.id, subject=of(past.person), code=disease("J06"), meta=kept_by("A"))
        )
    hidden, shown = (one.id for one in made if not isinstance(one, errors.RecordError))
    assert past.told(past.doctor, hidden) == {f"{hidden}/2"}
    assert past.told(past.doctor, shown) == {f"{shown}/1", f"{shown}/2"}


def test_of_an_older_release_until_the_background_has_looked(past: Past) -> None:
    mended, plain = past.mended.id, past.plain.id
    connection = past.house.connection
    connection.execute("update record.version set sensitive = null")
    assert past.told(past.doctor) == {f"{mended}/3", f"{plain}/1"}  # the current ones are known by their rows
    assert len(past.told(past.house.system)) == 6
    job = version_labels.due(connection, past.house.now)
    assert job is not None
    assert version_labels.due(connection, past.house.now) is None
    version_labels.run(cast("jobs.JobRun", Run(connection)))
    assert past.told(past.doctor) == {f"{mended}/1", f"{mended}/3", f"{plain}/1"}
    found = connection.execute(
        "select id, version, sensitive from record.version where type = 'Condition' and sensitive <> 0"
    ).fetchall()
    assert {(one[0], one[1]) for one in found} == {(mended, 2), (past.gone.id, 1), (past.gone.id, 2)}
    assert {one[2] for one in found} == {labels.HIV}
    connection.execute("delete from record.job")
    assert version_labels.due(connection, past.house.now) is None
