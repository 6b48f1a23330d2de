"""The journal of what pages read: one a process, with a connection of its own."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from yba.fhir.store import Journal
from yba.site.connections import open_connection


@cache
def journal() -> Journal:
    """This process's journal, started at its first use."""
    return Journal(lambda: open_connection(settings.ENVIRONMENT.conninfo))
