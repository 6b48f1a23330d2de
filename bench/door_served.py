"""The record's endpoint for the measure of the door: who asks is in the token, as whom it connects is told.

A token is a role, or a role and a person: ``doctor``, ``citizen:bench-7``; ``system`` passes every door.
"""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from typing import Any

import psycopg

from bench.door import actor_of
from yba.fhir import rest

_kept = threading.local()


def _connect() -> psycopg.Connection[Any]:
    connected: psycopg.Connection[Any] | None = getattr(_kept, "connection", None)
    if connected is None or connected.closed:
        connected = psycopg.connect(
            os.environ["YBA_DATABASE_URL"],
            autocommit=True,
            prepare_threshold=2,
            options=os.environ["BENCH_DOOR_OPTIONS"],
        )
        _kept.connection = connected
    return connected


application = rest.application(_connect, lru_cache(1000)(actor_of), base_url="http://127.0.0.1/fhir")
