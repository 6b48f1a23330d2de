"""Write the whole record as NDJSON, one file a resource type, all of one moment."""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path
from typing import IO

from yba import fhir
from yba.site.opening import database_ready, system_record


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="where to write; made when it is not there"
    )
    parser.add_argument(
        "--type", action="append", default=[], metavar="TYPE", help="only this type (again for more)"
    )
    parser.add_argument("--gzip", action="store_true", help="compress each file")


def run(given: argparse.Namespace) -> int:
    if "AuditEvent" in given.type:
        print("yba: AuditEvents are given out by 'yba audit export'.")
        return 2
    strange = sorted(set(given.type) - set(_types()))
    if strange:
        print(f"yba: {', '.join(strange)}: no resource type of FHIR R4.")
        return 2
    given.folder.mkdir(parents=True, exist_ok=True)
    if any(given.folder.glob("*.ndjson*")):
        print(f"yba: {given.folder} already holds an export; name another folder.")
        return 1
    with database_ready():
        from django.db import connection, transaction

        record = system_record()
        total = 0
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for name in given.type or _types():
                count = _write(record, name, given.folder, compress=given.gzip)
                if count:
                    print(f"{name}: {count}")
                total += count
    print(f"{total} resources written to {given.folder}.")
    return 0


def _types() -> list[str]:
    from yba.fhir.r4 import MODULES

    return sorted(set(MODULES) - {"AuditEvent"})  # the audit goes out by `yba audit export`, with its seals


def _write(record: fhir.Record, name: str, folder: Path, *, compress: bool) -> int:
    """One type's file; none when there is nothing."""
    after: str | None = None
    count = 0
    out: IO[bytes] | None = None
    path = folder / f"{name}.ndjson{'.gz' if compress else ''}"
    try:
        while True:
            asked = [("_count", "500"), ("_sort", "_id")] + ([("_cursor", after)] if after else [])
            found = record.search_stored(name, asked)
            for stored in found.matches:
                if out is None:
                    out = gzip.open(path, "wb") if compress else path.open("wb")  # type: ignore[assignment]  # noqa: SIM115
                assert out is not None
                out.write(bytes(stored.content or b"") + b"\n")
                count += 1
            after = found.next
            if after is None:
                return count
    finally:
        if out is not None:
            out.close()
