"""The audit is sealed: whatever is changed, taken away, put in or signed anew is found and told by row and day."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from yba.fhir.access import Actor
from yba.fhir.audit import keys, sealing
from yba.fhir.audit.heads import HeadFiles, head_of
from yba.fhir.audit.sealing import seal, seals
from yba.fhir.audit.verifying import Verdict, verify
from yba.fhir.store.audit import act_of, write_acts

SIGNER = keys.Signer(keys.fresh())
BELIEVED = keys.Believed([SIGNER.public])
DOCTOR = Actor(
    user="7", role="doctor", name="BS. Đức", facility="bv-1", practitioner="bs-duc", address="10.0.0.7"
)
Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(own_database: str) -> Iterator[Connection]:
    with psycopg.connect(own_database, autocommit=True) as found:
        yield found


def note(connection: Connection, count: int, *, at: datetime | None = None, prefix: str = "p") -> None:
    moment = at or datetime.now(UTC)
    write_acts(
        connection,
        [
            act_of(
                DOCTOR,
                "read",
                moment + timedelta(milliseconds=n),
                type="Patient",
                id=f"{prefix}-{n}",
                version=1,
            )
            for n in range(count)
        ],
    )


def sealed(connection: Connection, now: datetime | None = None) -> None:
    seal(connection, SIGNER, now or datetime.now(UTC))


def three_seals(connection: Connection) -> None:
    """Nine rows under three seals, and one that waits."""
    for part in ("a", "b", "c"):
        note(connection, 3, prefix=part)
        sealed(connection)
    note(connection, 1, prefix="d")


def kinds(verdict: Verdict) -> list[str]:
    return sorted({fault.what for fault in verdict.faults})


def tamper(connection: Connection, statement: LiteralString, *values: object) -> None:
    """What a superuser does who knows of the triggers."""
    for table in ("audit", "audit_seal"):
        connection.execute(f"alter table record.{table} disable trigger all".encode())
    connection.execute(statement, values)
    connection.execute("alter table record.audit enable always trigger audit_no_change")
    connection.execute("alter table record.audit_seal enable always trigger audit_seal_no_change")


def test_what_nobody_touched_is_whole(connection: Connection) -> None:
    three_seals(connection)
    found = verify(connection, BELIEVED)
    assert (found.faults, found.rows, found.seals, found.waiting) == ([], 9, 3, 1)
    assert found.head == seals(connection)[-1].head.hex()


def test_an_empty_audit_is_whole_and_a_day_without_acts_has_its_head(connection: Connection) -> None:
    assert verify(connection, BELIEVED).faults == []
    first = datetime(2026, 11, 20, 3, tzinfo=UTC)
    for day in range(3):
        sealed(connection, first + timedelta(days=day))
        sealed(connection, first + timedelta(days=day, hours=1))
    assert [(one.number, one.day.isoformat(), one.rows) for one in seals(connection)] == [
        (1, "2026-11-20", 0),
        (2, "2026-11-21", 0),
        (3, "2026-11-22", 0),
    ]
    assert [one.number for one in sealing.last_of_days(connection)] == [1, 2, 3]
    assert verify(connection, BELIEVED).faults == []


def test_the_day_of_a_seal_is_the_day_in_vietnam(connection: Connection) -> None:
    sealed(connection, datetime(2026, 11, 20, 17, 30, tzinfo=UTC))
    assert seals(connection)[0].day.isoformat() == "2026-11-21"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "8"), ("role", "nurse"), ("actor_facility", "bv-2"), ("origin", "9"), ("act", "vread"),
        ("type", "Observation"), ("id", "other"), ("version", 2), ("patient", "x"), ("facility", "x"), ("detail", "x"),
        ("outcome", "refused"), ("name", "BS. Khác"), ("practitioner", None), ("person", "x"), ("app", "x"),
        ("session", "x"), ("address", "10.0.0.8"), ("purpose", "ETREAT"), ("request", "x"), ("patients", ["a", "b"]),
        ("answered", 3), ("content", "{}"), ("terms", ["x"]), ("at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("occurred", datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_any_changed_column_is_found_and_its_row_told(
    connection: Connection, column: LiteralString, value: object
) -> None:
    three_seals(connection)
    row = connection.execute("select seq from record.audit where id = 'b-1'").fetchone()
    assert row is not None
    tamper(connection, f"update record.audit set {column} = %s where id = 'b-1'", value)
    found = verify(connection, BELIEVED)
    changed = [fault for fault in found.faults if fault.what == "changed row"]
    assert [(fault.row, fault.seal) for fault in changed] == [(row[0], 2)]
    assert found.faults[0] == changed[0]


def test_a_row_moved_to_another_transaction_is_missed_where_it_was(connection: Connection) -> None:
    three_seals(connection)
    tamper(connection, "update record.audit set xid = xid + 1000000 where id = 'b-1'")
    assert "removed row" in kinds(verify(connection, BELIEVED))


def test_a_row_taken_away_is_found_and_told(connection: Connection) -> None:
    three_seals(connection)
    row = connection.execute("select seq from record.audit where id = 'b-1'").fetchone()
    assert row is not None
    tamper(connection, "delete from record.audit where id = 'b-1'")
    found = verify(connection, BELIEVED)
    assert [(fault.what, fault.row, fault.seal) for fault in found.faults] == [("removed row", row[0], 2)]


def test_a_row_put_in_is_found_wherever_it_stands(connection: Connection) -> None:
    three_seals(connection)
    copy: LiteralString = (
        "insert into record.audit (at, actor, role, act, type, id, xid)"
        " select at, 'nobody', role, act, type, 'forged', xid from record.audit where id = 'b-1'"
    )
    tamper(connection, copy)
    found = verify(connection, BELIEVED)
    assert [(fault.what, fault.seal) for fault in found.faults] == [("inserted row", 2)]


def test_a_row_without_a_transaction_is_no_row_of_old_times(connection: Connection) -> None:
    three_seals(connection)
    tamper(
        connection,
        "insert into record.audit (at, actor, role, act, xid) values (now(), 'x', 'doctor', 'read', null)",
    )
    assert kinds(verify(connection, BELIEVED)) == ["inserted row"]


def test_a_row_dated_back_is_found_before_and_after_it_is_sealed(connection: Connection) -> None:
    three_seals(connection)
    note(connection, 1, at=datetime.now(UTC) - timedelta(days=2), prefix="back")
    assert kinds(verify(connection, BELIEVED)) == ["dated row"]
    sealed(connection)
    assert kinds(verify(connection, BELIEVED)) == ["dated row"]


def test_rows_that_waited_for_the_database_are_told_by_one_beside_them(own_database: str) -> None:
    from yba.fhir.store.audit import Journal

    with psycopg.connect(own_database, autocommit=True) as connection:
        three_seals(connection)
        journal = Journal(lambda: psycopg.connect(own_database, autocommit=True))
        journal.add(act_of(DOCTOR, "read", datetime.now(UTC) - timedelta(hours=3), type="Patient", id="late"))
        journal.close()
        rows = connection.execute("select id, act from record.audit order by seq desc limit 2").fetchall()
        assert rows == [(None, "audit-late"), ("late", "read")]
        assert verify(connection, BELIEVED).faults == []
        sealed(connection)
        assert verify(connection, BELIEVED).faults == []


def test_a_seal_taken_away_changed_or_made_anew_is_found(connection: Connection) -> None:
    three_seals(connection)
    kept = seals(connection)
    tamper(connection, "delete from record.audit_seal where number = 2")
    found = verify(connection, BELIEVED)
    assert "missing seal" in kinds(found)
    assert "seal 2 is missing" in found.faults[0].words
    tamper(connection, "delete from record.audit_seal where number >= 2")
    sealed(connection)  # by the house itself, as if nothing had been
    assert verify(connection, BELIEVED).faults == []
    assert kinds(verify(connection, BELIEVED, [head_of(one) for one in kept])) == [
        "missing head",
        "other head",
    ]


def test_a_day_signed_anew_by_another_key_is_found(connection: Connection) -> None:
    three_seals(connection)
    tamper(connection, "update record.audit set actor = 'innocent' where id = 'b-1'")
    tamper(connection, "delete from record.audit_seal")
    thief = keys.Signer(keys.fresh())
    seal(connection, thief, datetime.now(UTC))
    assert kinds(verify(connection, keys.Believed([thief.public]))) == []
    assert kinds(verify(connection, BELIEVED)) == ["foreign key"]
    tamper(connection, "update record.audit_seal set key = %s", SIGNER.name)
    assert kinds(verify(connection, BELIEVED)) == ["changed seal"]


@pytest.mark.parametrize(
    "column", ["head", "previous", "leaves", "signature", "sealed", "day", "rows", "to_xid"]
)
def test_any_change_of_a_seal_is_found(connection: Connection, column: str) -> None:
    three_seals(connection)
    change: LiteralString = {
        "head": "head = sha256(head)",
        "previous": "previous = sha256(previous)",
        "leaves": "leaves = '\\x'",
        "signature": "signature = sha256(signature) || sha256(signature)",
        "sealed": "sealed = sealed - interval '1 day'",
        "day": "day = day - 1",
        "rows": "rows = rows - 1",
        "to_xid": "to_xid = to_xid - 1",
    }[column]
    tamper(connection, f"update record.audit_seal set {change} where number = 2")
    found = verify(connection, BELIEVED)
    assert any(fault.seal == 2 and fault.what == "changed seal" for fault in found.faults)


def test_a_tail_cut_off_with_its_seals_is_missed_outside(connection: Connection, tmp_path: Path) -> None:
    kept = HeadFiles(tmp_path)
    for part in ("a", "b"):
        note(connection, 3, prefix=part)
        seal(connection, SIGNER, datetime.now(UTC), kept)
    tamper(connection, "delete from record.audit where id like 'b-%%'")
    tamper(connection, "delete from record.audit_seal where number = 2")
    assert verify(connection, BELIEVED).faults == []  # nothing inside tells
    found = verify(connection, BELIEVED, kept.known())
    assert [(fault.what, fault.seal) for fault in found.faults] == [("missing head", 2)]


def test_heads_of_days_are_kept_when_the_day_has_ended(connection: Connection, tmp_path: Path) -> None:
    kept = HeadFiles(tmp_path)
    first = datetime(2026, 11, 20, 3, tzinfo=UTC)
    for hours in (0, 24, 48):
        seal(connection, SIGNER, first + timedelta(hours=hours), kept)
    made = seals(connection)
    assert kept.known() == [head_of(one) for one in made]
    assert len((tmp_path / "audit-days").read_bytes().splitlines()) == 2


def test_a_switched_off_trigger_is_found(connection: Connection) -> None:
    three_seals(connection)
    connection.execute("alter table record.audit disable trigger audit_no_change")
    assert kinds(verify(connection, BELIEVED)) == ["unguarded"]


@pytest.mark.parametrize("table", ["audit", "audit_seal"])
@pytest.mark.parametrize("act", ["update {} set rows = 1", "delete from {}", "truncate {}"])
def test_neither_table_takes_a_change_even_from_a_replica(
    connection: Connection, table: str, act: str
) -> None:
    three_seals(connection)
    statement = act.format(f"record.{table}").replace("rows", "rows" if table == "audit_seal" else "answered")
    connection.execute("set session_replication_role = replica")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute(statement.encode())


def test_neither_the_owner_nor_the_web_has_a_right_to_change_it(connection: Connection) -> None:
    """A superuser has all rights whatever is granted; any other owner of the tables has only these."""
    query = """
        select table_name::text, case grantee when current_user then 'owner' else grantee::text end,
               array_agg(privilege_type::text order by privilege_type::text)
          from information_schema.role_table_grants
         where table_schema = 'record' and table_name in ('audit', 'audit_seal')
           and privilege_type in ('UPDATE', 'DELETE', 'TRUNCATE', 'INSERT', 'SELECT')
         group by 1, 2"""
    found = {(table, who): rights for table, who, rights in connection.execute(query.encode()).fetchall()}
    assert found == {
        ("audit", "owner"): ["INSERT", "SELECT"],
        ("audit", "yba_web"): ["INSERT", "SELECT"],
        ("audit_seal", "owner"): ["INSERT", "SELECT"],
        ("audit_seal", "yba_web"): ["SELECT"],
    }


def test_a_commit_that_comes_late_never_slips_behind_a_head(own_database: str) -> None:
    with (
        psycopg.connect(own_database, autocommit=True) as sealer,
        psycopg.connect(own_database) as slow,
        psycopg.connect(own_database, autocommit=True) as fast,
    ):
        note(slow, 1, prefix="slow")
        note(fast, 2, prefix="fast")
        sealed(sealer)
        assert [one.rows for one in seals(sealer)] == [0]  # the fast rows wait for the slow one
        slow.commit()
        sealed(sealer)
        assert [one.rows for one in seals(sealer)] == [0, 3]
        assert verify(sealer, BELIEVED).faults == []


def _rows(connection: Connection) -> int:
    ((rows,),) = connection.execute("select count(*) from record.audit").fetchall()
    return int(rows)


def _writing(conninfo: str, enough: threading.Event, slow: int) -> Callable[[], None]:
    def work() -> None:
        with psycopg.connect(conninfo) as connection:
            count = 0
            while not enough.is_set():
                count += 1
                note(connection, 3, prefix=f"w{count}")
                if count % slow == 0:
                    time.sleep(0.005)
                connection.rollback() if count % 7 == 0 else connection.commit()

    return work


def test_many_write_while_it_is_sealed(own_database: str) -> None:
    enough = threading.Event()
    threads = [threading.Thread(target=_writing(own_database, enough, n + 2)) for n in range(4)]
    for one in threads:
        one.start()
    with (
        psycopg.connect(own_database, autocommit=True) as first,
        psycopg.connect(own_database, autocommit=True) as second,
    ):
        while len(seals(first)) <= 10 or _rows(first) <= 100:
            sealed(first)
            sealed(second)
        enough.set()
        for one in threads:
            one.join()
        sealed(first)
        found = verify(first, BELIEVED)
        assert (found.faults, found.rows, found.waiting) == ([], _rows(first), 0)


_SEALER = """
import sys, time, psycopg
from datetime import UTC, datetime
from yba.fhir.audit import keys, sealing
sealing.BATCH = 7
signer = keys.Signer(sys.argv[2])
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    print("ready", flush=True)
    while True:
        sealing.seal(connection, signer, datetime.now(UTC))
