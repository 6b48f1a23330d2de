"""Whether the audit is what was sealed: every row, every seal, every head that is known outside.

Found are rows that were changed, taken away, put in or dated back; seals that are missing, were changed, or are signed
by a key that is not believed; heads that are known outside and not there. What is not sealed yet (a minute, or since
the house was stopped) can't be judged and is counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from yba.fhir.audit import sealing
from yba.fhir.audit.heads import Head
from yba.fhir.audit.keys import Believed
from yba.fhir.audit.rows import Row, canonical
from yba.fhir.audit.sealing import FIRST_HEAD, LAST, LEAF, ZONE, Seal, leaf
from yba.fhir.store.rows import execute

TOLD_LATE = timedelta(minutes=15)
"""How long after its time a row may come in without a word: a process writes within a second, a seal is a minute."""
SEALS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding. ``day``: of the row, or of the seal where it is about a seal."""

    what: str
    seal: int
    day: date | None
    row: int | None
    words: str


@dataclass(slots=True)
class Verdict:
    """What was found, and how much was looked at."""

    faults: list[Fault] = field(default_factory=list)
    seals: int = 0
    rows: int = 0
    waiting: int = 0
    waiting_since: datetime | None = None
    head: str = ""
    notes: list[str] = field(default_factory=list)


