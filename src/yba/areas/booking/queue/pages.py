"""The page objects of reception and wall: built from queries, said in words, frozen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from yba.areas.booking.queue import publishing, queries, rules
from yba.areas.booking.queue.forms import CheckInForm
from yba.care.line import queries as line
from yba.care.line.models import Priority, Status, Ticket
from yba.care.money.models import Receipt
from yba.care.people import Person
from yba.fhir.record import Record
from yba.ui import parts, spoken, words
from yba.ui.words import local_day

ROOMS_ON_WALL: Final = 9
#: Of a line longer than this reception is shown the beginning, with the way to all of it.
ROWS: Final = 30


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the queue's table."""

    ticket: Ticket
    url: str
    facts: str
    room: str
    source: str
    waited: str
    kind: str
    status: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class CheckInPanel:
    """Somebody at the desk: who, what is booked, the form."""

    form: CheckInForm
    action: str
    name: str = ""
    person: Person | None = None
    booking: queries.Booking | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    good_card: str = ""
    doubt_card: str = ""
    fee: str = ""
    next_code: str = ""
    wait: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Reception:
    """The reception page; exactly one of ``panel``, ``found``, ``expected`` is shown at the left."""

    title: str
    facility: str
    place: str
    rooms: list[parts.Room]
    tabs: list[parts.Tab]
    rows: list[Row]
    view: str
    part: str
    left: int = 0
    more: str = ""
    text: str = ""
    panel: CheckInPanel | None = None
    found: queries.Found | None = None
    expected: list[queries.Booking] = field(default_factory=list)
    #: How many of them were taken beyond the seats.
    beyond: int = 0
    refusal: str = ""
    refused_person: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A number that was given: what to say and print now."""

    title: str
    ticket: Ticket
    facts: str
    room: str
    specialty: str
    doctor: str
    wait: str
    ahead: int
    status: str
    kind: str
    link: str
    invoice: str = ""
    due: str = ""
    receipt: Receipt | None = None
    acts: tuple[tuple[str, str], ...] = ()


VIEWS: Final = ("wait", "now", "missed", "done")
_OF_VIEW: Final = {
    "wait": (Status.WAITING, Status.CALLED), "now": (Status.IN_ROOM,), "missed": (Status.MISSED, Status.PARKED),
    "done": (Status.DONE, Status.CANCELLED),
}  # fmt: skip


def reception(
    record: Record,
    *,
    rooms: list[queries.RoomState],
    view: str,
    text: str = "",
    panel: CheckInPanel | None = None,
    found: queries.Found | None = None,
    refusal: str = "",
    refused_person: str = "",
    everybody: bool = False,
    part: str = "",
) -> Reception:
    """The whole page, with what the left side shows; or what one ``part`` of it, "rooms" or "line", wants.

    Of a long line the first ``ROWS`` are shown, unless ``everybody`` is asked for.
    """
    facility = record.actor.facility or ""
    view = view if view in VIEWS else "wait"
    today = local_day(record.clock())
    beside = panel or found or refusal or part
    expected = [] if beside else queries.bookings_of_day(record, facility=facility, day=today)
    here = reverse("booking:reception")
    rows, left = ([], 0) if part == "rooms" else _rows(record, rooms, view, most=None if everybody else ROWS)
    return Reception(
        title=_("Tiếp nhận"),
        facility=facility,
        place=queries.facility_name(record, facility),
        rooms=[] if part == "line" else [room_part(record, one) for one in rooms],
        tabs=_tabs(rooms, view, here),
        rows=rows,
        left=left,
        view=view,
        part=f"{here}?view={view}{'&hien=het' if everybody else ''}",
        more=f"{here}?view={view}&hien=het",
        text=text,
        panel=panel,
        found=found,
        expected=expected,
        beyond=sum(bool(one.beyond) for one in expected),
        refusal=refusal,
        refused_person=refused_person,
    )


def _tabs(rooms: list[queries.RoomState], view: str, here: str) -> list[parts.Tab]:
    everybody = Counter({ticket.pk: ticket.status for one in rooms for ticket in one.line.all}.values())
    counts = {view: sum(everybody[one] for one in _OF_VIEW[view]) for view in VIEWS}
    labels = {"wait": _("Chờ"), "now": _("Đang khám"), "missed": _("Lỡ, tạm rời"), "done": _("Xong")}
    return [parts.Tab(labels[one], f"{here}?view={one}", one == view, counts[one]) for one in VIEWS]


def _rows(
    record: Record, rooms: list[queries.RoomState], view: str, *, most: int | None
) -> tuple[list[Row], int]:
    """The rows of a view, and how many more there are."""
    found = {
        ticket.pk: (ticket, "" if not ticket.room else state.room)
        for state in rooms
        for ticket in state.line.all
        if ticket.status in _OF_VIEW[view]
    }
    chosen = list(found.values())
    if view == "wait":
        chosen.sort(key=lambda one: one[0].priority != Priority.URGENT)
    shown, now = chosen[:most], record.clock()
    where = reverse("booking:issued", args=[0]).removesuffix(
        "0"
    )  # an address worked out once, not thirty times
    return [_row(ticket, room, where, now) for ticket, room in shown], len(chosen) - len(shown)


def _row(ticket: Ticket, room: str, where: str, now: datetime) -> Row:
    kind, status = status_of(ticket)
    return Row(
        ticket=ticket,
        url=f"{where}{ticket.pk}",
        facts=facts_of(ticket, local_day(now)),
        room=room,
        source=source_of(ticket),
        waited=waited(ticket, now),
        kind=kind,
        status=status,
        state="urgent"
        if ticket.priority == Priority.URGENT
        else "now"
        if ticket.status == Status.IN_ROOM
        else "",
    )


def waited(ticket: Ticket, now: datetime) -> str:
    """How long somebody has waited here."""
    minutes = int((now - ticket.joined_at).total_seconds() // 60)
    return spoken.minutes(max(minutes, 0)) if ticket.status == Status.WAITING else "–"


def facts_of(ticket: Ticket, today: date) -> str:
    """Age and sex, of the year alone."""
    return _facts(ticket.birth_year, ticket.gender, today, get_language())


@lru_cache(maxsize=1024)
def _facts(birth_year: int | None, gender: str, today: date, _language: str | None) -> str:
    """The same words for all of a year and sex: thirty rows of a page need a few of them."""
    age = spoken.age(str(birth_year), today) if birth_year else ""
    return ", ".join(filter(None, [age, spoken.gender(gender)]))


def source_of(ticket: Ticket) -> str:
    """How they came: by booking with its time, at the desk, by phone."""
    if ticket.due_at:
        return _("Hẹn %(time)s") % {"time": words.gio(ticket.due_at)}
    sources = {"app": _("Ứng dụng"), "phone": _("Tổng đài"), "his": _("Bệnh viện khác")}
    return sources.get(ticket.source, _("Tại quầy"))


def status_of(ticket: Ticket) -> tuple[str, str]:
    """Kind and words of a ticket's state, the same on all pages."""
    return _status(str(ticket.status), str(ticket.priority), ticket.call_count, get_language())


