"""What an actor may do, compiled to one SQL condition a type: the door of every read, and of writes (``writing.py``).

The text of a condition is the same for all actors of a role (and of a set of scopes), so that one prepared statement
serves them; who they are is in its parameters. Nothing granted is nothing seen, and a hidden row is not found.

How persons stand to facilities, staff, programmes, apps and their family is in ``record.standing``, made with the
resources that say so (``sources.py``). Its times are held against the moment that is given, so that what ends, ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from psycopg import sql
from psycopg.sql import SQL

from yba.fhir.access import criteria, labels, scopes
from yba.fhir.access.actor import Actor, Scope
from yba.fhir.access.masks import Mask, mask_of
from yba.fhir.access.roles import ANY, Grant, Role, roles
from yba.fhir.condition import FACILITY_TAG, NOTHING, PERSON, Condition
from yba.fhir.errors import Forbidden

__all__ = ["FACILITY_TAG", "NOTHING", "Condition", "condition", "mask", "may", "sees_all"]

_TREATMENT = "s.basis in ('visit', 'booking', 'care-team')"
_SHARED = "s.basis in ('consent', 'transfer', 'emergency')"
_SHARED_USUALLY = "s.basis in ('consent', 'transfer')"
_HERE = "r.facility = %(actor_facility)s"
# What no facility keeps (an allergy somebody told of) is the person's own: who treats them sees it.
_NOT_ELSEWHERE = f"({_HERE} or r.facility is null)"
# A standing's own bounds: which types, of which facilities, which rows, from when to when, for what purpose.
_BOUNDS = (
    "(s.types is null or r.type = any(s.types))"
    " and (s.kept is null or r.facility = any(s.kept))"
    " and (s.named is null or r.type || '/' || r.id = any(s.named))"
    " and (s.occurred_from is null or r.occurred >= s.occurred_from)"
    " and (s.occurred_until is null or r.occurred < s.occurred_until)"
    " and (s.purposes is null or %(actor_purpose)s = any(s.purposes))"
)
# What a denial of the person stands against: to anybody or to one as whom the actor comes, as far as it says. Where a
# row does not tell (no moment, no facility) it counts. The consent that denies may make exceptions itself.
_DENIER = "d.patient = r.patient"
_DENIED = (
    f"exists (select from record.standing d where {_DENIER} and d.holder in ('*', {{holders}})"
    " and d.basis = 'denial' and d.since <= %(actor_now)s and d.until > %(actor_now)s"
    " and d.source_id <> s.source_id"
    " and (d.types is null or r.type = any(d.types)) and (d.labels = 0 or (r.sensitive & d.labels) <> 0)"
    " and (d.kept is null or r.facility is null or r.facility = any(d.kept))"
    " and (d.named is null or r.type || '/' || r.id = any(d.named))"
    " and coalesce(r.occurred >= d.occurred_from, true) and coalesce(r.occurred < d.occurred_until, true)"
    " and (d.purposes is null or coalesce(%(actor_purpose)s::text = any(d.purposes), true)))"
)
# Relation -> what of a standing it counts on, and who of the holders it must be.
_STANDING: Mapping[str, tuple[str, str | None]] = {
    "own-department": (_TREATMENT, "s.holder = any(%(actor_departments)s)"),
    "own-patients": (_TREATMENT, None),
    "treating": (_TREATMENT, "s.holder = %(actor_practitioner)s"),
    "shared": (f"{_SHARED} and {_BOUNDS} and (s.basis <> 'consent' or not {_DENIED})", None),
    "ward": ("s.basis = 'guardian'", None),
    # What was opened to next of kin after a death is the law's, not a consent's.
    "delegated": (
        f"s.basis = 'delegate' and {_BOUNDS} and ((s.labels & {labels.DECEASED}) <> 0 or not {_DENIED})",
        None,
    ),
}
_FAMILY = frozenset({"ward", "delegated"})
# Relations that are told by the row's own columns.
_OWN: Mapping[str, str] = {"own-facility": _HERE, "self": "r.patient = %(actor_person)s"}
_NOW = "s.since <= %(actor_now)s and s.until > %(actor_now)s"
# Holders are single places: of an array the planner can't tell how long it is, and would plan anew each time.
_EXISTS = (
    f"exists (select from record.standing s where s.patient = r.patient and {{holders}} and {_NOW}"
    " and ({arms}){asked})"
)
# Rows are to be found by it, or one row is held against it: then the planner may make no join of it (EXISTS with OFFSET
# is never pulled up), which would read the standings of a whole facility while they are few.
_FINDS, _HOLDS = "", " offset 0"
_TREATED = (
    f"exists (select from record.standing s where s.patient = {{person}} and s.holder in ({{places}}) and {_NOW}"
    f" and {_TREATMENT}{_HOLDS})"
)
_AS_PERSON = "s.holder = %(actor_as_person)s"
_PERSONS = (
    "r.patient = any(array(select %(actor_person)s::text union all"  # noqa: S608 - our own texts
    f" select s.patient::text from record.standing s where {_AS_PERSON}"
    f" and {_NOW}))"
)
_SEEKS = frozenset({"search", "history-type", "export"})
_BARE = "search-bare"
_NAMED = re.compile(r"%\((\w+)\)s")
_HIDES, _HOLDER = "actor_hides_", "actor_holder_"
# What an app was not given of the sensitive rows its account may see.
_GIVEN = "(r.sensitive & %(actor_withheld)s) = 0"


@dataclass(frozen=True, slots=True)
class Way:
    """One way through the door: a relation, the labels it lets through, and further criteria as SQL."""

    relation: str
    kept_here: bool
    labels: int
    where: str | None


@dataclass(frozen=True, slots=True)
class Compiled:
    """The door of a role and its scopes to a type: the text (None: every row), and the values it carries itself.

    ``easy``: relations that let a row through by its own columns alone, whatever its labels. ``quick``, ``of_one``: see
    Condition.
    """

    sql: sql.SQL | None
    names: tuple[str, ...]
    params: tuple[tuple[str, object], ...] = ()
    narrow: bool = False
    easy: frozenset[str] = frozenset()
    quick: SQL | None = None
    of_one: SQL | None = None


def role_of(actor: Actor) -> Role | None:
    """The actor's role; None for one that is not written down, which may nothing."""
    return roles().get(actor.role)


