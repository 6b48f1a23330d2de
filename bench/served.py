"""The record's endpoint alone, for a run without the site: one token, connections kept per thread."""

from __future__ import annotations

import os
import threading
from typing import Any

import psycopg

from yba.fhir import rest
from yba.fhir.access import SYSTEM, Actor

_kept = threading.local()


def _connect() -> psycopg.Connection[Any]:
    connected: psycopg.Connection[Any] | None = getattr(_kept, "connection", None)
    if connected is None or connected.closed:
        connected = psycopg.connect(os.environ["YBA_DATABASE_URL"], autocommit=True, prepare_threshold=2)
        _kept.connection = connected
    return connected


def _authenticate(token: str) -> Actor | None:
    return SYSTEM if token == os.environ["BENCH_TOKEN"] else None


application = rest.application(_connect, _authenticate, base_url="http://127.0.0.1/fhir")
