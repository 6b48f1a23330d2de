"""$everything: all that the record holds of a person or a visit, and what is needed to understand it.

Source: FHIR R4, operation-patient-everything.html and operation-encounter-everything.html. The whole set comes in one
bundle unless ``_count`` asks for pages; a set of more than 10,000 resources comes in pages of that size, with a link
to the next one. First the person or the visit, then the other rows of the compartment in the order they were made
(``match``), then what those point to (``include``), each resource once over all pages. A page's place is where the last
row stood in that order, so that what others write meanwhile moves nothing.

``start`` and ``end`` choose rows of the compartment by when they happened; a row without a time (a coverage, the
person) is always in scope. ``_since`` and ``_type`` choose among all rows. Called on the type it answers for the
persons the account may act for; who sees others names one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.model.dates import period_of
from yba.fhir.r4 import MODULES
from yba.fhir.record import reading
from yba.fhir.rest.operations import chart
from yba.fhir.rest.operations.call import Call, Operation
from yba.fhir.rest.operations.searchset import INCLUDE, MATCH, entry, searchset, url
from yba.fhir.rest.response import Response
from yba.fhir.search.parameters import param_number
from yba.fhir.search.principal import principal_dates
from yba.fhir.store.rows import Stored

LARGEST = 10_000
_CURSOR = re.compile(r"([ms])\.([0-9]{1,18})")
_COMMON = ("_since", "_type", "_count", "_cursor")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the parameters ask for: when it happened, since when it changed, which types, how many a page."""

    start: datetime | None = None
    end: datetime | None = None
    since: datetime | None = None
    types: frozenset[str] | None = None
    count: int | None = None
    phase: str = ""
    after: int = 0

    def takes(self, one: Stored) -> bool:
        """Whether a row is to be given, its care dates aside."""
        return (self.types is None or one.type in self.types) and (
            self.since is None or one.updated >= self.since
        )


@dataclass(frozen=True, slots=True)
class Chart:
    """Where the rows come from: the rows it begins with, and the statement that gives the others."""

    heads: Sequence[Stored]
    source: str
    params: Mapping[str, object]
    patients: Sequence[str]
    path: str


# -- the two operations ----------------------------------------------------------------------------------------


def patient(call: Call) -> Response:
    """Patient/$everything and Patient/[id]/$everything."""
    call.refuse_unknown(("start", "end", *_COMMON))
    record = call.record
    own = sorted({*record.actor.persons, *filter(None, [record.actor.person])})
    if call.id is not None:
        heads = [reading.head(record, "Patient", call.id)]
        path = f"Patient/{call.id}/$everything"
    else:
        if not own:
            raise TooCostly(
                "everything.whose",
                "Name one patient: Patient/[id]/$everything. For many, use Patient/$export.",
            )
        heads = []
        path = "Patient/$everything"
    patients = [one.id for one in heads] or own
    source = Chart(
        heads,
        chart.OF_PATIENTS,
        chart.of_patients(patients),
        patients,
        path,
    )
    return _page(call, source, _chosen(call))


# Rows that say by an extension which visit they belong to are sought in the person's own chart only.
_OF_ENCOUNTER = (
    "select r.* from record.resource r where (r.shard, r.rid) in (select x.shard, x.rid from record.reference x"
    " where x.param = any(%(links)s) and x.target_id = %(encounter)s and x.target_type = 'Encounter')"
    " and r.content is not null"
    " union"
    " select r.* from record.resource r where r.shard = any(%(shards)s::smallint[])"
    " and r.patient = any(%(patients)s) and r.content is not null"
    " and position('StructureDefinition/encounter-associatedEncounter' in r.content) > 0"
    " and (position(%(associated)s in r.content) > 0 or position(%(absolute)s in r.content) > 0)"
)


def encounter(call: Call) -> Response:
    """Encounter/[id]/$everything."""
    call.refuse_unknown(("start", "end", *_COMMON))  # R4 gives a visit no care dates; they choose here, too
    assert call.id is not None
    record = call.record
    head = reading.head(record, "Encounter", call.id)
    path = f"Encounter/{call.id}/$everything"
    patients = [head.patient] if head.patient else []
    params = {
        **chart.of_patients(patients),
        "links": chart.links("Encounter"),
        "encounter": head.id,
        "associated": f'"reference":"Encounter/{head.id}"',
        "absolute": f'"reference":"{call.request.base_url}/Encounter/{head.id}"',
    }
    return _page(call, Chart([head], _OF_ENCOUNTER, params, patients, path), _chosen(call))


# -- what is asked -----------------------------------------------------------------------------------------------


def _chosen(call: Call) -> Chosen:
    start, end = call.text("start"), call.text("end")
    phase, after = "", 0
    cursor = call.text("_cursor")
    if cursor is not None:
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            raise Invalid("everything.cursor", "'_cursor' is not from a page of $everything. Start again.")
        phase, after = found[1], int(found[2])
    count = call.number("_count")
    if count == 0:
        raise Invalid("everything.count", "'_count' takes a whole number from 1.", path="Parameters._count")
    since = call.text("_since")
    return Chosen(
        start=None if start is None else _bounds("start", start)[0],
        end=None if end is None else _bounds("end", end)[1],
        since=None if since is None else _bounds("_since", since.replace(" ", "+"))[0],
        types=_types(call.texts("_type")),
        count=count,
        phase=phase,
        after=after,
    )


