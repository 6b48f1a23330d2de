"""A Consent that is withdrawn, by whatever way, ends the tokens that rest on it, in the same transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from yba.fhir.r4.consent import Consent
from yba.fhir.record import Record
from yba.site.oauth.consents import client_of


def end_tokens(record: Record, before: Any, after: Any) -> None:
    """A Consent to an app that is no longer active, or no longer to this app, stands for nothing."""
    if not isinstance(before, Consent) or client_of(before) is None:
        return
    if isinstance(after, Consent) and after.status == "active" and client_of(after) == client_of(before):
        return
    now = datetime.now(UTC)
    with record.connection.cursor() as cursor:
        for statement in _END:
            cursor.execute(statement, {"consent": before.id, "now": now})


# On the record's own connection: `/fhir` writes are no transaction of Django's.
_OPEN = (
    "select s.id from oauth_sitting s join oauth_connection c on c.id = s.connection_id"
    " where c.consent = %(consent)s"
)
_END = (
    f"update oauth_accesstoken set revoked_at = %(now)s where revoked_at is null and sitting_id in ({_OPEN})",  # noqa: S608 - fixed text
    f"update oauth_refreshtoken set used_at = %(now)s where used_at is null and sitting_id in ({_OPEN})",  # noqa: S608
    f"update oauth_sitting set ended_at = %(now)s, ended_by = 'consent' where ended_at is null and id in ({_OPEN})",  # noqa: S608
    "update oauth_connection set ended_at = %(now)s where ended_at is null and consent = %(consent)s",
)

GUARDS = {"Consent": (end_tokens,)}
