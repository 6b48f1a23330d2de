"""Requests nobody has decided before their time went by: at the day's end each is ended, and the person is told.

Else it would leave the desk's list on the second day without a word, and the person would wait for a call that does not
come. The house apologises and says how to book again; the desk's history keeps that nobody had called.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from yba.areas.booking import actions, rules
from yba.areas.booking.desk.actions import REASON_CS, close_answers
from yba.areas.booking.desk.claims import live_claims
from yba.areas.booking.models import Contact
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding
from yba.fhir.record import Record

#: A house that was shut down catches up; what is older was loaded as history.
LOOK_BACK: Final = timedelta(days=30)
# What the person reads stays in Vietnamese, whatever language the house's own jobs speak.
_SAID: Final = "Bàn gọi chưa gọi kịp trước giờ khám, bệnh viện xin lỗi. Muốn khám thì đặt lại."


def close_unanswered(record: Record) -> int:
    """End the requests whose time is over and which no agent is at just now; how many. ``record``: the house's own."""
    now = record.clock()
    over = [
        one.id or ""
        for one in record.find(
            Appointment,
            ("status", "pending,proposed"),
            ("date", f"ge{rules.instant(now - LOOK_BACK)}"),
            ("date", f"lt{rules.instant(now)}"),
        )
        if one.end and rules.moment(one.end) < now
    ]
    held = live_claims(over, now=now)
    return sum(_closed(record, one) for one in over if one not in held)


def _closed(record: Record, appointment_id: str) -> bool:
    with record.atomic():
        found = record.lock(Appointment, appointment_id)
        if found.status not in rules.WAITING or not found.end or rules.moment(found.end) >= record.clock():
            return False
        close_answers(record, appointment_id)
        why = CodeableConcept(coding=[Coding(system=REASON_CS, code="prov")], text=_SAID)
        ended = actions.call_off(record, found, why, kind=Contact.Kind.ENDED, told="unanswered", note="0")
        return ended.result == "done"
