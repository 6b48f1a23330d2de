"""How much a piece of code does, in numbers that are the same on every machine: calls made, statements sent.

A test that something is quick asserts these, never seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

Sent = list[tuple[str, Any]]
"""Statements as they were sent, each with what it was given."""


def calls(work: Callable[[], object]) -> int:
    """How many functions, of Python and of C, the work calls."""
    made = 0

    def note(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return made


@contextmanager
def statements_sent() -> Iterator[Sent]:
    """The statements that reach the database by psycopg's cursors while it lasts."""
    sent: Sent = []
    plain: Callable[..., Any] = psycopg.Cursor.execute

    def execute(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        text = query.as_string(None) if hasattr(query, "as_string") else query
        sent.append((text if isinstance(text, str) else text.decode(), params))
        return plain(self, query, params, **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", execute)
        yield sent
