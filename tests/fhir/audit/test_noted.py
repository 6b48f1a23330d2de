"""Whose records are answered, exported and printed stands in the audit, with who did it and by which request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.fhir.test_export import Server, server
from yba import fhir
from yba.fhir.access import SYSTEM, Actor, Came
from yba.fhir.r4.patient import Patient
from yba.fhir.store import audit
from yba.fhir.store.audit import Journal, act_of, split, write_acts

__all__ = ["server"]
ACTOR = Actor(
    user="7", role="doctor", name="BS. Đức", facility="bv-1", practitioner="bs-duc", person="own", app="app-1",
    session="s-1", address="10.0.0.1", purpose="TREAT",
)  # fmt: skip
Connection = psycopg.Connection[Any]


def rows(connection: Connection, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    return connection.execute(
        f"select {columns} from record.audit where {where} order by seq".encode()
    ).fetchall()


@pytest.mark.parametrize(
    ("url", "persons"),
    [
        ("/$export", ["an", "binh"]),
        ("/$export?_type=Observation&_typeFilter=Observation%3Fpatient=an", ["an"]),
        ("/$export?_type=Organization", []),
        ("/Patient/$export?patient=Patient/binh", ["binh"]),
        ("/Patient/$export", ["an", "binh"]),
    ],
)
def test_an_export_names_whose_records_are_in_its_files(server: Server, url: str, persons: list[str]) -> None:
    server.exported(url)
    found = rows(server.connection, "patient, patients, answered, detail", "act = 'export'")
    assert [one[1] or ([one[0]] if one[0] else []) for one in found] == [persons]
    assert found[0][3].startswith("export ")


def test_many_persons_take_several_rows(monkeypatch: pytest.MonkeyPatch, connection: Connection) -> None:
    monkeypatch.setattr(audit, "MOST_PATIENTS", 2)
    acts = split(act_of(ACTOR, "export", datetime.now(UTC)), ["a", "b", "c", "d", "e"])
    write_acts(connection, acts)
    assert rows(connection, "patient, patients", "act = 'export'") == [
        (None, ["a", "b"]),
        (None, ["c", "d"]),
        (None, ["e"]),
    ]


WHO = (
    "actor, role, actor_facility, origin, name, practitioner, person, app, session, address, purpose, request"
)
SAID = ("7", "doctor", "bv-1", None, "BS. Đức", "bs-duc", "own", "app-1", "s-1", "10.0.0.1", "TREAT", None)


def test_every_way_of_writing_says_who_and_by_which_request(connection: Connection) -> None:
    system = Actor(**{**{name: getattr(ACTOR, name) for name in ACTOR.__slots__}, "role": "system"})
    record = fhir.open(connection, actor=system, came=Came("ask-1", "192.168.0.9"))
    made = record.create(Patient())
    record.put_all([Patient(id=f"many-{n}") for n in range(3)])
    record.read(Patient, made.id or "")
    record.update(made)
    record.delete(Patient, made.id or "")
    record.as_system().create(Patient())
    expected = ("7", "system", *SAID[2:9], "192.168.0.9", "TREAT", "ask-1")
    assert rows(connection, WHO) == [expected] * 8
    assert [one[0] for one in rows(connection, "act")] == [
        "create", "update", "update", "update", "read", "update", "delete", "create",
    ]  # fmt: skip


def test_a_rule_keeps_what_is_known_of_who_set_it_going(connection: Connection) -> None:
    record = fhir.open(connection, actor=ACTOR, came=Came("ask-2"))
    record.as_system().create(Patient())
    assert rows(connection, WHO) == [("system", "system", "bv-1", "7", *SAID[4:11], "ask-2")]


def test_a_print_is_noted_with_whose_it_is(connection: Connection) -> None:
    record = fhir.open(connection, actor=ACTOR)
    record.audit(
        "print", type_name="Encounter", identifier="kham-1", patients=["lan"], detail="prescription 1"
    )
    assert rows(connection, "act, type, id, patient, detail") == [
        ("print", "Encounter", "kham-1", "lan", "prescription 1")
    ]


@pytest.mark.parametrize("text", ["a\x00b", "\\u0000", '"', "\ud83d\ude00", "\\", "\x1f", "đ" * 3000])
def test_whatever_is_asked_is_noted_and_never_stops_the_journal(own_database: str, text: str) -> None:
    journal = Journal(lambda: psycopg.connect(own_database, autocommit=True))
    journal.add(act_of(ACTOR, "search", datetime.now(UTC), detail=text))
    journal.add(act_of(ACTOR, "read", datetime.now(UTC), id="after"))
    journal.close()
    with psycopg.connect(own_database) as connection:
        assert rows(connection, "act, detail") == [
            ("search", text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()),
            ("read", None),
        ]


def test_an_act_the_database_does_not_take_is_noted_without_its_words(own_database: str) -> None:
    journal = Journal(lambda: psycopg.connect(own_database, autocommit=True))
    journal.add(act_of(ACTOR, "read", datetime.now(UTC), id="first"))
    journal.add(act_of(ACTOR, "read", datetime.now(UTC), version=1 << 40))
    journal.close()
    with psycopg.connect(own_database) as connection:
        assert rows(connection, "actor, act, id, detail") == [
            ("7", "read", "first", None),
            ("7", "read", None, "could not be kept whole"),
        ]


def test_the_answer_names_its_request(connection: Connection) -> None:
    from tests.fhir.test_rest import Client

    client = Client(connection)
    assert client("GET", "/Patient", x_request_id="own-1").headers["X-Request-Id"] == "own-1"
    given = [
        client("GET", "/Patient", x_request_id=one).headers["X-Request-Id"] for one in ("", "a b", "x" * 65)
    ]
    assert len(set(given)) == 3
    assert [act.request for act in client.journal.acts] == ["own-1", *given]
    assert SYSTEM.user == client.journal.acts[0].actor
