"""Sealing: rows whose transactions are finished are chained by hash, and the head of the chain is signed.

Every minute one process closes the stretch of rows that no transaction can add to any more: those below the oldest
transaction that still runs (``pg_snapshot_xmin``). Rows stand in the order of their transactions, then of their
numbers, so a commit that comes late is in a later stretch and never behind a head. Each row's hash goes into the
chain, ``head = sha256(head || sha256(row))``; a seal holds the head before and after its rows, the beginnings of the
rows' hashes (they tell which row was changed), and an Ed25519 signature over all of it.

A day's head is the last seal of that day. Every day has one, also a day without acts, while the house runs. What the
heads were is kept outside of the database, too (``Kept``): a tail cut off together with its seals is then missed.

A database restored from a dump counts its transactions anew. Where that is seen, the rows of before are closed for
good, and the chain goes on over rows that came after (``floor``).
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from yba.fhir.audit.keys import Signer
from yba.fhir.audit.rows import COLUMNS, Row, canonical, row
from yba.fhir.store.rows import execute

log = logging.getLogger(__name__)

SECONDS = 60.0
BATCH = 5_000
LOCK = 7_216_011
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LAST = (1 << 63) - 1
FIRST_HEAD = bytes(32)
LEAF = 16
Place = tuple[int, int]
"""A transaction and a row's number: where a stretch begins or ends."""


class Seal(msgspec.Struct, frozen=True):
    """One seal; the fields are the columns of ``record.audit_seal``."""

    number: int
    day: date
    sealed: datetime
    floor: int
    from_xid: int
    from_seq: int
    to_xid: int
    to_seq: int
    rows: int
    last_seq: int
    leaves: bytes
    previous: bytes
    head: bytes
    key: str
    signature: bytes

    @property
    def start(self) -> Place:
        return self.from_xid, self.from_seq

    @property
    def end(self) -> Place:
        return self.to_xid, self.to_seq

    @property
    def signed(self) -> bytes:
        """What the signature is made over: everything but itself."""
        values: list[Any] = []
        for name in self.__struct_fields__[:-1]:
            value = getattr(self, name)
            if name == "leaves":
                value = hashlib.sha256(value).hexdigest()
            elif isinstance(value, bytes):
                value = value.hex()
            elif isinstance(value, datetime):
                value = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            elif isinstance(value, date):
                value = value.isoformat()
            values.append(value)
        return b"yba audit seal 1\n" + msgspec.json.encode(values)


class Keeps(Protocol):
    """Keeps heads outside of the database."""

    def keep(self, seal: Seal, *, last_of_day: Seal | None) -> None:
        """Note the newest seal, and, when a day has ended, its head."""


_SEAL = ", ".join(Seal.__struct_fields__).replace("key,", "key::varchar,")
_STRETCH = f"""
select {COLUMNS} from record.audit a
 where a.xid >= %(from_xid)s and a.xid <= %(to_xid)s
   and (a.xid, a.seq) >= (%(from_xid)s, %(from_seq)s) and (a.xid, a.seq) < (%(to_xid)s, %(to_seq)s)
   and a.seq > %(floor)s and a.seq <= %(ceiling)s
 order by a.xid, a.seq limit %(limit)s
"""  # noqa: S608 - our own names
_OLD = f"""
select {COLUMNS} from record.audit a
 where a.xid is null and a.seq >= %(from_seq)s and (%(to_xid)s > 0 or a.seq < %(to_seq)s)
   and a.seq > %(floor)s and a.seq <= %(ceiling)s
 order by a.seq limit %(limit)s
"""  # noqa: S608 - our own names


def stretch(
    connection: psycopg.Connection[Any],
    start: Place,
    end: Place,
    *,
    floor: int,
    ceiling: int = LAST,
    limit: int | None = None,
) -> list[Row]:
    """The rows of a stretch in order, at most ``limit``. Rows of before transactions were noted are transaction 0."""
    asked = {
        "from_xid": start[0], "from_seq": start[1], "to_xid": end[0], "to_seq": end[1], "floor": floor,
        "ceiling": ceiling, "limit": limit,
    }  # fmt: skip
    found: list[Row] = []
    if start[0] == 0:
        found = [row(one) for one in execute(connection, _OLD, asked).fetchall()]
    if end[0] > 0 and (limit is None or len(found) < limit):
        asked["limit"] = None if limit is None else limit - len(found)
        found += [row(one) for one in execute(connection, _STRETCH, asked).fetchall()]
    return found


def seals(connection: psycopg.Connection[Any], after: int = 0, limit: int | None = None) -> list[Seal]:
    """Seals in order."""
    query = f"select {_SEAL} from record.audit_seal where number > %s order by number limit %s"  # noqa: S608 - our own names
    return [Seal(*one) for one in execute(connection, query, (after, limit)).fetchall()]


def newest(connection: psycopg.Connection[Any]) -> Seal | None:
    """The last seal, if there is one."""
    query = f"select {_SEAL} from record.audit_seal order by number desc limit 1"  # noqa: S608 - our own names
    found = execute(connection, query).fetchone()
    return None if found is None else Seal(*found)


