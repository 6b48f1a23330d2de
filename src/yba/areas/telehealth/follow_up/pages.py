"""The page objects of follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.telehealth.chat.pages import age_words
from yba.areas.telehealth.follow_up import queries
from yba.areas.telehealth.follow_up.forms import EndForm, OutcomeForm, PlanForm, ReadingsForm
from yba.areas.telehealth.follow_up.measures import MEASURES, NAMES
from yba.areas.telehealth.follow_up.plans import QUESTIONS, TAKEN, Plan
from yba.areas.telehealth.follow_up.queries import Cell, Reading
from yba.areas.telehealth.follow_up.templates import templates
from yba.fhir.r4.communication_request import CommunicationRequest
from yba.fhir.r4.datatypes import Annotation
from yba.ui import spoken, words
from yba.ui.words import HANOI


def title_of(plan: Plan) -> str:
    """A plan's name in the reader's language."""
    known = templates().get(plan.template)
    return known.name.of(spoken.language()) if known is not None else plan.title


def item_words(item: str) -> str:
    return str(_("Câu hỏi")) if item == QUESTIONS else str(NAMES[item])


def reading_words(found: Reading) -> str:
    """``185/120 mmHg``; of answers how many were yes."""
    if found.answers is not None:
        yes = sum(found.answers.values())
        return _("%(yes)s trong %(all)s câu trả lời Có") % {"yes": yes, "all": len(found.answers)}
    measure = MEASURES[found.item]
    values = [found.values[part.key] for part in measure.parts if part.key in found.values]
    unit = found.unit or measure.unit
    said = f"{'/'.join(spoken.decimal(one) for one in values)}{words.NBSP}{unit.shown}"
    if found.beyond:
        sides = {">": _("HI (trên %(value)s)"), "<": _("Lo (dưới %(value)s)")}
        return sides[found.beyond] % {"value": said} if found.beyond in sides else f"{found.beyond} {said}"
    return said


@dataclass(frozen=True, slots=True)
class CellView:
    """One thing that was due. ``kind``, ``state``: of a status; ``value`` only where something was written."""

    time: str
    name: str
    value: str
    kind: str
    state: str
    late: str = ""


@dataclass(frozen=True, slots=True)
class DayView:
    """A day of a plan."""

    day: str
    cells: tuple[CellView, ...]


def _cell(one: Cell) -> CellView:
    if one.reading is not None:
        kind, state = {
            "danger": ("urgent", _("Nguy hiểm")), "alert": ("warn", _("Ngoài ngưỡng")),
        }.get(one.reading.level, ("done", _("Đã ghi")))  # fmt: skip
        return CellView(
            words.gio(one.due.at), item_words(one.due.item), reading_words(one.reading), kind, state
        )
    kind, state = {
        "missed": ("missed", _("Bỏ lỡ")), "now": ("wait", _("Đang chờ ghi")), "later": ("off", _("Chưa đến giờ")),
    }[one.state]  # fmt: skip
    return CellView(words.gio(one.due.at), item_words(one.due.item), "", kind, state)


def days_of(cells: Sequence[Cell], readings: Sequence[Reading]) -> tuple[DayView, ...]:
    """What was due day by day, the latest first; a reading nobody asked for stands at its own hour."""
    by_day: dict[object, list[tuple[datetime, CellView]]] = {}
    for one in cells:
        by_day.setdefault(queries.day_of(one.due), []).append((one.due.at, _cell(one)))
    known = {one.reading.slot for one in cells if one.reading is not None}
    for reading in readings:
        if reading.slot not in known:
            at = reading.at.astimezone(HANOI)
            kind, state = {
                "danger": ("urgent", _("Nguy hiểm")), "alert": ("warn", _("Ngoài ngưỡng")),
            }.get(reading.level, ("done", _("Đã ghi")))  # fmt: skip
            view = CellView(words.gio(at), item_words(reading.item), reading_words(reading), kind, state)
            by_day.setdefault(at.date(), []).append((at, view))
    return tuple(
        DayView(spoken.day_words(day), tuple(view for _at, view in sorted(found, key=lambda one: one[0])))  # type: ignore[arg-type]  # days
        for day, found in sorted(by_day.items(), key=lambda one: str(one[0]), reverse=True)
    )


# -- the person's pages ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A plan in a list."""

    url: str
    title: str
    note: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class PlansPage:
    title: str
    lines: tuple[PlanLine, ...]


def plan_line(plan: Plan, *, own: str) -> PlanLine:
    """A plan as its person reads it."""
    who = "" if plan.patient == own else plan.patient_name
    until = _("đến %(day)s") % {"day": words.ngay(plan.last)}
    kind, state = ("now", _("Đang theo dõi")) if plan.active else ("off", _("Đã kết thúc"))
    note = ", ".join(filter(None, [plan.doctor_name, until, who]))
    return PlanLine(reverse("telehealth:measure", args=[plan.id]), title_of(plan), note, kind, state)