# -- compiling ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=16384)
def compiled(
    role_key: str, type_name: str, interaction: str, held: tuple[Scope, ...] | None, width: int = 1
) -> Compiled:
    """The door to a type for an interaction; ``history-type`` is the history of all of a type.

    ``search-bare``: a search among few rows.

    ``width``: as how many holders of standings an actor comes (facility, practitioner, departments ...).
    """
    role = roles().get(role_key)
    ways: dict[Way, None] = {}
    params: dict[str, object] = {}
    for grant in role.grants if role is not None else ():
        if grant.gives(type_name, interaction.partition("-")[0]):
            ways.update(dict.fromkeys(_ways(grant, type_name, params)))
    text, narrow = _text(list(ways), width, seeks=interaction in _SEEKS)
    easy = frozenset(way.relation for way in ways if way.relation not in _STANDING and way.where is None)
    quick = _quick(list(ways), width) if interaction == "read" and text is not None else None
    of_one = _of_one(list(ways), width) if interaction == "search" and text is not None else None
    if held is not None and text != "false":
        limit = scopes.limit(held, type_name, interaction)
        easy, quick, of_one = frozenset(), None, None
        text = _all([text, limit.sql if limit is not None else None, _GIVEN])
        if limit is not None:
            text = "false" if limit.sql == "false" else text
            params |= dict(limit.params)
    if text is None:
        return Compiled(None, ())
    names = tuple(dict.fromkeys(_NAMED.findall(text)))  # those of the shorter ones are among them
    made = sql.SQL(text)  # of this package's own texts
    return Compiled(
        NOTHING if text == "false" else made, names, tuple(params.items()), narrow, easy,
        None if quick is None else sql.SQL(quick), None if of_one is None else sql.SQL(of_one),
    )  # fmt: skip


def _ways(grant: Grant, type_name: str, params: dict[str, object]) -> Iterator[Way]:
    where = None
    text = grant.criteria.get(type_name)
    if text is not None:
        found = criteria.of_text(type_name, text)
        where = found.sql
        params |= dict(found.params)
    for relation in grant.of:
        yield Way(relation, grant.kept_here, grant.labels, where)


def _text(ways: Sequence[Way], width: int, *, seeks: bool) -> tuple[str | None, bool]:
    """The condition of several ways; None where every row passes. And whether it leaves one family's rows only.

    ``seeks``: rows are to be found by it, not one row to be held against it.
    """
    if not ways:
        return "false", False
    if any(_opens_all(way) for way in ways):
        return None, False
    parts = list(dict.fromkeys(_plain(way) for way in ways if way.relation not in _STANDING))
    treat = [way for way in ways if way.relation in _STANDING and way.relation not in _FAMILY]
    family = [way for way in ways if way.relation in _FAMILY]
    asked = _FINDS if seeks else _HOLDS
    if treat and width:
        places = _places(width)
        parts.append(
            _EXISTS.format(holders=f"s.holder in ({places})", arms=_arms(treat, places), asked=asked)
        )
    if family:
        arms = _arms(family, "%(actor_as_person)s")
        parts.append(_EXISTS.format(holders=_AS_PERSON, arms=arms, asked=asked))
    if not parts:
        return "false", False
    text = parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"
    if all(way.relation == "self" for way in ways):
        return text, True
    if all(way.relation in _FAMILY or way.relation == "self" for way in ways):
        return (f"({_PERSONS} and {text})" if seeks else text), True
    return text, False


