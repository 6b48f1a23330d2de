"""Django's sessions in the database, their row asked for by one statement that is planned once a connection.

A session is read with nearly every request, and Django composes that question anew each time.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

_ROW: Final = """
select session_key, session_data, expire_date from django_session where session_key = %s and expire_date > %s"""


class SessionStore(db.SessionStore):
    """The same table, keys and signatures as Django's own store, which reads and writes these sessions too."""

    def _get_session_from_db(self) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(_ROW, [self.session_key, timezone.now()])
            row = cursor.fetchone()
        if row is None:
            self._session_key = None
            return None
        return Session(*row)
