"""Who is told that a line changed: the open pages at once, people with few before them by a message.

The message is derived from the line as it stands: an act that moves a line queues one look at it, in its transaction;
the look writes each message once (ticket, wait, kind), so a job that runs twice, or after a crash, tells nobody twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from yba import fhir
from yba.care import messages, people
from yba.care.line import order, queries
from yba.care.line.models import Queue, Status, Stop, Ticket
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.location import Location
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.ui.live import changed
from yba.ui.words import local_day

KIND: Final = "queue.three-ahead"


def topics_of(ticket: Ticket) -> set[str]:
    """What pages that show this ticket's line listen to."""
    topics = {f"line:{ticket.facility}", f"queue:{ticket.facility}:{ticket.line}", f"ticket:{ticket.pk}"}
    rooms = {ticket.room} - {""}
    if ticket.waits_in:
        for found in Queue.objects.filter(facility=ticket.facility, code=ticket.waits_in):
            rooms |= set(found.rooms)
    return topics | {f"room:{one}" for one in rooms}


def changed_line(ticket: Ticket) -> None:
    """Tell the pages that show the line of this ticket."""
    tell(topics_of(ticket))


def tell(topics: Iterable[str]) -> None:
    """Tell whoever listens to one of these."""
    changed(*sorted(topics))


def look_ahead(ticket: Ticket) -> None:
    """Queue a look at the line when somebody in it is still to be told that few are ahead."""
    from yba.care.line import tasks

    far = Stop.objects.filter(
        facility=ticket.facility, line=ticket.line, day=ticket.day, called_at__isnull=True, ended_at__isnull=True,
        noticed_at__isnull=True, ahead__gt=order.rule().tell_ahead,
    )  # fmt: skip
    if far.exists():
        tasks.later(ticket.facility, ticket.line)


def tell_who_is_near(record: fhir.Record, *, facility: str, line: str) -> int:
    """Write to everybody in a line who came when more were ahead and has so few now; how many are new."""
    most = order.rule().tell_ahead
    place = queries.place_of(record, facility=facility, key=line, day=local_day(record.clock()))
    near = place.waiting[: max(most + 1 - len(place.called), 0)]
    stops = Stop.objects.in_bulk([one.stop for one in near if one.stop])
    told = 0
    for at, ticket in enumerate(near):
        stop = stops.get(ticket.stop or 0)
        if stop is None or stop.noticed_at is not None or stop.ahead <= most:
            continue
        if Stop.objects.filter(pk=stop.pk, noticed_at__isnull=True).update(noticed_at=record.clock()):
            told += _write(record, ticket, stop, at + len(place.called))
    return told


def _write(record: fhir.Record, ticket: Ticket, stop: Stop, ahead: int) -> bool:
    try:
        phone = people.phone_of(record.read(Patient, ticket.patient_id)) if ticket.patient_id else ""
        facility = record.read(Organization, ticket.facility).name or ""
        room = (record.read(Location, ticket.room).name or "") if ticket.room else ""
    except (NotFound, Gone):
        return False
    if not phone or ticket.status != Status.WAITING:
        return False
    values = {"facility": facility, "code": ticket.code, "ahead": str(ahead), "room": room}
    key = f"ticket:{ticket.pk}:{stop.pk}:{KIND}"
    return messages.write(KIND, phone, values, dedupe_key=key, now=record.clock())
