"""Rows of a chart through the access door, in few statements: those of a compartment, and those named by others.

What `$everything`, `$summary` and `$document` read. The door is put to every row: one condition for all types, so that
a chart is one statement however many types it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from psycopg import sql

from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.errors import TooCostly
from yba.fhir.model import references
from yba.fhir.r4 import MODULES
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.record import Record
from yba.fhir.record.failures import translated
from yba.fhir.search.parameters import of_type, param_number
from yba.fhir.search.principal import names_the_patient
from yba.fhir.store.identity import shard_of
from yba.fhir.store.rows import Query, Stored, execute

Name = tuple[str, str]
"""Type and id."""
ALL_TYPES = tuple(MODULES)
LARGEST_SUPPORT = 20_000
_COLUMNS = (
    "r.type::varchar, r.id::varchar, r.version, r.updated, r.content,"
    " r.patient::varchar, r.facility::varchar, r.rid"
)
_TRUE = "true"
_REFERENCE = re.compile(rb'"reference":"([^"\\#]+)"')
_ATTACHMENT = re.compile(rb'"url":"((?:[^"\\]*/)?Binary/[A-Za-z0-9.\-]{1,64})"')


# -- the door ------------------------------------------------------------------------------------------------


def door(record: Record, types: Sequence[str] = ALL_TYPES) -> tuple[str, dict[str, object]]:
    """What the actor may read of rows of any of these types: the condition as text and its parameters.

    A row of another type does not pass.
    """
    text, examples = _door(record.actor, tuple(types))
    params: dict[str, object] = {}
    for type_name in examples:
        params |= record.may(type_name).params
    return text, params


@lru_cache(maxsize=512)
def _door(actor: Actor, types: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The condition, and a type of each kind of door: its parameters are those of the others, too."""
    grouped: dict[str, list[str]] = {}
    for type_name in types:
        may = policy.condition(actor, type_name)
        text = "true" if may.sql is None else may.sql.as_string(None)
        grouped.setdefault(text, []).append(type_name)
    grouped.pop("false", None)
    examples = tuple(names[0] for names in grouped.values())
    parts = []
    for text, names in grouped.items():
        if len(names) == len(MODULES):
            return text, examples
        listed = ", ".join(f"'{name}'" for name in names)  # names of R4's types, never what was sent
        parts.append(f"r.type in ({listed})" + ("" if text == "true" else f" and {text}"))
    return "(" + " or ".join(parts) + ")" if parts else "false", examples


# -- rows of a compartment --------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def links(compartment: str) -> list[int]:
    """The numbers of the parameters by which a row is in a compartment, beside the column ``patient``."""
    return [
        param_number(type_name, code)
        for type_name, codes in COMPARTMENTS[compartment].items()
        for code in codes
        if code in of_type(type_name)
        and not (compartment == "Patient" and names_the_patient(type_name, code))
    ]


# Sorted by an expression: an index on rid would have the planner walk the whole record for one chart.
_ROWS = (
    "select {columns} from ({source}) r where {door} and {extra}"
    " and r.rid + 0 > %(after)s::bigint order by r.rid + 0 limit %(wanted)s::bigint"
)
OF_CHARTS = (
    "select r.* from record.resource r where r.shard = any(%(shards)s::smallint[])"
    " and r.patient = any(%(patients)s) and r.content is not null"
)
"""Rows of the persons' own charts, each on its person's shard."""
_OF_LINKS = (
    "select r.* from record.resource r where (r.shard, r.rid) in (select x.shard, x.rid from record.reference x"
    " where x.param = any(%(links)s) and x.target_id = any(%(patients)s) and x.target_type = 'Patient')"
    " and r.content is not null and (r.patient is null or r.patient <> all(%(patients)s))"
)
OF_PATIENTS = " union all ".join((OF_CHARTS, _OF_LINKS))
"""The same, and rows of other charts that are in the persons' compartments (who performed, who takes part)."""


