"""Telling open pages that something changed: only the topic travels, the page fetches its part again."""

from __future__ import annotations

from django.core.signing import Signer
from django.db import connection

CHANNEL = "yba_live"
_SALT = "yba.live"


def changed(topic: str) -> None:
    """Tell listeners of ``topic`` once this transaction commits (PostgreSQL holds a NOTIFY until then)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, topic])


def token(topic: str) -> str:
    """``topic`` signed: whoever was shown a page may listen to it, nobody else."""
    return Signer(salt=_SALT).sign(topic)


def topic_of(signed: str) -> str:
    """The topic of a token; raises ``django.core.signing.BadSignature``."""
    return Signer(salt=_SALT).unsign(signed)
