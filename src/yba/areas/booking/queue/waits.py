"""How long people waited, by hour, service and room; whole visits against the ministry's targets; and whether what
was told came true. From stops, the waits of the line; no names.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yba.areas.booking.queue import own
from yba.care.line.models import Queue, Status, Stop, Ticket
from yba.care.line.waiting import NOMINAL
from yba.fhir.record import Record
from yba.ui import parts, spoken, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import HANOI, local_day

#: Days one may look back over, at most: a year.
MOST_DAYS: Final = 366
DAYS: Final = (1, 7, 30, 90)


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of visit and how long it may take."""

    techniques: int
    minutes: int
    name: str


@dataclass(frozen=True, slots=True)
class Row:
    """Waits of one hour, service or room: minutes."""

    name: str
    people: int
    middle: float
    ninth: float
    longest: float


@dataclass(frozen=True, slots=True)
class Visits:
    """Whole visits of one kind against their target, in minutes."""

    name: str
    people: int
    average: float
    target: int
    within: int

    @property
    def is_met(self) -> bool:
        """Whether the average keeps the target."""
        return self.average <= self.target


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often the true wait lay in the range that was told."""

    name: str
    people: int
    inside: int
    sooner: int
    later: int

    @property
    def percent(self) -> int:
        """Of a hundred."""
        return round(100 * self.inside / self.people) if self.people else 0


@dataclass(frozen=True, slots=True)
class Waits:
    """The page of waits."""

    title: str
    tabs: list[parts.Tab]
    csv: str
    hours: list[Row]
    services: list[Row]
    rooms: list[Row]
    visits: list[Visits]
    coverage: list[Coverage]
    nominal: int
    source: str
    first: str
    last: str


@cache
def _told() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("targets.yaml").read_text("utf-8"))
    return found


def targets() -> list[Target]:
    """The ministry's targets, by the number of techniques."""
    return [Target(one["techniques"], one["minutes"], _said(one["name"])) for one in _told()["visits"]]


def _said(said: Mapping[str, str]) -> str:
    return said.get(spoken.language(), said["vi"])


# -- reckoning: pure --------------------------------------------------------------------------------------------


def waited(stop: Stop) -> float:
    """Minutes from joining to the first call."""
    assert stop.called_at is not None
    return (stop.called_at - stop.joined_at).total_seconds() / 60


def rows(stops: Iterable[Stop], name_of: Callable[[Stop], str]) -> list[Row]:
    """Waits by a name, in the order of the names."""
    groups: dict[str, list[float]] = defaultdict(list)
    for one in stops:
        groups[name_of(one)].append(waited(one))
    return [
        Row(name, len(found), median(found), _ninth(found), max(found))
        for name, found in sorted(groups.items())
    ]


def _ninth(found: Sequence[float]) -> float:
    """Nine of ten waited no longer."""
    ordered = sorted(found)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * 9 // 10) - 1)]


def coverage(stops: Iterable[Stop], name_of: Callable[[Stop], str]) -> list[Coverage]:
    """Of waits nothing but the line decided: how many ended inside what was told."""
    groups: dict[str, list[int]] = defaultdict(list)
    for one in stops:
        if one.whole and one.low is not None and one.high is not None:
            truth = waited(one)
            groups[name_of(one)].append(-1 if truth < one.low else int(truth > one.high))
    return [
        Coverage(name, len(found), found.count(0), found.count(-1), found.count(1))
        for name, found in sorted(groups.items())
    ]


def visits(tickets: Iterable[tuple[float, int]], known: Sequence[Target]) -> list[Visits]:
    """Minutes and techniques of each visit, against the targets; the last target is for so many and more."""
    groups: dict[int, list[float]] = defaultdict(list)
    for minutes, techniques in tickets:
        groups[min(techniques, known[-1].techniques)].append(minutes)
    return [
        Visits(
            one.name, len(found), mean(found), one.minutes, sum(minutes <= one.minutes for minutes in found)
        )
        for one in known
        if (found := groups.get(one.techniques))
    ]


# -- reading ----------------------------------------------------------------------------------------------------


