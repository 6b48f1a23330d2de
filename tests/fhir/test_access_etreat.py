"""A read that an emergency alone let through says so in the audit, and in "who opened my book"; any other does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fhir.access_house import House, house
from yba import fhir
from yba.fhir.access import Actor, consent
from yba.fhir.audit.opened import sittings
from yba.fhir.store.audit import Act, write_acts
from yba.fhir.store.read import History

__all__ = ["house"]


class Kept:
    """A journal that is written when it is asked for."""

    def __init__(self) -> None:
        self.acts: list[Act] = []

    def add(self, act: Act) -> None:
        self.acts.append(act)


class Case:
    """A doctor of B with a visit of one person, and the chart of another open in an emergency."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.known, self.opened = house.person("Người Quen"), house.person("Người Cấp Cứu")
        house.visit(self.known, "B")
        self.here = house.result(self.known, "B")
        self.there = house.result(self.opened, "A")
        self.both = house.result(self.known, "A")
        self.doctor = house.doctor("B", practitioner="d7")
        self.open(self.opened)

    def open(self, person: str) -> None:
        system = self.doctor.as_system()
        made = consent.emergency(
            self.doctor.actor, person, reason="Hôn mê, không nói được", now=self.house.now
        )
        system.create(made)

    def noted(self, ask: Any, **fields: Any) -> list[tuple[str, frozenset[str], str | None, int | None]]:
        """What the audit keeps of what the doctor does: act, whose, the purpose, how many rows."""
        actor = Actor(**{"user": "bs", "role": "doctor", "facility": "B", "practitioner": "d7", **fields})
        kept = Kept()
        record = fhir.open(self.house.connection, actor=actor, clock=self.house.clock, journal=kept)  # type: ignore[arg-type] # as a journal is used
        ask(record)
        before = self._rows()
        write_acts(self.house.connection, kept.acts)
        return [
            (one[0], frozenset([one[1]] if one[1] else one[2] or []), one[3], one[4])
            for one in self._rows()[len(before) :]
        ]

    def _rows(self) -> list[Any]:
        query = (
            "select act, patient, patients, purpose, answered from record.audit where type = 'Observation'"
            " order by seq"
        )
        return self.house.connection.execute(query).fetchall()


@pytest.fixture
def case(house: House) -> Case:
    return Case(house)


def test_a_read(case: Case) -> None:
    one = frozenset({case.opened})
    assert case.noted(lambda record: record.read("Observation", case.there)) == [
        ("read", one, "ETREAT", None)
    ]
    assert case.noted(lambda record: record.vread_stored("Observation", case.there, "1"))[0][2] == "ETREAT"
    history = case.noted(lambda record: record.history("Observation", case.there, History()))
    assert history == [("history", one, "ETREAT", None)]
    usual = case.noted(lambda record: record.read("Observation", case.here))
    assert usual == [("read", frozenset({case.known}), None, None)]


def test_what_another_standing_lets_through_is_no_emergency(case: Case) -> None:
    case.open(case.known)
    assert case.noted(lambda record: record.read("Observation", case.here))[0][2] is None
    assert case.noted(lambda record: record.read("Observation", case.both))[0][2] == "ETREAT"  # kept at A


def test_a_search_tells_the_two_apart(case: Case) -> None:
    found = case.noted(lambda record: record.search("Observation", []))
    assert found == [
        ("search", frozenset({case.known}), None, 1), ("search", frozenset({case.opened}), "ETREAT", 1),
    ]  # fmt: skip
    own = case.noted(lambda record: record.search("Observation", [("patient", case.opened)]))
    assert own == [("search", frozenset({case.opened}), "ETREAT", 1)]


def test_who_has_said_why_is_not_asked(case: Case) -> None:
    assert case.noted(lambda record: record.read("Observation", case.there), purpose="TREAT")[0][2] == "TREAT"


def test_it_ends_with_the_opening(case: Case) -> None:
    case.house.visit(case.opened, "B")
    at_b = case.house.result(case.opened, "B")
    case.house.later(hours=4)
    assert case.noted(lambda record: record.read("Observation", at_b))[0][2] is None


def test_the_person_reads_it_as_an_emergency(case: Case) -> None:
    case.noted(lambda record: record.read("Observation", case.there))
    lines, _ = sittings(case.house.citizen(case.opened), case.opened)
    assert [one.purposes for one in lines if one.practitioner == "d7" and "read" in one.acts] == [("ETREAT",)]


def test_without_a_journal_it_is_asked_at_once(case: Case) -> None:
    case.doctor.read("Observation", case.there)
    row = case.house.connection.execute(
        "select purpose from record.audit where act = 'read' order by seq desc limit 1"
    )
    assert row.fetchone() == ("ETREAT",)
