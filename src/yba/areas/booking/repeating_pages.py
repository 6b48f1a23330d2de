"""The pages of series: what each shows, and each visit of a plan in words with the times to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from yba.areas.booking import pages
from yba.areas.booking.pages import BookingLine, Choice, PersonLine
from yba.areas.booking.planning import Planned
from yba.areas.booking.queries import FreeSlot
from yba.ui import spoken, words
from yba.ui.words import local_day

if TYPE_CHECKING:
    from yba.areas.booking.repeating_forms import RhythmForm, SeriesForm, ShiftForm


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One visit of a plan, with the times it can have or its being left out as ``choices``.

    ``kind`` and ``state`` are a status sign; none where all is well.
    """

    name: str
    day: str
    note: str
    kind: str
    state: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """A new series: the rhythm, and below it each visit."""

    title: str
    base: str
    staff: bool
    form: RhythmForm | None
    query: str
    lines: list[PlanLine] = field(default_factory=list)
    summary: str = ""
    booking: SeriesForm | None = None
    refused: str = ""
    q: str = ""
    searched: bool = False
    found: list[PersonLine] = field(default_factory=list)
    person: str = ""
    facts: str = ""
    back: str = ""
    #: What the address says besides the rhythm.
    hidden: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SeriesPage:
    """A series: its visits, and what may be done with those to come."""

    title: str
    base: str
    staff: bool
    series: str
    person: str
    facts: str
    lines: list[tuple[int, BookingLine]]
    coming: list[Choice]
    topic: str
    another: str = ""


@dataclass(frozen=True, slots=True)
class FollowingPage:
    """Calling off, or moving, a visit and those after it."""

    title: str
    base: str
    staff: bool
    series: str
    number: int
    alone: bool
    question: str
    days: list[str] = field(default_factory=list)
    #: Those that are with somebody else by now.
    besides: list[str] = field(default_factory=list)
    reasons: list[tuple[str, str]] = field(default_factory=list)
    form: ShiftForm | None = None
    query: str = ""
    lines: list[PlanLine] = field(default_factory=list)
    refused: str = ""


def plan_lines(
    found: Sequence[Planned],
    *,
    chosen: Mapping[int, str] | None = None,
    gone: Iterable[str] = (),
    known: Mapping[str, FreeSlot] | None = None,
    without: str = "",
    names: Sequence[str] = (),
) -> list[PlanLine]:
    """A plan in words. ``chosen``: what was chosen before, by place; ``gone``: what of it went meanwhile.

    ``names``: of the fields, where their place does not say which visit is meant.
    """
    lost, known = set(gone), known or {}
    kept = {at: value for at, value in (chosen or {}).items() if value not in lost}
    free = [one for one in found if one.time is not None]
    used = set(kept.values()) | {one.time.id for one in free if one.time is not None and chosen is None}
    lines = []
    for at, one in enumerate(found):
        was = (chosen or {}).get(at)
        told, best = was in lost, ""
        if chosen is None:
            best = one.time.id if one.time else ""
        elif told:
            best = next((each.id for each in _options(one) if each.id not in used), "")
            used.add(best)
        else:
            best = was or ""
        before = (was or "") if told else ""
        name = names[at] if names else f"luot-{at}"
        lines.append(_line(name, one, best, lost if told else set(), used, known, before, without))
    return lines


def _options(one: Planned) -> list[FreeSlot]:
    return [*([one.time] if one.time else []), *one.others]


def _line(
    name: str,
    one: Planned,
    best: str,
    lost: set[str],
    used: set[str],
    known: Mapping[str, FreeSlot],
    was: str,
    without: str,
) -> PlanLine:
    options = {each.id: each for each in _options(one) if each.id == best or each.id not in used | lost}
    if best and best not in options and best in known:
        options[best] = known[best]
    rows = sorted(options.values(), key=lambda each: each.start)
    choices = [Choice("", without or _("Bỏ lượt này"), chosen=not best)]
    choices += [Choice(each.id, _time_words(each.start, one.day), chosen=each.id == best) for each in rows]
    kind, state, note = _state(one, best=best, was=known.get(was) if was else None, known=known)
    return PlanLine(name, spoken.day_words(one.day), note, kind, state, choices)


def _time_words(start: datetime, day: date) -> str:
    """ "8:10", and on another day than the one wished for the day too."""
    return words.gio(start) if local_day(start) == day else spoken.when(start)


def _state(
    one: Planned, *, best: str, was: FreeSlot | None, known: Mapping[str, FreeSlot]
) -> tuple[str, str, str]:
    if was is not None:
        left = _("Đã chọn giờ gần nhất còn lại.") if best else _("Không còn giờ nào gần đó.")
        return "warn", _("Vừa có người đặt"), f"{pages.taken_short(was.start)} {left}"
    if one.why:
        return "missed", _why_words(one), _why_note(one)
    return "", "", ""


def _why_words(one: Planned) -> str:
    return {
        "holiday": _("Ngày lễ"), "leave": _("Nghỉ"), "closed": _("Không làm việc"), "full": _("Hết chỗ"),
        "late": _("Quá hạn đặt"), "far": _("Chưa nhận đặt"), "past": _("Đã qua"),
    }[one.why]  # fmt: skip


def _why_note(one: Planned) -> str:
    what = _("Bỏ lượt này hoặc chọn giờ ngày gần đó.") if one.others else ""
    return ". ".join(filter(None, [one.named, what]))


def summary_of(lines: Sequence[PlanLine]) -> str:
    """How many of them have a time."""
    have = sum(any(one.value and one.chosen for one in line.choices) for line in lines)
    said = ngettext("%(have)s lượt có giờ", "%(have)s lượt có giờ", have) % {"have": have}
    if have == len(lines):
        return said
    return _("%(said)s, %(none)s ngày chưa có giờ") % {"said": said, "none": len(lines) - have}
