"""A subscription's notifications after a number, for who follows them as server-sent events or asks again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.errors import NotFound
from yba.fhir.record import Record
from yba.fhir.store import read as store
from yba.fhir.store.rows import execute
from yba.fhir.subscriptions import matching
from yba.fhir.subscriptions.matching import Listener
from yba.fhir.subscriptions.notification import bundle, events, shown

MOST = 100
_decode_actor = msgspec.json.Decoder(Actor).decode


class Standing(msgspec.Struct, frozen=True):
    """How a subscription stands: its state, the number of its last event, and what went wrong last."""

    state: str
    number: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """Notifications with their numbers, and up to which event they were looked for."""

    told: list[tuple[int, bytes]]
    reached: int


def listener(connection: psycopg.Connection[Any], actor: Actor, identifier: str) -> tuple[Listener, Standing]:
    """The actor's own subscription that is not off. Raises NotFound, for another's too.

    What an app has asked to be told of is told to no other app; and a Subscription that may not be read (any more)
    says nothing of what it has heard.
    """
    row = execute(
        connection,
        "select actor::text, state::varchar, number, error::varchar from record.subscription where id = %s",
        (identifier,),
    ).fetchone()
    if row is None or not (actor.role == "system" or _is_own(connection, actor, identifier, row[0])):
        raise NotFound("subscription.not-found", f"There is no Subscription/{identifier[:64]} under way.")
    found = next((one for one in matching.listening(connection) if one.wanted.id == identifier), None)
    if found is None:
        raise NotFound("subscription.not-found", f"There is no Subscription/{identifier[:64]} under way.")
    return found, Standing(row[1], row[2], row[3])


def _is_own(connection: psycopg.Connection[Any], actor: Actor, identifier: str, kept: str) -> bool:
    owner = _decode_actor(kept)
    if owner.user != actor.user or actor.app not in (None, owner.app):
        return False
    told = Record(connection, actor=actor, journal=matching.Silent()).connection
    may = policy.condition(actor, "Subscription")
    return store.current(told, "Subscription", identifier, condition=may) is not None


def after(
    connection: psycopg.Connection[Any],
    actor: Actor,
    identifier: str,
    number: int,
    *,
    base_url: str,
    now: datetime,
) -> Heard:
    """Notifications of the events after a number, one an event, at most a hundred; of what the actor may see now."""
    found, _ = listener(connection, actor, identifier)
    record = Record(connection, actor=actor, journal=matching.Silent())
    part = events(connection, identifier, after=number, most=MOST)
    told = [
        (
            one.number,
            bundle(record, found.wanted, "event-notification", one.number, [one], base_url=base_url, now=now),
        )
        for one in shown(record, part)
    ]
    return Heard(told, part[-1].number if part else number)
