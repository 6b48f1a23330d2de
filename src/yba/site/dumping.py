"""The whole database into one file and back, by PostgreSQL's own pg_dump and pg_restore."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import psycopg.conninfo
from psycopg import sql

from yba.site.database import DatabaseProblem, programs

VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}


def backup(conninfo: str, path: Path) -> None:
    """Write a compressed dump; the file appears only when it is whole and can be read back."""
    draft = path.with_name(path.name + ".part")
    # Not zlib's default of 6: half the time, five percent more space.
    _run(conninfo, "pg_dump", "--format=custom", "--compress=3", "--no-owner", "--file", str(draft))
    _run(conninfo, "pg_restore", "--list", str(draft))
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.rename(path)


def restore(conninfo: str, path: Path, *, force: bool) -> None:
    """Bring a dump into an empty database, in one transaction; `force` empties it first."""
    _run(conninfo, "pg_restore", "--list", str(path))
    with psycopg.connect(conninfo, autocommit=True) as connection:
        others = _count(
            connection,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        )
        if others:
            raise DatabaseProblem(f"{others} other connections use this database. Stop the server first.")
        tables = _count(
            connection,
            "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        )
        if tables and not force:
            raise DatabaseProblem("This database is not empty. --force empties it first, for good.")
        empty(connection)
    _run(conninfo, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error",
         "--dbname", _name(conninfo), str(path))  # fmt: skip


#: Where a demo leaves its marks: a table, and how many of them.
_MARKS = (
    ("accounts_account", "SELECT count(*) FROM accounts_account WHERE is_demo"),
    ("site_done", "SELECT count(*) FROM site_done WHERE name = 'demo'"),
)


def refuse_demo(conninfo: str) -> None:
    """Empty a database again into which a demo's dump was just restored: nothing of it belongs beside real people.

    Raises DatabaseProblem where it held demo accounts or the demo province.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        found = [
            _count(connection, query)
            for table, query in _MARKS
            if _count(connection, f"SELECT (to_regclass('{table}') IS NOT NULL)::int")
        ]
        if not any(found):
            return
        empty(connection)
    raise DatabaseProblem(
        "YBA_ENV=production, and this is a demo's dump: accounts with a known password, invented people. "
        "It was taken out again; the database is empty."
    )


def empty(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Drop every schema of ours, and give back an empty `public`."""
    schemas = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
    ).fetchall()
    with connection.transaction():
        for (name,) in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(str(name))))
        connection.execute("CREATE SCHEMA public")


def _count(connection: psycopg.Connection[tuple[object, ...]], query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(str(row[0]))


def _name(conninfo: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(conninfo).get("dbname") or "yba")


def _run(conninfo: str, program: str, *arguments: str) -> None:
    """Run one of the wheel's programs; the address travels in variables, where other users can't read it."""
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    given = {VARIABLES[name]: str(value) for name, value in parts.items() if name in VARIABLES and value}
    command = [str(programs() / program), *arguments]
    done = subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise DatabaseProblem(f"{program} failed: {done.stderr.strip()}")
