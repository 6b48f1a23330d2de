"""Sessions as the house reads them: Django's own, by one statement; one that has run out is none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore as Plain
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from yba.site.session_rows import SessionStore

pytestmark = pytest.mark.django_db


def test_a_session_is_read_by_one_statement_and_one_that_has_run_out_is_none(
    django_assert_num_queries: Any,
) -> None:
    kept = Plain()
    kept["who"] = "Hạnh"
    kept.save()
    with django_assert_num_queries(1):
        assert SessionStore(kept.session_key)["who"] == "Hạnh"
    changed = SessionStore(kept.session_key)
    changed["who"] = "Khôi"
    changed.save()
    assert Plain(kept.session_key)["who"] == "Khôi", "Django's store and ours read each other's"
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    over = SessionStore(kept.session_key)
    assert (dict(over.items()), over.session_key) == ({}, None)


def test_what_is_asked_twice_is_planned_once() -> None:
    for _ in range(4):
        list(Session.objects.filter(session_key="nobody"))
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_prepared_statements where statement like %s", ["%django_session%"]
        )
        assert cursor.fetchone()[0] >= 1, "Django's own questions are prepared too"
