"""Codes and tokens: made, used once, turned over, ended. The text goes out once; the tables keep its hash.

OAuth 2.1, 4.1.3 and 4.3.1: a code or refresh token that comes a second time ends everything that followed from it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from yba.care.keys import digest
from yba.site.accounts import events
from yba.site.oauth import scopes
from yba.site.oauth.models import (
    AccessToken,
    App,
    Code,
    Connection,
    RefreshToken,
    Sitting,
    UsedAssertion,
)

CODE_LIFE: Final = timedelta(seconds=60)
ACCESS_LIFE: Final = timedelta(minutes=10)
#: SMART Backend Services: "SHOULD NOT exceed 300".
BACKEND_LIFE: Final = timedelta(minutes=5)
#: A refresh token nobody uses ends: offline after months, online after a working day.
OFFLINE_LIFE: Final = timedelta(days=90)
ONLINE_LIFE: Final = timedelta(hours=12)

PREFIX: Final = "ybo_"
"""Begins every access token, so that a leaked one can be told by its looks and no table is asked in vain."""


def code_for(sitting: Sitting, *, redirect_uri: str, challenge: str, text: str, now: datetime) -> None:
    """Keep a code that has just been made."""
    Code.objects.create(
        digest=digest(text),
        sitting=sitting,
        redirect_uri=redirect_uri,
        code_challenge=challenge,
        expires_at=now + CODE_LIFE,
    )


def code_of(text: str, app: App, *, now: datetime) -> Code | None:
    """A code of this app that still counts, its row locked. One that comes again ends its sitting."""
    code = (
        Code.objects.select_for_update(of=("self",))
        .select_related("sitting__connection__account")
        .filter(digest=digest(text), sitting__connection__app=app)
        .first()
    )
    if code is None:
        return None
    if code.used_at is not None:
        end_sitting(code.sitting, by="code-again", now=now)
        return None
    if now >= code.expires_at or not alive(code.sitting, now=now):
        return None
    return code


def refresh_of(text: str, app: App, *, now: datetime) -> RefreshToken | None:
    """A refresh token of this app that still counts, its row locked. One that comes again ends its sitting."""
    token = (
        RefreshToken.objects.select_for_update(of=("self",))
        .select_related("sitting__connection__account")
        .filter(digest=digest(text), sitting__connection__app=app)
        .first()
    )
    if token is None:
        return None
    if token.used_at is not None:
        end_sitting(token.sitting, by="refresh-again", now=now)
        return None
    if now >= token.expires_at or not alive(token.sitting, now=now):
        return None
    return token


def use_up(one: Code | RefreshToken, *, now: datetime) -> None:
    """A code is redeemed, a refresh token turned over: it counts no more."""
    one.used_at = now
    one.save(update_fields=["used_at"])


def alive(sitting: Sitting, *, now: datetime) -> bool:
    """Whether everything an access rests on still stands: sitting, connection, app, account, session."""
    connection = sitting.connection
    return (
        sitting.ended_at is None
        and connection.holds(now)
        and connection.app.usable
        and connection.account.may_enter(now)
        and may_use(connection.app, connection.account)
        and (not sitting.session or session_lives(sitting.session, now=now))
    )


def may_use(app: App, account: Any) -> bool:
    """Whether an app is for this kind of account, at this facility."""
    if account.role == "citizen":
        return app.for_citizens
    return app.for_staff and account.role not in ("wall", "kiosk") and app.facility in ("", account.facility)


def session_lives(key: str, *, now: datetime) -> bool:
    from django.contrib.sessions.models import Session

    return Session.objects.filter(session_key=key, expire_date__gt=now).exists()


def granted(sitting: Sitting) -> list[str]:
    """What a sitting may do now: what was given to it, as far as connection and app still let."""
    limits = scopes.within(scopes.split(sitting.scopes), scopes.split(sitting.connection.scopes))
    return scopes.within(limits, sitting.connection.app.wanted)


def tokens_of_sitting(sitting: Sitting, given: list[str], *, now: datetime) -> dict[str, Any]:
    """The token response of a sitting: RFC 6749, 5.1, with SMART's launch context."""
    text = PREFIX + secrets.token_urlsafe(32)
    AccessToken.objects.create(
        digest=digest(text),
        app=sitting.connection.app,
        sitting=sitting,
        scopes=" ".join(given),
        issued_at=now,
        expires_at=now + ACCESS_LIFE,
    )
    response: dict[str, Any] = {
        "token_type": "Bearer",
        "access_token": text,
        "expires_in": int(ACCESS_LIFE.total_seconds()),
        "scope": " ".join(given),
        **sitting.context,
    }
    every = scopes.split(sitting.scopes)
    if scopes.OFFLINE in every or scopes.ONLINE in every:
        response["refresh_token"] = _refresh_token(sitting, offline=scopes.OFFLINE in every, now=now)
    return response


