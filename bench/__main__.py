"""`python -m bench`: the record's speed against the same statements through bare psycopg, in one run.

Every ratio is printed with its goal; the exit code is 1 when one is missed. ``--growth`` and ``--plans`` are runs of
their own, for they fill a record with millions: ``--store`` keeps it for another run, ``--fill`` ends when it is full.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import psycopg

from bench import bulk, door, growth, load, pages, plans, server, synthetic, workloads
from bench.place import filled, temporary
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
    arguments.add_argument("--sizes", default="", help="of the growth, with commas between, instead of all")
    arguments.add_argument("--store", type=Path, help="a folder that keeps what --growth and --plans fill")
    arguments.add_argument("--fill", action="store_true", help="fill the store only, to ask it another time")
    asked = arguments.parse_args()
    if not (asked.plans or asked.growth):
        with temporary() as (uri, folder):
            return _measure(uri, folder, asked)
    with temporary(asked.store) as (uri, _):
        return _plans(uri, fill=asked.fill) if asked.plans else _growth(uri, asked)


def _growth(uri: str, asked: argparse.Namespace) -> int:
    """How hot requests slow down, each size a database of its own; 1 when one does too much."""
    wanted = [int(one) for one in asked.sizes.split(",") if one] or [
        size for size in SIZES if size <= asked.largest
    ]
    sizes = []
    for size in wanted:
        persons = growth.persons_of(size)
        sizes.append((*filled(uri, f"growth_{size}", partial(_filled, persons=persons)), persons))
        print(f"{sizes[-1][1]:,} resources are there", flush=True)
    return 0 if asked.fill or growth.report(sizes) else 1


def _plans(uri: str, *, fill: bool) -> int:
    """What the hottest searches touch; 1 when one of them touches more than it may."""
    address, made = filled(uri, "plans", partial(_filled, persons=MILLION))
    if fill:
        return 0
    with psycopg.connect(address, autocommit=True) as connection:
        print(f"{made:,} resources, embedded database\n")
        return 0 if plans.report(connection) else 1


def _filled(uri: str, *, persons: int) -> int:
    """A database of so many persons, settled; how many resources it holds."""
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection)
        made = synthetic.fill(connection, persons)
        # What filling leaves to be done later is not the requests' to wait for.
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")
    return made


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
            missed |= not pages.report(running)
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
