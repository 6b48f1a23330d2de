"""A person's vaccine card in words: each series with its doses, what is due first, and what the card stands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext as _

from yba.care.chart import display_of
from yba.care.vaccines import phrases
from yba.care.vaccines.reading import Chart
from yba.care.vaccines.values import Advice, Forecast, Verdict
from yba.fhir.r4.immunization import Immunization
from yba.ui import spoken, words

_ORDER: Final = (
    "overdue",
    "due",
    "contraindicated",
    "upcoming",
    "unknown",
    "aged-out",
    "complete",
    "not-applicable",
)
#: A child of the programme; of a grown-up only what concerns them is shown.
_GROWN: Final = 16


@dataclass(frozen=True, slots=True)
class DoseLine:
    """A vaccination, and whether it counts."""

    day: str
    vaccine: str
    said: str
    counts: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """How one series stands."""

    key: str
    name: str
    kind: str
    state: str
    done: str
    when: str
    note: str
    doses: tuple[DoseLine, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """``due``: to be given now; ``coming``, ``rest``: later, done and the like. ``answer``: the one line on top."""

    answer: str
    kind: str
    due: tuple[SeriesLine, ...]
    coming: tuple[SeriesLine, ...]
    rest: tuple[SeriesLine, ...]
    unjudged: tuple[DoseLine, ...]
    stands: str
    warning: str

    @property
    def lines(self) -> tuple[SeriesLine, ...]:
        return (*self.due, *self.coming, *self.rest)


def card_of(chart: Chart, advice: Advice) -> Card:
    """The card of a person."""
    shown = [one for one in advice.forecasts if _concerns(advice, one)]
    shown.sort(key=lambda one: (_ORDER.index(one.state), _day(one)))
    lines = {one.series: _line(chart, one) for one in shown}
    due = [lines[one.series] for one in shown if one.state in ("overdue", "due")]
    coming = [lines[one.series] for one in shown if one.state == "upcoming"]
    rest = [lines[one.series] for one in shown if one.state not in ("overdue", "due", "upcoming")]
    answer, kind = _answer(advice, shown)
    return Card(
        answer, kind, tuple(due), tuple(coming), tuple(rest),
        tuple(_dose(chart, one) for one in advice.unjudged), phrases.stands_on(advice), phrases.unreviewed(),
    )  # fmt: skip


def _concerns(advice: Advice, one: Forecast) -> bool:
    """What does not apply, and what a grown-up was never given as a child, is left out."""
    birth = advice.person.birth
    grown = birth is not None and advice.on.year - birth.year > _GROWN
    if one.state == "aged-out" and grown and not one.counted:
        return False
    return one.state != "not-applicable"


def _day(one: Forecast) -> date:
    return one.next.recommended if one.next else date.max


def _answer(advice: Advice, shown: Sequence[Forecast]) -> tuple[str, str]:
    """What the reader came for, and the kind of alert it is; never "all done" of what is not whole."""
    now = [one for one in shown if one.state in ("overdue", "due")]
    late = sum(one.state == "overdue" for one in now)
    if advice.person.birth is None:
        return _("Chưa tính được lịch tiêm"), "caution"
    if late:
        return _("%(late)s bệnh quá hạn tiêm, %(count)s bệnh tới hạn") % {
            "late": late, "count": len(now) - late,
        }, "caution"  # fmt: skip
    if now:
        return _("%(count)s bệnh tới hạn tiêm") % {"count": len(now)}, ""
    ahead = [_day(one) for one in shown if one.state == "upcoming"]
    if not advice.whole:
        return _("Còn mũi chưa tính được: hỏi nơi tiêm trước khi kết luận"), "caution"
    if ahead:
        return _("Mũi tiếp theo: %(day)s") % {"day": words.ngay(min(ahead))}, ""
    return _("Hiện không có mũi nào tới hạn theo lịch này"), ""


def _line(chart: Chart, one: Forecast) -> SeriesLine:
    kind, state = phrases.state_of(one)
    return SeriesLine(
        key=one.series,
        name=phrases.series_name(one.series),
        kind=kind,
        state=state,
        done=_("%(done)s/%(all)s mũi") % {"done": one.counted, "all": one.doses},
        when=when_of(one),
        note=phrases.note_of(one),
        doses=tuple(_dose(chart, it) for it in one.verdicts),
    )


def when_of(one: Forecast) -> str:
    """When the next dose is wanted, and from when it may be given."""
    found = one.next
    if found is None or one.state not in ("overdue", "due", "upcoming"):
        return ""
    known = {
        "dose": found.dose, "day": words.ngay(found.recommended), "first": words.ngay(found.earliest),
    }  # fmt: skip
    if one.state != "upcoming":
        return _("Mũi %(dose)s: tiêm được ngay (hạn từ %(day)s)") % known
    if found.earliest == found.recommended:
        return _("Mũi %(dose)s từ %(day)s") % known
    return _("Mũi %(dose)s nên tiêm từ %(day)s, sớm nhất %(first)s") % known


def _dose(chart: Chart, one: Verdict) -> DoseLine:
    row = chart.row(one.given.id)
    day = one.given.day
    said = words.ngay(day) if day else (row.occurrenceDateTime or row.occurrenceString or "" if row else "")
    lot = _("Lô %(lot)s") % {"lot": row.lotNumber} if row and row.lotNumber else ""
    place = _place(row) if row else ""
    product = one.given.product
    name = product.name.of(spoken.language()) if product else one.given.name
    return DoseLine(said, name, phrases.reason_of(one), one.counts, ", ".join(filter(None, [lot, place])))


def _place(row: Immunization) -> str:
    """Where a dose was given: what is named as the place, else the house that gave it."""
    houses = [one.actor for one in row.performer if (one.actor.reference or "").startswith("Organization/")]
    return display_of(row.location) or next((display_of(one) for one in houses), "")