def last_of_days(connection: psycopg.Connection[Any]) -> list[Seal]:
    """The last seal of each day: the day's head."""
    query = f"select distinct on (day) {_SEAL} from record.audit_seal order by day, number desc"  # noqa: S608 - our own names
    return [Seal(*one) for one in execute(connection, query).fetchall()]


def chained(head: bytes, rows: Sequence[Row]) -> tuple[bytes, bytes]:
    """The head after these rows, and their leaves."""
    leaves = bytearray()
    for one in rows:
        digest = hashlib.sha256(canonical(one)).digest()
        head = hashlib.sha256(head + digest).digest()
        leaves += leaf(one.seq, digest)
    return head, bytes(leaves)


def leaf(seq: int, digest: bytes) -> bytes:
    """What a seal keeps of a row: its number and the beginning of its hash."""
    return seq.to_bytes(8, "big", signed=True) + digest[: LEAF - 8]


def finished(connection: psycopg.Connection[Any]) -> int:
    """The oldest transaction that still runs: all before it have ended, and what they wrote can be seen."""
    found = execute(connection, "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint").fetchone()
    assert found is not None
    return int(found[0])


def seal(
    connection: psycopg.Connection[Any], signer: Signer, now: datetime, kept: Keeps | None = None
) -> list[Seal]:
    """Seal what is finished and not sealed yet; the new seals. One process works at a time, others find nothing."""
    made: list[Seal] = []
    while (one := _one(connection, signer, now, kept)) is not None:
        made.append(one)
        if one.rows < BATCH and one.to_xid != LAST:
            break
    return made


def _one(
    connection: psycopg.Connection[Any], signer: Signer, now: datetime, kept: Keeps | None
) -> Seal | None:
    """The next seal, in a transaction of its own: it is there whole or not at all."""
    with connection.transaction():
        got = execute(connection, "select pg_try_advisory_xact_lock(%s)", (LOCK,)).fetchone()
        if got is None or not got[0]:
            return None
        last = newest(connection)
        made = _made(connection, last, signer, now)
        if made is None:
            return None
        _insert(connection, made)
    if kept is not None:
        ended = last if last is not None and last.day < made.day else None
        kept.keep(made, last_of_day=ended)
    return made


def _made(
    connection: psycopg.Connection[Any], last: Seal | None, signer: Signer, now: datetime
) -> Seal | None:
    below = finished(connection)
    start, end, floor = _next(last, below)
    rows = stretch(connection, start, end, floor=floor, limit=BATCH)
    if len(rows) == BATCH:
        end = (rows[-1].xid or 0, rows[-1].seq + 1)
    day = now.astimezone(ZONE).date()
    if last is not None and day < last.day:
        day = last.day  # a clock that was put back: days of seals never run backwards
    if not rows and last is not None and last.day == day and end[0] != LAST:
        return None
    previous = last.head if last is not None else FIRST_HEAD
    head, leaves = chained(previous, rows)
    bare = Seal(
        number=last.number + 1 if last is not None else 1,
        day=day, sealed=now.astimezone(UTC), floor=floor,
        from_xid=start[0], from_seq=start[1], to_xid=end[0], to_seq=end[1],
        rows=len(rows), last_seq=max([last.last_seq if last else 0, *(one.seq for one in rows)]),
        leaves=leaves, previous=previous, head=head, key=signer.name, signature=b"",
    )  # fmt: skip
    return msgspec.structs.replace(bare, signature=signer.sign(bare.signed))


def _next(last: Seal | None, below: int) -> tuple[Place, Place, int]:
    """The stretch to look at: where it begins and ends, and the numbers it leaves out."""
    if last is None:
        return (0, 0), (below, 0), 0
    if last.to_xid == LAST:
        return (0, 0), (below, 0), last.last_seq
    if below < last.to_xid:  # transactions are counted anew: this is another database, restored from a dump
        return last.end, (LAST, 0), last.floor
    return last.end, (below, 0), last.floor


def _insert(connection: psycopg.Connection[Any], one: Seal) -> None:
    names = one.__struct_fields__
    execute(
        connection,
        f"insert into record.audit_seal ({', '.join(names)})"  # noqa: S608 - our own names
        f" values ({', '.join(f'%({name})s' for name in names)})",
        msgspec.structs.asdict(one),
    )


Watch = Callable[[psycopg.Connection[Any], datetime], object]


def work(
    connect: Callable[[], psycopg.Connection[Any]],
    signer: Signer,
    stop: threading.Event,
    *,
    kept: Keeps | None = None,
    watch: Watch | None = None,
    seconds: float = SECONDS,
) -> None:
    """Seal every minute, and look with ``watch`` at what came, until asked to stop; then once more."""
    while True:
        ending = stop.wait(seconds)
        now = datetime.now(UTC)
        try:
            with connect() as connection:
                seal(connection, signer, now, kept)
                if watch is not None:
                    watch(connection, now)
        except psycopg.Error:
            log.exception("audit: what came in the last minute waits to be sealed")
        except Exception:  # the thread must live: without it nothing is sealed any more
            log.exception("audit: sealing failed")
        if ending:
            return
