"""Sessions of people who are signed in, made where the site's database is at hand."""

from __future__ import annotations

from typing import Any


def session_of(account: Any) -> str:
    """The cookie of an account that is signed in, as the site itself begins a session."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from yba.site.accounts.backend import BACKEND

    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()
    session.save()
    return str(session.session_key)
