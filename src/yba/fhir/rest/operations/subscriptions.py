"""``Subscription/$status`` and ``$events``: how the telling goes, and what was told. Backport 1.1, operations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

from yba.fhir.errors import Invalid, NotFound
from yba.fhir.model import tree
from yba.fhir.model.dates import instant
from yba.fhir.rest.operations.call import Call, Operation
from yba.fhir.rest.response import Response
from yba.fhir.store.rows import execute
from yba.fhir.subscriptions import stream
from yba.fhir.subscriptions.definition import CONTENTS
from yba.fhir.subscriptions.notification import bundle, events, shown, status_of

_TYPE = frozenset({"Subscription"})
MOST = 1_000


def status(call: Call) -> Response:
    """The state of one subscription, or of those named by ``id`` or in a ``status``; a searchset of Parameters."""
    wanted = set(call.texts("status"))
    entries: list[Any] = []
    for identifier in [call.id] if call.id is not None else _ids(call):
        try:
            found, standing = stream.listener(call.record.connection, call.record.actor, identifier)
        except NotFound:
            if call.id is not None:
                raise
            continue
        if not wanted or standing.state in wanted:
            told = status_of(
                found.wanted, "query-status", standing.number, (), standing.state, call.request.base_url,
                error=standing.error,
            )  # fmt: skip
            entries.append({"fullUrl": f"urn:uuid:{uuid4()}", "resource": told, "search": {"mode": "match"}})
    call.record.audit("read", type_name="Subscription", detail="$status")
    answer = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return Response(200, tree.dump({**answer, "entry": entries} if entries else answer))


def _ids(call: Call) -> list[str]:
    named = call.texts("id")
    if named:
        return named
    rows = execute(
        call.record.connection, "select id::varchar from record.subscription order by id"
    ).fetchall()
    return [row[0] for row in rows]


def past(call: Call) -> Response:
    """The events between ``eventsSinceNumber`` and ``eventsUntilNumber`` as one notification."""
    assert call.id is not None
    found, standing = stream.listener(call.record.connection, call.record.actor, call.id)
    since, until = call.number("eventsSinceNumber"), call.number("eventsUntilNumber")
    content = call.text("content") or found.wanted.content
    if content not in CONTENTS:
        raise Invalid("subscription.content", f"'content' is one of {', '.join(CONTENTS)}.")
    first = 0 if since is None else max(since - 1, 0)
    told = events(call.record.connection, call.id, after=first, until=until, most=MOST + 1)
    if len(told) > MOST:
        raise Invalid(
            "subscription.too-many", f"More than {MOST} events. Ask for fewer by 'eventsUntilNumber'."
        )
    now = call.record.clock()
    told = shown(call.record, told)
    body = bundle(
        call.record, replace(found.wanted, content=content), "query-event", standing.number, told,
        base_url=call.request.base_url, state=standing.state, now=now,
    )  # fmt: skip
    call.record.audit("read", type_name="Subscription", detail=f"$events {call.id} {instant(now)}")
    return Response(200, body)


OPERATIONS = (
    Operation("status", status, instance=True, type_level=True, types=_TYPE),
    Operation("events", past, instance=True, types=_TYPE),
)