@lru_cache(maxsize=1024)
def _status(status: str, priority: str, calls: int, _language: str | None) -> tuple[str, str]:
    if status == Status.WAITING:
        if priority == Priority.URGENT:
            return "urgent", str(Priority.URGENT.label)
        if priority not in (Priority.NONE, Priority.BOOKED):
            return "first", str(Priority(priority).label)
        return "wait", str(Status.WAITING.label)
    if status == Status.CALLED:
        return "call", _("Mời lần %(count)s") % {"count": calls}
    kinds = {
        Status.IN_ROOM: "now", Status.DONE: "done", Status.MISSED: "missed", Status.PARKED: "wait",
        Status.CANCELLED: "off",
    }  # fmt: skip
    return kinds[Status(status)], str(Status(status).label)


def room_part(record: Record, state: queries.RoomState) -> parts.Room:
    """A room for the strip: who is in, how many wait, how long."""
    waiting = len(state.line.waiting)
    wait = line.wait_of_next(record, place=state.line.place, known=state.known) if waiting else None
    now = state.line.now
    return parts.Room(
        name=state.room,
        specialty=state.specialty,
        number=now.code if now else "",
        doctor=short_doctor(now.doctor if now and now.doctor else state.doctor),
        waiting=waiting,
        minutes=spoken.minutes(wait.low, wait.high) if wait else "",
        crowded=waiting >= rules.CROWDED,
    )


