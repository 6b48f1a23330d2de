"""Who acts with a token is remembered, and forgotten the moment anything it rests on ends, in every process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError

from tests.site.oauth.steps import Steps
from yba.fhir.access import Actor
from yba.fhir.errors import Unavailable
from yba.site.accounts.actions import make_token
from yba.site.accounts.models import Account, Token
from yba.site.accounts.tokens import Known
from yba.site.oauth import bearer
from yba.site.oauth.bearer import known_of_bearer
from yba.site.oauth.models import AccessToken, Connection
from yba.site.oauth.remembering import Ends, remembering

SOMEONE = Actor(user="1", role="citizen")


def asking() -> tuple[list[str], Callable[[str], Known | None]]:
    asked: list[str] = []

    def ask(text: str) -> Known | None:
        asked.append(text)
        return Known(SOMEONE) if text == "good" else None

    return asked, ask


def test_a_token_is_asked_for_once_in_a_while() -> None:
    asked, ask = asking()
    clock, mark = [0.0], [1]
    who = remembering(ask, lambda: mark[0], clock=lambda: clock[0])
    assert [who("good") for _ in range(5)] == [SOMEONE] * 5
    assert asked == ["good"]
    clock[0] = 10.0
    who("good")
    assert asked == ["good", "good"]
    mark[0] = 2  # something ended
    who("good")
    assert asked == ["good"] * 3
    assert who("bad") is None
    assert who("bad") is None
    assert asked == [*["good"] * 3, "bad", "bad"]


def test_who_can_not_hear_of_ends_remembers_nothing() -> None:
    asked, ask = asking()
    who = remembering(ask, lambda: None)
    who("good")
    who("good")
    assert asked == ["good", "good"]


def test_an_end_told_while_asking_is_not_missed() -> None:
    mark = [1]
    asked: list[str] = []

    def ask(text: str) -> Known:
        asked.append(text)
        mark[0] += 1  # it ends just after the tables were read
        return Known(SOMEONE)

    who = remembering(ask, lambda: mark[0])
    who("good")
    who("good")
    assert asked == ["good", "good"]


def test_nothing_is_remembered_beyond_its_own_end() -> None:
    """A token, an account or a right that ends by time tells nobody of it: it must be asked for again just then."""
    until: list[datetime | None] = [datetime.now(UTC) + timedelta(seconds=4)]
    clock, asked = [0.0], [0]

    def ask(text: str) -> Known:
        asked[0] += 1
        return Known(SOMEONE, until[0])

    who = remembering(ask, lambda: 1, clock=lambda: clock[0])
    who("good")
    clock[0] = 3.0
    who("good")
    assert asked == [1]
    clock[0] = 4.1
    until[0] = datetime.now(UTC) - timedelta(seconds=1)  # so late that it would not be given now
    who("good")
    who("good")
    assert asked == [3]


@pytest.mark.django_db
@pytest.mark.parametrize("which", ["token", "account", "right", "connection", "session"])
def test_every_end_by_time_is_known_when_it_is_remembered(steps: Steps, which: str) -> None:
    first = datetime.now(UTC) + timedelta(seconds=30)
    text = steps.tokens(scope="openid launch/patient patient/Observation.rs")["access_token"]
    {
        "token": lambda: AccessToken.objects.update(expires_at=first),
        "account": lambda: Account.objects.update(expires_at=first),
        "right": lambda: Account.objects.update(rights=["hiv"], rights_until={"hiv": first.isoformat()}),
        "connection": lambda: Connection.objects.update(until=first),
        "session": lambda: Session.objects.update(expire_date=first),
    }[which]()
    known = known_of_bearer(text)
    assert known is not None
    assert known.until == first


@pytest.mark.django_db
def test_a_token_of_the_operator_tells_its_end() -> None:
    now = datetime.now(UTC)
    text = make_token(role="system", now=now)
    Token.objects.update(expires_at=now + timedelta(seconds=30))
    known = known_of_bearer(text)
    assert known is not None
    assert known.until == now + timedelta(seconds=30)
    Token.objects.update(expires_at=None)
    again = known_of_bearer(text)
    assert again is not None
    assert again.until is None


def test_tables_that_do_not_answer_are_no_fault_of_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client is told to come again, not that the record has failed."""

    def gone(_: str) -> Known:
        raise OperationalError("too many clients")

    monkeypatch.setattr(bearer, "known_of_token", gone)
    monkeypatch.setattr(bearer, "_of_access", gone)
    for text in ("yba_x", "ybo_x"):
        with pytest.raises(Unavailable):
            known_of_bearer(text)


