"""Actors that are kept: a subscription's, a job's. Each time they are asked for anew, as they are then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.builders import an_actor
from tests.fhir.operation_calls import BASE
from tests.fhir.test_subscriptions import House, Receiver, house, receiver, subscribe
from yba.fhir import jobs
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.subscriptions.delivery import Sender
from yba.site.accounts.still import still

__all__ = ["house", "receiver"]


def sender(house: House, receiver: Receiver, check: Callable[[Actor], Actor | None]) -> Sender:
    return Sender(house.connect, base_url=BASE, endpoints=(receiver.url,), clock=house.clock, still=check)


def test_a_suspended_account_is_told_nothing(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation", payload="application/fhir+json")
    may: dict[str, bool] = {"act": True}
    told = sender(house, receiver, lambda actor: actor if may["act"] else None)
    told.step()
    house.observe("before")
    told.step()
    assert [one["id"] for one in receiver.bodies] == ["before"]
    house.observe("waiting")
    may["act"] = False
    told.step()
    house.observe("meanwhile")
    told.step()
    assert [one["id"] for one in receiver.bodies] == ["before"]
    may["act"] = True
    told.step()
    assert "meanwhile" not in [one["id"] for one in receiver.bodies]


def test_another_role_since_sees_by_that_role(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation", payload="application/fhir+json")
    told = sender(house, receiver, lambda actor: replace(actor, role="wall"))
    told.step()
    house.observe("a")
    told.step()
    assert receiver.bodies == []


def test_a_job_of_who_may_act_no_more_is_not_done(own_database: str) -> None:
    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(own_database, autocommit=True)

    done: list[str] = []
    with connect() as connection:
        numbers = [jobs.submit(connection, "work", an_actor("doctor", user=one), {}, datetime.now(UTC))
                   for one in ("stays", "leaves")]  # fmt: skip

        def check(actor: Actor) -> Actor | None:
            return replace(actor, facility="now") if actor.user == "stays" else None

        kinds = {"work": lambda run: done.append(f"{run.actor.user} {run.actor.facility}")}
        assert [jobs.run_one(connect, kinds, still=check) for _ in range(3)] == [True, True, False]
        assert done == ["stays now"]
        assert [jobs.get(connection, one).state for one in numbers] == ["done", "failed"]


@pytest.mark.django_db
def test_who_may_still_act() -> None:
    from django.db import connection as django
    from django.utils.timezone import now

    from yba.site.accounts.models import Account

    account = Account.objects.create_account("bs.x", role="doctor", facility="a", rights=["hiv"])
    django.ensure_connection()

    class Held:
        def __enter__(self) -> psycopg.Connection[Any]:
            return psycopg.Connection(django.connection.pgconn)

        def __exit__(self, *_: object) -> None:
            return None

    check = still(Held, demo=True)  # type: ignore[arg-type]  # the test's own connection, kept open
    kept = an_actor("citizen", user=str(account.pk), session="x")
    found = check(kept)
    assert found is not None
    assert (found.role, found.facility, found.rights, found.session) == (
        "doctor",
        "a",
        frozenset({"hiv"}),
        "x",
    )
    assert check(SYSTEM) == SYSTEM
    assert check(replace(kept, user="token-000000000000")) is None
    for field, value, back in (
        ("is_active", False, True),
        ("suspended_at", now(), None),
        ("expires_at", now(), None),
    ):
        setattr(account, field, value)
        account.save()
        assert check(kept) is None, field
        setattr(account, field, back)
        account.save()
        assert check(kept) is not None
