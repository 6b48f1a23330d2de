"""Observation/$lastn: the most recent observations of a person, some of each code.

Source: FHIR R4, observation-operation-lastn.html. The search parameters of Observation choose among all that the actor
may see; what is left is grouped by ``Observation.code``. Two codes are of one group when system and code are the same,
and translations join groups (a row with two codings joins the groups of both); a code that is text alone is grouped by
that very text. Of each group the ``max`` most recent are given (one without it), and with the last of them all of the
same time. The whole answer is sorted from the most recent to the oldest.

The time is ``effective`` (the start of a period), else ``issued``. What has no time at all is older than what has.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from yba.fhir.errors import Invalid, TooCostly, Unsupported
from yba.fhir.model.dates import period_of
from yba.fhir.rest.operations.call import Call, Operation
from yba.fhir.rest.operations.searchset import entry, searchset, url
from yba.fhir.rest.response import Response
from yba.fhir.search.parameters import of_type
from yba.fhir.store.rows import Stored

PAGE = 1000
LARGEST = 100_000
_OWN = frozenset({"max", "_format", "_pretty", "_total"})
_NOT_HERE = frozenset({"_count", "_sort", "_cursor", "_include", "_revinclude", "_summary", "_elements"})
_NEVER = datetime.min.replace(tzinfo=UTC)


class _Coding(msgspec.Struct):
    system: str | None = None
    code: str | None = None


class _Concept(msgspec.Struct):
    coding: list[_Coding] = []
    text: str | None = None


class _Period(msgspec.Struct):
    start: str | None = None
    end: str | None = None


class _Timing(msgspec.Struct):
    event: list[str] = []


class _Seen(msgspec.Struct):
    """What of an Observation decides its group and its place."""

    code: _Concept
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: _Period | None = None
    effectiveTiming: _Timing | None = None
    issued: str | None = None


_seen = msgspec.json.Decoder(_Seen)


@dataclass(frozen=True, slots=True)
class _Row:
    """An observation with its time (None: it has none) and what it is grouped by."""

    stored: Stored
    moment: datetime | None
    codes: Sequence[Hashable]


def lastn(call: Call) -> Response:
    """The most recent of each group."""
    most = call.number("max")
    if most == 0:
        raise Invalid("lastn.max", "'max' takes a whole number from 1.", path="Parameters.max")
    asked = _asked(call)
    rows = [_row(one) for one in _matching(call, asked)]
    kept = [
        one
        for group in groups(row.codes for row in rows)
        for one in _last([rows[at] for at in group], most or 1)
    ]
    kept.sort(key=_place, reverse=True)
    base = call.request.base_url
    own = url(base, "Observation/$lastn", [*asked, *([("max", str(most))] if most else [])])
    return searchset([entry(base, one.stored) for one in kept], [("self", own)], len(kept))


def _asked(call: Call) -> list[tuple[str, str]]:
    """The search parameters. Raises Invalid where it is not said whose, or observations of what."""
    asked: list[tuple[str, str]] = []
    local = f"{call.request.base_url}/"
    for one in call.parameters:
        code = one.name.partition(":")[0]
        if code in _NOT_HERE:
            raise Unsupported(
                "lastn.parameter",
                f"$lastn has an order and a size of its own; '{one.name[:50]}' is not taken.",
            )
        if code not in _OWN:
            asked.append((one.name, _text(call, one.name, one.value).replace(local, "")))
    codes = {name.partition(":")[0].partition(".")[0] for name, value in asked if value.strip()}
    if not codes & {"patient", "subject"}:
        raise Invalid("lastn.subject", "$lastn needs 'patient' or 'subject'.", path="Parameters.patient")
    if not any(code == "category" or _names_code(code) for code in codes):
        raise Invalid("lastn.code", "$lastn needs 'category' or 'code'.", path="Parameters.category")
    return asked


def _text(call: Call, name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise Invalid(
        "operation.value", f"The parameter '{name[:50]}' takes text.", path=f"Parameters.{name[:50]}"
    )


def _names_code(code: str) -> bool:
    """Whether a parameter reads a code of the observation (``code``, ``combo-code``, ``code-value-concept`` ...)."""
    known = of_type("Observation").get(code)
    if known is None:
        return False
    return ".code" in known.expression or any(one.expression == "code" for one in known.components)


def _matching(call: Call, asked: Sequence[tuple[str, str]]) -> Iterable[Stored]:
    """All matches, page by page. Raises TooCostly above 100,000."""
    params = [*asked, ("_sort", "-date"), ("_count", str(PAGE)), ("_total", "none")]
    found = call.record.search_stored("Observation", params, strict=True)
    count = 0
    while True:
        yield from found.matches
        count += len(found.matches)
        if found.next is None:
            return
        if count >= LARGEST:
            raise TooCostly(
                "lastn.too-many",
                f"More than {LARGEST:,} observations match. Narrow it by 'category' or 'date'.",
            )
        found = call.record.search_stored("Observation", [*params, ("_cursor", found.next)], strict=True)


def _row(stored: Stored) -> _Row:
    seen = _seen.decode(stored.content or b"")
    codes: list[Hashable] = [(one.system, one.code) for one in seen.code.coding if one.code is not None]
    return _Row(stored, _moment(seen), codes or [seen.code.text])


def _moment(seen: _Seen) -> datetime | None:
    period, timing = seen.effectivePeriod, seen.effectiveTiming
    for text in (
        seen.effectiveDateTime,
        seen.effectiveInstant,
        (period.start or period.end) if period is not None else None,
        max(timing.event, default=None) if timing is not None else None,
        seen.issued,
    ):
        if text is not None:
            try:
                return period_of(text)[0]
            except ValueError:  # the 30th of February is written like a date
                continue
    return None


def _place(row: _Row) -> tuple[datetime, datetime, int]:
    return row.moment or _NEVER, row.stored.updated, row.stored.rid


def groups(keys: Iterable[Sequence[Hashable]]) -> list[list[int]]:
    """The places of rows that share a key, directly or through others."""
    root: dict[Hashable, Hashable] = {}

    def top(key: Hashable) -> Hashable:
        while root.setdefault(key, key) != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    listed = list(keys)
    for row in listed:
        for other in row[1:]:
            root[top(other)] = top(row[0])
    found: dict[Hashable, list[int]] = {}
    for at, row in enumerate(listed):
        found.setdefault(top(row[0]), []).append(at)
    return list(found.values())


def _last(rows: Sequence[_Row], most: int) -> list[_Row]:
    """The most recent ones, and those of the same time as the last of them."""
    ordered = sorted(rows, key=_place, reverse=True)
    kept = ordered[:most]
    last = kept[-1].moment
    return kept + [one for one in ordered[most:] if last is not None and one.moment == last]


OPERATIONS = (
    Operation(
        "lastn", lastn, type_level=True, types=frozenset({"Observation"}),
        definition="http://hl7.org/fhir/OperationDefinition/Observation-lastn",
    ),
)  # fmt: skip
