"""Numbered SQL migrations, forward only, applied once under a lock."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

import psycopg

LOCK = 7_216_001


def _files() -> Iterator[tuple[str, str]]:
    folder = resources.files("yba.fhir.store").joinpath("migrations")
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".sql"):
            yield entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8")


def migrate(connection: psycopg.Connection[Any]) -> list[str]:
    """Bring the schema ``record`` to the newest version; the names of what was applied.

    Several processes may call it at once: one works, the others wait and find nothing to do.
    """
    applied: list[str] = []
    with connection.transaction(), psycopg.Cursor(connection) as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute(
            "create table if not exists public.record_migration"
            " (name text primary key, applied timestamptz not null default now())"
        )
        cursor.execute("select name from public.record_migration")
        known = {row[0] for row in cursor.fetchall()}
        for name, text in _files():
            if name in known:
                continue
            cursor.execute(text.encode())
            cursor.execute("insert into public.record_migration (name) values (%s)", (name,))
            applied.append(name)
    return applied