@dataclass(frozen=True, slots=True)
class MeasurePage:
    """A plan as its person sees it: what is due, and what became of the rest."""

    title: str
    doctor: str
    patient: str
    active: bool
    form: ReadingsForm | None
    action: str
    extra_url: str
    next_words: str
    days: tuple[DayView, ...]
    danger: bool
    topic: str
    hotline: str = ""


# -- the team's pages --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert on the team's list."""

    id: str
    name: str
    said: str
    plan_url: str
    age: str
    danger: bool
    missed: bool
    taken: str
    take_url: str
    close_url: str
    form: OutcomeForm
    tried: tuple[str, ...] = ()


def alert_row(alert: CommunicationRequest, *, plan: str, now: datetime) -> AlertRow:
    """An alert as the team reads it."""
    taken = any(one.url == TAKEN for one in alert.extension)
    authored = words.moment(alert.authoredOn) if alert.authoredOn and "T" in alert.authoredOn else now
    who = (alert.sender.display if alert.sender else "") or _("đã nhận")
    return AlertRow(
        alert.id or "", (alert.subject.display if alert.subject else "") or "",
        "; ".join(one.contentString for one in alert.payload if one.contentString),
        reverse("telehealth:follow-up", args=[plan]) if plan else "", age_words(now - authored),
        alert.priority == "stat", alert.priority == "routine", who if taken else "",
        reverse("telehealth:follow-alert", args=[alert.id, "take"]),
        reverse("telehealth:follow-alert", args=[alert.id, "close"]),
        OutcomeForm(auto_id=f"id_%s_{alert.id}"),
        tuple(_tried(one) for one in alert.note),
    )  # fmt: skip


def _tried(one: Annotation) -> str:
    """What somebody noted of an alert that is still open, when, and who."""
    when = spoken.when(one.time) if one.time else ""
    return ", ".join(filter(None, [one.text or "", when, one.authorString or ""]))


@dataclass(frozen=True, slots=True)
class TeamPage:
    """The team's follow-up: what alerts, then who is followed."""

    title: str
    alerts: tuple[AlertRow, ...]
    plans: tuple[PlanLine, ...]
    topic: str
    url: str
    more: str = ""


def team_line(plan: Plan) -> PlanLine:
    """A running plan on the team's list."""
    note = ", ".join([title_of(plan), plan.doctor_name, _("đến %(day)s") % {"day": words.ngay(plan.last)}])
    return PlanLine(reverse("telehealth:follow-up", args=[plan.id]), plan.patient_name, note, "now", "")


@dataclass(frozen=True, slots=True)
class LimitLine:
    """What a plan asks of a measure, in words."""

    name: str
    when: str
    limits: str


def limit_lines(plan: Plan) -> tuple[LimitLine, ...]:
    """Hours and limits of each measure of a plan."""
    found = []
    for item in plan.items:
        measure = MEASURES[item.measure]
        times = ", ".join(words.gio(datetime.combine(plan.first, one, HANOI)) for one in item.times)
        every = "" if item.every == 1 else _(" (%(days)s ngày một lần)") % {"days": item.every}
        said = []
        for part in measure.parts:
            limits = item.limits[part.key]
            for bounds, phrase in ((limits.alert, _("báo bác sĩ")), (limits.danger, _("gọi 115"))):
                text = _between(bounds)
                if text:
                    name = f"{NAMES[part.key]} " if len(measure.parts) > 1 else ""
                    said.append(f"{name}{text}: {phrase}")
            if limits.gain is not None:
                gain = {"kg": spoken.decimal(limits.gain[0]), "days": limits.gain[1]}
                said.append(_("tăng từ %(kg)s kg trong %(days)s ngày: báo bác sĩ") % gain)
        found.append(
            LimitLine(f"{NAMES[item.measure]} ({measure.unit.shown})", f"{times}{every}", "; ".join(said))
        )
    return tuple(found)


def _between(bounds: tuple[Decimal | None, Decimal | None]) -> str:
    low, high = bounds
    parts = [
        _("dưới %(value)s") % {"value": spoken.decimal(low)} if low is not None else "",
        _("trên %(value)s") % {"value": spoken.decimal(high)} if high is not None else "",
    ]
    return _(" hoặc ").join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class FollowUpPage:
    """A plan as the team sees it."""

    title: str
    plan: str
    doctor: str
    until: str
    active: bool
    limits: tuple[LimitLine, ...]
    days: tuple[DayView, ...]
    alerts: tuple[AlertRow, ...]
    missed: int
    phone: str
    facts: str
    topic: str
    url: str
    end_url: str
    end: EndForm
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class NewPlanPage:
    """A plan before it begins: from which template, with which numbers."""

    title: str
    patient: str
    about: str
    choices: tuple[PlanLine, ...]
    form: PlanForm | None
    sources: tuple[str, ...] = ()
    action: str = ""
    refusal: str = ""
    questions: tuple[str, ...] = ()