def _bounds(name: str, text: str) -> tuple[datetime, datetime]:
    try:
        return period_of(text)
    except ValueError:
        raise Invalid(
            "operation.value",
            f"The parameter '{name}' takes a date, not '{text[:50]}'.",
            path=f"Parameters.{name}",
        ) from None


def _types(texts: Sequence[str]) -> frozenset[str] | None:
    asked = [one.strip() for text in texts for one in text.split(",") if one.strip()]
    for one in asked:
        if one not in MODULES:
            raise Invalid(
                "operation.value",
                f"'_type' takes resource types; '{one[:50]}' is none.",
                path="Parameters._type",
            )
    return frozenset(asked) or None


# -- the rows ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _date_numbers() -> list[int]:
    return [param_number(name, code) for name in MODULES for code in principal_dates(name)]


def _extra(chosen: Chosen, *, all_rows: bool) -> tuple[str, dict[str, object]]:
    """Further conditions on rows of the compartment: care dates, and (not for ``all_rows``) ``_since``."""
    parts = ["not (r.type = any(%(head_types)s) and r.id = any(%(head_ids)s))"]
    params: dict[str, object] = {}
    if chosen.start is not None or chosen.end is not None:
        parts.append(
            "(r.occurred is null or exists (select from record.date x where x.shard = r.shard and x.rid = r.rid"
            " and x.param = any(%(dates)s) and x.low < %(end)s and x.high > %(start)s))"
        )
        params |= {
            "dates": _date_numbers(),
            "start": chosen.start or "-infinity",
            "end": chosen.end or "infinity",
        }
    if chosen.since is not None and not all_rows:
        parts.append("r.updated >= %(since)s")
        params["since"] = chosen.since
    return " and ".join(parts), params


def _rows(call: Call, source: Chart, chosen: Chosen, *, after: int, wanted: int | None) -> list[Stored]:
    """Rows of the compartment beside the heads: with ``wanted`` None all that care dates choose."""
    everything = wanted is None
    extra, params = _extra(chosen, all_rows=everything)
    types = chart.ALL_TYPES
    if chosen.types is not None and not everything:
        types = tuple(name for name in types if name in chosen.types)
        if not types:
            return []
    heads = {
        "head_types": [one.type for one in source.heads][:1],
        "head_ids": [one.id for one in source.heads],
    }
    return chart.rows(
        call.record, source.source, {**source.params, **params, **heads}, types=types, extra=extra,
        after=after, wanted=wanted,
    )  # fmt: skip


def _support(call: Call, source: Chart, chosen: Chosen, found: Sequence[Stored] | None) -> list[Stored]:
    """What the rows point to, as far as it is asked for; ``found`` None: the rows are not at hand."""
    if found is None:
        found = [*source.heads, *_rows(call, source, chosen, after=0, wanted=None)]
    added = chart.support(call.record, found, base_url=call.request.base_url, patients=source.patients)
    return [one for one in added if chosen.takes(one)]


# -- the page ----------------------------------------------------------------------------------------------------


def _page(call: Call, source: Chart, chosen: Chosen) -> Response:
    room = min(chosen.count or LARGEST, LARGEST)
    matches: list[Stored] = []
    included: list[Stored] = []
    following: str | None = None
    at_hand: list[Stored] | None = None
    if not chosen.phase:
        matches = [one for one in source.heads if chosen.takes(one)]
    if chosen.phase != "s":
        found = _rows(call, source, chosen, after=chosen.after, wanted=room - len(matches) + 1)
        if not chosen.phase and chosen.types is None and chosen.since is None:
            at_hand = [*source.heads, *found]
        if len(matches) + len(found) > room:
            found = found[: room - len(matches)]
            following = f"m.{found[-1].rid if found else 0}"
        matches += found
    if following is None:
        after = chosen.after if chosen.phase == "s" else 0
        included = [one for one in _support(call, source, chosen, at_hand) if one.rid > after]
        left = room - len(matches)
        if len(included) > left:
            included = included[:left]
            following = f"s.{included[-1].rid if included else 0}"
    return _answer(call, source, chosen, matches, included, following)


def _answer(
    call: Call, source: Chart, chosen: Chosen, matches: Sequence[Stored], included: Sequence[Stored],
    following: str | None,
) -> Response:  # fmt: skip
    base = call.request.base_url
    asked = [(one.name, str(one.value)) for one in call.parameters]
    links = [("self", url(base, source.path, asked))]
    if following is not None:
        kept = [pair for pair in asked if pair[0] != "_cursor"]
        links.append(("next", url(base, source.path, [*kept, ("_cursor", following)])))
    answered = [*source.heads, *matches, *included]
    call.record.audit(
        "operation", type_name=source.path.partition("/")[0], stored=source.heads[0] if source.heads else None,
        detail=source.path, patients={one.patient for one in answered if one.patient is not None},
        answered=len(matches) + len(included), rows=answered,
    )  # fmt: skip
    entries = [entry(base, one, MATCH) for one in matches]
    entries += [entry(base, one, INCLUDE) for one in included]
    whole = following is None and not chosen.phase
    return searchset(entries, links, len(matches) if whole else None)


OPERATIONS = (
    Operation(
        "everything", patient, type_level=True, instance=True, types=frozenset({"Patient"}),
        definition="http://hl7.org/fhir/OperationDefinition/Patient-everything",
    ),
    Operation(
        "everything", encounter, instance=True, types=frozenset({"Encounter"}),
        definition="http://hl7.org/fhir/OperationDefinition/Encounter-everything",
    ),
)  # fmt: skip
