"""Date parameters: moments and periods compared as ranges. FHIR R4, search.html#date and #prefix."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model.dates import period_of
from yba.fhir.search.clause import Clause, either, probe
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered
from yba.fhir.search.values import plain, prefixed, split

OPEN_LOW = datetime.min.replace(tzinfo=UTC)
OPEN_HIGH = datetime.max.replace(tzinfo=UTC)


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type."""

    def moment(value: Any, rows: Gathered) -> None:
        try:
            low, high = period_of(value)
        except ValueError:  # a choice may hold words instead: CarePlan.activity.detail.scheduledString
            return
        rows.date.append((number, low, high))

    def period(value: Any, rows: Gathered) -> None:
        low = period_of(value.start)[0] if value.start else OPEN_LOW
        high = period_of(value.end)[1] if value.end else OPEN_HIGH
        if value.start or value.end:
            rows.date.append((number, low, high))

    def timing(value: Any, rows: Gathered) -> None:
        ranges = [period_of(one) for one in value.event if one]
        if ranges:
            rows.date.append((number, min(low for low, _ in ranges), max(high for _, high in ranges)))
        if value.repeat is not None and value.repeat.boundsPeriod is not None:
            period(value.repeat.boundsPeriod, rows)

    by_type: dict[str, Handler] = {"str": moment, "Period": period, "Timing": timing}
    return lambda name, _only: by_type.get(name)


def clause(question: Question) -> Clause:
    """The condition of a date question on the index rows."""
    if question.modifier is not None:
        raise unsupported_modifier(question)
    asked = [compared(question, plain(one)) for one in split(question.value, ",")]
    return probe("date", question.number, either(asked))


def on_updated(question: Question) -> Clause:
    """The condition of ``_lastUpdated``: the same comparisons on a column that holds one instant.

    An instant lies inside a range or before or after it, so each comparison is one of the range's two ends.
    """
    if question.modifier is not None:
        raise unsupported_modifier(question)
    return either([_updated(question, plain(one)) for one in split(question.value, ",")])


def _updated(question: Question, text: str) -> Clause:
    prefix, rest = prefixed(text)
    low, high = _period(question, text, rest)
    if prefix == "ap":
        slack = abs(question.now - low) / 10
        prefix, low, high = "eq", _later(low, -slack), _later(high, slack)
    sql, takes = _INSTANT[prefix]
    return Clause(sql, tuple(low if one == "low" else high for one in takes))


_INSTANT: dict[str, tuple[str, tuple[str, ...]]] = {
    "eq": ("(r.updated >= {} and r.updated < {})", ("low", "high")),
    "ne": ("(r.updated < {} or r.updated >= {})", ("low", "high")),
    "gt": ("r.updated >= {}", ("high",)),
    "lt": ("r.updated < {}", ("low",)),
    "ge": ("r.updated >= {}", ("low",)),
    "le": ("r.updated < {}", ("high",)),
    "sa": ("r.updated >= {}", ("high",)),
    "eb": ("r.updated < {}", ("low",)),
}


def condition(question: Question, text: str) -> Clause:
    """One value against an index row ``x``."""
    return compared(question, plain(text))


def compared(question: Question, text: str) -> Clause:
    """One value with its prefix against ``x.low`` and ``x.high`` (first instant, first instant after)."""
    prefix, rest = prefixed(text)
    low, high = _period(question, text, rest)
    if prefix == "ap":
        slack = abs(question.now - low) / 10
        return Clause("(x.low < {} and x.high > {})", (_later(high, slack), _later(low, -slack)))
    sql, takes = _COMPARED[prefix]
    return Clause(sql, tuple(low if one == "low" else high for one in takes))


# What each prefix asks of a row, and which ends of the asked range it takes. The sketch: "ge" is "gt, or inside";
# a row that begins inside the range or after it is one of the two, hence no third comparison.
_COMPARED: dict[str, tuple[str, tuple[str, ...]]] = {
    "eq": ("(x.low >= {} and x.high <= {})", ("low", "high")),
    "ne": ("(x.low < {} or x.high > {})", ("low", "high")),
    "gt": ("x.high > {}", ("high",)),
    "lt": ("x.low < {}", ("low",)),
    "ge": ("(x.high > {} or x.low >= {})", ("high", "low")),
    "le": ("(x.low < {} or x.high <= {})", ("low", "high")),
    "sa": ("x.low >= {}", ("high",)),
    "eb": ("x.high <= {}", ("low",)),
}


def _period(question: Question, text: str, rest: str) -> tuple[datetime, datetime]:
    try:
        # A plus sign in a zone arrives as a blank when the client did not encode it.
        return period_of(rest.replace(" ", "+"))
    except (Invalid, ValueError, OverflowError):
        raise invalid(
            question, text, "a date such as 2026, 2026-11, 2026-11-22 or 2026-11-22T08:30:00+07:00"
        ) from None


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return OPEN_HIGH if by > timedelta() else OPEN_LOW
