"""The audit: verify that nothing of it was changed or is missing, seal it now, print its heads and its public key."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yba.fhir.audit.heads import Head
    from yba.fhir.audit.verifying import Verdict
    from yba.site.environment import Environment

MOST_SHOWN = 50


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    verify = acts.add_parser(
        "verify", help="look at every row, seal and head; 0 when all is whole, 1 when not"
    )
    verify.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="PUBLIC",
        help="believe this public key, not the own one",
    )
    verify.add_argument(
        "--heads", type=Path, metavar="FILE", help="heads as they were printed, kept somewhere else"
    )
    acts.add_parser("seal", help="seal now what is finished, as the server does every minute")
    acts.add_parser("heads", help="print the head of each day, and the newest, a line of JSON each")
    acts.add_parser("key", help="print the public key that signs")
    restored = acts.add_parser(
        "restored", help="after a restore: say why, and expect no more what came after the backup"
    )
    restored.add_argument("--reason", required=True, help="kept in the audit")
    export = acts.add_parser("export", help="print the AuditEvents of some days, a line of JSON each")
    export.add_argument("--from", dest="first", required=True, type=date.fromisoformat, metavar="DAY")
    export.add_argument("--to", dest="last", required=True, type=date.fromisoformat, metavar="DAY")


def run(given: argparse.Namespace) -> int:
    """0; for verify 1 when something was found, 2 for a file that can't be read."""
    from yba.site.audit_keys import signer
    from yba.site.environment import environment
    from yba.site.opening import database_ready

    if given.act == "key":
        print(signer(environment()).public)
        return 0
    with database_ready() as env:
        if given.act == "verify":
            return _verify(env, given)
        if given.act == "seal":
            return _seal(env)
        if given.act == "heads":
            return _heads()
        if given.act == "restored":
            return _restored(env, given.reason)
        return _export(given)


def _verify(env: Environment, given: argparse.Namespace) -> int:
    import msgspec

    from yba.fhir.audit import heads
    from yba.fhir.audit.verifying import verify
    from yba.site.audit_keys import believed
    from yba.site.audit_keys import heads as kept
    from yba.site.connections import open_connection

    try:
        outside = kept(env).known()
        if given.heads is not None:
            outside += heads.read(given.heads.read_bytes().splitlines())
    except (OSError, msgspec.DecodeError) as problem:
        print(f"yba: the heads can't be read: {problem}", file=sys.stderr)
        return 2
    with open_connection(env.conninfo) as connection:
        connection.execute("set statement_timeout = 0")
        verdict = verify(connection, believed(env, given.key), outside)
    return _told(verdict, outside)


def _told(verdict: Verdict, outside: list[Head]) -> int:
    for fault in verdict.faults[:MOST_SHOWN]:
        print(f"{fault.what}: {fault.words}")
    if len(verdict.faults) > MOST_SHOWN:
        print(f"... and {len(verdict.faults) - MOST_SHOWN} more")
    print(
        f"{verdict.rows} rows under {verdict.seals} seals; {len(outside)} heads known outside of the database."
    )
    if verdict.waiting:
        since = verdict.waiting_since.isoformat() if verdict.waiting_since else ""
        print(f"{verdict.waiting} rows from {since} on are not sealed yet.")
    if verdict.faults:
        print(f"NOT WHOLE: {len(verdict.faults)} faults.")
        return 1
    print(f"Whole. Head: {verdict.head or 'none yet'}")
    return 0


def _seal(env: Environment) -> int:
    from yba.fhir.audit.sealing import seal
    from yba.site.audit_keys import heads, signer
    from yba.site.connections import open_connection

    with open_connection(env.conninfo) as connection:
        made = seal(connection, signer(env), datetime.now(UTC), heads(env))
    print(f"{sum(one.rows for one in made)} rows sealed.")
    return 0


def _heads() -> int:
    import msgspec
    from django.db import connection

    from yba.fhir.audit.heads import head_of
    from yba.fhir.audit.sealing import last_of_days

    connection.ensure_connection()
    for one in last_of_days(connection.connection):
        print(msgspec.json.encode(head_of(one)).decode())
    return 0


def _restored(env: Environment, reason: str) -> int:
    from yba.site.audit_keys import heads
    from yba.site.opening import system_record

    lost = heads(env).set_aside(datetime.now(UTC))
    newest = f"; the newest head was {lost[-1].number} of {lost[-1].day}: {lost[-1].head}" if lost else ""
    system_record().audit("restore", detail=f"{reason}{newest}")
    print(f"{len(lost)} heads are set aside.")
    return 0


def _export(given: argparse.Namespace) -> int:
    from yba.fhir.audit.search import of_days
    from yba.site.opening import system_record

    record = system_record()
    count = 0
    for content in of_days(record, given.first, given.last):
        sys.stdout.buffer.write(content + b"\n")
        count += 1
    sys.stdout.buffer.flush()
    record.audit("audit", detail=f"export {given.first} to {given.last}", answered=count)
    return 0