def short_doctor(name: str) -> str:
    """Degrees and the last two words: "BS. CKII Minh Khôi"."""
    bare = words.bare_name(name)
    degrees = name[: len(name) - len(bare)].strip()
    return " ".join([degrees, *bare.split()[-2:]]).strip()


# -- wall -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WallRow:
    """A room on the wall."""

    room: str
    specialty: str
    now: str
    state: str
    next: str
    is_called: bool


@dataclass(frozen=True, slots=True)
class Call:
    """The call everybody should see and hear."""

    code: str
    who: str
    room: str
    specialty: str
    said: str
    said_id: str


@dataclass(frozen=True, slots=True)
class Wall:
    """What hangs over the waiting room; no health words, no full names."""

    title: str
    topic: str
    part: str
    call: Call | None
    before: list[tuple[str, str]]
    rows: list[WallRow]
    quiet: int
    missed: str
    rule: tuple[str, ...]


def wall(record: Record, *, facility: str, room: str = "", part: str) -> Wall:
    """The wall of a facility, or of one room of it."""
    posts = queries.posts_of(record, facility=facility)
    rooms = queries.rooms_of(record, facility=facility, posts=posts)
    shown = [one for one in rooms if one.room_id == room] if room else rooms
    names = {one.room_id: one for one in rooms}
    recent = sorted(
        (t for one in shown for t in (*one.line.called, *one.line.in_room) if t.called_at),
        key=lambda t: t.called_at or record.clock(),
        reverse=True,
    )
    calling = next((one for one in recent if one.status == Status.CALLED), None)
    busy = [one for one in shown if one.line.now or one.line.waiting]
    listed = shown if len(shown) <= ROOMS_ON_WALL else busy
    missed = {one.pk: (one.code, state.room) for state in shown for one in state.line.missed}
    title = queries.facility_name(record, facility)
    return Wall(
        title=title
        if room not in names
        else _("Phòng %(room)s · %(name)s") % {"room": names[room].room, "name": title},
        topic=f"line:{facility}",
        part=part,
        call=_call(record, calling, names) if calling else None,
        before=[(one.code, names[one.room].room) for one in recent if one is not calling][:3],
        rows=[_wall_row(one, calling) for one in listed],
        quiet=len(shown) - len(listed),
        missed=", ".join(f"{words.ticket(code)} ({name})" for code, name in missed.values()),
        rule=publishing.class_names(),
    )


def _call(record: Record, ticket: Ticket, rooms: dict[str, queries.RoomState]) -> Call:
    state = rooms[ticket.room]
    adult = not ticket.birth_year or local_day(record.clock()).year - ticket.birth_year >= 16
    return Call(
        code=ticket.code,
        who=words.short_name(ticket.patient_name, ticket.gender, adult=adult),
        room=state.room,
        specialty=ticket.specialty or state.specialty,
        said=rules.spoken_call(letter=ticket.letter, number=ticket.number, room=state.room),
        said_id=f"{ticket.pk}-{ticket.call_count}",
    )


def _wall_row(state: queries.RoomState, calling: Ticket | None) -> WallRow:
    now = state.line.now
    return WallRow(
        room=state.room,
        specialty=state.specialty,
        now=now.code if now else "–",
        state=status_of(now)[1] if now else "",
        next=" · ".join(words.ticket(one.code) for one in state.line.waiting[:2]),
        is_called=calling is not None and calling.room == state.room_id,
    )
