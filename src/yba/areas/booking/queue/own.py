"""One's own number, for whoever holds its link: state, room, people before, how long. Nothing medical, no full name.

The same link follows the number through the house; after its day it says only that the day is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from yba.areas.booking.queue import fees, pages, publishing, queries
from yba.areas.booking.queue.fees import Fee
from yba.care.line import order
from yba.care.line import queries as line
from yba.care.line.models import Queue, Status, Ticket
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.location import Location
from yba.fhir.record import Record
from yba.ui import parts, spoken, words
from yba.ui.words import local_day

#: A page without scripts asks again after so many seconds.
REFRESH = 20


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """One's own number: how many are before, why, how long."""

    title: str
    facility: str
    day: str
    code: str
    who: str
    room: str
    ahead: int
    first: str
    wait: str
    kind: str
    status: str
    answer: str
    topic: str
    line_topic: str
    part: str
    refresh: int
    others: list[parts.Tab]
    why: tuple[publishing.Before, ...] = ()
    passed: str = ""
    next: tuple[str, ...] = field(default=())
    fee: Fee | None = None


def own_number(
    record: Record, ticket: Ticket, *, part: str, others: list[parts.Tab] | None = None
) -> OwnNumber:
    """The page of a ticket for whoever holds its link; ``record`` has the system's eyes."""
    place = line.place_of(record, facility=ticket.facility, key=ticket.line, day=ticket.day)
    today = ticket.day == local_day(record.clock())
    before = line.ahead_of(ticket, place) if today else []
    kind, status = pages.status_of(ticket)
    waits = today and ticket.status == Status.WAITING
    wait = line.wait_range(record, ticket=ticket, place=place) if waits else None
    room = where(record, ticket, place)
    return OwnNumber(
        title=_("Số của tôi"),
        facility=queries.facility_name(record, ticket.facility),
        day=spoken.day_words(ticket.arrived_at),
        code=ticket.code,
        who=words.short_name(ticket.patient_name, ticket.gender) if ticket.patient_name else "",
        room=room,
        ahead=len(before),
        first=before[0].code if before else ticket.code,
        wait=spoken.minutes(wait.low, wait.high) if wait else "",
        kind=kind if today or ticket.is_over else "off",
        status=status if today or ticket.is_over else _("Hết ngày"),
        answer=_answer(ticket, room) if today else _("Số này của ngày đã qua."),
        topic=f"ticket:{ticket.pk}",
        line_topic=f"queue:{ticket.facility}:{ticket.line}",
        part=part,
        refresh=REFRESH if today and not ticket.is_over else 0,
        others=others or [],
        why=publishing.why(before, now=record.clock()),
        passed=_passed(ticket) if waits else "",
        next=_next(record, ticket) if today else (),
        fee=fees.fee_of(record, ticket) if today and ticket.status != Status.CANCELLED else None,
    )


def _passed(ticket: Ticket) -> str:
    if not ticket.passed:
        return ""
    return _("Đã nhường %(times)s trong %(most)s lần.") % {
        "times": ticket.passed,
        "most": order.rule().most_passed,
    }


def where(record: Record, ticket: Ticket, place: line.Place) -> str:
    """The room that calls, else the rooms of the queue: names of places, never of a specialty."""
    ids = [ticket.room] if ticket.room else place.rooms
    return ", ".join(filter(None, (room_name(record, one) for one in ids)))


def room_name(record: Record, room: str) -> str:
    """What stands on the door."""
    try:
        return record.read(Location, room).name or ""
    except (NotFound, Gone):
        return ""


def _next(record: Record, ticket: Ticket) -> tuple[str, ...]:
    """Where to after this, as far as it is known: rooms."""
    found = []
    for leg in ticket.route:
        ids = [leg["room"]] if leg["room"] else _rooms(ticket.facility, leg["queue"])
        found.append(", ".join(filter(None, (room_name(record, one) for one in ids))))
    return tuple(filter(None, found))


def _rooms(facility: str, code: str) -> list[str]:
    queue = Queue.objects.filter(facility=facility, code=code).first()
    return list(queue.rooms) if queue else []


def _answer(ticket: Ticket, room: str) -> str:
    answers = {
        Status.WAITING: _("Chờ gọi số ngoài phòng %(room)s. Trang này tự cập nhật."),
        Status.CALLED: _("Mời vào phòng %(room)s ngay."),
        Status.IN_ROOM: _("Đang ở phòng %(room)s."),
        Status.DONE: _("Đã xong."),
        Status.MISSED: _("Số này đã được mời mà chưa vào. Tới quầy tiếp đón, không phải lấy số lại."),
        Status.PARKED: _("Đang tạm rời hàng, chỗ được giữ. Khi trở lại, báo nhân viên ở phòng %(room)s."),
        Status.CANCELLED: _("Số này đã hủy. Muốn khám thì lấy số mới ở quầy tiếp đón."),
    }
    text = answers[Status(ticket.status)]
    return text % {"room": room} if "%(room)s" in text else text
