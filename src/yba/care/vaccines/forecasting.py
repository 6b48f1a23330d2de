"""What is due: of each series the path that got furthest, its next dose and when, what stands against it.

Pure: the same values in any order give the same advice. Never before the minimum age or interval, never within 28 days
of another injected live vaccine, and never "complete" of what could not be judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from yba.care.vaccines.bars import bars_of
from yba.care.vaccines.judging import (
    Judged,
    antigens_of,
    doses_of,
    in_order,
    judge_path,
    last_given,
    live_after,
    unusable,
)
from yba.care.vaccines.schedule import Dose, Path, Product, Schedule, Series
from yba.care.vaccines.spans import Span
from yba.care.vaccines.values import Advice, Bar, Fact, Forecast, Given, Next, Person, State, Verdict

#: What is recorded and says nothing that could be judged: with it nothing is finished for certain.
_OPEN: Final = ("no-day", "unknown-vaccine", "future", "before-birth")


def advise(
    made: Schedule, person: Person, history: Iterable[Given], facts: Iterable[Fact] = (), *, on: date
) -> Advice:
    """What the schedule says of a person on a day."""
    ordered, facts = in_order(history), tuple(facts)
    if person.birth is None or person.birth > on:
        unborn = replace(person, birth=None)
        found = [_unknown(one) for one in made.series.values()]
        return Advice(on, unborn, made.about.version, tuple(found), 0, ())
    birth = person.birth
    reasons = [(one, unusable(one, birth=birth, on=on)) for one in ordered]
    unjudged = [Verdict(one, "", why) for one, why in reasons if why in _OPEN]
    forecasts = tuple(forecast(made, one, person, ordered, facts, on=on) for one in made.series.values())
    judged = sum(why is None or why == "spoilt" for _one, why in reasons)
    return Advice(on, person, made.about.version, forecasts, judged, tuple(unjudged))


def _unknown(series: Series) -> Forecast:
    return Forecast(series.key, "unknown", 0, len(series.paths[0].doses), series.paths[0].key, review=True)


def forecast(
    made: Schedule,
    series: Series,
    person: Person,
    history: Sequence[Given],
    facts: Sequence[Fact],
    *,
    on: date,
) -> Forecast:
    """How one series stands; ``history`` in order."""
    birth = person.birth
    assert birth is not None
    judged = [judge_path(made, series, path, history, birth=birth, on=on) for path in series.paths]
    judged.sort(key=lambda one: (not one.complete, -one.counted))  # of equals the first stays first
    best = judged[0]
    mixed = sum(one.counted > 0 for one in judged) > 1 and not series.mixes
    so_far = _so_far(series, best, history, birth=birth, on=on, mixed=mixed)
    if best.complete:
        return so_far
    if not _is_for(series, person):
        return replace(so_far, state="not-applicable")
    found = _with_next(made, series, person, best, history, facts, so_far, on=on)
    for other in judged[1:] if found.state == "contraindicated" else ():
        # What is stopped one way may be right another: inactivated polio vaccine where oral is stopped.
        so_far = _so_far(series, other, history, birth=birth, on=on, mixed=mixed)
        instead = _with_next(made, series, person, other, history, facts, so_far, on=on)
        if instead.state in ("due", "overdue", "upcoming"):
            return replace(instead, bars={**found.bars, **instead.bars})
    return found


def _so_far(
    series: Series, judged: Judged, history: Sequence[Given], *, birth: date, on: date, mixed: bool
) -> Forecast:
    return Forecast(
        series=series.key,
        state="complete",
        counted=min(judged.counted, judged.doses),
        doses=judged.doses,
        path=judged.path.key,
        verdicts=judged.verdicts + _spoilt(series, judged.path, history, birth=birth, on=on),
        mixed=mixed,
        review=judged.path.review or any(one.review for one in judged.path.doses),
        rollout=series.rollout,
    )


def _spoilt(
    series: Series, path: Path, history: Sequence[Given], *, birth: date, on: date
) -> tuple[Verdict, ...]:
    """What of the path was given and was no good, or not given at all."""
    wanted = antigens_of(series, path)
    found = [
        (one, unusable(one, birth=birth, on=on))
        for one in history
        if one.product is not None and wanted <= set(one.product.antigens)
    ]
    return tuple(
        Verdict(one, series.key, why) for one, why in found if why in ("spoilt", "not-given", "error") and why
    )


def _is_for(series: Series, person: Person) -> bool:
    if series.sex and person.sex in ("male", "female") and person.sex != series.sex:
        return False
    return not series.pregnant or bool(person.pregnant)


def _with_next(
    made: Schedule, series: Series, person: Person, best: Judged, history: Sequence[Given],
    facts: Sequence[Fact], found: Forecast, *, on: date,
) -> Forecast:  # fmt: skip
    birth = person.birth
    assert birth is not None
    dose = best.path.doses[best.counted]
    earliest, recommended = _days(made, series, best, dose, history, birth=birth, on=on)
    latest = dose.latest.after(birth) if dose.latest is not None else None
    products = _products(made, best.path, dose, birth, max(on, earliest))
    bars = {one.code: bars_of(made, one, person, facts) for one in products}
    overdue = (dose.overdue or made.about.overdue).after(recommended)
    following = Next(best.counted + 1, earliest, recommended, overdue, latest, _usable(products, bars))
    state = _state(series, following, products, bars, on=on)
    return replace(found, state=state, next=following, bars=bars)


def _state(
    series: Series,
    following: Next,
    products: Sequence[Product],
    bars: dict[str, tuple[Bar, ...]],
    *,
    on: date,
) -> State:
    if following.latest is not None and max(on, following.earliest) >= following.latest:
        return "aged-out"
    if not products:
        return "aged-out"
    if all(any(bar.effect == "stop" for bar in bars[one.code]) for one in products):
        return "contraindicated"
    if on < following.recommended:
        return "upcoming"
    return "overdue" if on >= following.overdue and not series.rollout else "due"


def _usable(products: Sequence[Product], bars: dict[str, tuple[Bar, ...]]) -> tuple[Product, ...]:
    """What may be given, the programme's own first; where everything is stopped, nothing."""
    return tuple(one for one in products if not any(bar.effect == "stop" for bar in bars[one.code]))