def verify(connection: psycopg.Connection[Any], believed: Believed, known: Sequence[Head] = ()) -> Verdict:
    """Look at all of it, in one snapshot. ``known``: heads that are kept outside of the database."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        return _verified(connection, believed, known)


def _verified(connection: psycopg.Connection[Any], believed: Believed, known: Sequence[Head]) -> Verdict:
    verdict = Verdict()
    floors = _floors(connection)
    outside = {one.number: one for one in known}
    before: Seal | None = None
    late: list[tuple[Seal, Row]] = []
    for one in _seals(connection):
        _check_seal(verdict, one, before, believed)
        _check_outside(verdict, one, outside.pop(one.number, None))
        _check_rows(verdict, connection, one, _ceiling(floors, one.floor), late)
        verdict.seals += 1
        before = one
    _check_late(verdict, connection, late)
    for missing in sorted(outside.values(), key=lambda each: each.number):
        verdict.faults.append(
            Fault(
                "missing head", missing.number, missing.day, None,
                f"seal {missing.number} of {missing.day} is known outside of the database and is not in it",
            )
        )  # fmt: skip
    _check_waiting(verdict, connection, before)
    _check_guards(verdict, connection)
    verdict.head = before.head.hex() if before is not None else ""
    return verdict


def _seals(connection: psycopg.Connection[Any]) -> Iterator[Seal]:
    after = 0
    while some := sealing.seals(connection, after, SEALS_AT_ONCE):
        yield from some
        after = some[-1].number


def _floors(connection: psycopg.Connection[Any]) -> list[int]:
    found = execute(connection, "select distinct floor from record.audit_seal order by floor")
    return [row[0] for row in found.fetchall()]


def _ceiling(floors: Sequence[int], floor: int) -> int:
    """Up to which number rows belong to the database that a seal was made in."""
    return next((one for one in floors if one > floor), LAST)


# -- a seal --------------------------------------------------------------------------------------------------


def _check_seal(verdict: Verdict, one: Seal, before: Seal | None, believed: Believed) -> None:
    def fault(what: str, words: str) -> None:
        verdict.faults.append(
            Fault(what, one.number, one.day, None, f"seal {one.number} of {one.day}: {words}")
        )

    expected = before.number + 1 if before is not None else 1
    if one.number != expected:
        missing = f"{expected}" if one.number == expected + 1 else f"{expected} to {one.number - 1}"
        fault("missing seal", f"before it, seal {missing} is missing")
    elif one.previous != (before.head if before is not None else FIRST_HEAD):
        fault("broken chain", "it does not go on from the head of the seal before it")
    elif one.start != _expected_start(before) or (before is not None and one.day < before.day):
        fault("gap", "its rows do not begin where those of the seal before it ended")
    if not believed.knows(one.key):
        fault("foreign key", f"it is signed by a key that is not believed ({one.key})")
    elif not believed.holds(one.key, one.signed, one.signature):
        fault("changed seal", "its signature is not over what it says")


def _expected_start(before: Seal | None) -> sealing.Place:
    return (0, 0) if before is None or before.to_xid == LAST else before.end


def _check_outside(verdict: Verdict, one: Seal, kept: Head | None) -> None:
    if kept is not None and kept.head != one.head.hex():
        verdict.faults.append(
            Fault(
                "other head", one.number, one.day, None,
                f"seal {one.number} of {one.day}: outside of the database another head of it is kept",
            )
        )  # fmt: skip


# -- its rows ------------------------------------------------------------------------------------------------


def _check_rows(
    verdict: Verdict,
    connection: psycopg.Connection[Any],
    one: Seal,
    ceiling: int,
    late: list[tuple[Seal, Row]],
) -> None:
    """The rows that are there against the leaves, and all of them against the head."""
    rows = sealing.stretch(connection, one.start, one.end, floor=one.floor, ceiling=ceiling)
    verdict.rows += len(rows)
    expected = _leaves(one)
    found: dict[int, Row] = {}
    head = one.previous
    before = len(verdict.faults)
    for row in rows:
        digest = hashlib.sha256(canonical(row)).digest()
        head = hashlib.sha256(head + digest).digest()
        if row.seq not in expected or row.seq in found:
            _fault_of_row(verdict, one, row, "inserted row", "was put in after its stretch was sealed")
        elif expected[row.seq] != leaf(row.seq, digest):
            _fault_of_row(verdict, one, row, "changed row", "was changed after it was sealed")
        found[row.seq] = row
        if not timedelta(minutes=-5) <= one.sealed - row.at <= TOLD_LATE:
            late.append((one, row))
    for seq in expected:
        if seq not in found:
            words = f"row {seq} of seal {one.number} ({one.day}) was taken away"
            verdict.faults.append(Fault("removed row", one.number, one.day, seq, words))
    if head != one.head and len(verdict.faults) == before:
        words = f"seal {one.number} of {one.day}: its rows do not make its head"
        verdict.faults.append(Fault("other rows", one.number, one.day, None, words))


def _leaves(one: Seal) -> dict[int, bytes]:
    parts = [one.leaves[at : at + LEAF] for at in range(0, len(one.leaves), LEAF)]
    return {int.from_bytes(part[:8], "big", signed=True): part for part in parts}


def _fault_of_row(verdict: Verdict, one: Seal, row: Row, what: str, words: str) -> None:
    day = row.at.astimezone(ZONE).date()
    verdict.faults.append(
        Fault(what, one.number, day, row.seq, f"row {row.seq} of {day} (seal {one.number}) {words}")
    )


def _check_late(
    verdict: Verdict, connection: psycopg.Connection[Any], late: Sequence[tuple[Seal, Row]]
) -> None:
    """Rows that tell of a time long before they came, or after it.

    Those a journal wrote late say so by a row beside them; those the house found when it began to seal are older than
    the first seal, and those that waited while it did not seal are told by the seals.
    """
    if not late:
        return
    query = "select distinct xid from record.audit where act = 'audit-late' and xid = any(%s)"
    told = {
        one[0] for one in execute(connection, query, ([row.xid for _, row in late if row.xid],)).fetchall()
    }
    before: dict[int, datetime] = {
        one.number + 1: one.sealed for one in _seals(connection)
    }  # when the seal before was made
    for seal, row in late:
        since = before.get(seal.number)
        if (
            since is None
            or row.xid in told
            or since - TOLD_LATE <= row.at <= seal.sealed + timedelta(minutes=5)
        ):
            continue
        _fault_of_row(
            verdict, seal, row, "dated row", f"tells of {row.at.isoformat()}, and came in on {seal.day}"
        )


# -- what is not sealed --------------------------------------------------------------------------------------


def _check_waiting(verdict: Verdict, connection: psycopg.Connection[Any], last: Seal | None) -> None:
    start = (0, 0) if last is None else last.end
    floor = 0 if last is None else last.floor
    if last is not None and last.to_xid == LAST:
        start, floor = (0, 0), last.last_seq
    for row in _waiting(connection, start, floor):
        verdict.waiting += 1
        if verdict.waiting_since is None or row.at < verdict.waiting_since:
            verdict.waiting_since = row.at
        if last is not None and row.at < last.sealed - TOLD_LATE and not _told(connection, row):
            day = row.at.astimezone(ZONE).date()
            words = (
                f"row {row.seq} tells of {row.at.isoformat()}, which was sealed by then, and is under no seal"
            )
            verdict.faults.append(Fault("dated row", last.number, day, row.seq, words))


def _waiting(connection: psycopg.Connection[Any], start: sealing.Place, floor: int) -> Iterator[Row]:
    while rows := sealing.stretch(connection, start, (LAST, 0), floor=floor, limit=sealing.BATCH):
        yield from rows
        start = rows[-1].xid or 0, rows[-1].seq + 1


def _told(connection: psycopg.Connection[Any], row: Row) -> bool:
    query = "select 1 from record.audit where act = 'audit-late' and xid = %s"
    return execute(connection, query, (row.xid,)).fetchone() is not None


_GUARDS = """
select n.name::varchar
  from (values ('audit', 'audit_no_change'), ('audit_seal', 'audit_seal_no_change')) as n(held, name)
 where not exists (select from pg_trigger t where t.tgrelid = to_regclass('record.' || n.held)
                      and t.tgname = n.name and t.tgenabled = 'A')
"""


def _check_guards(verdict: Verdict, connection: psycopg.Connection[Any]) -> None:
    """What keeps the tables append-only must be there and switched on."""
    for (name,) in execute(connection, _GUARDS).fetchall():
        words = f"the trigger {name}, which keeps the audit append-only, is missing or switched off"
        verdict.faults.append(Fault("unguarded", 0, None, None, words))
