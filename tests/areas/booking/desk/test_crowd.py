"""Agents who press at the same moment, each a client of a running house: a person is called by one of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.areas.booking import doors as door
from tests.areas.booking.province import HOSPITAL, build, first_slot, opened
from yba.areas.booking import actions
from yba.areas.booking.models import Claim, Contact
from yba.fhir.record import now
from yba.site.accounts.models import Account

AGENTS = 12


@pytest.fixture
def server(committed: str, tmp_path: Path) -> Iterator[int]:
    with door.serving(committed, tmp_path) as port:
        yield port


@pytest.mark.slow
def test_two_agents_never_call_the_same_person(server: int) -> None:
    """Two requests of one person and one of her child, called at her number: three rows, one telephone."""
    connection.ensure_connection()
    record = opened(connection, at=now)
    build(record, days=5, people=3)
    asked = [ask(record, "p1"), ask(record, "p1"), ask(record, "p2")]
    agents = [agent(number) for number in range(AGENTS)]
    answers = door.all_at_once(
        [
            ("claim", partial(door.post, server, f"/dat-kham/sang-loc/{one}/giu", session))
            for session in agents
            for one in asked
        ]
    )
    assert {one.status for one in answers} == {302}
    held = Claim.objects.all()
    assert len({one.agent for one in held}) == 1
    assert {one.phone for one in held} == {"0912345678"}
    assert Contact.objects.filter(kind="called").count() == len(held)


def agent(number: int) -> str:
    return door.sign_in(
        Account.objects.create_account(
            f"cskh-{number:02}", role="customer_care", facility=HOSPITAL, name=f"CS {number}"
        )
    )


def ask(record: Any, person: str) -> str:
    made = actions.book_appointment(
        record, slot_id=first_slot(record, skip=5), patient_id=person, reason="Ho", phone="0912345678"
    )
    return made.id or ""
