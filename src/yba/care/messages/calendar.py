"""A visit as a calendar file (RFC 5545): time, place and room; no doctor's specialty, no reason, no name of a person.

The same visit has the same UID and a growing SEQUENCE (3.8.7.4), so that a phone which took in the old file moves its
entry in place of keeping both.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event


def visit(
    *,
    uid: str,
    starts: datetime,
    ends: datetime,
    place: str,
    room: str = "",
    changes: int = 0,
    cancelled: bool = False,
    now: datetime,
    title: str = "Lượt hẹn",
    room_word: str = "Phòng",
) -> bytes:
    """The file. ``changes``: a number that grows with each change of the visit."""
    event = Event()
    event.add("uid", f"{uid}@yba.vn")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", starts.astimezone(UTC))
    event.add("dtend", ends.astimezone(UTC))
    event.add("sequence", changes)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("summary", title)
    event.add("location", ", ".join(filter(None, [f"{room_word} {room}" if room else "", place])))
    if not cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("trigger", timedelta(hours=-1))
        alarm.add("description", title)
        event.add_component(alarm)
    file = Calendar()
    file.add("version", "2.0")
    file.add("prodid", "-//Y Ba//VI")
    file.add("method", "PUBLISH")
    file.add_component(event)
    found: bytes = file.to_ical()
    return found
