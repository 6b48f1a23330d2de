"""From an app's access token to the one who acts through it: the account's own rights, cut to the app's scopes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import InterfaceError, OperationalError, close_old_connections, connection
from django.db.models import Q

from yba.care.keys import digest
from yba.fhir.access import Actor
from yba.fhir.errors import Unavailable
from yba.site.accounts import roles
from yba.site.accounts.models import Account
from yba.site.accounts.tokens import Known, known_of_token, soonest
from yba.site.oauth import issuing, scopes
from yba.site.oauth.models import AccessToken, App, Connection
from yba.site.oauth.still import BACKEND_STANDS, JOINED, SENSITIVE, SITTING, STANDS

RELATED: Final = ("app", "sitting__connection__account", "sitting__connection__app")
#: How often the page of connected apps learns that one was used.
NOTED: Final = timedelta(minutes=1)


def actor_of_bearer(text: str) -> Actor | None:
    """Who acts with a bearer token: an app's, or one the operator made. None when it does not count."""
    known = known_of_bearer(text)
    return None if known is None else known.actor


def known_of_bearer(text: str) -> Known | None:
    """The same, with until when at most that is so. Raises Unavailable where the tables do not answer."""
    try:
        return _of_access(text) if text.startswith(issuing.PREFIX) else known_of_token(text)
    except (InterfaceError, OperationalError) as problem:  # also a connection that was lost just now
        raise Unavailable(
            "store.unavailable", "The database does not answer. Try again in a moment."
        ) from problem


def _of_access(text: str) -> Known | None:
    """Who acts with an app's access token; every reason it may have ended is looked at, in one statement."""
    if not connection.in_atomic_block:
        close_old_connections()  # what Django does for its own requests
    mark, now = digest(text), datetime.now(UTC)
    account: Any = next(iter(Account.objects.raw(_OF_PERSON, [mark])), None)
    if account is not None:
        if not account.may_enter(now):
            return None
        ends = account.token_until, account.held_until, account.session_until
        return Known(_of_person(account, now=now), soonest(account, *ends, now=now))
    app: Any = next(iter(App.objects.raw(_OF_BACKEND, [mark])), None)
    return Known(_of_backend(app), app.token_until) if app is not None else None


# One statement and no building of it: asked of each token every ten seconds.
_OF_PERSON: Final = f"""
select a.*, t.scopes as token_scopes, s.id as sitting_id, s.scopes as sitting_scopes,
       s.context ->> 'patient' as launched, c.id as held_id, c.scopes as held_scopes, c.sensitive as held_sensitive,
       c.last_used_at as held_used_at, p.client_id, p.scopes as app_scopes, t.expires_at as token_until,
       c.until as held_until,
       (select d.expire_date from django_session d where d.session_key = s.session) as session_until
  from oauth_accesstoken t, {JOINED}
 where t.digest = %s and s.id = t.sitting_id and t.revoked_at is null and t.expires_at > clock_timestamp()
   and {STANDS}"""  # noqa: S608 - fixed texts
_OF_BACKEND: Final = f"""
select p.id, p.client_id, p.name, p.facility, p.scopes, t.scopes as token_scopes,
       t.expires_at as token_until
  from oauth_accesstoken t join (select * from oauth_app where {BACKEND_STANDS}) p on p.id = t.app_id
 where t.digest = %s and t.sitting_id is null and t.revoked_at is null and t.expires_at > clock_timestamp()"""  # noqa: S608


def _of_person(account: Any, *, now: datetime) -> Actor:
    given = scopes.split(account.token_scopes)
    for limit in (account.sitting_scopes, account.held_scopes, account.app_scopes):
        given = scopes.within(given, scopes.split(limit))
    _note_use(account.held_id, account.held_used_at, now=now)
    citizen = account.role == roles.CITIZEN
    own: Actor = account.actor(session=f"{SITTING}{account.sitting_id}")
    return replace(
        own,
        app=account.client_id,
        scopes=tuple(scopes.resources(given)),
        launched=account.launched,
        # Staff's apps see what staff may see.
        withheld=SENSITIVE if citizen and not account.held_sensitive else frozenset(),
    )


def _of_backend(app: Any) -> Actor:
    given = scopes.within(scopes.split(app.token_scopes), app.wanted)
    return Actor(
        user=app.client_id,
        role=roles.OUTSIDE_SYSTEM,
        name=app.name,
        facility=app.facility,
        app=app.client_id,
        scopes=tuple(scopes.resources(given)),
    )


def holds(token: AccessToken, *, now: datetime) -> bool:
    """Whether a token counts at this moment: the same as above, of a row one has."""
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


def _note_use(held: int, used_at: datetime | None, *, now: datetime) -> None:
    if used_at is None or used_at < now - NOTED:
        Connection.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=now - NOTED), pk=held).update(
            last_used_at=now
        )
