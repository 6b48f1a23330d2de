"""Who opened my book: one line a sitting, told to the person and to nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from yba import fhir
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.audit.opened import Sitting, sittings
from yba.fhir.errors import NotFound
from yba.fhir.store.audit import act_of, write_acts

LAN = Actor(user="9", role="citizen", name="Lan", person="lan", persons=frozenset({"lan"}))
DOCTOR = Actor(
    user="7",
    role="doctor",
    name="BS. Đức",
    facility="bv-1",
    practitioner="bs-duc",
    purpose="TREAT",
    address="10.0.0.1",
)
NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)
Connection = psycopg.Connection[Any]


def act(connection: Connection, minute: float, actor: Actor = DOCTOR, act: str = "read", **said: Any) -> None:
    told = {"type": "Patient", "id": "lan", "version": 1, "patient": "lan", **said}
    write_acts(connection, [act_of(actor, act, NOON + timedelta(minutes=minute), **told)])


def told(connection: Connection, actor: Actor = LAN, **asked: Any) -> list[Sitting]:
    return sittings(fhir.open(connection, actor=actor), "lan", **asked)[0]


def test_one_sitting_is_one_line_with_what_was_done(connection: Connection) -> None:
    act(connection, 0)
    act(connection, 5, type="Observation", id="o-1", act="search", answered=3)
    act(connection, 20, type="Observation", id="o-1", act="update")
    act(connection, 49, act="print", type="Encounter", id="e-1")
    (found,) = told(connection)
    assert (found.who, found.name, found.practitioner, found.role, found.facility) == (
        "7", "BS. Đức", "bs-duc", "doctor", "bv-1",
    )  # fmt: skip
    assert (found.since, found.until, found.count) == (NOON, NOON + timedelta(minutes=49), 4)
    assert found.acts == ("print", "read", "search", "update")
    assert found.types == ("Encounter", "Observation", "Patient")
    assert found.purposes == ("TREAT",)


@pytest.mark.parametrize(("pause", "lines"), [(30, 1), (30.1, 2)])
def test_a_pause_of_half_an_hour_ends_it(connection: Connection, pause: float, lines: int) -> None:
    act(connection, 0)
    act(connection, pause)
    assert len(told(connection)) == lines


def test_others_and_other_facilities_are_other_lines(connection: Connection) -> None:
    act(connection, 0)
    act(connection, 1, replace(DOCTOR, user="8", name="BS. Hai"))
    act(connection, 2, replace(DOCTOR, facility="bv-2"))
    act(connection, 3)
    assert [(one.name, one.facility, one.count) for one in told(connection)] == [
        ("BS. Đức", "bv-1", 2), ("BS. Đức", "bv-2", 1), ("BS. Hai", "bv-1", 1),
    ]  # fmt: skip


def test_a_page_with_others_on_it_counts(connection: Connection) -> None:
    act(
        connection, 0, act="search", patient=None, patients=["lan", "minh"], id=None, version=None, answered=2
    )
    (found,) = told(connection)
    assert found.acts == ("search",)


def test_what_opened_nothing_is_no_line(connection: Connection) -> None:
    act(connection, 0, act="search", answered=0)
    act(connection, 1, SYSTEM)
    act(connection, 2, act="read", type="AuditEvent", id="log-1")
    act(connection, 3, act="audit", type="AuditEvent")
    act(connection, 4, patient="minh", id="minh")
    assert told(connection) == []


def test_a_rule_that_acts_for_somebody_is_theirs(connection: Connection) -> None:
    act(connection, 0, replace(DOCTOR, user="system", role="system", origin="7"))
    act(connection, 1)
    (found,) = told(connection)
    assert (found.who, found.role, found.count) == ("7", "doctor", 2)


def test_an_attempt_that_was_refused_is_told(connection: Connection) -> None:
    act(connection, 0, act="refused", outcome="refused")
    assert [one.acts for one in told(connection)] == [("refused",)]


def test_ones_own_acts_can_be_left_out(connection: Connection) -> None:
    act(connection, 0, LAN)
    act(connection, 1)
    assert [one.who for one in told(connection)] == ["7", "9"]
    assert [one.who for one in told(connection, own=False)] == ["7"]


def test_only_the_person_and_who_may_see_the_audit_is_told(connection: Connection) -> None:
    act(connection, 0)
    other = Actor(user="10", role="citizen", person="minh", persons=frozenset({"minh"}))
    with pytest.raises(NotFound):
        told(connection, other)
    assert told(connection, DOCTOR) == []
    assert len(told(connection, Actor(user="11", role="auditor", facility="bv-1"))) == 1
    assert told(connection, Actor(user="12", role="auditor", facility="bv-2")) == []


def test_pages_hold_each_line_once(connection: Connection) -> None:
    for n in range(7):
        act(connection, n * 60, replace(DOCTOR, user=str(100 + n)))
    record = fhir.open(connection, actor=LAN)
    seen, before = [], None
    while True:
        page, before = sittings(record, "lan", before=before, limit=3)
        seen += [one.who for one in page]
        if before is None:
            break
    assert seen == [str(106 - n) for n in range(7)]


def test_what_another_system_told_us_is_a_line(connection: Connection) -> None:
    import json

    from tests.fhir.audit.test_event import sent
    from yba.fhir.model import codec
    from yba.fhir.r4.audit_event import AuditEvent

    pacs = Actor(user="pacs", role="outside_system", name="PACS", facility="bv-1")
    fhir.open(connection, actor=pacs).create(codec.decode_as(json.dumps(sent()).encode(), AuditEvent))
    (found,) = told(connection)
    assert (found.name, found.role, found.acts, found.types) == ("PACS", "outside_system", ("receive",), ())