def of_patients(patients: Sequence[str]) -> dict[str, object]:
    """The parameters of the two statements above."""
    return {
        "patients": list(patients),
        "shards": sorted({shard_of(one) for one in patients}),
        "links": links("Patient"),
    }


def rows(
    record: Record, source: str, params: Mapping[str, object], *,
    types: Sequence[str] = ALL_TYPES, extra: str = _TRUE, after: int = 0, wanted: int | None = None,
) -> list[Stored]:  # fmt: skip
    """Rows of a source (SQL that gives rows of record.resource), in the order they were made, after the place
    ``after``."""
    may, given = door(record, types)
    query = _composed(_ROWS, source, may, extra)
    return _fetched(record, query, {**params, **given, "after": after, "wanted": wanted})


@lru_cache(maxsize=1024)
def _composed(query: str, source: str, may: str, extra: str) -> str:
    """A statement of constant texts; what a user sends is only ever a parameter."""
    parts = {"columns": _COLUMNS, "source": source, "door": may, "extra": extra}
    return sql.SQL(query).format(**{name: sql.SQL(text) for name, text in parts.items()}).as_string(None)


def _fetched(record: Record, query: Query, params: Mapping[str, object]) -> list[Stored]:
    with translated:
        found = execute(record.connection, query, params).fetchall()
    return [record.shown(Stored(*row)) for row in found]


# -- rows by name --------------------------------------------------------------------------------------------

_NAMED = (
    "select {columns} from unnest(%(types)s::text[], %(ids)s::text[]) as wanted(type, id)"
    " join record.resource r on r.type = wanted.type and r.id = wanted.id"
    " where r.content is not null and {door} and {extra}"
)


def named(
    record: Record, names: Iterable[Name], *, extra: str = _TRUE,
    params: Mapping[str, object] | None = None,
) -> list[Stored]:  # fmt: skip
    """The rows of these names that are there and that the actor may see, in one statement."""
    listed = sorted(set(names))
    if not listed:
        return []
    may, given = door(record)
    query = _composed(_NAMED, _TRUE, may, extra)
    asked = {"types": [kind for kind, _ in listed], "ids": [identifier for _, identifier in listed]}
    return _fetched(record, query, {**(params or {}), **given, **asked})


def names_in(contents: Iterable[bytes], base_url: str) -> set[Name]:
    """What resources point to in this record: their literal references, and attachments kept as Binary."""
    texts: set[bytes] = set()
    for content in contents:
        texts.update(_REFERENCE.findall(content))
        if b"Binary/" in content:
            texts.update(_ATTACHMENT.findall(content))
    own = base_url + "/"
    targets = (references.parse(text.decode()) for text in texts)
    return {(one.type, one.id) for one in targets if one is not None and one.base in ("", own)}


_OF_NOBODY_ELSE = "(r.patient is null or r.patient = any(%(patients)s))"


def support(
    record: Record, found: Sequence[Stored], *, base_url: str, patients: Sequence[str], deep: bool = False
) -> list[Stored]:
    """What rows need to be understood: practitioners, organizations, medicines ... that they point to, and what those
    point to in turn. In the order they were made.

    A row in the chart of a person who is not one of ``patients`` is no support, whoever points to it. Rows in the
    chart itself are not followed further, unless ``deep``. Raises TooCostly above 20,000.
    """
    seen: set[Name] = {(one.type, one.id) for one in found}
    added: list[Stored] = []
    fresh: Sequence[Stored] = found
    while fresh:
        wanted = names_in((one.content or b"" for one in fresh), base_url) - seen
        seen |= wanted
        met = named(record, wanted, extra=_OF_NOBODY_ELSE, params={"patients": list(patients)})
        added += met
        if len(added) > LARGEST_SUPPORT:
            raise TooCostly(
                "operation.support",
                f"More than {LARGEST_SUPPORT:,} further resources are pointed to. Ask for fewer types with '_type'.",
            )
        # A row of the person's own is there; what it points to belongs to its own story.
        fresh = [one for one in met if deep or one.patient is None]
    return sorted(added, key=lambda one: one.rid)
