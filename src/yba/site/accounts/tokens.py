"""From a bearer token the operator made to the one who acts (remembered, and forgotten, by `yba.site.oauth`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from django.db import close_old_connections, connection

from yba.care.keys import digest
from yba.fhir.access import Actor
from yba.site.accounts import roles
from yba.site.accounts.models import Account, Token


class Known(NamedTuple):
    """Who acts with a token, and until when at most: time ends a right, an account or a token without telling."""

    actor: Actor
    until: datetime | None = None


def soonest(account: Account | None, *ends: datetime | None, now: datetime) -> datetime | None:
    """The first of these ends and those of the account: as a whole, and of each right it has beside its role's."""
    told = [] if account is None else [account.expires_at, *account.rights_end(now)]
    return min((one for one in (*ends, *told) if one is not None), default=None)


def known_of_token(text: str) -> Known | None:
    """Ask the table; None for an unknown, expired or revoked token, or one of a closed account."""
    if not connection.in_atomic_block:
        close_old_connections()  # what Django does for its own requests
    row = Token.objects.select_related("account").filter(digest=digest(text), revoked_at=None).first()
    now = datetime.now(UTC)
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    until = soonest(row.account, row.expires_at, now=now)
    if row.account is not None:
        return Known(row.account.actor(), until) if row.account.may_enter(now) else None
    actor = Actor(
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
    return Known(actor, until)
