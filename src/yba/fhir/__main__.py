"""`python -m yba.fhir load|get|search`: the record from a shell, on any PostgreSQL, without Django."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
import psycopg

from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.errors import RecordError
from yba.fhir.load import load_files
from yba.fhir.model.codec import resource_class
from yba.fhir.record import Record
from yba.fhir.rest.bundles import searchset
from yba.fhir.store import migrate
from yba.fhir.store.rows import execute


def main() -> int:
    """Run one command; 0 when all went well, 1 when something was refused, 2 when there is no database."""
    asked = _arguments().parse_args()
    if not asked.database:
        print("yba.fhir: name the database with --database URL or YBA_DATABASE_URL.", file=sys.stderr)
        return 2
    try:
        with psycopg.connect(asked.database, autocommit=True) as connection:
            migrate(connection)
            record = fhir.open(connection, actor=SYSTEM)
            code: int = asked.command(record, asked)
            return code
    except RecordError as error:
        print(f"yba.fhir: {error.path + ': ' if error.path else ''}{error.message}", file=sys.stderr)
        return 1
    except psycopg.ProgrammingError as error:
        print(f"yba.fhir: the database cannot be used: {str(error).strip()}", file=sys.stderr)
        return 2
    except psycopg.OperationalError as error:
        print(f"yba.fhir: the database does not answer: {str(error).strip()}", file=sys.stderr)
        return 2


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m yba.fhir", description=__doc__)
    parser.add_argument(
        "--database",
        default=os.environ.get("YBA_DATABASE_URL"),
        help="postgresql://... (or YBA_DATABASE_URL)",
    )
    either_side = argparse.ArgumentParser(add_help=False)  # of the word: people write it at the end
    either_side.add_argument("--database", default=argparse.SUPPRESS, help="as before the word")
    commands = parser.add_subparsers(required=True)
    load = commands.add_parser(
        "load", parents=[either_side], help="store FHIR JSON, NDJSON and bundles; .gz too"
    )
    load.add_argument("paths", nargs="+", type=Path)
    load.set_defaults(command=_load)
    get = commands.add_parser("get", parents=[either_side], help="print one resource")
    get.add_argument("reference", help="Type/id or Type/id/_history/version")
    get.set_defaults(command=_get)
    search = commands.add_parser("search", parents=[either_side], help="print a page of a search")
    search.add_argument("query", help="Type?name=value&...")
    search.set_defaults(command=_search)
    return parser


def _load(record: Record, asked: argparse.Namespace) -> int:
    report = load_files(
        asked.paths,
        record,
        progress=lambda path, stored: print(f"{stored:8,} resources  {path.name}", file=sys.stderr),
        done=set(),
    )
    execute(record.connection, "analyze")  # the planner knows nothing of what has just come
    for one in report.refused:
        print(one, file=sys.stderr)
    print(f"{report.resources:,} resources stored, {len(report.refused)} refused")
    return 1 if report.refused else 0


def _get(record: Record, asked: argparse.Namespace) -> int:
    parts = asked.reference.split("/")
    if len(parts) == 4 and parts[2] == "_history":
        stored = record.vread_stored(parts[0], parts[1], parts[3])
    elif len(parts) == 2:
        stored = record.read_stored(parts[0], parts[1])
    else:
        print("yba.fhir: name one resource as Type/id.", file=sys.stderr)
        return 1
    _show(stored.content or b"")
    return 0


def _search(record: Record, asked: argparse.Namespace) -> int:
    type_name, _, query = asked.query.partition("?")
    resource_class(type_name)  # raises Unsupported for a type R4 does not have
    params = parse_qsl(query, keep_blank_values=True)
    found = record.search_stored(type_name, params, strict=True)
    _show(searchset("", type_name, params, found, None))
    return 0


def _show(content: bytes) -> None:
    print(msgspec.json.format(content, indent=2).decode())


if __name__ == "__main__":
    raise SystemExit(main())
