"""Alerts by rule: exactly from the number on, for persons not theirs, each told once and only once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from yba import fhir
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.access.consent import emergency
from yba.fhir.audit import alerts, sealing
from yba.fhir.audit.alerts import Rule, Rules, WrongRules, packaged, read, rules_of, watch
from yba.fhir.r4.datatypes import Coding, Meta, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.store.audit import act_of, write_acts

Connection = psycopg.Connection[Any]
NURSE = Actor(user="7", role="nurse", name="ĐD Hoa", facility="bv-1", practitioner="dd-hoa")
NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)
BOOKS = Rules(("nurse", "doctor"), (Rule(key="books", kind="books", more_than=3, within=60),))
NIGHT = Rules(("nurse",), (Rule(key="night", kind="night", more_than=1, from_=22, until=5),))


@pytest.fixture
def connection(own_database: str) -> Iterator[Connection]:
    with psycopg.connect(own_database, autocommit=True) as found:
        yield found


def opens(
    connection: Connection, persons: Sequence[str], at: datetime = NOON, *, actor: Actor = NURSE, act: str = "read",
    step: timedelta = timedelta(minutes=1), **said: Any,
) -> datetime:  # fmt: skip
    """One act for each person, a minute apart; when the last one was."""
    acts = [
        act_of(actor, act, at + n * step, type="Patient", id=one, version=1, patient=one, **said)
        for n, one in enumerate(persons)
    ]
    write_acts(connection, acts)
    return acts[-1].at


def found(connection: Connection, columns: str = "rule, actor, count") -> list[tuple[Any, ...]]:
    return connection.execute(f"select {columns} from record.audit_alert order by number".encode()).fetchall()


def look(connection: Connection, rules: Rules) -> int:
    return watch(connection, NOON + timedelta(days=1), rules)


def people(count: int, start: int = 0) -> list[str]:
    return [f"p{n}" for n in range(start, start + count)]


def test_from_the_number_on_and_not_before(connection: Connection) -> None:
    last = opens(connection, people(3))
    assert look(connection, BOOKS) == 0
    opens(connection, ["p3"], last + timedelta(minutes=1))
    assert look(connection, BOOKS) == 1
    assert found(connection, "rule, actor, name, role, facility, count, state, patient") == [
        ("books", "7", "ĐD Hoa", "nurse", "bv-1", 4, "new", None)
    ]


def test_one_person_many_times_is_one_book(connection: Connection) -> None:
    opens(connection, ["p1", "p1", "p2", "p2", "p3", "p1"])
    assert look(connection, BOOKS) == 0


def test_a_page_counts_all_its_persons_and_an_empty_one_none(connection: Connection) -> None:
    acts = [
        act_of(NURSE, "search", NOON, type="Patient", patients=people(4), answered=0),
        act_of(NURSE, "audit", NOON, type="AuditEvent", patients=people(4, 10), answered=9),
        act_of(NURSE, "refused", NOON, type="Patient", patients=people(4, 20), outcome="refused"),
    ]
    write_acts(connection, acts)
    assert look(connection, BOOKS) == 0
    write_acts(connection, [act_of(NURSE, "search", NOON, type="Patient", patients=people(4), answered=4)])
    assert look(connection, BOOKS) == 1


@pytest.mark.parametrize(("minutes", "count"), [(19, 1), (20, 0), (21, 0)])
def test_within_the_window_only(connection: Connection, minutes: int, count: int) -> None:
    """Four books, so many minutes apart: a window is open where it begins."""
    opens(connection, people(4), step=timedelta(minutes=minutes))
    assert look(connection, BOOKS) == count


@pytest.mark.parametrize("way", ["visit", "standing", "self", "other facility"])
def test_whose_book_is_theirs_does_not_count(connection: Connection, way: str) -> None:
    system = fhir.open(connection, actor=SYSTEM)
    system.update(Patient(id="p3"))
    if way in ("visit", "other facility"):
        facility = "bv-1" if way == "visit" else "bv-2"
        system.create(
            Encounter(
                status="finished", class_=Coding(code="AMB"), subject=Reference(reference="Patient/p3"),
                meta=Meta(tag=[Coding(system="https://yba.vn/fhir/facility", code=facility)]),
            )
        )  # fmt: skip
    elif way == "standing":
        connection.execute(
            "insert into record.standing (shard, patient, holder, basis, since, until, source_type, source_id)"
            " values (1, 'p3', 'practitioner:dd-hoa', 'consent', now(), now() + interval '1 day', 'Consent', 'c')"
        )
    actor = replace(NURSE, person="p3") if way == "self" else NURSE
    opens(connection, people(4), actor=actor)
    assert look(connection, BOOKS) == (1 if way == "other facility" else 0)


def test_what_goes_on_is_one_alert_and_what_begins_anew_another(connection: Connection) -> None:
    last = opens(connection, people(5))
    assert look(connection, BOOKS) == 1
    last = opens(connection, people(5, 5), last + timedelta(minutes=30))
    assert look(connection, BOOKS) == 0
    assert found(connection) == [("books", "7", 10)]
    assert found(connection, "since, until") == [(NOON, last)]
    opens(connection, people(4), last + timedelta(hours=3))
    assert look(connection, BOOKS) == 1
    assert found(connection) == [("books", "7", 10), ("books", "7", 4)]
    assert look(connection, BOOKS) == 0


def test_one_look_or_many_find_the_same(connection: Connection, own_database: str) -> None:
    last = NOON
    for one in people(9):
        last = opens(connection, [one], last + timedelta(minutes=7))
        look(connection, BOOKS)
    assert found(connection) == [("books", "7", 9)]
    connection.execute("delete from record.audit_alert")
    connection.execute("delete from record.audit_reader")
    assert look(connection, BOOKS) == 1
    assert found(connection) == [("books", "7", 9)]


def test_two_accounts_are_two_and_other_roles_none(connection: Connection) -> None:
    opens(connection, people(5))
    opens(connection, people(5), actor=replace(NURSE, user="8"))
    opens(connection, people(5), actor=Actor(user="9", role="citizen"))
    opens(connection, people(5), actor=SYSTEM)
    assert look(connection, BOOKS) == 2
    assert sorted(found(connection)) == [("books", "7", 5), ("books", "8", 5)]


def test_what_a_rule_does_for_staff_counts_as_theirs(connection: Connection) -> None:
    opens(connection, people(4), actor=replace(NURSE, user="system", role="system", origin="7"))
    assert look(connection, BOOKS) == 1
    assert found(connection) == [("books", "7", 4)]


def test_what_commits_late_is_not_passed_over(own_database: str) -> None:
    with (
        psycopg.connect(own_database, autocommit=True) as watching,
        psycopg.connect(own_database) as slow,
        psycopg.connect(own_database, autocommit=True) as fast,
    ):
        opens(slow, people(2))
        opens(fast, people(2, 2))
        assert look(watching, BOOKS) == 0
        slow.commit()
        assert look(watching, BOOKS) == 1


def test_many_watchers_make_one_alert(own_database: str) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        opens(connection, people(30), step=timedelta(seconds=1))
        made: list[int] = []

        def work() -> None:
            with psycopg.connect(own_database, autocommit=True) as own:
                made.append(look(own, BOOKS))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert (sum(made), found(connection)) == (1, [("books", "7", 30)])


# The house's time zone is seven hours before UTC: 22:00 is 15:00, 05:00 is 22:00.
@pytest.mark.parametrize(
    ("hour", "count"), [((14, 59), 0), ((15, 0), 1), ((18, 0), 1), ((21, 57), 1), ((22, 0), 0)],
)  # fmt: skip
def test_a_night_is_a_night_here(connection: Connection, hour: tuple[int, int], count: int) -> None:
    at = datetime(2026, 11, 22, *hour, tzinfo=UTC)
    opens(connection, people(2), at, step=timedelta(0))
    assert look(connection, NIGHT) == count


def test_one_night_is_one_alert_over_midnight(connection: Connection) -> None:
    opens(connection, people(2), datetime(2026, 11, 22, 16, 30, tzinfo=UTC))
    assert look(connection, NIGHT) == 1
    opens(connection, people(2, 2), datetime(2026, 11, 22, 20, tzinfo=UTC))
    assert look(connection, NIGHT) == 0
    opens(connection, people(2), datetime(2026, 11, 23, 16, tzinfo=UTC))
    assert look(connection, NIGHT) == 1
    assert found(connection, "key, count") == [("7|2026-11-22", 4), ("7|2026-11-23", 2)]


def test_a_vip_is_told_once_a_day_and_account(connection: Connection) -> None:
    system = fhir.open(connection, actor=SYSTEM)
    act_code = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
    system.update(Patient(id="vip", meta=Meta(security=[Coding(system=act_code, code="CEL")])))
    system.update(Patient(id="usual"))
    rules = Rules(("nurse",), (Rule(key="vip", kind="labelled", label="vip"),))
    opens(connection, ["usual", "vip", "vip"])
    assert look(connection, rules) == 1
    opens(connection, ["vip"], NOON + timedelta(hours=1))
    assert look(connection, rules) == 0
    opens(connection, ["vip"], NOON + timedelta(days=1))
    opens(connection, ["vip"], actor=replace(NURSE, user="8"))
    assert look(connection, rules) == 2
    assert found(connection, "patient, actor") == [("vip", "7"), ("vip", "7"), ("vip", "8")]


ROW = Rules(
    ("nurse",),
    (
        Rule(key="refused", kind="row", acts=("refused",), at_least=3, within=15),
        Rule(
            key="failed", kind="row", acts=("sign-in-failed",), at_least=3, within=15, broken_by=("sign-in",),
            roles=("any",),
        ),
    ),
)  # fmt: skip


def test_refusals_in_a_row(connection: Connection) -> None:
    opens(connection, people(2), act="refused", outcome="refused")
    assert look(connection, ROW) == 0
    opens(connection, people(1), NOON + timedelta(minutes=2), act="refused", outcome="refused")
    assert look(connection, ROW) == 1
    opens(connection, people(1), NOON + timedelta(minutes=3), act="refused", outcome="refused")
    assert look(connection, ROW) == 0
    assert found(connection) == [("refused", "7", 4)]


def test_a_sign_in_breaks_the_row_of_those_that_failed(connection: Connection) -> None:
    def tried(act: str, minute: int, actor: Actor = NURSE) -> None:
        write_acts(connection, [act_of(actor, act, NOON + timedelta(minutes=minute))])

    for minute, act in enumerate(["sign-in-failed"] * 2 + ["sign-in"] + ["sign-in-failed"] * 2):
        tried(act, minute)
    assert look(connection, ROW) == 0
    tried("sign-in-failed", 6)
    assert look(connection, ROW) == 1
    for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"):
        tried("sign-in-failed", 7, Actor(user="anonymous", role="anonymous", address=address))
    assert look(connection, ROW) == 0
    tried("sign-in-failed", 8, Actor(user="anonymous", role="anonymous", address="10.0.0.1"))
    assert look(connection, ROW) == 1
    tried("sign-in-failed", 9, Actor(user="anonymous", role="anonymous", address="10.0.0.1"))
    assert look(connection, ROW) == 0
    assert found(connection) == [("failed", "7", 3), ("failed", "anonymous", 4)]


def test_each_emergency_opening_is_to_be_reviewed(connection: Connection) -> None:
    rules = Rules((), (Rule(key="emergency", kind="opening"),))
    fhir.open(connection, actor=SYSTEM).update(Patient(id="lan"))
    record = fhir.open(connection, actor=NURSE)
    record.as_system().create(emergency(NURSE, "lan", reason="hôn mê", now=record.clock()))
    assert watch(connection, datetime.now(UTC), rules) == 1
    assert found(connection, "rule, actor, patient, facility") == [("emergency", "7", "lan", "bv-1")]
    assert watch(connection, datetime.now(UTC), rules) == 0


def test_many_rows_are_looked_at_in_parts(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 3)
    opens(connection, people(10))
    assert look(connection, BOOKS) == 1
    assert found(connection) == [("books", "7", 10)]


def test_the_rules_of_the_house_are_read_and_a_facility_may_have_its_own(tmp_path: Path) -> None:
    assert {one.key for one in packaged().rules} == {
        "many-books", "many-books-day", "night", "vip", "refused", "sign-in-failed", "emergency",
    }  # fmt: skip
    own = tmp_path / "audit-rules.yaml"
    assert rules_of(own) == packaged()
    own.write_text("staff: [nurse]\nrules: [{key: a, kind: night, from: 20, until: 6}]\n")
    assert rules_of(own).rules[0].from_ == 20


@pytest.mark.parametrize(
    "text",
    [
        "", "staff: []", "staff: []\nrules: [{key: a, kind: other}]", "staff: []\nrules: [{key: a, kind: night, x: 1}]",
        "staff: []\nrules: [{key: a, kind: night}, {key: a, kind: books}]", "staff: [", "rules: {}",
    ],
)  # fmt: skip
def test_rules_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(WrongRules):
        read(text)


def test_the_rules_of_the_house_look_at_the_house(connection: Connection) -> None:
    """All of them together, over acts of every kind they speak of."""
    opens(connection, people(21), step=timedelta(seconds=1))
    opens(connection, people(10), act="refused", outcome="refused", step=timedelta(seconds=1))
    assert watch(connection, NOON + timedelta(minutes=1)) == 2
    assert sorted(one[0] for one in found(connection)) == ["many-books", "refused"]
    assert alerts.READER == "alerts"
