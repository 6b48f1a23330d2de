"""From an app's access token to the one who acts through it: the account's own rights, cut to the app's scopes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import close_old_connections, connection
from django.db.models import Q

from yba.fhir.access import Actor
from yba.site.accounts import roles
from yba.site.accounts.tokens import actor_of_token
from yba.site.oauth import issuing, scopes
from yba.site.oauth.models import AccessToken, Connection, digest
from yba.site.oauth.still import SENSITIVE, SITTING

RELATED: Final = ("app", "sitting__connection__account", "sitting__connection__app")
#: How often the page of connected apps learns that one was used.
NOTED: Final = timedelta(minutes=1)


def actor_of_bearer(text: str) -> Actor | None:
    """Who acts with a bearer token: an app's, or one the operator made. None when it does not count."""
    return actor_of_access(text) if text.startswith(issuing.PREFIX) else actor_of_token(text)


def actor_of_access(text: str) -> Actor | None:
    """Who acts with an app's access token; every reason it may have ended is looked at."""
    if not connection.in_atomic_block:
        close_old_connections()  # what Django does for its own requests
    now = datetime.now(UTC)
    token = AccessToken.objects.select_related(*RELATED).filter(digest=digest(text)).first()
    if token is None or not holds(token, now=now):
        return None
    limits = tuple(scopes.resources(granted(token)))
    if token.sitting is None:
        return Actor(
            user=token.app.client_id,
            role=roles.OUTSIDE_SYSTEM,
            name=token.app.name,
            facility=token.app.facility,
            app=token.app.client_id,
            scopes=limits,
        )
    sitting, account = token.sitting, token.sitting.connection.account
    _note_use(sitting.connection, now=now)
    return replace(
        account.actor(session=f"{SITTING}{sitting.pk}"),
        app=token.app.client_id,
        scopes=limits,
        launched=sitting.context.get("patient"),
        withheld=_withheld(sitting.connection, citizen=account.role == roles.CITIZEN),
    )


def _withheld(found: Connection, *, citizen: bool) -> frozenset[str]:
    """What a citizen did not give; staff's apps see what staff may see."""
    return SENSITIVE if citizen and not found.sensitive else frozenset()


def holds(token: AccessToken, *, now: datetime) -> bool:
    """Whether a token counts at this moment."""
    if token.revoked_at is not None or now >= token.expires_at or not token.app.usable:
        return False
    if token.sitting is None:
        return token.app.check_grant_type("client_credentials")
    return issuing.alive(token.sitting, now=now)


def granted(token: AccessToken) -> list[str]:
    """What a token lets through now: what it was given, as far as person and review still let."""
    given = scopes.split(token.scopes)
    if token.sitting is None:
        return scopes.within(given, token.app.wanted)
    return scopes.within(given, issuing.granted(token.sitting))


def _note_use(found: Connection, *, now: datetime) -> None:
    if found.last_used_at is None or found.last_used_at < now - NOTED:
        Connection.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED), pk=found.pk).update(
            last_used_at=now
        )
