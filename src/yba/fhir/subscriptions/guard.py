"""A Subscription is taken up in the very transaction that writes it: for whom, and from when on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from yba.fhir.addresses import allowed
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.subscription import Subscription
from yba.fhir.store.rows import execute
from yba.fhir.subscriptions.definition import Filter, Wanted, read

if TYPE_CHECKING:
    from yba.fhir.record import Record

DELIVERY = "subscriptions"
"""The user of the actor that notes on a Subscription how its telling goes; what it writes changes no terms."""
_TAKEN_UP = """
insert into record.subscription (id, actor, state, since, retry_at, told_at)
values (%(id)s, %(actor)s::jsonb, 'requested', %(now)s, %(now)s, %(now)s)
on conflict (id) do update
   set actor = excluded.actor, state = 'requested', failures = 0, retry_at = excluded.retry_at, error = null
"""


def take_up(record: Record, resource: Resource | None, identifier: str, endpoints: Sequence[str]) -> None:
    """Hold the terms of a Subscription that is written; None: it was deleted. Raises Invalid, Unsupported."""
    if record.actor.user == DELIVERY:
        return
    # "error" is what delivery has noted: who sends it back with another change has not switched anything off.
    if not isinstance(resource, Subscription) or resource.status == "off":
        execute(record.connection, "delete from record.subscription where id = %s", (identifier,))
        return
    wanted = read(resource, lambda address: allowed(address, endpoints))
    check_searches(record, wanted)
    execute(
        record.connection,
        _TAKEN_UP,
        {"id": identifier, "actor": msgspec.json.encode(record.actor).decode(), "now": record.clock()},
    )


def check_searches(record: Record, wanted: Wanted) -> None:
    """Refuse criteria that are no search, now and not when the first change comes."""
    filters: list[Filter] = list(wanted.filters)
    if wanted.criteria is not None:
        filters.append(wanted.criteria)
    for one in filters:
        record.search_stored(one.type, [*one.params, ("_count", "0"), ("_total", "none")], strict=True)


def guard(endpoints: Sequence[str]) -> Callable[[Record, Resource | None, Resource | None], None]:
    """The guard of the type Subscription, for a record whose notifications may go to these endpoints."""

    def follow(record: Record, before: Resource | None, after: Resource | None) -> None:
        one = after or before
        assert one is not None
        assert one.id is not None
        take_up(record, after, one.id, endpoints)

    return follow
