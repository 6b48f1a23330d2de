"""AuditEvents read and searched over the audit itself, through the access door.

The door's condition speaks of a row ``r`` of the record. A row of the audit stands to an actor as each person it is
about, and the facility where it was done or whose the resource is, do: it may be seen where any of these may. Who sees
only their own and their family's charts sees what concerns these persons and nothing of others on the same page
(``own``). To look at the audit is noted in it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from yba.fhir.access import policy
from yba.fhir.audit import event
from yba.fhir.audit.asked import Asking, Values, condition
from yba.fhir.audit.rows import COLUMNS, Row, row
from yba.fhir.audit.sealing import ZONE
from yba.fhir.audit.terms import TYPE
from yba.fhir.condition import Condition
from yba.fhir.errors import Invalid, TooCostly, Unsupported
from yba.fhir.record.failures import translated
from yba.fhir.search import asked as reading
from yba.fhir.search.asked import Asked, Include
from yba.fhir.search.compartment import Compartment
from yba.fhir.search.page import Found
from yba.fhir.search.parameters import of_type
from yba.fhir.search.question import Asking as SearchAsking
from yba.fhir.store import read
from yba.fhir.store.rows import Stored, execute

if TYPE_CHECKING:
    from yba.fhir.record.handle import Record

Parameter = tuple[str, str]
WHEN = "coalesce(a.occurred, a.at)"
MOST_PERSONS = 1_000
_ORDERS = {"date": WHEN, "_lastUpdated": "a.at"}
_CONTROLS = frozenset({
    "_count", "_total", "_cursor", "_summary", "_elements", "_include", "_revinclude", "_contained", "_containedType",
    "_query",
})  # fmt: skip
_PASSED = frozenset({"_format", "_pretty", "_type", "_sort"})
# A row of the audit as the door knows rows: once for each person and each facility it is of.
_AS_ROW = """
(select x.patient, y.facility, 'AuditEvent'::text collate "C" as type, ''::text collate "C" as id, 0::bigint as rid,
        0::smallint as shard, 0::smallint as sensitive, coalesce(a.occurred, a.at) as occurred, ''::text as content,
        a.at as updated
   from unnest(coalesce(a.patients, array[a.patient])) x(patient),
        unnest(array[a.actor_facility, a.facility]) y(facility)) r"""


@dataclass(frozen=True, slots=True)
class View:
    """What an actor may see of the audit: a condition on ``a`` (None: all), and whose acts they are told of."""

    sql: str | None
    params: Mapping[str, object]
    own: frozenset[str] | None = None


def view_of(record: Record, interaction: str = "search") -> View:
    """The actor's view, by the access door."""
    door = policy.condition(record.actor, TYPE, interaction, now=record.clock())
    if door.sql is None:
        return View(None, {})
    text = door.sql.as_string(None)
    passes = f"exists (select from {_AS_ROW} where {text})"
    if not door.narrow:
        return View(passes, door.params)
    own = _own(record, door, text)
    near = "(a.patient = any(%(near)s::text[]) or a.patients && %(near)s::text[])"
    return View(f"({near} and {passes})", {**door.params, "near": sorted(own)}, own)


def _own(record: Record, door: Condition, text: str) -> frozenset[str]:
    """The persons whose acts the actor is told of: those of the family for whom the door opens."""
    query = f"""
        with a as (select null::text[] as patients, p.id as patient, null::text as actor_facility,
                          null::text as facility, null::timestamptz as occurred, %(moment)s::timestamptz as at
                     from (select %(self)s::text as id union
                           select s.patient::text from record.standing s where s.holder = %(as_person)s) p)
        select a.patient::varchar from a where exists (select from {_AS_ROW} where {text})"""  # noqa: S608 - our own texts
    person = record.actor.person
    params = {"moment": record.clock(), "self": person, "as_person": f"person:{person}"}
    return frozenset(
        one[0] for one in execute(record.connection, query, {**door.params, **params}).fetchall()
    )


# -- read ----------------------------------------------------------------------------------------------------


