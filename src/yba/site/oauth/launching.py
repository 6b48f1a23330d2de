"""Opening an app from a page of ours (SMART's EHR launch): an opaque handle that only who opened it can use."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from yba.care.keys import digest
from yba.site.oauth.models import App, Launch

LIFE: Final = timedelta(minutes=5)


def handle_for(app: App, *, account: Any, session: str, patient: str, encounter: str, now: datetime) -> str:
    """A new handle. It says nothing of whom it is about."""
    text = secrets.token_urlsafe(32)
    Launch.objects.create(
        digest=digest(text),
        app=app,
        account=account,
        session=session,
        patient=patient,
        encounter=encounter,
        intent=app.intent,
        expires_at=now + LIFE,
    )
    return text


def launch_of(text: str, *, app: App, account: Any, session: str, now: datetime) -> Launch | None:
    """The launch of a handle, if this very person opened this very app, in this session, moments ago."""
    return Launch.objects.filter(
        digest=digest(text), app=app, account=account, session=session, used_at=None, expires_at__gt=now
    ).first()


def use(launch: Launch, *, now: datetime) -> bool:
    """Use it up; False when it has been used in between."""
    return bool(Launch.objects.filter(pk=launch.pk, used_at=None).update(used_at=now))


def address(app: App, text: str, *, record_url: str) -> str:
    """Where the browser goes: the app's launch URL with the record's address and the handle."""
    mark = "&" if "?" in app.launch_url else "?"
    return f"{app.launch_url}{mark}{urlencode({'iss': record_url, 'launch': text})}"
