"""The record for commands: with the system's rights, on Django's connection, so both share a transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from yba import fhir
from yba.fhir.access import SYSTEM
from yba.site import database, setup
from yba.site.environment import Environment, environment


@contextlib.contextmanager
def database_ready() -> Iterator[Environment]:
    """The database running and migrated, and Django set up, for the length of a command."""
    env = environment()
    with database.running(env):
        setup.django()
        setup.migrate(env, say=lambda text: None)
        yield env


def system_record() -> fhir.Record:
    """The record with all rights, without the areas' guards: what is loaded is history, not a request."""
    from django.db import connection, transaction

    connection.ensure_connection()
    assert connection.connection is not None
    return fhir.open(connection.connection, actor=SYSTEM, transaction=transaction.atomic)