def one_event(record: Record, identifier: str) -> Stored | None:
    """One AuditEvent; None for one that is not there or that the actor may not see."""
    view = view_of(record, "read")
    values = Values()
    condition(values, _asking(record, view), "_id", identifier)
    found = _rows(record, view, values, order=(WHEN, True), after=None, limit=1)
    return _stored(found[0], view) if found else None


def _stored(one: Row, view: View) -> Stored:
    return Stored(
        TYPE, event.identifier_of(one), 1, one.at, event.content_of(one, view.own), one.patient, one.facility,
        rid=one.seq, method="POST",
    )  # fmt: skip


# -- search --------------------------------------------------------------------------------------------------


def search_events(
    record: Record, params: Sequence[Parameter], *, strict: bool, compartment: Compartment | None = None
) -> Found:
    """One page of AuditEvents, newest first unless ``_sort`` says otherwise.

    Raises Invalid, Unsupported; TooCostly where a chain finds more than a thousand persons.
    """
    controls = [pair for pair in params if pair[0].partition(":")[0] in _CONTROLS]
    asked = reading.read(
        TYPE, [], controls, strict=strict, asking=SearchAsking(record.clock(), record.base_url)
    )
    for include in asked.includes:
        _check_include(include)
    view = view_of(record)
    values, asking = Values(), _asking(record, view)
    if compartment is not None:
        _in_compartment(values, asking, compartment)
    for name, value in params:
        if name.partition(":")[0] in _CONTROLS | _PASSED or not value:
            continue
        if not condition(values, asking, name, value):
            if strict:
                raise Invalid(
                    "search.unknown", f"AuditEvent has no search parameter '{name[:100]}'.", parameter=name
                )
            asked.unknown.append(name)
    found = _page(record, view, values, asked, _order(params))
    if asked.includes and found.matches:
        found.included = list(_included(record, asked.includes, found.matches))
    detail = "&".join(f"{name}={value}" for name, value in params)[:2000]
    record.audit("audit", type_name=TYPE, detail=detail, answered=len(found.matches) or found.total or 0)
    return found


def _asking(record: Record, view: View) -> Asking:
    def persons(chained: str, value: str) -> Sequence[str]:
        found = record.search_stored(
            "Patient", [(chained, value), ("_count", str(MOST_PERSONS))], strict=True
        )
        if found.next is not None:
            raise TooCostly(
                "audit.too-many-persons",
                f"More than {MOST_PERSONS:,} persons match 'patient.{chained[:50]}'. Narrow the question.",
            )
        return [one.id for one in found.matches]

    def charts(kind: str, identifier: str) -> list[str]:
        query = "select distinct v.patient::varchar from record.unwalled_version v where v.type = %s and v.id = %s"
        found = [one[0] for one in execute(record.connection, query, (kind, identifier)).fetchall()]
        return [] if None in found else found

    return Asking(record.clock(), record.base_url, view.own, persons, charts)


def _in_compartment(values: Values, asking: Asking, compartment: Compartment) -> None:
    """What is about one person, or was done by one. FHIR R4, compartmentdefinition-patient.html."""
    if compartment.type == "Patient":
        condition(values, asking, "patient", compartment.id)
        return
    code = {"Practitioner": "agent", "Device": "agent"}.get(compartment.type)
    if code is None:
        raise Unsupported(
            "search.compartment", f"AuditEvents are not in the compartment of a {compartment.type}."
        )
    condition(values, asking, code, f"{compartment.type}/{compartment.id}")


def _order(params: Sequence[Parameter]) -> tuple[str, bool]:
    """The one key of the order, and whether it runs downwards."""
    said = [value for name, value in params if name == "_sort" and value]
    if not said:
        return WHEN, True
    code = said[0].removeprefix("-")
    if len(said) > 1 or code not in _ORDERS:
        raise Unsupported(
            "search.sort", "AuditEvents are sorted by 'date' or '_lastUpdated'.", parameter="_sort"
        )
    return _ORDERS[code], said[0].startswith("-")


