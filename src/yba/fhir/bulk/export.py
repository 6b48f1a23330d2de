"""The work of ``$export``: everything asked for, as of one moment, in NDJSON files. Bulk Data Access 2.0.

One read-only snapshot serves all files, so that they agree with each other. Every row passes the access door as in
any other read. The bytes are those stored; nothing is decoded on the way. Beside each file stands whose rows are in it:
what is closed while an export runs or its files lie there (a consent that is withdrawn) is not given out any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.string import ByteaBinaryLoader

from yba.fhir import record as records
from yba.fhir.access import policy
from yba.fhir.condition import Condition
from yba.fhir.jobs import KEPT_FOR, JobRun
from yba.fhir.r4 import MODULES
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.store.audit import Act, Doubted, Journal, act_of, split, write_acts
from yba.fhir.store.rows import execute

if TYPE_CHECKING:
    from yba.fhir.record import Record

KIND = "export"
FILE_RESOURCES = 250_000
BATCH = 2_000
SEARCH_PAGE = 1_000
# Writes that had begun and not ended when the snapshot was taken are seen by the next export, not by this one.
MARGIN = timedelta(seconds=1)
COMPARTMENT = frozenset({*COMPARTMENTS["Patient"], "Patient"})
PERSONS = ".persons"
"""Ends the name of the note beside a file that says of which type it is and whose rows are in it."""
_TEXT_OID = 25
Batch = tuple[list[bytes], set[str]]
"""Resources as they are stored, and whose they are."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported. ``patients`` None: everything; else only what is in these Patients' compartments.

    ``every_patient``: compartments of all Patients. ``filters``: pairs of a type and a query string.
    """

    types: list[str] = []
    since: datetime | None = None
    patients: list[str] | None = None
    every_patient: bool = False
    filters: list[tuple[str, list[tuple[str, str]]]] = []
    request: str = ""
    base_url: str = ""


@dataclass(slots=True)
class _Files:
    """The files of one export as they grow: a new one when one is full."""

    folder: Path
    per_file: int
    output: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0
    patients: set[str] = field(default_factory=set)

    def about(self, type_name: str, persons: set[str]) -> None:
        """Note whose rows the newest file holds."""
        self.patients |= persons
        name = self.output[-1]["url"].removeprefix("job-file:")
        (self.folder / f"{name}{PERSONS}").write_bytes(msgspec.json.encode((type_name, sorted(persons))))


def run(run: JobRun, files: Path, *, per_file: int = FILE_RESOURCES) -> dict[str, Any]:
    """Do one export; what the status request answers with when it is done."""
    asked = msgspec.convert(run.params, Asked)
    folder = files / run.job.id
    for old in folder.glob("*") if folder.exists() else ():
        old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    made = _Files(folder, per_file)
    with run.connect() as connection:
        connection.autocommit = False
        moment = _snapshot(connection)
        for type_name in _types(asked):
            _write_type(run, connection, asked, type_name, made)
        if asked.since is not None:
            _write_deleted(run, connection, asked, made)
        connection.rollback()
    _note(run, made)
    return {
        "expires": (datetime.now(UTC) + KEPT_FOR).strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "body": {
            "transactionTime": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "request": asked.request,
            "requiresAccessToken": True,
            "output": made.output,
            "deleted": made.deleted,
            "error": [],
        },
    }


def _snapshot(connection: psycopg.Connection[Any]) -> datetime:
    """Begin to read as of now; the moment from which a later export with ``_since`` misses nothing."""
    execute(connection, "set transaction isolation level repeatable read read only")
    row = execute(
        connection,
        "select least(clock_timestamp(), (select min(xact_start) from pg_stat_activity"
        " where xact_start is not null and pid <> pg_backend_pid()))",
    ).fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment.astimezone(UTC) - MARGIN


def _types(asked: Asked) -> list[str]:
    only = COMPARTMENT if asked.every_patient or asked.patients is not None else frozenset(MODULES)
    return sorted(one for one in (asked.types or MODULES) if one in only)


def _write_type(
    run: JobRun, connection: psycopg.Connection[Any], asked: Asked, type_name: str, made: _Files
) -> None:
    filters = [params for kind, params in asked.filters if kind == type_name]
    rows = (
        _filtered(run, connection, asked, type_name, filters)
        if filters
        else _batches(run, connection, asked, type_name)
    )
    number, count, stream = 0, 0, None
    persons: set[str] = set()
    try:
        for batch, about in rows:
            if stream is None or count >= made.per_file:
                if stream is not None:
                    made.about(type_name, persons)
                number, count, stream = _next_file(made, type_name, number, stream)
                persons = set()
            persons |= about
            stream.write(b"\n".join(batch) + b"\n")
            count += len(batch)
            made.written += len(batch)
            made.output[-1]["count"] = count
            run.progress(made.written)
        if stream is not None:
            made.about(type_name, persons)
    finally:
        if stream is not None:
            stream.close()


def _next_file(
    made: _Files, type_name: str, number: int, before: BinaryIO | None
) -> tuple[int, int, BinaryIO]:
    if before is not None:
        before.close()
    name = f"{type_name}-{number + 1}.ndjson"
    made.output.append({"type": type_name, "url": f"job-file:{name}", "count": 0})
    return number + 1, 0, (made.folder / name).open("wb")


def _where(
    run: JobRun, asked: Asked, type_name: str, *, deleted: bool
) -> tuple[sql.Composable, dict[str, object]]:
    """The rows of a type that are asked for and may be seen."""
    parts: list[sql.Composable] = [
        sql.SQL("r.type = %(type)s and r.content is {}").format(sql.SQL("null" if deleted else "not null"))
    ]
    params: dict[str, object] = {"type": type_name, "since": asked.since, "patients": asked.patients}
    if asked.since is not None:
        parts.append(sql.SQL("r.updated >= %(since)s"))
    if asked.patients is not None:
        parts.append(sql.SQL("r.patient = any(%(patients)s)"))
    elif asked.every_patient:
        parts.append(sql.SQL("r.patient is not null"))
    may = policy.condition(run.actor, type_name, "export")
    if may.sql is not None:
        parts.append(may.sql)
        params |= may.params
    return sql.SQL(" and ").join(parts), params


def _batches(
    run: JobRun, connection: psycopg.Connection[Any], asked: Asked, type_name: str
) -> Iterator[Batch]:
    """The stored bytes, some thousands at a time, by a cursor that holds one batch."""
    where, params = _where(run, asked, type_name, deleted=False)
    with psycopg.ServerCursor(connection, name="export") as cursor:
        cursor.adapters.register_loader(_TEXT_OID, ByteaBinaryLoader)
        cursor.execute(
            sql.SQL("select r.content, r.patient::varchar from record.resource r where {}").format(where),
            params,
            binary=True,
        )
        mask = policy.mask(run.actor, type_name)
        while rows := cursor.fetchmany(BATCH):
            about = {row[1] for row in rows if row[1] is not None}
            yield [row[0] if mask is None else mask.applied(row[0]) for row in rows], about


def _filtered(
    run: JobRun,
    connection: psycopg.Connection[Any],
    asked: Asked,
    type_name: str,
    filters: list[list[tuple[str, str]]],
) -> Iterator[Batch]:
    """What any of the type's filters finds, each once; of what may be searched, that which may be exported."""
    record = records.Record(connection, actor=run.actor, journal=_Silent())
    may = policy.condition(run.actor, type_name, "export")
    patients = None if asked.patients is None else set(asked.patients)
    seen: set[str] = set()
    for params in filters:
        after: str | None = None
        while True:
            page = [*params, ("_count", str(SEARCH_PAGE)), *([("_cursor", after)] if after else [])]
            found = record.search_stored(type_name, page, strict=True)
            exported = _exported(connection, may, type_name, [one.id for one in found.matches])
            batch: list[bytes] = []
            about: set[str] = set()
            for one in found.matches:
                if one.id in seen or one.content is None or one.id not in exported:
                    continue
                if (patients is not None and one.patient not in patients) or (
                    (asked.every_patient and one.patient is None)
                    or (asked.since is not None and one.updated < asked.since)
                ):
                    continue
                seen.add(one.id)
                batch.append(one.content)
                if one.patient is not None:
                    about.add(one.patient)
            if batch:
                yield batch, about
            after = found.next
            if after is None:
                break


