"""The record as the house's own jobs work on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import connection, transaction

from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.record import Guard, Record, now


def record(guards: Mapping[str, Sequence[Guard]] | None = None) -> Record:
    """The record with the system's rights on Django's connection, so that both share a transaction.

    ``guards``: the rules of the areas for what a job writes; none where it only reads or tells.
    """
    connection.ensure_connection()
    assert connection.connection is not None
    return fhir.open(
        connection.connection, actor=SYSTEM, clock=now, guards=guards, transaction=transaction.atomic
    )
