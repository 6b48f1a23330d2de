"""The record's own connections: one a worker thread, kept, prepared statements on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]


def per_thread(conninfo: str) -> Callable[[], Connection]:
    """A function that gives the calling thread its connection, opening it when there is none that works."""
    kept = threading.local()

    def connect() -> Connection:
        connection: Connection | None = getattr(kept, "connection", None)
        if connection is None or connection.closed or connection.broken:
            connection = open_connection(conninfo)
            kept.connection = connection
        elif connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            connection.rollback()
        return connection

    return connect


def open_connection(conninfo: str) -> Connection:
    """Each statement its own transaction unless the record opens one; times are UTC."""
    connection = psycopg.connect(
        conninfo, autocommit=True, prepare_threshold=2, application_name="yba-record", connect_timeout=5
    )
    connection.execute("SET statement_timeout = '20s'")
    connection.execute("SET TIME ZONE 'UTC'")
    return connection
