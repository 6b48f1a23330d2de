"""Changing a ticket: the new values, the wait it stands in, an event with what was before; and taking that back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils.dateparse import parse_datetime

from yba import fhir
from yba.care.line import order, rules, telling
from yba.care.line.models import Event, Stop, Ticket
from yba.care.refusal import Refusal, refuse

_TIMES = frozenset({"called_at", "started_at", "done_at", "ended_at", "parked_at", "queued_at", "joined_at"})


def change(
    record: fhir.Record,
    ticket: Ticket,
    act: str,
    *,
    stop: Mapping[str, Any],
    went_by: Sequence[int] = (),
    before: Mapping[str, Any] | None = None,
    **values: Any,
) -> Ticket:
    """Write the new values of a ticket and its wait, and an event; tell the open pages after commit.

    ``went_by``: tickets that were passed. ``before``: values that were, when the ticket has the new ones already.
    """
    was = dict(before) if before is not None else {name: getattr(ticket, name) for name in values}
    old: int = was.get("stop", ticket.stop) or 0
    stop_was = Stop.objects.filter(pk=old).values(*stop).first() if old and stop else None
    if stop_was is not None:
        Stop.objects.filter(pk=old).update(**stop)
    for name, value in values.items():
        setattr(ticket, name, value)
    ticket.save(update_fields=list(values))
    kept = {"ticket": _plain(was), "stop": _plain(stop_was or {}), "of": old, "passed": list(went_by)}
    Event.objects.create(ticket=ticket, at=record.clock(), act=act, by=record.actor.user, before=kept)
    telling.changed_line(ticket)
    telling.look_ahead(ticket)
    return ticket


def note(ticket: Ticket, *, made: int) -> None:
    """The last act began a new wait: taking the act back takes it away."""
    event = Event.objects.filter(ticket=ticket).order_by("-id").first()
    if event is not None:
        event.before = {**event.before, "made": made}
        event.save(update_fields=["before"])


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: parse_datetime(value) if name in _TIMES and value else value for name, value in values.items()
    }


def undoable(ticket: Ticket, *, now: datetime) -> Event | None:
    """The last act on a ticket, when it may still be taken back."""
    event = Event.objects.filter(ticket=ticket, undone=False).exclude(act="undo").order_by("-id").first()
    if event is None or event.act not in rules.UNDOABLE or now - event.at > order.rule().undo_within:
        return None
    return None if in_the_record(event) else event


def in_the_record(event: Event) -> bool:
    """Whether the act was done at a doctor, where the visit itself has begun or ended with it."""
    stage = Stop.objects.filter(pk=event.before.get("of")).values_list("stage", flat=True).first() or "doctor"
    return event.act in rules.IN_THE_RECORD and stage == "doctor" and bool(event.ticket.encounter_id)


def taken_back(record: fhir.Record, ticket: Ticket) -> Ticket | Refusal:
    """Everything as before the last act: the ticket (locked by the caller), its wait, those who were passed."""
    event = undoable(ticket, now=record.clock())
    if event is None:
        last = Event.objects.filter(ticket=ticket, undone=False).exclude(act="undo").order_by("-id").first()
        held = last is not None and in_the_record(last)
        why = rules.NOT_UNDONE if held else rules.NOTHING_TO_UNDO
        return refuse("line.undo", why, code=ticket.code)
    left = telling.topics_of(ticket)
    told = event.before
    Stop.objects.filter(pk__in=[one for one in [told.get("made")] if one]).delete()
    if told["stop"]:
        Stop.objects.filter(pk=told["of"]).update(**_typed(told["stop"]))
    Ticket.objects.filter(pk__in=told["passed"], passed__gt=0).update(passed=F("passed") - 1)
    values = _typed(told["ticket"])
    for name, value in values.items():
        setattr(ticket, name, value)
    ticket.save(update_fields=list(values))
    event.undone = True
    event.save(update_fields=["undone"])
    Event.objects.create(ticket=ticket, at=record.clock(), act="undo", by=record.actor.user, before={})
    telling.changed_line(ticket)
    telling.tell(left)
    return ticket
