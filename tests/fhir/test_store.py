"""Writes, versions, history, conditions: what the store promises."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.builders import a_patient, an_actor, an_observation
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.model import codec
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.store import identity, migrate
from yba.fhir.store.rows import execute

MOMENT = datetime(2026, 11, 24, 2, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM, clock=lambda: MOMENT)


def rows(record: fhir.Record, query: str, *params: object) -> list[tuple[Any, ...]]:
    return execute(record.connection, query, params).fetchall()


def test_create_gives_id_version_and_time(record: fhir.Record) -> None:
    made = record.create(a_patient())
    assert made.id is not None
    assert len(made.id) == identity.ID_LENGTH
    assert made.meta is not None
    assert made.meta.versionId == "1"
    assert made.meta.lastUpdated == "2026-11-24T02:00:00.123Z"
    assert record.read(Patient, made.id) == made


def test_a_write_leaves_its_five_kinds_of_rows(record: fhir.Record) -> None:
    made = record.create(a_patient("Trần Đức"))
    assert rows(
        record, "select version, patient::varchar, content from record.resource where id = %s", made.id
    ) == [(1, made.id, codec.encode(made))]
    assert rows(
        record, "select version, method::varchar, content from record.version where id = %s", made.id
    ) == [(1, "POST", codec.encode(made))]
    assert rows(
        record,
        "select act::varchar, actor::varchar, version, patient::varchar from record.audit where id = %s",
        made.id,
    ) == [("create", "system", 1, made.id)]
    assert rows(
        record, "select method::varchar, version, patient::varchar from record.outbox where id = %s", made.id
    ) == [("POST", 1, made.id)]
    folded = rows(
        record,
        "select distinct s.folded::varchar from record.string s join record.resource r using (rid)"
        " where r.id = %s and s.folded in ('tran', 'duc')",
        made.id,
    )
    assert sorted(folded) == [("duc",), ("tran",)]


def test_update_replaces_index_rows_and_keeps_versions(record: fhir.Record) -> None:
    made = record.create(a_patient("Trần Đức"))
    made.name[0].text, made.name[0].family, made.name[0].given = "Lê Na", "Lê", ["Na"]
    changed = record.update(made)
    assert changed.meta is not None
    assert changed.meta.versionId == "2"
    assert [one.id for one in record.find(Patient, ("name", "le"))] == [made.id]
    assert record.find(Patient, ("name", "tran")) == []
    assert [stored.version for _, stored in record.history_stored("Patient", made.id)] == [2, 1]
    assert (
        codec.decode(record.vread_stored("Patient", str(made.id), "1").content or b"").name[0].family
        == "Trần"
    )  # type: ignore[attr-defined]


def test_update_under_a_client_id_makes_it(record: fhir.Record) -> None:
    patient = a_patient()
    patient.id = "nb-1"
    stored, made = record.update_stored(patient)
    assert (stored.id, stored.version, made) == ("nb-1", 1, True)
    assert record.update_stored(patient)[1] is False


def test_a_passed_version_refuses_the_update(record: fhir.Record) -> None:
    made = record.create(a_patient())
    record.update(made, if_match="1")
    with pytest.raises(errors.PreconditionFailed, match="no longer at version 1"):
        record.update(made, if_match="1")
    assert record.read(Patient, str(made.id)).meta.versionId == "2"  # type: ignore[union-attr]


def test_delete_is_gone_and_can_come_back(record: fhir.Record) -> None:
    made = record.create(a_patient())
    record.delete(Patient, str(made.id))
    with pytest.raises(errors.Gone):
        record.read(Patient, str(made.id))
    assert record.find(Patient, ("_id", str(made.id))) == []
    assert record.delete(Patient, str(made.id)) is None
    assert rows(
        record,
        "select count(*) from record.token t join record.resource r using (rid) where r.id = %s",
        made.id,
    ) == [(0,)]
    back = record.update(made)
    assert back.meta is not None
    assert back.meta.versionId == "3"
    assert [stored.method for _, stored in record.history_stored("Patient", made.id)] == [
        "PUT",
        "DELETE",
        "POST",
    ]


def test_missing_is_not_found(record: fhir.Record) -> None:
    with pytest.raises(errors.NotFound, match="There is no Patient/nobody"):
        record.read(Patient, "nobody")


@pytest.mark.parametrize("identifier", ["\x00", "a b", "x" * 65, "", "é"])
def test_what_is_no_id_is_not_found(record: fhir.Record, identifier: str) -> None:
    with pytest.raises(errors.NotFound):
        record.read(Patient, identifier)


def test_what_is_in_a_compartment_lives_on_its_patients_shard(record: fhir.Record) -> None:
    patient = record.create(a_patient())
    observation = record.create(an_observation(str(patient.id)))
    shard = identity.shard_of(str(patient.id))
    assert identity.shard_of(str(observation.id)) == shard
    assert rows(record, "select distinct shard from record.resource where patient = %s", patient.id) == [
        (shard,)
    ]


def test_if_none_exist_answers_with_the_one_there_is(record: fhir.Record) -> None:
    condition = [("identifier", "https://yba.vn/fhir/sid/cccd|046168001234")]
    first, made = record.create_stored(a_patient(), if_none_exist=condition)
    second, again = record.create_stored(a_patient(), if_none_exist=condition)
    assert (made, again, second.id) == (True, False, first.id)
    record.create(a_patient())
    with pytest.raises(errors.PreconditionFailed, match="Several Patient match"):
        record.create_stored(a_patient(), if_none_exist=condition)


def test_decimals_keep_their_digits(record: fhir.Record) -> None:
    patient = record.create(a_patient())
    body = codec.encode(an_observation(str(patient.id))).replace(
        b'"status"', b'"valueQuantity":{"value":80.10},"status"'
    )
    made = record.create(codec.decode(body))
    assert b'"value":80.10' in (record.read_stored("Observation", str(made.id)).content or b"")


def test_audit_cannot_be_changed(record: fhir.Record) -> None:
    record.create(a_patient())
    for attempt in (
        "delete from record.audit",
        "update record.audit set actor = 'x'",
        "truncate record.audit",
    ):
        with (
            pytest.raises(psycopg.errors.RaiseException, match="append-only"),
            record.connection.transaction(),
        ):
            record.connection.execute(attempt)  # type: ignore[call-overload]


def test_a_guard_refuses_and_nothing_is_stored(connection: psycopg.Connection[Any]) -> None:
    seen: list[tuple[object, object]] = []

    def guard(record: fhir.Record, before: object, after: object) -> None:
        seen.append((before, after))
        raise errors.Conflict("test.no", "Not this one.")

    record = fhir.open(connection, actor=SYSTEM, guards={"Patient": [guard]})
    with pytest.raises(errors.Conflict, match="Not this one"):
        record.create(a_patient())
    assert len(seen) == 1
    assert seen[0][0] is None
    assert record.count(Patient) == 0


def test_ids_sort_by_time_and_carry_their_shard() -> None:
    made = [identity.new_id(777) for _ in range(50)]
    assert {identity.shard_of(one) for one in made} == {777}
    assert identity.shard_of("nb-0001") == identity.shard_of("nb-0001")
    assert len(set(made)) == 50


def test_migrations_run_once(connection: psycopg.Connection[Any]) -> None:
    assert migrate(connection) == []


def test_sixty_four_ask_for_the_same_and_one_is_made(own_database: str) -> None:
    made: list[bool] = []

    def ask() -> None:
        with psycopg.connect(own_database, autocommit=True) as connection:
            record = fhir.open(connection, actor=SYSTEM)
            made.append(
                record.create_stored(
                    a_patient(), if_none_exist=[("identifier", "https://yba.vn/fhir/sid/cccd|046168001234")]
                )[1]
            )

    threads = [threading.Thread(target=ask) for _ in range(64)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(made) == [False] * 63 + [True]


def test_racing_updates_all_but_one_fail_on_the_version(own_database: str) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        patient = fhir.open(connection, actor=SYSTEM).create(a_patient())
    outcomes: list[str] = []

    def change() -> None:
        with psycopg.connect(own_database, autocommit=True) as connection:
            try:
                fhir.open(connection, actor=SYSTEM).update(patient, if_match="1")
                outcomes.append("stored")
            except errors.PreconditionFailed:
                outcomes.append("refused")

    threads = [threading.Thread(target=change) for _ in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["refused"] * 19 + ["stored"]


def test_history_since_and_page(record: fhir.Record) -> None:
    made = record.create(a_patient())
    for step in range(3):
        record.clock = lambda step=step: MOMENT + timedelta(minutes=step + 1)  # type: ignore[misc]
        record.update(made)
    newer = record.history_stored("Patient", made.id, since=MOMENT + timedelta(minutes=2, seconds=-1))
    assert [stored.version for _, stored in newer] == [4, 3]
    first = record.history_stored("Patient", made.id, count=2)
    last = first[-1][1]
    rest = record.history_stored("Patient", made.id, before=(last.updated, last.rid, last.version))
    assert [stored.version for _, stored in first + rest] == [4, 3, 2, 1]


def test_an_observation_of_another_person_is_not_shown(record: fhir.Record) -> None:
    mine, other = record.create(a_patient()), record.create(a_patient("Lê Văn Tám"))
    seen, hidden = record.create(an_observation(str(mine.id))), record.create(an_observation(str(other.id)))
    citizen = fhir.open(record.connection, actor=an_actor("citizen", persons=frozenset({str(mine.id)})))
    assert citizen.read(Observation, str(seen.id)) == seen
    with pytest.raises(errors.NotFound):
        citizen.read(Observation, str(hidden.id))
    with pytest.raises(errors.NotFound):
        citizen.vread_stored("Observation", str(hidden.id), "1")
    with pytest.raises(errors.NotFound):
        citizen.history_stored("Observation", hidden.id)
    assert [one.id for one in citizen.find(Observation)] == [seen.id]
    assert citizen.count(Observation) == 1
    assert [stored.id for _, stored in citizen.history_stored("Observation")] == [seen.id]
