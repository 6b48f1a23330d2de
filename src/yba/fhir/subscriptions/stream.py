"""A subscription's notifications after a number, for who follows them as server-sent events or asks again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg

from yba.fhir.access.actor import Actor
from yba.fhir.errors import NotFound
from yba.fhir.record import Record
from yba.fhir.store.rows import execute
from yba.fhir.subscriptions import matching
from yba.fhir.subscriptions.matching import Listener
from yba.fhir.subscriptions.notification import bundle, events

MOST = 100
_decode_actor = msgspec.json.Decoder(Actor).decode


class Standing(msgspec.Struct, frozen=True):
    """How a subscription stands: its state, the number of its last event, and what went wrong last."""

    state: str
    number: int
    error: str | None


def listener(connection: psycopg.Connection[Any], actor: Actor, identifier: str) -> tuple[Listener, Standing]:
    """The actor's own subscription that is not off. Raises NotFound, for another's too."""
    row = execute(
        connection,
        "select actor::text, state::varchar, number, error::varchar from record.subscription where id = %s",
        (identifier,),
    ).fetchone()
    if row is None or (actor.role != "system" and _decode_actor(row[0]).user != actor.user):
        raise NotFound("subscription.not-found", f"There is no Subscription/{identifier[:64]} under way.")
    found = next((one for one in matching.listening(connection) if one.wanted.id == identifier), None)
    if found is None:
        raise NotFound("subscription.not-found", f"There is no Subscription/{identifier[:64]} under way.")
    return found, Standing(row[1], row[2], row[3])


def after(
    connection: psycopg.Connection[Any],
    actor: Actor,
    identifier: str,
    number: int,
    *,
    base_url: str,
    now: datetime,
) -> list[tuple[int, bytes]]:
    """Notifications of the events after a number, one an event, at most a hundred."""
    found, _ = listener(connection, actor, identifier)
    record = Record(connection, actor=actor, journal=matching.Silent())
    return [
        (
            one.number,
            bundle(record, found.wanted, "event-notification", one.number, [one], base_url=base_url, now=now),
        )
        for one in events(connection, identifier, after=number, most=MOST)
    ]