def soon(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def ends(committed: str) -> Ends:
    found = Ends(committed)
    soon(lambda: found.mark() is not None)
    return found


CHANGES = {
    "a session is signed out": "delete from django_session",
    "an app is stopped": "update oauth_app set state = 'suspended'",
    "an app may less": "update oauth_app set scopes = 'openid'",
    "a connection ends": "update oauth_connection set ended_at = now()",
    "a sitting ends": "update oauth_sitting set ended_at = now()",
    "a token is revoked": "update oauth_accesstoken set revoked_at = now()",
    "an account is closed": "update accounts_account set is_active = false",
    "an account changes its role": "update accounts_account set role = 'auditor'",
    "an operator's token is revoked": "update accounts_token set revoked_at = now()",
}


def rows() -> None:
    """One of each, so that a change has something to change."""
    from datetime import UTC, datetime, timedelta

    from tests.site.oauth.steps import an_account, an_app
    from yba.site.oauth.models import Sitting

    now = datetime.now(UTC)
    account, app = an_account(), an_app()
    connection = Connection.objects.create(app=app, account=account, since=now, until=now + timedelta(days=1))
    Session.objects.create(session_key="s1", session_data="", expire_date=now + timedelta(days=1))
    sitting = Sitting.objects.create(connection=connection, session="s1", signed_in_at=now, began_at=now)
    AccessToken.objects.create(
        digest="d", app=app, sitting=sitting, issued_at=now, expires_at=now + timedelta(days=1)
    )
    make_token(role="system", now=now)


def test_every_way_something_ends_is_heard(ends: Ends, committed: str, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        rows()
    with psycopg.connect(committed, autocommit=True) as connection:
        for name, change in CHANGES.items():
            time.sleep(0.05)
            before = ends.mark()
            with connection.transaction(force_rollback=False):
                assert connection.execute(change).rowcount >= 1, name
            soon(lambda before=before: ends.mark() != before)  # type: ignore[misc]  # bound now
        time.sleep(0.2)
        before = ends.mark()
        connection.execute("update accounts_account set last_login = now()")
        connection.execute("update oauth_connection set last_used_at = now()")
        time.sleep(0.3)
        assert ends.mark() == before


def test_a_broken_connection_is_one_line_and_the_next_who_asks_listens_again(
    ends: Ends, committed: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(committed, autocommit=True) as connection:
        gone = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'yba-ends' and datname = current_database()"
        )
        assert gone.rowcount >= 1
        soon(lambda: bool(told(caplog)))
        assert told(caplog)[0].exc_info is None
        assert "\n" not in told(caplog)[0].getMessage()
        soon(lambda: ends.mark() is not None)
    assert len(told(caplog)) == 1


def test_while_the_database_is_gone_it_is_asked_ever_more_seldom(caplog: pytest.LogCaptureFixture) -> None:
    clock = [0.0]
    ends = Ends("host=/nowhere dbname=none", clock=lambda: clock[0])
    tried = []
    for second in range(100):
        clock[0] = float(second)
        before = len(told(caplog))
        assert [ends.mark() for _ in range(3)] == [None] * 3
        soon(lambda: not ends._listening)
        if len(told(caplog)) > before:
            tried.append(second)
    assert tried == [0, 1, 3, 7, 15, 31, 61, 91]


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [one for one in caplog.records if one.name == "yba.site.oauth.remembering"]
