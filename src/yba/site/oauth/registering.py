"""Apps come in: registered, reviewed by another than who registered, changed, stopped; with their history."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from yba.care.keys import digest
from yba.site.accounts import events, roles
from yba.site.accounts.models import Account
from yba.site.oauth import issuing
from yba.site.oauth.models import (
    APPROVED,
    DRAFT,
    REFUSED,
    SECRET,
    SUSPENDED,
    WAITING,
    App,
    AppEvent,
)

#: What an app says of itself; a change to any of it is looked at again.
SAID: Final = (
    "name", "description", "home", "contact", "privacy", "method", "redirect_uris", "launch_url", "intent",
    "jwks_url", "jwks", "scopes", "needed", "for_citizens", "for_staff", "backend", "facility",
)  # fmt: skip
LOGO: Final = "logo"
#: So many of one account may wait at once.
MOST_WAITING: Final = 10
#: What proves an app: whoever had tokens by another proof has none by this one.
_PROOF: Final = ("method", "jwks_url", "jwks", "facility", "backend")

APPROVE, REFUSE, SUSPEND, RESUME = "approve", "refuse", "suspend", "resume"


def may_register(account: Account) -> bool:
    """Anyone behind an account of a person; a screen is none."""
    return account.role not in roles.SCREENS


def may_review(account: Account, app: App) -> bool:
    """The administrator of the system; of a facility, for apps of its staff and systems. Never one's own app."""
    if app.registered_by_id == account.pk:
        return False
    if account.role == roles.SYSTEM_ADMINISTRATOR:
        return True
    return (
        account.role == roles.FACILITY_ADMINISTRATOR
        and bool(account.facility)
        and app.facility == account.facility
        and not app.for_citizens
        and (app.proposed or {}).get("facility", account.facility) == account.facility
        and not (app.proposed or {}).get("for_citizens", False)
    )


def may_see(account: Account, app: App) -> bool:
    return (
        app.registered_by_id == account.pk
        or account.role == roles.SYSTEM_ADMINISTRATOR
        or may_review(account, app)
    )


def too_many(account: Account) -> bool:
    return App.objects.filter(registered_by=account, state__in=(WAITING, DRAFT)).count() >= MOST_WAITING


@transaction.atomic
def register(said: dict[str, Any], *, by: Account, now: datetime) -> App:
    """A new app, waiting for a review."""
    app = App(registered_by=by, state=WAITING)
    _take(app, said)
    app.save()
    _note(app, "register", by=by, now=now)
    return app


@transaction.atomic
def change(app: App, said: dict[str, Any], *, by: Account, now: datetime) -> App:
    """What the developer says now. Of an approved app the old word holds until the new one is reviewed."""
    app = App.objects.select_for_update().get(pk=app.pk)
    if app.state in (APPROVED, SUSPENDED):
        app.proposed = _different(app, said) or None
        act = "propose"
    else:
        _take(app, said)
        app.state, act = WAITING, "change"
    app.save()
    _note(app, act, by=by, now=now)
    return app


def _take(app: App, said: dict[str, Any]) -> None:
    for name in SAID:
        if name in said:
            setattr(app, name, said[name])
    logo = said.get(LOGO)
    if logo:
        app.logo = base64.b64decode(logo) if isinstance(logo, str) else logo


def _different(app: App, said: dict[str, Any]) -> dict[str, Any]:
    """The fields that would change, as JSON."""
    found: dict[str, Any] = {
        name: said[name] for name in SAID if name in said and said[name] != getattr(app, name)
    }
    if said.get(LOGO):
        found[LOGO] = base64.b64encode(said[LOGO]).decode()
    return found


def open_acts(app: App) -> list[str]:
    """What a reviewer can decide now."""
    if app.state == APPROVED:
        return ([APPROVE, REFUSE] if app.proposed else []) + [SUSPEND]
    return {WAITING: [APPROVE, REFUSE], REFUSED: [APPROVE], SUSPENDED: [RESUME]}.get(app.state, [])


@transaction.atomic
def decide(
    app: App, act: str, *, seen: str, note: str, by: Account, introspects: bool = False, now: datetime
) -> App:
    """Carry a reviewer's decision out; what was allowed and is no more ends at once.

    ``seen``: the newest of the history that the reviewer saw; what was changed since is decided by nobody yet.
    ValueError for an act not open, or decided of what is not there any more.
    """
    app = App.objects.select_for_update().get(pk=app.pk)
    newest = app.events.first()
    if act not in open_acts(app) or not may_review(by, app) or seen != (str(newest.pk) if newest else ""):
        raise ValueError(act)
    if act == APPROVE:
        _approve(app, introspects=introspects and by.role == roles.SYSTEM_ADMINISTRATOR, now=now)
    elif act == REFUSE and app.state == APPROVED:
        app.proposed = None
    elif act == REFUSE:
        app.state = REFUSED
    elif act == SUSPEND:
        app.state = SUSPENDED
    else:
        app.state = APPROVED
    app.decided_at = now
    app.save()
    if act == SUSPEND:
        issuing.end_tokens_of_app(app, now=now)
    _note(app, act, by=by, note=note, now=now)
    return app


def _approve(app: App, *, introspects: bool, now: datetime) -> None:
    if app.proposed:
        proof = [getattr(app, name) for name in _PROOF]
        _take(app, app.proposed)
        app.proposed = None
        if proof != [getattr(app, name) for name in _PROOF]:
            app.secret_digest = app.secret_digest if app.method == SECRET else ""
            issuing.end_tokens_of_app(app, now=now)
    app.introspects = introspects
    app.state = APPROVED


@transaction.atomic
def new_secret(app: App, *, by: Account, now: datetime) -> str:
    """A new secret, shown once; the one before counts no more."""
    text = secrets.token_urlsafe(36)
    App.objects.filter(pk=app.pk).update(secret_digest=digest(text))
    _note(app, "secret", by=by, now=now)
    return text


def _note(app: App, act: str, *, by: Account, now: datetime, note: str = "") -> None:
    said = {name: getattr(app, name) for name in SAID}
    if app.proposed:
        said["proposed"] = {name: value for name, value in app.proposed.items() if name != LOGO}
    AppEvent.objects.create(app=app, at=now, by=by, by_name=str(by), act=act, note=note, said=said)
    events.note("policy", account=by, detail=f"app {app.client_id}: {act}")