def _refresh_token(sitting: Sitting, *, offline: bool, now: datetime) -> str:
    text = f"ybr_{secrets.token_urlsafe(32)}"
    life = OFFLINE_LIFE if offline else ONLINE_LIFE
    RefreshToken.objects.create(
        digest=digest(text),
        sitting=sitting,
        issued_at=now,
        expires_at=min(now + life, sitting.connection.until),
    )
    return text


def token_of_backend(app: App, given: list[str], *, now: datetime) -> dict[str, Any]:
    """The token response of SMART Backend Services: five minutes, and nothing to refresh it with."""
    text = PREFIX + secrets.token_urlsafe(32)
    AccessToken.objects.create(
        digest=digest(text), app=app, scopes=" ".join(given), issued_at=now, expires_at=now + BACKEND_LIFE
    )
    return {
        "token_type": "bearer",
        "access_token": text,
        "expires_in": int(BACKEND_LIFE.total_seconds()),
        "scope": " ".join(given),
    }


def end_sitting(sitting: Sitting, *, by: str, now: datetime) -> None:
    """Nothing that followed from it counts any more. One that gave itself away as stolen is noted in the audit."""
    if by.endswith("-again"):
        connection = sitting.connection
        events.note(
            "sign-in-failed",
            account=connection.account,
            detail=f"app {connection.app.client_id}: {by}, all its tokens ended",
            patient=sitting.context.get("patient"),
            outcome="refused",
        )
    Sitting.objects.filter(pk=sitting.pk, ended_at=None).update(ended_at=now, ended_by=by)
    AccessToken.objects.filter(sitting=sitting, revoked_at=None).update(revoked_at=now)
    RefreshToken.objects.filter(sitting=sitting, used_at=None).update(used_at=now)


def end_connection(connection: Connection, *, by: str, now: datetime) -> None:
    """Nothing of it counts any more, from this moment and in every process."""
    for sitting in connection.sittings.filter(ended_at=None):
        end_sitting(sitting, by=by, now=now)
    Connection.objects.filter(pk=connection.pk, ended_at=None).update(ended_at=now)


def end_access_token(token: AccessToken, *, now: datetime) -> None:
    AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)


def end_tokens_of_app(app: App, *, now: datetime) -> None:
    """All at once, when an app is stopped or what it may do has changed."""
    for connection in app.connections.filter(ended_at=None):
        for sitting in connection.sittings.filter(ended_at=None):
            end_sitting(sitting, by="app", now=now)
    AccessToken.objects.filter(app=app, revoked_at=None).update(revoked_at=now)


def forget_old(now: datetime) -> None:
    """Take away what nobody can use any more: tokens of yesterday, assertions, sittings that ended months ago."""
    day, season = now - timedelta(days=1), now - timedelta(days=180)
    AccessToken.objects.filter(expires_at__lt=day).delete()
    UsedAssertion.objects.filter(expires_at__lt=day).delete()
    RefreshToken.objects.filter(expires_at__lt=day).delete()
    Sitting.objects.filter(Q(ended_at__lt=season) | Q(connection__ended_at__lt=season)).delete()
