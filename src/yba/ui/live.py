"""Telling open pages that something changed: only the topic travels, the page fetches its part again."""

from __future__ import annotations

from datetime import timedelta

from django.core.signing import TimestampSigner
from django.db import connection

CHANNEL = "yba_live"
_SALT = "yba.live"
#: A page that stays open longer listens no more and asks from time to time, as it does without a stream. The token
#: stands in an address, which proxies may write down: it tells one topic, and not for long.
LISTENS = timedelta(days=2)


def changed(*topics: str) -> None:
    """Tell listeners of these topics once this transaction commits (PostgreSQL holds a NOTIFY until then)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, topic) FROM unnest(%s::text[]) topic", [CHANNEL, list(topics)])


def token(topic: str) -> str:
    """``topic`` signed: whoever was shown a page may listen to it, nobody else."""
    return TimestampSigner(salt=_SALT).sign(topic)


def topic_of(signed: str) -> str:
    """The topic of a token; raises ``django.core.signing.BadSignature``, for one that is too old as well."""
    return TimestampSigner(salt=_SALT).unsign(signed, max_age=LISTENS)
