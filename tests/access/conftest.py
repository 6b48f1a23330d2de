"""One filled database for all that ask it; what a test writes is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.access.asking import ASKED, Asking
from tests.access.world import World, fill


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def filled(databases: Any, template: str, world: World) -> Iterator[str]:
    """The connection string of a database that holds the world."""
    name = databases.new(template)
    with psycopg.connect(databases.conninfo(name)) as connection:
        fill(connection, world)
    with psycopg.connect(databases.conninfo(name), autocommit=True) as connection:
        connection.execute("vacuum (analyze)")
    yield databases.conninfo(name)
    databases.drop(name)


@pytest.fixture
def asking(filled: str) -> Iterator[Asking]:
    """The record's face over the world, behind the wall as in the web; whatever a test does is rolled back."""
    with psycopg.connect(filled, prepare_threshold=2, options="-c role=yba_web") as connection:
        connection.execute("select 1")
        try:
            yield Asking(connection)
        finally:
            connection.rollback()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How much of the matrix this run has tried."""
    if ASKED:
        told = ", ".join(f"{many:,} {what}" for what, many in sorted(ASKED.items()))
        terminalreporter.write_line(f"access: {told}")
