"""The page objects of the book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.citizen import queries, rules
from yba.care import coverages
from yba.care.sharing.family import Grown
from yba.fhir.r4.coverage import Coverage
from yba.ui import parts, spoken, words

if TYPE_CHECKING:
    from yba.areas.citizen.forms import CardForm, ProfileForm, QrForm


@dataclass(frozen=True, slots=True)
class Cover:
    """Whose book it is, and the tabs to the others."""

    name: str
    facts: str
    tabs: list[parts.Tab]
    patient_id: str


def cover(own: Sequence[rules.Own], one: rules.Own, *, today: date, card: Coverage | None = None) -> Cover:
    """The label and the index tabs."""
    facts = [spoken.age(one.person.birth_date, today), insurance_words(card, today=today) if card else ""]
    tabs = [
        parts.Tab(
            _(rules.tab_words(it, today=today)), reverse("citizen:person", args=[it.person.id]), it is one
        )
        for it in own
    ]
    return Cover(one.person.name, " · ".join(filter(None, facts)), tabs, one.person.id)


def insurance_words(card: Coverage, *, today: date) -> str:
    """ "BHYT đến 31/12/2026", or that it has run out."""
    end = coverages.card_period(card)[1]
    if coverages.coverage_refusal(card, on=today) is not None:
        return _("BHYT hết hạn %(day)s") % {"day": words.ngay(end)} if end else _("BHYT chưa dùng được")
    return _("BHYT đến %(day)s") % {"day": words.ngay(end)} if end else "BHYT"


@dataclass(frozen=True, slots=True)
class ComingLine:
    """A booking ahead, in words."""

    url: str
    when: str
    note: str
    kind: str
    state: str


def coming_line(one: queries.Coming) -> ComingLine:
    """A booking ahead."""
    booked = one.status == "booked"
    room = _("phòng %(room)s") % {"room": one.room} if one.room else ""
    return ComingLine(
        url=reverse("booking:slip", args=[one.id]),
        when=spoken.when(one.start),
        note=" · ".join(
            filter(None, [one.doctor, room, _("mã %(code)s") % {"code": one.code} if one.code else ""])
        ),
        kind="done" if booked else "wait",
        state=_("Đã xác nhận") if booked else _("Chờ bệnh viện gọi"),
    )


@dataclass(frozen=True, slots=True)
class TicketPart:
    """Today's number, who is before, how long."""

    number: str
    room: str
    house: str
    now: str
    ahead: int
    waiting: bool
    called: bool
    inside: bool
    missed: bool
    done: bool
    wait: str
    topic: str
    at: str


def ticket_part(place: queries.Place, *, at: str) -> TicketPart:
    """A ticket in words."""
    status = place.ticket.status
    return TicketPart(
        number=place.ticket.code,
        room=place.room,
        house=place.house,
        now=place.now,
        ahead=place.ahead,
        waiting=status == "waiting",
        called=status == "called",
        inside=status == "in_room",
        missed=status == "missed",
        done=status == "done",
        wait=place.wait,
        topic=place.topic,
        at=at,
    )


@dataclass(frozen=True, slots=True)
class HomePage:
    """The answer to "what today?"."""

    title: str
    cover: Cover
    ticket: TicketPart | None
    coming: list[ComingLine]
    follow_ups: list[rules.Entry]
    day_parts: list[rules.DayPart]
    entries: list[rules.Entry]
    card_missing: bool
    topic: str


@dataclass(frozen=True, slots=True)
class BookPage:
    """The book by years."""

    title: str
    cover: Cover
    years: list[rules.Year]
    more_url: str
    first: bool


@dataclass(frozen=True, slots=True)
class VisitPage:
    """One visit."""

    id: str
    title: str
    when: str
    visit: queries.Visit
    results: list[ResultLine]
    #: Where the visit is rated; empty where it is not.
    rate_url: str = ""


@dataclass(frozen=True, slots=True)
class ResultLine:
    """A measure of a visit."""

    name: str
    value: str
    usual: str
    direction: str
    twice: bool


def result_lines(visit: queries.Visit) -> list[ResultLine]:
    """The measures of a visit, each with its usual range."""
    lines = []
    for one in visit.results:
        last = one.last
        value = spoken.quantity(last.value, one.unit) if last.value is not None else last.text
        usual = ""
        if one.low is not None and one.high is not None:
            usual = _("bình thường %(low)s–%(high)s") % {
                "low": spoken.decimal(one.low),
                "high": spoken.decimal(one.high),
            }
        lines.append(ResultLine(one.name, value, usual, last.direction, last.grave))
    return lines


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """One's own record, or a child's."""

    title: str
    cover: Cover | None
    qr: QrForm
    form: ProfileForm
    problem: str = ""
    doubts: list[str] = field(default_factory=list)
    next: str = ""
    commune: str = ""
    commune_text: str = ""
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class CardPage:
    """The insurance card of a person."""

    title: str
    cover: Cover
    number: str
    state: str
    good: bool
    qr: QrForm
    form: CardForm


@dataclass(frozen=True, slots=True)
class FamilyLine:
    """A person this account acts for."""

    name: str
    note: str
    url: str
    card_url: str
    #: Where a child's own account is opened or closed; empty for anybody but a ward of that age.
    account_url: str = ""


@dataclass(frozen=True, slots=True)
class FamilyPage:
    """The people of this account."""

    title: str
    cover: Cover
    lines: list[FamilyLine]
    grown: Sequence[Grown] = ()
