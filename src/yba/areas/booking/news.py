"""Telling people what came of their visit when it was changed by FHIR itself: a bare update, a patch, a bundle.

Pages, jobs and operations work on Django's connection and tell by themselves, in their transaction. A bare write comes
on a connection of the FHIR server; it notes here, in its own transaction, that there is something to tell, and a job
tells what is true then, in the words and with the de-duplication key of all the others.
"""

from __future__ import annotations

from typing import Final, Literal

from django.db import connection

from yba.areas.booking import actions, rules
from yba.areas.booking.models import News
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import Record
from yba.fhir.store.rows import execute

Kind = Literal["cancelled", "moved", "request-moved", "confirmed"]
_NOTE: Final = """
insert into booking_news (appointment_id, kind, at) values (%s, %s, %s)
on conflict (appointment_id, kind) do nothing returning id"""
#: In which state of the visit each is still true.
_HOLDS: Final[dict[str, frozenset[str]]] = {
    "cancelled": frozenset({"cancelled"}),
    "confirmed": frozenset({"booked"}),
    "moved": frozenset({"booked"}),
    "request-moved": rules.WAITING,
}


def note_news(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Note what a bare write has to tell a person; the guard of every Appointment.

    History that is loaded by the system is no news.
    """
    if record.connection is connection.connection or record.actor.role == "system":
        return
    old = before if isinstance(before, Appointment) else None
    new = after if isinstance(after, Appointment) else None
    kind = kind_of(old, new) if old is not None and new is not None else None
    if kind is not None and new is not None and new.id is not None:
        execute(record.connection, _NOTE, (new.id, kind, record.clock())).fetchone()


def kind_of(old: Appointment, new: Appointment) -> Kind | None:
    """What a change means to the person; None: nothing. Only what is still to come is told."""
    if old.status not in rules.OPEN:
        return None
    if new.status == "cancelled":
        return "cancelled"
    if old.status in rules.WAITING and new.status == "booked":
        return "confirmed"
    same = (_moment(old), rules.location_id_of(old)) == (_moment(new), rules.location_id_of(new))
    if same or old.status != new.status:
        return None
    return "moved" if new.status == "booked" else "request-moved"


def _moment(one: Appointment) -> object:
    return rules.moment(one.start) if one.start else None


def tell_due(record: Record) -> int:
    """Tell what was noted, as it is now: how many. What is not so any more, or is past, is told to nobody."""
    told = 0
    for key in list(News.objects.order_by("pk").values_list("pk", flat=True)[:500]):
        with record.atomic():
            row = News.objects.select_for_update(skip_locked=True).filter(pk=key).first()
            if row is None:
                continue
            told += _told(record, row)
            row.delete()
    return told


def _told(record: Record, row: News) -> bool:
    try:
        found = record.read(Appointment, row.appointment_id)
    except (NotFound, Gone):
        return False
    if found.status not in _HOLDS[row.kind] or not found.start or rules.moment(found.start) <= record.clock():
        return False
    actions.tell_person(record, found, kind=row.kind)
    return True
