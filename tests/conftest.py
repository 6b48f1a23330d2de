"""What every test may ask for: one PostgreSQL a run, a rolled-back connection, the record, a running house.

| Fixture | What it gives |
|---|---|
| `connection` | a plain psycopg connection, of the owner of the record's tables; rolled back after the test |
| `walled` | the same as the role of web processes: the wall stands before it |
| `record` | the record for the system on Django's connection; rolled back (asks pytest-django's `db`) |
| `own_database` | the connection string of a database of this test's own: for threads and real commits |
| `committed` | the same, and Django uses it too: for views and actions under several threads |
| `house` | a running `yba serve` with the demo province, one a run: `house.address`, `house.conninfo` |

The database is embedded, in a temporary folder; YBA_DATABASE_URL uses an outside server instead, where the tests
make databases of their own and drop them.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Dozens of processes start from here: each would compile the whole house anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Ten thousand tests make a million objects that stay: the collector need not walk through them every moment.
gc.set_threshold(100_000, 50, 100)

FOLDER = Path(tempfile.mkdtemp(prefix="yba-tests-"))
OUTSIDE = os.environ.get("YBA_DATABASE_URL")
#: What the processes of one run share: the folder of the one that started them.
os.environ.setdefault("YBA_TESTS_SHARED", str(FOLDER))
os.environ["YBA_DATA"] = str(FOLDER / "data")
os.environ["YBA_SECRET"] = "a-secret-of-the-tests-only-0123456789-0123456789"
os.environ.pop("YBA_ENV", None)
os.environ["DJANGO_SETTINGS_MODULE"] = "yba.site.settings"

import django  # noqa: E402 - the environment must be set before anything reads it

django.setup()
# Whoever is started from here says it for themselves: a second worker of the same run would else have its settings,
# and with them this process's database, before it comes to the lines above.
del os.environ["DJANGO_SETTINGS_MODULE"]

from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402

# Hundreds of passwords are kept and tried here: by the same algorithm, with less work each.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1

import psycopg  # noqa: E402
import pytest  # noqa: E402
from psycopg import sql  # noqa: E402
from psycopg.conninfo import make_conninfo  # noqa: E402

from tests.houses import House, free_port, furnish  # noqa: E402


def _forget() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)


atexit.register(_forget)


class Databases:
    """Makes databases from a template that has all tables, and drops them."""

    def __init__(self, conninfo: str) -> None:
        self.maintenance = conninfo
        self.prefix = f"yba_test_{os.getpid()}"
        self.count = 0
        self.made: list[str] = []

    def admin(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.maintenance, autocommit=True)

    def new(self, template: str | None = None) -> str:
        self.count += 1
        name = f"{self.prefix}_{self.count}"
        with self.admin() as connection:
            like = sql.SQL("TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
            connection.execute(sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), like))
        self.made.append(name)
        return name

    def drop(self, name: str) -> None:
        with self.admin() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )
        self.made.remove(name)

    def conninfo(self, name: str) -> str:
        return make_conninfo(self.maintenance, dbname=name)


#: What takes longest begins first, so that no process is left with it alone at the end.
FIRST = ("journeys", "site", "access")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return next((n for n, name in enumerate(FIRST) if name in item.path.parts), len(FIRST))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """What is there by now stays to the end (as in `yba.site.wsgi`)."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    gc.unfreeze()  # else what is left at the end is told as if it leaked


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The server: embedded and without waiting for the disk, or the outside one."""
    from yba.site.database import Embedded
    from yba.site.environment import environment

    env = environment()
    if OUTSIDE:
        embedded = None
    else:
        embedded = Embedded(
            env, options={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        )
        embedded.start()
    try:
        found = Databases(env.conninfo)
        yield found
        for name in list(found.made):
            found.drop(name)
    finally:
        if embedded is not None:
            embedded.stop()


@pytest.fixture(scope="session")
def template(databases: Databases, django_db_blocker: Any) -> str:
    """The name of a database with all tables and no rows; nobody stays connected to it."""
    from yba.fhir.store import migrate as record_tables

    name = databases.new()
    from django.core.management import call_command
    from django.db import connections

    with django_db_blocker.unblock():
        _turn_django_to(name, owner=True)
        call_command("migrate", verbosity=0, interactive=False)
        connections.close_all()
    with psycopg.connect(databases.conninfo(name)) as connection:
        record_tables(connection)
    return name


@pytest.fixture(scope="session")
def test_database(databases: Databases, template: str) -> str:
    """The name of the database that rolled-back tests share."""
    return databases.new(template)


@pytest.fixture(scope="session")
def django_db_setup(test_database: str, django_db_blocker: Any) -> Iterator[None]:
    """pytest-django's own set-up is replaced: our database, with the record's tables beside Django's."""
    from django.db import connections

    with django_db_blocker.unblock():
        _turn_django_to(test_database)
    yield
    with django_db_blocker.unblock():
        connections.close_all()


def _turn_django_to(name: str, *, owner: bool = False) -> None:
    """Django works as it does in the web, behind the wall; the template is made by the owner of the tables."""
    from django.conf import settings
    from django.db import connections

    from yba.site.environment import WEB_ROLE

    connections.close_all()
    for said in (settings.DATABASES["default"], connections["default"].settings_dict):
        said["NAME"] = name
        said["OPTIONS"] = {**said["OPTIONS"], "options": "" if owner else f"-c role={WEB_ROLE}"}


@pytest.fixture
def connection(databases: Databases, test_database: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A plain connection; whatever the test does is rolled back."""
    with psycopg.connect(databases.conninfo(test_database)) as found:
        found.execute("SELECT 1")  # the transaction that is rolled back begins here
        try:
            yield found
        finally:
            found.rollback()


@pytest.fixture
def walled(databases: Databases, test_database: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A plain connection as web processes come; whatever the test does is rolled back."""
    with psycopg.connect(databases.conninfo(test_database), options="-c role=yba_web") as found:
        found.execute("SELECT 1")
        try:
            yield found
        finally:
            found.rollback()


@pytest.fixture
def record(db: None) -> Any:
    """The record with the system's rights on Django's connection, so views see what the test wrote."""
    from yba.site.opening import system_record

    return system_record()


@pytest.fixture
def own_database(databases: Databases, template: str) -> Iterator[str]:
    """The connection string of a fresh database where commits are real; dropped afterwards."""
    name = databases.new(template)
    yield databases.conninfo(name)
    databases.drop(name)


@pytest.fixture
def committed(
    databases: Databases, test_database: str, template: str, django_db_blocker: Any
) -> Iterator[str]:
    """A fresh database that Django uses too, in every thread; its connection string."""
    from django.db import connections

    name = databases.new(template)
    with django_db_blocker.unblock():
        _turn_django_to(name)
        try:
            yield databases.conninfo(name)
        finally:
            connections.close_all()
            _turn_django_to(test_database)
    databases.drop(name)


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """A running house with the demo province, shared by all tests that only add to it."""
    found = House(FOLDER / "house", port=free_port())
    furnish(found.data)
    found.start()
    try:
        yield found
    finally:
        found.stop()
