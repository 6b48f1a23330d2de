"""Who opened a person's book: the acts on it, those of one sitting as one line.

A sitting is what one account does with the book at one facility without a pause of half an hour. What a rule of the
house does by itself is nobody's opening; what it does for somebody is theirs. Every row passes the access door.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yba.fhir.audit.acts import KINDS
from yba.fhir.audit.search import view_of
from yba.fhir.errors import NotFound
from yba.fhir.record.failures import translated
from yba.fhir.store.rows import execute

if TYPE_CHECKING:
    from yba.fhir.record.handle import Record

PAUSE = timedelta(minutes=30)
PAGE = 30
CHANGES = ("create", "update", "delete")
ACTS = sorted({act for act, kind in KINDS.items() if kind.opens} | set(CHANGES) | {"refused", "receive"})


@dataclass(frozen=True, slots=True)
class Sitting:
    """One account at one book at one facility.

    ``acts``, ``types`` and ``purposes``: each once; ``count``: how many acts. ``person``: Patient id of the one who
    acted, where they act as a person; ``place``: where the page after this begins.
    """

    who: str
    name: str
    practitioner: str | None
    person: str | None
    role: str | None
    facility: str | None
    app: str | None
    since: datetime
    until: datetime
    count: int
    acts: tuple[str, ...]
    types: tuple[str, ...]
    purposes: tuple[str, ...]
    place: int


_SITTINGS = """
with mine as (
    select a.at, a.seq, coalesce(a.origin, a.actor) as who, a.name, a.practitioner, a.person,
           a.actor_facility as facility, case when a.origin is null then a.role end as role, a.app, a.act, a.type,
           a.purpose
      from record.audit a
     where (a.patient = %(patient)s or a.patients @> array[%(patient)s]) and a.act = any(%(acts)s)
       and coalesce(a.type, '') <> 'AuditEvent' and not (a.role = 'system' and a.origin is null)
       and (a.act not in ('search', 'operation') or coalesce(a.answered, 1) > 0) and {door}
    union all
    select a.at, a.seq, a.actor, a.name, null, null, a.actor_facility, a.role, a.app, a.act, null, null
      from record.audit a
     where (a.patient = %(patient)s or a.patients @> array[%(patient)s]) and a.content is not null
       and 'receive' = any(%(acts)s) and {door}
), begun as (
    select *, case when at - lag(at) over w <= %(pause)s then 0 else 1 end as begins
      from mine window w as (partition by who, coalesce(facility, '') order by at, seq)
), numbered as (
    select *, sum(begins) over (partition by who, coalesce(facility, '') order by at, seq) as number from begun
), sat as (
    select who, (array_agg(name order by seq desc) filter (where name is not null))[1] as name, max(practitioner)
           as practitioner, max(person) as person, max(role) as role, max(facility) as facility, max(app) as app,
           min(at) as since, max(at) as until, count(*) as count, array_agg(distinct act) as acts,
           array_agg(distinct type) filter (where type is not null) as types,
           array_agg(distinct purpose) filter (where purpose is not null) as purposes, max(seq) as place
      from numbered group by who, coalesce(facility, ''), number
)
select who::varchar, coalesce(name, '')::varchar, practitioner::varchar, person::varchar,
       coalesce(role, (select b.role from record.audit b where b.actor = sat.who and b.at <= sat.until
                        order by b.at desc limit 1))::varchar as role,
       facility::varchar, app::varchar, since, until, count, acts::varchar[], coalesce(types, '{{}}')::varchar[],
       coalesce(purposes, '{{}}')::varchar[], place
  from sat where (%(before)s::bigint is null
                  or (until, place) < (select s.until, s.place from sat s where s.place = %(before)s::bigint))
 order by until desc, place desc limit %(limit)s
"""


def sittings(
    record: Record, patient: str, *, before: int | None = None, limit: int = PAGE, own: bool = True
) -> tuple[list[Sitting], int | None]:
    """Who opened the book of a person, newest first, and where the next page begins.

    ``own`` False leaves out what the asker did. Raises NotFound for a person of whom the actor may not ask this.
    """
    view = view_of(record)
    if view.own is not None and patient not in view.own:
        raise NotFound("store.not-found", f"There is no Patient/{patient[:64]}.", type="Patient", id=patient)
    query = _SITTINGS.format(door=view.sql or "true")
    if not own:
        query = query.replace("from sat where ", "from sat where who <> %(asker)s and ")
    asked = {
        **view.params, "patient": patient, "acts": list(ACTS),
        "pause": PAUSE, "before": before, "limit": limit + 1,
        "asker": record.actor.user,
    }  # fmt: skip
    with translated:
        rows = execute(record.connection, query, asked, prepare=False).fetchall()
    found = [_sitting(row) for row in rows[:limit]]
    record.audit("audit", type_name="AuditEvent", detail=f"who opened Patient/{patient}", answered=len(found))
    return found, found[-1].place if len(rows) > limit else None


def sitting_at(record: Record, patient: str, place: int) -> Sitting | None:
    """The one sitting with this place (`Sitting.place`); None when there is none, or it has gone on since.

    Raises NotFound for a person of whom the actor may not ask this.
    """
    view = view_of(record)
    if view.own is not None and patient not in view.own:
        raise NotFound("store.not-found", f"There is no Patient/{patient[:64]}.", type="Patient", id=patient)
    query = _SITTINGS.format(door=view.sql or "true").replace(
        "from sat where ", "from sat where place = %(only)s and "
    )
    asked = {
        **view.params, "patient": patient, "acts": list(ACTS), "pause": PAUSE, "before": None, "limit": 1,
        "only": place,
    }  # fmt: skip
    with translated:
        row = execute(record.connection, query, asked, prepare=False).fetchone()
    record.audit("audit", type_name="AuditEvent", detail=f"one opening of Patient/{patient}")
    return _sitting(row) if row is not None else None


def _sitting(row: tuple[Any, ...]) -> Sitting:
    (
        who,
        name,
        practitioner,
        person,
        role,
        facility,
        app,
        since,
        until,
        count,
        acts,
        types,
        purposes,
        place,
    ) = row
    return Sitting(
        who, name, practitioner, person, role, facility, app, since, until, int(count), tuple(acts), tuple(types),
        tuple(purposes), place,
    )  # fmt: skip
