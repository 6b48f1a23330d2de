"""`python -m bench.fuzz`: send odd requests to the record and judge every answer; 1 when one of them is wrong."""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

import psycopg

from bench.fuzz import running
from bench.place import temporary
from tests.spec.published import TESTDATA
from yba.fhir.store import migrate

#: Megabytes the process may grow by in the second half of a run.
GROWTH = 60


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    arguments.add_argument("--requests", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--first", type=int, default=0, help="number of the first request")
    arguments.add_argument("--minutes", type=float, help="stop after so long")
    arguments.add_argument("--trace", action="store_true", help="show what the record logs")
    arguments.add_argument(
        "--keep", type=Path, help="a file for the requests that broke something, a line each"
    )
    asked = arguments.parse_args()
    logging.basicConfig(level=logging.ERROR if asked.trace else logging.CRITICAL + 1)
    with temporary() as (uri, folder):
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("alter system set synchronous_commit = off")
            connection.execute("select pg_reload_conf()")
            migrate(connection)
        application, known = running.opened(uri, folder, TESTDATA / "fhir-r4-examples")
        until = None if asked.minutes is None else time.monotonic() + 60 * asked.minutes
        numbers = range(asked.first, asked.first + asked.requests)
        began = time.monotonic()
        report = running.run(application, known, numbers, asked.seed, say=running.print_line, until=until)
        seconds = time.monotonic() - began
        application.close()
    if asked.keep:
        with asked.keep.open("a", encoding="utf-8") as file:
            for number, one, wrong in report.broken:
                file.write(json.dumps(running.line(one, f"{asked.seed}:{number}", wrong)) + "\n")
    print(
        f"{report.sent:,} requests, {report.sent / seconds:.0f}/s, statuses {dict(sorted(report.statuses.items()))}"
    )
    print(
        f"slowest {report.slowest[0]:.1f} s (number {report.slowest[1]}), grown {report.grown:.0f} MB since the middle"
    )
    print(f"{len(report.broken)} wrong answers")
    return 1 if report.broken or report.grown > GROWTH else 0


if __name__ == "__main__":
    raise SystemExit(main())