def _page(record: Record, view: View, values: Values, asked: Asked, order: tuple[str, bool]) -> Found:
    found = Found(
        [], unknown=asked.unknown, count=asked.count, capped=asked.capped, summary=asked.summary,
        elements=asked.elements,
    )  # fmt: skip
    counted_only = not asked.count or asked.summary == "count"
    rows: list[Row] = []
    if not counted_only:
        after = _place(asked.cursor) if asked.cursor else None
        rows = _rows(record, view, values, order=order, after=after, limit=asked.count + 1)
        if len(rows) > asked.count:
            rows = rows[: asked.count]
            found.next = _cursor(rows[-1], order)
    found.matches = [_stored(one, view) for one in rows]
    if asked.total == "none":
        return found
    if not counted_only and found.next is None and asked.cursor is None:
        found.total = len(found.matches)
    elif counted_only or asked.total is not None:
        found.total = _count(record, view, values)
    return found


def _where(view: View, values: Values) -> str:
    parts = [*values.parts, *([view.sql] if view.sql is not None else [])]
    return " and ".join(parts) or "true"


def _rows(
    record: Record, view: View, values: Values, *, order: tuple[str, bool], after: tuple[datetime, int] | None,
    limit: int,
) -> list[Row]:  # fmt: skip
    column, down = order
    where, params = _where(view, values), {**view.params, **values.params, "limit": limit}
    if after is not None:
        where += f" and ({column}, a.seq) {'<' if down else '>'} (%(moment)s::timestamptz, %(seq)s::bigint)"
        params |= {"moment": after[0], "seq": after[1]}
    way = "desc" if down else "asc"
    query = f"select {COLUMNS} from record.audit a where {where} order by {column} {way}, a.seq {way} limit %(limit)s"  # noqa: S608
    with translated:
        return [row(one) for one in execute(record.connection, query, params, prepare=False).fetchall()]


def _count(record: Record, view: View, values: Values) -> int:
    query = f"select count(*) from record.audit a where {_where(view, values)}"  # noqa: S608 - our own texts
    with translated:
        found = execute(record.connection, query, {**view.params, **values.params}, prepare=False).fetchone()
    return int(found[0]) if found is not None else 0


def _cursor(last: Row, order: tuple[str, bool]) -> str:
    moment = last.at if order[0] == _ORDERS["_lastUpdated"] else last.when
    packed = msgspec.json.encode((moment, last.seq))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


_places = msgspec.json.Decoder(tuple[datetime, int])