"""


def test_a_sealer_that_is_killed_leaves_whole_seals(own_database: str) -> None:
    key = keys.fresh().decode()
    signer = keys.Signer(key)
    with psycopg.connect(own_database, autocommit=True) as connection:
        for turn in range(3):
            with subprocess.Popen(
                [sys.executable, "-c", _SEALER, own_database, key], stdout=subprocess.PIPE, env=os.environ
            ) as process:
                assert process.stdout is not None
                process.stdout.readline()
                before, count = len(seals(connection)), 0
                while len(seals(connection)) < before + 3:
                    count += 1
                    note(connection, 40, prefix=f"k{turn}-{count}")
                    time.sleep(0.02)
                process.send_signal(signal.SIGKILL)
        until = time.monotonic() + 10
        while not seal(connection, signer, datetime.now(UTC)) and time.monotonic() < until:
            time.sleep(0.1)  # the database notices a moment later that the killed one is gone
        found = verify(connection, keys.Believed([signer.public]))
        assert (found.faults, found.rows, found.waiting) == ([], _rows(connection), 0)


def test_rows_of_before_transactions_were_noted_come_first(connection: Connection) -> None:
    note(connection, 5, prefix="old")
    tamper(connection, "update record.audit set xid = null")
    note(connection, 2, prefix="new")
    sealed(connection)
    assert [one.rows for one in seals(connection)] == [7]
    assert verify(connection, BELIEVED).faults == []


def test_many_rows_take_several_seals(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    note(connection, 5, prefix="old")
    tamper(connection, "update record.audit set xid = null")
    note(connection, 6, prefix="new")
    sealed(connection)
    assert [one.rows for one in seals(connection)] == [4, 4, 3]
    assert verify(connection, BELIEVED).faults == []


def test_the_chain_goes_on_in_a_database_restored_from_a_dump(connection: Connection) -> None:
    """There transactions are counted anew; here the seals and rows are moved to a later count instead."""
    three_seals(connection)
    tamper(connection, "update record.audit set xid = xid + 1000000")
    tamper(connection, "delete from record.audit_seal")
    real = sealing.finished
    sealing.finished = lambda connection: real(connection) + 1_000_000
    try:
        sealed(connection)
        last = seals(connection)[-1]
        assert last.rows == 10
    finally:
        sealing.finished = real
    note(connection, 4, prefix="after")
    sealed(connection)
    note(connection, 3, prefix="then")
    sealed(connection)
    assert [(one.rows, one.floor) for one in seals(connection)] == [(10, 0), (0, 0), (4, 10), (3, 10)]
    assert verify(connection, BELIEVED).faults == []
    tamper(connection, "update record.audit set actor = 'x' where id = 'a-1' or id = 'after-1'")
    assert [fault.seal for fault in verify(connection, BELIEVED).faults] == [1, 3]


def test_keys_that_are_none_are_refused() -> None:
    for wrong in ("", "abc", "A" * 44, keys.fresh().decode()[:-4]):
        with pytest.raises(keys.KeyProblem):
            keys.Signer(wrong)