def _stops(facility: str, first: date, last: date) -> list[Stop]:
    return list(
        Stop.objects.filter(facility=facility, day__range=(first, last), called_at__isnull=False).order_by(
            "id"
        )
    )


def _visits(facility: str, first: date, last: date) -> list[tuple[float, int]]:
    kinds = set(_told()["techniques"])
    done = Ticket.objects.filter(
        facility=facility, day__range=(first, last), status=Status.DONE, done_at__isnull=False
    ).prefetch_related("stops")
    found = []
    for ticket in done:
        assert ticket.done_at is not None
        minutes = (ticket.done_at - ticket.arrived_at).total_seconds() / 60
        found.append((minutes, sum(one.stage in kinds for one in ticket.stops.all())))
    return found


def page(record: Record, *, days: int, here: str) -> Waits:
    """Everything of the last so many days, today included."""
    facility, last = record.actor.facility or "", local_day(record.clock())
    first = last - timedelta(days=days - 1)
    stops = _stops(facility, first, last)
    queues = {one.code: one.name for one in Queue.objects.filter(facility=facility)}
    names = {room: own.room_name(record, room) or room for room in {one.room for one in stops} if room}

    def line_name(stop: Stop) -> str:
        return queues.get(stop.line) or names.get(stop.line) or stop.line

    return Waits(
        title=_("Thời gian chờ"),
        tabs=[parts.Tab(_days(one), f"{here}?days={one}", one == days) for one in DAYS],
        csv=f"{here}.csv?days={days}",
        hours=rows(stops, lambda one: f"{one.joined_at.astimezone(HANOI):%H}:00"),
        services=rows(stops, lambda one: one.specialty or line_name(one)),
        rooms=rows(stops, lambda one: names.get(one.room, "–")),
        visits=visits(_visits(facility, first, last), targets()),
        coverage=coverage(stops, line_name),
        nominal=round(NOMINAL * 100),
        source=_said(_told()["source"]),
        first=words.ngay(first),
        last=words.ngay(last),
    )


def _days(count: int) -> str:
    return _("Hôm nay") if count == 1 else _("%(count)s ngày") % {"count": count}


def _asked(request: HttpRequest) -> int:
    text = request.GET.get("days", "7")
    return min(max(int(text), 1), MOST_DAYS) if text.isascii() and text.isdecimal() and len(text) < 5 else 7


@role_required("facility_administrator")
@require_safe
def waits(request: HttpRequest) -> HttpResponse:
    """Waits of the facility, for those who run it."""
    found = page(record_of(request), days=_asked(request), here=request.path)
    return render(request, "queue/waits.html", {"page": found})


@role_required("facility_administrator")
@require_safe
def waits_csv(request: HttpRequest) -> HttpResponse:
    """The same as a table for a spreadsheet."""
    record = record_of(request)
    found = page(record, days=_asked(request), here=request.path.removesuffix(".csv"))
    out = io.StringIO()
    table = csv.writer(out)
    head = [
        _("Bảng"),
        _("Tên"),
        _("Số người"),
        _("Giữa"),
        _("9 trên 10"),
        _("Lâu nhất"),
        _("Mục tiêu"),
        _("Trong"),
    ]
    table.writerow(head)
    for kind, listed in ((_("Giờ"), found.hours), (_("Dịch vụ"), found.services), (_("Phòng"), found.rooms)):
        for row in listed:
            times = [f"{one:.0f}" for one in (row.middle, row.ninth, row.longest)]
            table.writerow([kind, _cell(row.name), row.people, *times, "", ""])
    for visit in found.visits:
        line = [
            _("Lượt khám"),
            visit.name,
            visit.people,
            f"{visit.average:.0f}",
            "",
            "",
            visit.target,
            visit.within,
        ]
        table.writerow(line)
    for one in found.coverage:
        line = [
            _("Đúng khoảng đã báo"),
            _cell(one.name),
            one.people,
            "",
            "",
            "",
            f"{found.nominal}%",
            one.inside,
        ]
        table.writerow(line)
    record.audit("export", type_name="Encounter", detail=f"waits {found.first}-{found.last}")
    answer = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="thoi-gian-cho.csv"'
    return answer


def _cell(text: str) -> str:
    """A name that begins like a formula is no formula to a spreadsheet."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
