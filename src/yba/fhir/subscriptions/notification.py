"""What is sent: bundles of the backport, and the plain resource of R4's rest-hook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg

from yba.fhir.access import past
from yba.fhir.model import tree
from yba.fhir.model.dates import instant
from yba.fhir.record import Record
from yba.fhir.store import read as store
from yba.fhir.store.rows import Stored, execute
from yba.fhir.subscriptions.definition import BACKPORT, Wanted

_NOTIFICATION = BACKPORT + "backport-subscription-notification-r4"
_STATUS = BACKPORT + "backport-subscription-status-r4"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a subscription's queue."""

    number: int
    at: datetime
    method: str
    type: str
    id: str
    version: int


def events(
    connection: psycopg.Connection[Any], subscription: str, *, after: int, until: int | None = None, most: int
) -> list[Event]:
    """Events by number, after one and up to another, at most so many."""
    rows = execute(
        connection,
        "select number, at, method::varchar, type::varchar, id::varchar, version from record.subscription_event"
        " where subscription = %(id)s and number > %(after)s and (%(until)s::bigint is null or number <= %(until)s)"
        " order by number limit %(most)s",
        {"id": subscription, "after": after, "until": until, "most": most},
    ).fetchall()
    return [Event(*row) for row in rows]


def focus(record: Record, event: Event) -> Stored | None:
    """The version the event is about, when the subscription's actor may see the resource as it is now."""
    condition = record.may(event.type)
    seen = store.current(record.connection, event.type, event.id, condition=condition)
    if seen is None:
        return None
    found = store.one_version(record.connection, event.type, event.id, event.version)
    if found is None or not found.kept_like(seen[0]):  # it was another's then
        return None
    if not past.told(record.connection, found, condition):
        return None
    return record.shown(found)


def shown(record: Record, told: Sequence[Event]) -> list[Event]:
    """The events whose resource the subscription's actor may see now, whatever they might when it changed.

    Of the others nothing is said, not even that there was one: an id, or the mere moment, would tell of what is hidden.
    """
    return [one for one in told if focus(record, one) is not None]


def bundle(
    record: Record,
    wanted: Wanted,
    kind: str,
    total: int,
    told: Sequence[Event] = (),
    *,
    base_url: str,
    state: str = "active",
    now: datetime,
) -> bytes:
    """A notification. ``kind``: handshake, heartbeat, event-notification, query-status or query-event."""
    status = status_of(wanted, kind, total, told, state, base_url)
    entries: list[Any] = [
        {
            "fullUrl": f"urn:uuid:{uuid4()}",
            "resource": status,
            "request": {"method": "GET", "url": f"{base_url}/Subscription/{wanted.id}/$status"},
            "response": {"status": "200"},
        }
    ]
    if wanted.content != "empty":
        entries += [_entry(record, wanted, one, base_url) for one in told]
    return tree.dump(
        {
            "resourceType": "Bundle",
            "id": str(uuid4()),
            "meta": {"profile": [_NOTIFICATION]},
            "type": "history",
            "timestamp": instant(now),
            "entry": entries,
        }
    )


def status_of(
    wanted: Wanted,
    kind: str,
    total: int,
    told: Sequence[Event],
    state: str,
    base_url: str,
    *,
    error: str | None = None,
) -> dict[str, Any]:
    """The backport's subscription status, as Parameters."""
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{base_url}/Subscription/{wanted.id}"}},
        {"name": "status", "valueCode": state},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(total)},
    ]
    if wanted.topic is not None:
        parameters.insert(1, {"name": "topic", "valueCanonical": wanted.topic.url})
    for one in told:
        parts: list[dict[str, Any]] = [
            {"name": "event-number", "valueString": str(one.number)},
            {"name": "timestamp", "valueInstant": instant(one.at)},
        ]
        if wanted.content != "empty":
            parts.append(
                {"name": "focus", "valueReference": {"reference": f"{base_url}/{one.type}/{one.id}"}}
            )
        parameters.append({"name": "notification-event", "part": parts})
    if error is not None:
        parameters.append({"name": "error", "valueCodeableConcept": {"text": error}})
    return {
        "resourceType": "Parameters",
        "id": str(uuid4()),
        "meta": {"profile": [_STATUS]},
        "parameter": parameters,
    }


def _entry(record: Record, wanted: Wanted, event: Event, base_url: str) -> dict[str, Any]:
    url = f"{event.type}/{event.id}"
    method = {"POST": "POST", "DELETE": "DELETE"}.get(event.method, "PUT")
    entry: dict[str, Any] = {"fullUrl": f"{base_url}/{url}"}
    found = focus(record, event) if wanted.content == "full-resource" else None
    if found is not None and found.content is not None:
        entry["resource"] = tree.parse(found.content)
    entry["request"] = {"method": method, "url": event.type if method == "POST" else url}
    entry["response"] = {"status": {"POST": "201", "DELETE": "204"}.get(method, "200")}
    return entry
