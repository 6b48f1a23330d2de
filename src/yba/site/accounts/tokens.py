"""From a bearer token the operator made to the one who acts (remembered, and forgotten, by `yba.site.oauth`)."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import close_old_connections, connection

from yba.care.keys import digest
from yba.fhir.access import Actor
from yba.site.accounts import roles
from yba.site.accounts.models import Token


def actor_of_token(text: str) -> Actor | None:
    """Ask the table; None for an unknown, expired or revoked token, or one of a closed account."""
    if not connection.in_atomic_block:
        close_old_connections()  # what Django does for its own requests
    row = Token.objects.select_related("account").filter(digest=digest(text), revoked_at=None).first()
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
