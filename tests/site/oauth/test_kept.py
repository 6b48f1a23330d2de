"""An app's actor that was kept with a job or a subscription ends with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.sessions.models import Session

from tests.site.oauth.steps import Steps, an_app
from yba.fhir.access import Actor
from yba.site.accounts.models import Account
from yba.site.accounts.still import still
from yba.site.oauth.bearer import RELATED, actor_of_bearer, holds
from yba.site.oauth.models import AccessToken, App, Connection, Sitting


def asked(actor: Actor) -> Actor | None:
    """The check, on the test's own connection."""
    from django.db import connection

    @contextmanager
    def connect() -> Iterator[Any]:
        connection.ensure_connection()
        yield connection.connection

    return still(connect, demo=True)(actor)  # type: ignore[arg-type]  # gives it like a connection


def kept(steps: Steps, **changes: Any) -> Actor:
    found = actor_of_bearer(steps.tokens(**changes)["access_token"])
    assert found is not None
    return found


ENDS: list[Any] = [
    lambda: App.objects.update(state="suspended"),
    lambda: App.objects.update(for_citizens=False),
    lambda: Connection.objects.update(ended_at=datetime.now(UTC)),
    lambda: Connection.objects.update(until=datetime.now(UTC)),
    lambda: Sitting.objects.update(ended_at=datetime.now(UTC)),
    lambda: Account.objects.filter(login="0905000111").update(is_active=False),
    lambda: Session.objects.all().delete(),
    lambda: Account.objects.filter(login="0905000111").update(role="doctor"),
    lambda: Account.objects.filter(login="0905000111").update(role="wall"),
    lambda: (
        App.objects.update(for_staff=True),
        Account.objects.filter(login="0905000111").update(role="kiosk"),
    ),
]


@pytest.mark.parametrize("end", ENDS)
def test_every_way_of_asking_sees_every_end(steps: Steps, end: Any) -> None:
    """A request, a kept actor, introspection and userinfo ask in their own ways, and must agree."""
    token = steps.tokens(scope="openid launch/patient patient/Observation.rs")["access_token"]
    actor = actor_of_bearer(token)
    assert actor is not None

    def seen() -> list[bool]:
        row = AccessToken.objects.select_related(*RELATED).get()
        return [actor_of_bearer(token) is not None, asked(actor) == actor, holds(row, now=datetime.now(UTC))]

    assert seen() == [True, True, True]
    end()
    assert seen() == [False, False, False]


def test_lasting_access_outlives_the_session(steps: Steps) -> None:
    actor = kept(steps, scope="launch/patient patient/Observation.rs offline_access")
    Session.objects.all().delete()
    assert asked(actor) == actor


def test_what_was_taken_back_of_the_sensitive_parts_is_taken_back(steps: Steps) -> None:
    actor = kept(steps, nhay_cam="1")
    assert actor.withheld == frozenset()
    Connection.objects.update(sensitive=False)
    found = asked(actor)
    assert found is not None
    assert found.withheld == {"hiv", "mental", "reproductive", "restricted"}


@pytest.mark.django_db
def test_a_backend_ends_with_its_review() -> None:
    app = an_app(
        method="private_key_jwt", backend=True, facility="f1", redirect_uris=[], scopes="system/*.rs"
    )
    actor = Actor(user=app.client_id, role="outside_system", facility="f1", app=app.client_id, scopes=())
    assert asked(actor) == actor
    App.objects.update(state="suspended")
    assert asked(actor) is None
