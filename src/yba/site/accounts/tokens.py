"""From a bearer token to the one who acts, remembered for ten seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from django.db import close_old_connections, connection

from yba.fhir.access import Actor
from yba.site.accounts import roles
from yba.site.accounts.actions import token_digest
from yba.site.accounts.models import Token

REMEMBERED: Final = 10.0
MOST_REMEMBERED: Final = 10_000


def actor_of_token(text: str) -> Actor | None:
    """Ask the table; None for an unknown, expired or revoked token, or one of a closed account."""
    if not connection.in_atomic_block:
        close_old_connections()  # what Django does for its own requests
    row = Token.objects.select_related("account").filter(digest=token_digest(text), revoked_at=None).first()
    if row is None or (row.expires_at is not None and row.expires_at <= datetime.now(UTC)):
        return None
    if row.account is not None:
        return row.account.actor() if row.account.may_enter(datetime.now(UTC)) else None
    return Actor(
        user=f"token-{row.digest[:12]}",
        role=row.role,
        name=row.label or str(roles.NAMES.get(row.role, row.role)),
        facility=row.facility or None,
        practitioner=row.practitioner or None,
        persons=frozenset([row.person]) if row.person else frozenset(),
        departments=frozenset(row.departments),
        programme=row.programme or None,
        person=row.person or None,
        rights=frozenset(row.rights),
    )


def remembering(
    ask: Callable[[str], Actor | None] = actor_of_token,
    *,
    seconds: float = REMEMBERED,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[str], Actor | None]:
    """Ask at most once in `seconds` a token; a revoked token stops working within that time.

    Only tokens that work are remembered, so that guessing can't fill the memory.
    """
    known: dict[str, tuple[float, Actor]] = {}
    lock = threading.Lock()

    def authenticate(text: str) -> Actor | None:
        found = known.get(text)
        if found is not None and clock() < found[0]:
            return found[1]
        actor = ask(text)
        with lock:
            if actor is None:
                known.pop(text, None)
            else:
                if len(known) >= MOST_REMEMBERED:
                    known.clear()
                known[text] = (clock() + seconds, actor)
        return actor

    return authenticate
