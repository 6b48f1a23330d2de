"""Database failures as the record's errors; SQL text never leaves. And which of them are worth another try."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.pq import TransactionStatus

from yba.fhir.errors import Conflict, TooCostly, Unavailable

T = TypeVar("T")

ATTEMPTS = 8
"""How often a transaction is tried that another one stood in the way of."""
BUSY = "store.busy"
TAKEN = "store.taken"


class _Translated:
    """Database failures as the record's errors. One value serves every use."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, psycopg.Error):
            raise _translation(error) from error


translated = _Translated()


def _translation(error: psycopg.Error) -> BaseException:
    if isinstance(error, pg.DeadlockDetected | pg.SerializationFailure | pg.LockNotAvailable):
        return Conflict(
            BUSY,
            "Another change to the same records was under way. Nothing was stored; send it again.",
        )
    if isinstance(error, pg.QueryCanceled):
        return TooCostly(
            "store.timeout", "The question took too long. Narrow it, for example by patient or date."
        )
    if isinstance(error, pg.UniqueViolation):
        return Conflict(
            TAKEN, "Something with this key was stored at the same moment. Read it and decide again."
        )
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable(
            "store.unavailable", "The database does not answer. Nothing was stored; try again in a moment."
        )
    return error


def attempted(
    connection: psycopg.Connection[Any],
    atomic: Callable[[], AbstractContextManager[None]],
    work: Callable[[], T],
    *,
    taken: bool = False,
) -> T:
    """Do the work in a transaction, and again from the start when another one stood in its way.

    Two transactions that wait for each other can't both go on: PostgreSQL ends one, which is tried again here
    where the transaction is the record's own; inside somebody else's, their locks would still be held. With ``taken``
    an id that somebody else made at the same moment is met by another try, too, which then finds it.
    """
    own = connection.info.transaction_status == TransactionStatus.IDLE
    for left in reversed(range(ATTEMPTS)):
        try:
            with atomic():
                return work()
        except Conflict as error:
            again = (own and error.key == BUSY) or (taken and error.key == TAKEN)
            if not again or not left:
                raise
        if own:
            time.sleep(secrets.randbelow(20 * (ATTEMPTS - left)) / 1000)
    raise AssertionError("the last attempt returns or raises")
