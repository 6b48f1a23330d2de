"""Whether a vaccine may be given now: by schedule, record and the answers of today. Decides, and does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from yba.care.refusal import Refusal, refuse
from yba.care.vaccines.bars import answered, bars_of
from yba.care.vaccines.forecasting import advise, made_for
from yba.care.vaccines.reading import Chart
from yba.care.vaccines.schedule import Product, Question, Schedule, schedule
from yba.care.vaccines.values import Advice, Bar, Given, Verdict

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

#: How long one is watched after a shot, and for how long a day's doses are told apart.
WATCH: Final = timedelta(minutes=30)
SITES: Final[dict[str, StrPromise]] = {
    "LT": _("Đùi trái"), "RT": _("Đùi phải"), "LA": _("Cánh tay trái"), "RA": _("Cánh tay phải"),
    "PO": _("Uống"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """A vaccine for today: which doses it would count as, and what stands against it."""

    product: Product
    counts: tuple[Verdict, ...]
    bars: tuple[Bar, ...]

    @property
    def effect(self) -> str:
        """The gravest of what stands against it: stop, wait, ask, or nothing."""
        return next(
            (one for one in ("stop", "wait", "ask") if any(bar.effect == one for bar in self.bars)), ""
        )


def offers(
    chart: Chart,
    advice: Advice,
    questions: tuple[Question, ...] = (),
    answers: Mapping[str, bool] | None = None,
) -> tuple[Offer, ...]:
    """The vaccines that would count today to a series that is due, those of the programme first."""
    made = schedule()
    wanted = {
        product.code: product
        for one in advice.forecasts
        if one.state in ("overdue", "due", "contraindicated")
        for product in (made.products[key] for key in one.bars)
    }
    found = [offer_of(made, chart, advice, one, questions, answers or {}) for one in wanted.values()]
    kept = [one for one in found if one.counts]
    return tuple(sorted(kept, key=lambda one: (not one.product.program, -len(one.counts))))


def offer_of(
    made: Schedule, chart: Chart, advice: Advice, product: Product, questions: tuple[Question, ...],
    answers: Mapping[str, bool],
) -> Offer:  # fmt: skip
    """What a vaccine would do if it were given on the day of the advice."""
    bars = (*bars_of(made, product, chart.person, chart.facts), *answered(questions, answers, product))
    return Offer(product, counted_as(made, chart, advice, product), bars)


def counted_as(made: Schedule, chart: Chart, advice: Advice, product: Product) -> tuple[Verdict, ...]:
    """The doses it would count as today."""
    birth = chart.person.birth
    if birth is None or not made_for(product, birth, advice.on):
        return ()
    given = Given("~today", product.name.vi, product, advice.on, advice.on)
    after = advise(made, chart.person, [*chart.history, given], chart.facts, on=advice.on)
    return tuple(
        verdict
        for one in after.forecasts
        for verdict in one.verdicts
        if verdict.given is given and verdict.counts
    )


def given_today(chart: Chart, on: date, product: Product) -> bool:
    """Whether the record already has this vaccine today."""
    return any(
        one.product is not None
        and one.product.code == product.code
        and one.day == on
        and one.status == "completed"
        for one in chart.history
    )


def refusal(
    chart: Chart, advice: Advice, offer: Offer, *, expiry: date, decided_by: str, why: str
) -> Refusal | None:
    """Why a vaccine is not given now; None when it may be. What stops can't be overridden here."""
    if given_today(chart, advice.on, offer.product):
        return refuse("vaccination.twice", _("Vắc xin này đã ghi cho người này hôm nay."))
    if expiry < advice.on:
        return refuse("vaccination.expired", _("Lô vắc xin đã hết hạn dùng."))
    if not offer.counts:
        return refuse(
            "vaccination.not-due", _("Tiêm hôm nay không được tính cho mũi nào của lịch. Chưa tiêm.")
        )
    stopped = next((one for one in offer.bars if one.effect in ("stop", "wait")), None)
    if stopped is not None:
        return refuse("vaccination.barred", _("Không tiêm hôm nay: %(why)s"), why=stopped.text.vi)
    if offer.effect == "ask" and not (decided_by.strip() and why.strip()):
        return refuse("vaccination.doctor", _("Cần bác sĩ quyết định: ghi tên bác sĩ và lý do."))
    return None


def watched_until(at: datetime) -> datetime:
    """When the watch after a shot ends."""
    return at + WATCH


def next_day(advice: Advice) -> date | None:
    """The next day on which something is wanted, after the day of the advice."""
    days = [
        max(one.next.recommended, one.next.earliest)
        for one in advice.forecasts
        if one.next is not None and one.state == "upcoming"
    ]
    return min(days, default=None)
