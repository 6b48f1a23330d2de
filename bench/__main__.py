"""`python -m bench`: the record's speed against the same statements through bare psycopg, in one run.

Every ratio is printed with its goal; the exit code is 1 when one is missed. ``--growth`` and ``--plans`` are runs of
their own, for they fill a record with millions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import psycopg

from bench import bulk, door, growth, load, pages, plans, server, synthetic, workloads
from bench.place import temporary
from yba.fhir.store import migrate
from yba.site.environment import WEB_THREADS

CONNECTIONS = (1, 16, 64)
CHART = 66  # observations a chart, so that a page of twenty vital signs is full
MILLION = 45_500  # persons with what belongs to them
SIZES = (10_000, 100_000, 1_000_000, 3_000_000)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--seconds", type=int, default=4, help="of each run")
    arguments.add_argument("--persons", type=int, default=800, help="charts of some seventy resources")
    arguments.add_argument("--bundles", type=int, default=300, help="of 67 resources, to be loaded")
    arguments.add_argument("--only", default="", help="workloads to measure, with commas between")
    arguments.add_argument("--alone", action="store_true", help="the record's endpoint without the site")
    arguments.add_argument("--threads", type=int, default=WEB_THREADS, help="of each web process")
    arguments.add_argument("--workers", type=int, default=2, help="web processes")
    arguments.add_argument("--plans", action="store_true", help="how hot searches are planned, on a million")
    arguments.add_argument(
        "--growth", action="store_true", help="from ten thousand resources to three million"
    )
    arguments.add_argument("--largest", type=int, default=SIZES[-1], help="where the growth ends")
    asked = arguments.parse_args()
    with temporary() as (uri, folder):
        if asked.plans:
            return _plans(uri)
        if asked.growth:
            return 0 if growth.report(_databases(uri, asked.largest)) else 1
        return _measure(uri, folder, asked)


def _databases(uri: str, largest: int) -> list[tuple[int, str]]:
    """A database of its own for each size."""
    found = []
    with psycopg.connect(uri, autocommit=True) as connection:
        for size in SIZES:
            if size <= largest:
                connection.execute(f"create database growth_{size}")
                found.append((size, psycopg.conninfo.make_conninfo(uri, dbname=f"growth_{size}")))
    return found


def _plans(uri: str) -> int:
    """What the hottest searches touch; 1 when one of them touches more than it may."""
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection)
        print(f"{synthetic.fill(connection, MILLION):,} resources, embedded database\n")
        return 0 if plans.report(connection) else 1


def _measure(uri: str, folder: Path, asked: argparse.Namespace) -> int:
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection)
        print(
            f"{synthetic.fill(connection, asked.persons, observations=CHART):,} resources, embedded database"
        )
    missed = False
    only = set(filter(None, asked.only.split(",")))
    with server.running(
        uri, folder / "data", alone=asked.alone, threads=asked.threads, workers=asked.workers
    ) as running:
        print(
            f"{running.name}, authentication and audit on, {asked.workers} processes of {asked.threads} threads\n"
        )
        heads = "".join(f"{f'{one} conn':>10}{'p50 ms':>8}{'p99 ms':>8}" for one in CONNECTIONS)
        print(f"{'':11}{'bare/s':>9}{heads}{'ratio':>8}{'goal':>6}{'CPU':>7}{'MB':>6}")
        for one in workloads.all_of(uri, running.token, asked.persons):
            if not only or one.name in only:
                missed |= _run(one, running, folder, asked.seconds)
        if not only or "bulk" in only:
            missed |= not bulk.report(running, uri, folder, asked.bundles)
        if not only or "pages" in only:
            pages.report(running)
    if not only or "door" in only:
        missed |= not door.report(uri, folder)
    return 1 if missed else 0


def _run(one: workloads.Workload, running: server.Running, folder: Path, seconds: int) -> bool:
    """Measure one and print its line; whether its goal was missed or an answer was an error."""
    load.run(running.url, one.script, folder, 4, 1)  # warm: plans prepared, code paths taken
    before = one.bare(seconds / 2)
    used = running.processor()
    runs = [load.run(running.url, one.script, folder, number, seconds) for number in CONNECTIONS]
    used = (running.processor() - used) / (seconds * len(runs))
    limit = (
        before + one.bare(seconds / 2)
    ) / 2  # on both sides of the load: a shared machine changes its pace
    ratio = max(run.rate for run in runs) / limit
    print(
        f"{one.name:11}{limit:9,.0f}"
        + "".join(f"{run.rate:10,.0f}{run.p50:8.2f}{run.p99:8.2f}" for run in runs)
        + f"{ratio:8.2f}{'' if one.floor is None else one.floor:>6}{used:7.0%}{running.memory():6.0f}",
        flush=True,
    )
    errors = sum(run.errors for run in runs)
    if errors:
        print(f"  {errors} answers were errors")
    return bool(errors) or (one.floor is not None and ratio < one.floor)


if __name__ == "__main__":
    raise SystemExit(main())