def _products(made: Schedule, path: Path, dose: Dose, birth: date, day: date) -> list[Product]:
    """The vaccines of a dose that are made for the age on a day."""
    found = [made.products[one] for one in dose.products or path.products]
    fit = [one for one in found if made_for(one, birth, day)]
    return sorted(fit, key=lambda one: not one.program)


def made_for(product: Product, birth: date, day: date) -> bool:
    """Whether a vaccine is made for the age somebody has on a day."""
    return (product.from_ is None or day >= product.from_.after(birth)) and (
        product.until is None or day < product.until.after(birth)
    )


def _days(
    made: Schedule,
    series: Series,
    best: Judged,
    dose: Dose,
    history: Sequence[Given],
    *,
    birth: date,
    on: date,
) -> tuple[date, date]:
    """The first day on which the next dose counts, and the day on which it is wanted."""
    counted = [one for one in best.verdicts if one.counts]
    injected = any(made.products[one].live == "injected" for one in dose.products or best.path.products)
    far = date.max
    last = last_given(series, best.path, counted, _until(history, on), far)
    least = dose.interval.after(last) if dose.interval is not None and last is not None else date.min
    apart = live_after(made, injected, _until(history, on), far, unknown=True)
    earliest = max(dose.min.after(birth), least, apart, birth)
    wanted = _wanted(best, dose, birth=birth, on=on)
    since = wanted.after(last) if wanted is not None and last is not None else date.min
    return earliest, max(earliest, dose.age.after(birth), since)


def _until(history: Sequence[Given], on: date) -> list[Given]:
    """What has been given by a day, each with its last day no later: what may still come holds nothing up."""
    return [
        replace(one, last=min(one.last, max(on, one.first)))
        for one in history
        if one.first is not None and one.last is not None and one.first <= on
    ]


def _wanted(best: Judged, dose: Dose, *, birth: date, on: date) -> Span | None:
    """The interval that is wanted; for whoever began late another one."""
    first = best.days[0] if best.days else on
    wanted = dose.wanted or dose.interval
    for late in best.path.late:
        if first >= late.first_from.after(birth):
            wanted = late.wanted.get(best.counted + 1, wanted)
    return wanted


# -- later doses -------------------------------------------------------------------------------------------


def outlook(
    made: Schedule, series: Series, person: Person, history: Sequence[Given], *, on: date
) -> list[Next]:
    """The doses still to come, each as if those before it were given on the day they are wanted."""
    ordered, found, day = in_order(history), list[Next](), on
    for number in range(len(series.paths[0].doses) + 1):
        state = forecast(made, series, person, ordered, (), on=day)
        if state.next is None or state.state in ("aged-out", "not-applicable") or not state.next.products:
            break
        found.append(state.next)
        day = max(day, state.next.recommended)
        given = Given(f"~{number}", "", state.next.products[0], day, day)
        ordered = in_order([*ordered, given])
    return found


__all__ = ["advise", "doses_of", "forecast", "made_for", "outlook"]