def _quick(ways: Sequence[Way], width: int) -> str | None:
    """Rows without labels, by whose they are, who keeps them or whose patients they are about; None: nothing shorter.

    Each part stands in the whole text too, with more beside it that costs the database as much to get ready as to ask.
    """
    if not any(way.relation in _STANDING for way in ways):
        return None
    parts: dict[str, None] = {}
    for way in ways:
        if way.where is not None:
            continue
        if way.relation in _OWN:
            parts[_OWN[way.relation]] = None
        elif way.relation == "own-patients" and width:
            parts[_treated(way, "r.patient", width)] = None
    return f"(r.sensitive = 0 and ({' or '.join(parts)}))" if parts else None


def _of_one(ways: Sequence[Way], width: int) -> str | None:
    """Rows without labels of a person that is treated where the actor works, asked once for them all.

    What is asked of each row is whose it is, whatever else the search says of that: it is no way past the whole text.
    """
    person = f"%({PERSON})s"
    parts = dict.fromkeys(
        _treated(way, person, width)
        for way in ways
        if way.where is None and way.relation == "own-patients" and width
    )
    return f"(r.patient = {person} and r.sensitive = 0 and ({' or '.join(parts)}))" if parts else None


def _treated(way: Way, person: str, width: int) -> str:
    """A person is treated where the actor works, or by them, and the row is kept there where it must be."""
    return _all(
        [
            _NOT_ELSEWHERE if way.kept_here else None,
            _TREATED.format(person=person, places=_places(width)),
        ]
    )


def _places(width: int) -> str:
    return ", ".join(f"%({_HOLDER}{number})s" for number in range(width))


def _opens_all(way: Way) -> bool:
    return way.relation == "all" and way.where is None and way.labels == labels.EVERY


def _plain(way: Way) -> str:
    return _all([_OWN.get(way.relation), _unlabelled(way.labels), way.where]) or "true"


def _arms(ways: Sequence[Way], places: str) -> str:
    """What of a standing counts. Ways that count on the same differ in the labels they let through.

    ``places``: as whom the actor comes.
    """
    grouped: dict[str, dict[str, None]] = {}
    for way in ways:
        counts, holder = _STANDING[way.relation]
        counts = counts.replace("{holders}", places)
        here = _NOT_ELSEWHERE if way.kept_here and way.relation not in ("shared", *_FAMILY) else None
        hides = f"%({_HIDES}{way.labels})s"
        if (
            counts == _TREATMENT and way.labels & ~labels.DECEASED
        ):  # who wrote themselves in sees no label by it
            hides = f"case when s.claimed then %({_HIDES}{labels.DECEASED})s::int else {hides}::int end"
        shown = _all([holder, f"(r.sensitive & {hides} & ~s.labels) = 0"])
        grouped.setdefault(_all([counts, here, way.where]), {})[shown] = None
        if holder is None:  # most rows have no label
            grouped[_all([counts, here, way.where])]["r.sensitive = 0"] = None
    arms = [_all([base, f"({' or '.join(sorted(shown, key=len))})"]) for base, shown in grouped.items()]
    return " or ".join(sorted(arms, key=len))


def _unlabelled(allowed: int) -> str | None:
    """Rows without labels that are not let through; said so that the planner knows that most are such."""
    return (
        None if allowed == labels.EVERY else f"(r.sensitive = 0 or (r.sensitive & %({_HIDES}{allowed})s) = 0)"
    )


def _all(parts: Sequence[str | None]) -> str:
    found = [one for one in parts if one is not None]
    return found[0] if len(found) == 1 else f"({' and '.join(found)})" if found else ""


# -- asking ------------------------------------------------------------------------------------------------


def condition(
    actor: Actor, type_name: str, interaction: str = "read", *, now: datetime | None = None
) -> Condition:
    """Which rows of a type the actor may do this to, as SQL on ``r``; ``now``: when standings must hold."""
    found = _of_actor(actor, type_name, interaction)
    if found.sql is None or "actor_now" not in found.params:
        return found
    params = {**found.params, "actor_now": now or datetime.now(UTC)}
    return Condition(found.sql, params, found.narrow, found.among_few, found.quick, found.of_one)


@lru_cache(maxsize=8192)
def _of_actor(actor: Actor, type_name: str, interaction: str) -> Condition:
    """The condition with all that does not change from one moment to the next."""
    found = door(actor, type_name, interaction)
    if found.sql is None or not found.names:
        return Condition(found.sql)
    known = dict(found.params)
    params = {name: known[name] if name in known else _value(actor, name) for name in found.names}
    bare = None
    if found.narrow and interaction in _SEEKS:  # the same without what finds the family's rows
        bare = door(actor, type_name, _BARE).sql
    return Condition(found.sql, params, found.narrow, bare, found.quick, found.of_one)