def _place(cursor: str) -> tuple[datetime, int]:
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        moment, seq = _places.decode(packed)
        if moment.tzinfo is None or not 0 <= seq < 1 << 62:
            raise ValueError(cursor)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise Invalid(
            "search.cursor", "'_cursor' is not from a page of this search. Start again at the first page."
        ) from None
    return moment, seq


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of rows for people who read the audit. ``total`` is at most ``MOST_COUNTED``; ``following``: a cursor."""

    rows: list[Row]
    total: int
    following: str | None


MOST_COUNTED = 10_000


def listed(
    record: Record, params: Sequence[Parameter], *, count: int, cursor: str | None = None, act: str = "audit"
) -> Listed:
    """Rows that meet search parameters of AuditEvent, newest first, for the auditors' pages; noted as ``act``.

    ``_resource`` asks besides of which type the acts were about.
    """
    view = view_of(record)
    values, asking = Values(), _asking(record, view)
    for name, value in params:
        if name == "_resource":  # no parameter of FHIR's: which type the acts were about
            values.parts.append(f"a.type = {values.put(value)}")
        else:
            condition(values, asking, name, value)
    order = (WHEN, True)
    rows = _rows(record, view, values, order=order, after=_place(cursor) if cursor else None, limit=count + 1)
    query = f"select count(*) from (select from record.audit a where {_where(view, values)} limit {MOST_COUNTED}) x"  # noqa: S608
    with translated:
        found = execute(record.connection, query, {**view.params, **values.params}, prepare=False).fetchone()
    detail = "&".join(f"{name}={value}" for name, value in params)[:2000]
    record.audit(act, type_name=TYPE, detail=detail, answered=len(rows[:count]))
    following = _cursor(rows[count - 1], order) if len(rows) > count else None
    return Listed(rows[:count], int(found[0]) if found is not None else 0, following)


# -- what comes along ------------------------------------------------------------------------------------------


def _check_include(include: Include) -> None:
    known = [code for code, one in of_type(TYPE).items() if one.kind == "reference"]
    if (
        include.reverse
        or include.iterate
        or include.source not in (TYPE, "*")
        or include.code not in (*known, "*")
    ):
        raise Unsupported(
            "search.include",
            "With AuditEvents come what they point to: '_include=AuditEvent:patient', ':agent', ':entity'.",
        )


def _included(record: Record, includes: Sequence[Include], matches: Sequence[Stored]) -> Iterator[Stored]:
    """What the events of a page point to, each once, through the door of its type."""
    seen: set[tuple[str, str]] = set()
    for one in matches:
        for code, kind, identifier in _targets(one):
            wanted = any(
                include.code in ("*", code) and include.target in (None, kind) for include in includes
            )
            if not wanted or (kind, identifier) in seen:
                continue
            seen.add((kind, identifier))
            door = policy.condition(record.actor, kind, "read", now=record.clock())
            with translated:
                found = read.current(record.connection, kind, identifier, condition=door)
            if found is not None and found[0].content is not None:
                yield found[0]


def _targets(one: Stored) -> Iterator[tuple[str, str, str]]:
    """What an event points to: the parameter, the type and the id."""
    from yba.fhir.model import codec
    from yba.fhir.r4.audit_event import AuditEvent
    from yba.fhir.search.reference import target

    assert one.content is not None
    event_ = codec.decode_as(one.content, AuditEvent)
    for code, references in (
        ("agent", [agent.who for agent in event_.agent]), ("entity", [entity.what for entity in event_.entity]),
    ):  # fmt: skip
        for reference in references:
            if reference is None or reference.reference is None:
                continue
            kind, identifier, _version = target(reference.reference)
            if kind is not None and kind != TYPE:
                yield code, kind, identifier
                if kind == "Patient":
                    yield "patient", kind, identifier


# -- days ----------------------------------------------------------------------------------------------------


def of_days(record: Record, first: date, last: date) -> Iterator[bytes]:
    """The AuditEvents of some days, oldest first, as the house counts days."""
    view = view_of(record)
    low = datetime.combine(first, time(), ZONE).astimezone(UTC)
    high = datetime.combine(last + timedelta(days=1), time(), ZONE).astimezone(UTC)
    after: tuple[datetime, int] | None = None
    while True:
        values = Values()
        values.parts.append(f"{WHEN} >= {values.put(low)} and {WHEN} < {values.put(high)}")
        rows = _rows(record, view, values, order=(WHEN, False), after=after, limit=1_000)
        for one in rows:
            yield event.content_of(one, view.own)
        if len(rows) < 1_000:
            return
        after = rows[-1].when, rows[-1].seq


def check_links(params: Sequence[Parameter]) -> None:
    """Refuse to follow links to AuditEvents from searches of other types: these would answer nothing, silently.

    Raises Unsupported.
    """
    for name, value in params:
        if (name.startswith(("_has:", "_type")) and TYPE in f"{name}{value}") or (
            name.startswith("_revinclude") and value.startswith(f"{TYPE}:")
        ):
            raise Unsupported(
                "audit.links",
                "AuditEvents are searched by themselves: 'AuditEvent?entity=...' or 'AuditEvent?patient=...'.",
                parameter=name,
            )


def is_audit(type_name: str | None, params: Sequence[Parameter]) -> bool:
    """Whether a search is one of AuditEvents: of the type, or of the whole record with ``_type=AuditEvent``."""
    if type_name is not None:
        return type_name == TYPE
    return [value for name, value in params if name == "_type"] == [TYPE]