def _exported(
    connection: psycopg.Connection[Any], may: Condition, type_name: str, found: list[str]
) -> frozenset[str]:
    """Those of the rows a search has found that may be exported, too: a role may see more than it may take along."""
    if may.sql is None:
        return frozenset(found)
    text = sql.SQL(
        "select r.id::varchar from record.resource r where r.type = %(type)s and r.id = any(%(found)s) and {}"
    ).format(may.sql)
    rows = execute(connection, text, {"type": type_name, "found": found, **may.params}).fetchall()
    return frozenset(one[0] for one in rows)


def _note(run: JobRun, made: _Files) -> None:
    """In the audit, before anybody can fetch the files: whose records are in them."""
    act = act_of(run.actor, "export", datetime.now(UTC), detail=f"{KIND} {run.job.id}", answered=made.written)
    write_acts(run.connection, split(act, sorted(made.patients)))


class _Silent(Journal):
    """The export is audited once, not for each page it reads."""

    def __init__(self) -> None:
        return None

    def add(self, act: Act | Doubted) -> None:
        return None


def stands_open(record: Record, file: Path) -> bool:
    """Whether the actor might still take along rows of each person who is in an export's file.

    A file without a note of persons (what was deleted since, files of other work) holds none.
    """
    noted = file.with_name(file.name + PERSONS)
    if not noted.is_file():
        return True
    type_name, persons = msgspec.json.decode(noted.read_bytes(), type=tuple[str, list[str]])
    may = record.may(type_name, "export")
    if may.sql is None or not persons:
        return True
    closed = sql.SQL(
        "select exists (select from unnest(%(e_persons)s::text[]) p (id) where not exists"
        " (select from record.resource r where r.type = %(e_type)s and r.patient = p.id and {} offset 0))"
    ).format(may.sql)
    values = {**may.params, "e_persons": persons, "e_type": type_name}
    row = execute(record.connection, closed, values).fetchone()
    return row is not None and not row[0]