def door(actor: Actor, type_name: str, interaction: str) -> Compiled:
    """The compiled door of an actor."""
    return compiled(actor.role, type_name, interaction, actor.scopes, width(actor))


def without_emergency(text: str) -> str:
    """The text of a condition as if no chart stood open in an emergency."""
    return text.replace(_SHARED, _SHARED_USUALLY)


def denied_under_both(text: str) -> str:
    """The text of a condition on a row of another record of the person (``r.whose``): what was denied there counts."""
    return text.replace(_DENIER, "d.patient in (r.patient, r.whose)")


def width(actor: Actor) -> int:
    """As how many holders of standings the actor comes: a part of the shape of their conditions."""
    return len(holders(actor))


def _value(actor: Actor, name: str) -> object:
    if name == "actor_facility":
        return actor.facility
    if name == "actor_now":
        return None
    if name == "actor_person":
        return actor.person
    if name.startswith(_HOLDER):
        return holders(actor)[int(name.removeprefix(_HOLDER))]
    if name == "actor_as_person":
        return f"person:{actor.person}" if actor.person else None
    if name == "actor_practitioner":
        return f"practitioner:{actor.practitioner}" if actor.practitioner else None
    if name == "actor_departments":
        return [f"department:{one}" for one in sorted(actor.departments)]
    if name == "actor_purpose":
        role = role_of(actor)
        return actor.purpose or (role.purpose if role else None)
    if name == "actor_launched":
        return actor.launched
    if name == "actor_withheld":
        return labels.bits_of(actor.withheld)
    allowed = int(name.removeprefix(_HIDES)) | rights_of(actor)
    return (labels.EVERY | labels.UNKNOWN) & ~allowed


@lru_cache(maxsize=8192)
def holders(actor: Actor) -> list[str]:
    """As whom of ``record.standing`` the actor comes, the person aside."""
    one_each = (
        ("facility", actor.facility), ("practitioner", actor.practitioner), ("programme", actor.programme),
        ("app", actor.app),
    )  # fmt: skip
    found = [f"{kind}:{one}" for kind, one in one_each if one]
    return found + [f"department:{one}" for one in sorted(actor.departments)]


def rights_of(actor: Actor) -> int:
    """The labels the account may see beside its role's, as bits; a name that is not known gives none."""
    found = 0
    for name in actor.rights:
        found |= labels.NAMES.get(name, 0)
    return found


def sees_all(actor: Actor, type_name: str, interaction: str = "read") -> bool:
    """Whether no row of the type is hidden from the actor."""
    return door(actor, type_name, interaction).sql is None


def may(actor: Actor, type_name: str, interaction: str) -> bool:
    """Whether there could be a row the actor may do this to: for menus and what a server says it offers."""
    return door(actor, type_name, interaction).sql is not NOTHING


def may_call(actor: Actor, operation: str) -> bool:
    """Whether the role may call an operation of the house: reindex, export, import, views, materialize, history.

    An app may only as far as a scope of the system lets it do everything.
    """
    role = role_of(actor)
    return role is not None and operation in role.operations and scopes.may_call(actor.scopes, operation)


def may_choose_ids(actor: Actor) -> bool:
    """Whether the role may make a resource under an id of its own choice."""
    role = role_of(actor)
    return role is not None and role.client_ids


def mask(actor: Actor, type_name: str) -> Mask | None:
    """What is taken out of a type in every answer to the actor; None: nothing."""
    role = role_of(actor)
    elements = role.masks.get(type_name) if role is not None else None
    return mask_of(type_name, elements) if elements else None


def is_masked(actor: Actor) -> bool:
    """Whether the actor sees some type in part."""
    role = role_of(actor)
    return role is not None and bool(role.masks)


def hidden_codes(actor: Actor) -> Mapping[str, frozenset[str]]:
    """The search parameters each type is without for the actor, who sees it in part."""
    role = role_of(actor)
    if role is None or not role.masks:
        return {}
    return {name: mask_of(name, elements).codes for name, elements in role.masks.items()}


def types(actor: Actor, interaction: str = "read") -> list[str]:
    """The resource types of which the actor may do this to some row."""
    from yba.fhir.r4 import MODULES

    return [name for name in MODULES if may(actor, name, interaction)]


def check_delete(actor: Actor, type_name: str) -> None:
    """Refuse to take away a person: everything else in the record hangs on it, at every facility.

    Raises Forbidden unless the actor may do everything.
    """
    if type_name == "Patient" and not sees_all(actor, ANY, "delete"):
        raise Forbidden(
            "access.delete",
            "A person is not deleted: other facilities' records hang on it. Set 'active' to false, "
            "or ask the operator of the record.",
            type=type_name,
        )
