"""The kiosk's page objects. Nothing of a person but a shortened name, a time and a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.booking.queue import kiosk_rules, own, queries
from yba.areas.booking.queue.fees import Fee
from yba.care.line import queries as lines
from yba.care.line.models import Status, Ticket
from yba.care.refusal import Refusal
from yba.fhir.record import Record
from yba.ui import spoken, words

#: Nobody touched it for so many seconds: the start again. A number stays for a shorter time.
IDLE: Final = 45
IDLE_NUMBER: Final = 20
#: A transfer takes its time: opening the bank's app, a code by text message. Without scripts it is asked each AGAIN.
IDLE_FEE: Final = 120
AGAIN: Final = 8


@dataclass(frozen=True, slots=True)
class Page:
    """What all of them have."""

    template: ClassVar[str] = ""
    title: str
    idle: int

    @property
    def idle_to(self) -> str:
        """Where the page goes when nobody touches it."""
        return reverse("booking:kiosk")


@dataclass(frozen=True, slots=True)
class Start(Page):
    """Scan or type; by phone; without a booking; for the desk."""

    template: ClassVar[str] = "start"
    facility: str
    reception: bool


@dataclass(frozen=True, slots=True)
class Phone(Page):
    """Number and year of birth."""

    template: ClassVar[str] = "phone"


@dataclass(frozen=True, slots=True)
class Confirm(Page):
    """Is it you? Shortened name, time, room."""

    template: ClassVar[str] = "confirm"
    who: str
    when: str
    room: str
    token: str


@dataclass(frozen=True, slots=True)
class Service:
    """A room one may choose, with the wait before joining."""

    post: str
    name: str
    room: str
    wait: str


@dataclass(frozen=True, slots=True)
class Choose(Page):
    """Where to, without a booking."""

    template: ClassVar[str] = "choose"
    token: str
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class Stopped(Page):
    """Why not, and where to instead."""

    template: ClassVar[str] = "stopped"
    why: str
    reception: bool


@dataclass(frozen=True, slots=True)
class Number(Page):
    """The number."""

    template: ClassVar[str] = "number"
    facility: str
    day: str
    code: str
    who: str
    room: str
    ahead: int
    wait: str
    link: str
    waits: bool
    fee: Fee | None = None


@dataclass(frozen=True, slots=True)
class Pay(Page):
    """The fee by transfer. ``on``: the number, also where this page goes when nobody touches it."""

    template: ClassVar[str] = "fee"
    code: str
    who: str
    fee: Fee
    on: str
    again: str
    every: int = AGAIN

    @property
    def idle_to(self) -> str:
        """The number is printed before the screen is cleared."""
        return self.on


def start(record: Record) -> Start:
    """The first page."""
    facility = record.actor.facility or ""
    name = queries.facility_name(record, facility)
    return Start(_("Lấy số khám"), 0, name, kiosk_rules.reception_queue(facility) is not None)


def phone() -> Phone:
    """By phone."""
    return Phone(_("Số điện thoại"), IDLE)


def confirm(booking: queries.Booking, token: str) -> Confirm:
    """The booking found."""
    who = words.short_name(booking.person.name, booking.person.gender)
    return Confirm(_("Có phải lượt hẹn này?"), IDLE, who, spoken.when(booking.start), booking.room, token)


def choose(record: Record, token: str) -> Choose:
    """Every room that sees people, once; rooms of one queue are one choice."""
    facility = record.actor.facility or ""
    posts = queries.posts_of(record, facility=facility)
    queues = lines.queues_of(facility)
    states = lines.lines_of(record, facility=facility)
    known = lines.known_of(record, {one.place.key: one.place for one in states.values()}.values())
    chosen: dict[str, Service] = {}
    for post in posts:
        queue = next((one for one in queues if post.room_id in one.rooms), None)
        key = queue.code if queue else post.room_id
        if key in chosen:
            continue
        state = states.get(post.room_id)
        place = state.place if state else lines.Place(key, facility, queue)
        wait = lines.wait_of_next(record, place=place, known=known.get(key))
        chosen[key] = Service(
            post.role_id, queue.name if queue else post.specialty or post.doctor,
            ", ".join(own.room_name(record, one) for one in queue.rooms) if queue else post.room,
            spoken.minutes(wait.low, wait.high),
        )  # fmt: skip
    return Choose(_("Khám ở đâu"), IDLE, token, tuple(chosen.values()))


def stopped(record: Record, why: object) -> Stopped:
    """No further here."""
    queue = kiosk_rules.reception_queue(record.actor.facility or "")
    said = why.message if isinstance(why, Refusal) else str(why)
    return Stopped(_("Mời tới quầy tiếp đón"), IDLE_NUMBER, said, queue is not None)


def fee(ticket: Ticket, due: Fee, *, on: str, again: str) -> Pay:
    """What is to be paid for this number, by transfer."""
    who = words.short_name(ticket.patient_name, ticket.gender) if ticket.patient_name else ""
    return Pay(_("Trả phí khám"), IDLE_FEE, ticket.code, who, due, on, again)


def number(record: Record, ticket: Ticket, *, link: str, fee: Fee | None = None) -> Number:
    """The number with what is known of its wait. ``fee``: what is paid, or to be paid, for it."""
    place = lines.place_of(record, facility=ticket.facility, key=ticket.line, day=ticket.day)
    wait = lines.wait_range(record, ticket=ticket, place=place)
    waits = ticket.status == Status.WAITING
    return Number(
        _("Số thứ tự"), IDLE_NUMBER,
        queries.facility_name(record, ticket.facility), spoken.day_words(ticket.arrived_at), ticket.code,
        words.short_name(ticket.patient_name, ticket.gender) if ticket.patient_name else "",
        own.where(record, ticket, place), len(lines.ahead_of(ticket, place)),
        spoken.minutes(wait.low, wait.high) if waits else "", link, waits, fee,
    )  # fmt: skip