def _write_deleted(run: JobRun, connection: psycopg.Connection[Any], asked: Asked, made: _Files) -> None:
    """What was deleted since: transaction bundles of DELETE requests, a line each."""
    name, count = "deleted-1.ndjson", 0
    with (made.folder / name).open("wb") as stream:
        for type_name in _types(asked):
            where, params = _where(run, asked, type_name, deleted=True)
            with psycopg.ServerCursor(connection, name="deleted") as cursor:
                cursor.execute(sql.SQL("select r.id from record.resource r where {}").format(where), params)
                while rows := cursor.fetchmany(BATCH):
                    entries = [
                        {"request": {"method": "DELETE", "url": f"{type_name}/{row[0]}"}} for row in rows
                    ]
                    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
                    stream.write(msgspec.json.encode(bundle) + b"\n")
                    count += 1
    if count:
        made.deleted.append({"type": "Bundle", "url": f"job-file:{name}", "count": count})
    else:
        (made.folder / name).unlink()


def sweep(files: Path, now: datetime) -> int:
    """Remove the files of jobs older than they are kept; how many jobs' folders went.

    A folder is as old as what was written into it last: long work may still be under way.
    """
    count = 0
    for folder in files.iterdir() if files.exists() else ():
        if not folder.is_dir():
            continue
        last = max(one.stat().st_mtime for one in (folder, *folder.iterdir()))
        if datetime.fromtimestamp(last, UTC) < now - KEPT_FOR:
            for one in folder.iterdir():
                one.unlink()
            folder.rmdir()
            count += 1
    return count
