"""Links between resources as conditions: chains, reverse chains, lists. FHIR R4, search.html#chaining and #has.

``exists (a reference row of r whose target is in (rows of the target's type that meet the rest))``: inside the inner
``select`` the alias ``r`` is the target, so that a condition is written alike at every depth, and the planner may
begin at either end. Every inner row passes the door of its own type: what is hidden decides nothing.

A chain leads into contained resources, too (search.html#contained): where there are any of the target's type, the
rows it chooses from are those of ``record.contained`` as well. What refers to one of these names its place, in an
index row beside the parameter's own number, so no resource ever leads into another one's contained resources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.r4 import MODULES
from yba.fhir.search import canonical
from yba.fhir.search.clause import OWN, Clause, Wide, either, every
from yba.fhir.search.parameters import Parameter, beside, of_type, param_number
from yba.fhir.search.principal import names_the_patient
from yba.fhir.search.question import Asking

TARGETS = 25
MANY = 100_000
"""From how many rows on that a chain leads from, its type is read in order until a page is full."""
Inner = Callable[[str], Clause | None]
"""The rest of a chain on a target type; None when the type has no parameter of that name."""


@dataclass(frozen=True, slots=True)
class Step:
    """``code[:Type]`` before a dot."""

    parameter: Parameter
    targets: tuple[str, ...]


def step(type_name: str, text: str) -> Step | None:
    """Read one step; None when the type has no such reference parameter. Raises Invalid for a wrong type."""
    code, colon, named = text.partition(":")
    parameter = of_type(type_name).get(code)
    if parameter is None or parameter.kind != "reference":
        return None
    if not colon:
        return Step(parameter, _targets(parameter))
    if named not in MODULES or (parameter.targets and named not in parameter.targets):
        raise Invalid(
            "search.chain",
            f"'{code}' of {type_name} does not point to '{named[:50]}'. It points to: "
            + ", ".join(_targets(parameter))[:500] + ".",
            parameter=text,
        )  # fmt: skip
    return Step(parameter, (named,))


def _targets(parameter: Parameter) -> tuple[str, ...]:
    if parameter.code == "patient":
        return ("Patient",)
    return parameter.targets or tuple(MODULES)


def forward(asking: Asking, type_name: str, taken: Step, inner: Inner) -> Clause | None:
    """``subject.name=x``: a target meets the rest. None when no target type has a parameter of that name."""
    found: list[tuple[str, Clause]] = []
    refused: Invalid | None = None
    holders = {target: asking.holders(type_name, target) for target in taken.targets}
    for target in taken.targets:
        asking.visit(taken.parameter.code)
        try:
            with asking.within(holders[target]):
                rest = inner(target)
        except Invalid as error:
            refused = error  # a value one type cannot read may be another's
            continue
        if rest is not None:
            found.append((target, rest))
    if not found:
        if refused is not None:
            raise refused
        return None
    code = taken.parameter.code
    if len(found) > TARGETS:
        raise TooCostly(
            "search.chain-targets",
            f"'{code}' may point to {len(found)} types that have this parameter. Name one: "
            f"'{code}:{found[0][0]}'.",
            parameter=code,
        )
    for _ in found:
        asking.link(code)
    within = any(holders[target] for target, _ in found)
    if not within and found[0][0] == "Patient" and len(found) == 1 and names_the_patient(type_name, code):
        rows = _rows(asking, "Patient", found[0][1], "r.id")
        theirs = f"r.patient {_among(asking, rows)}"
        of_type = f"select 1 from record.resource r where r.type = '{type_name}' and r.content is not null and {theirs}"  # noqa: S608
        wide = Wide(
            Clause(f"{of_type} limit {MANY}", rows.values),
            Clause(f"(r.patient in ({rows.sql})) is true", rows.values),
        )
        return Clause(theirs, rows.values, narrow=found[0][1].narrow, wide=wide)
    number = param_number(type_name, code)
    if canonical.is_canonical(type_name, code):
        return either([_by_url(asking, number, target, rest, holders[target]) for target, rest in found])
    rows_of = f"exists (select from record.reference x where {OWN} and {_param(number, within)}"
    if len(found) == 1:
        rows = _rows(asking, found[0][0], found[0][1], "r.id", holders[found[0][0]])
        return _led(
            rows_of,
            f"x.target_type = '{found[0][0]}' and ",
            f"x.target_id {_among(asking, rows)}",
            rows.values,
        )
    if asking.depth:
        ways = [
            Clause(f"x.target_type = '{target}' and x.target_id {_among(asking, rows)}", rows.values)
            for target, rest in found
            for rows in (_rows(asking, target, rest, "r.id", holders[target]),)
        ]
        met = either(ways)
        return Clause(f"{rows_of} and {met.sql})", met.values)
    arms = [_rows(asking, target, rest, "r.type, r.id", holders[target]) for target, rest in found]
    return _led(
        rows_of, "", f"(x.target_type, x.target_id) in ({' union all '.join(arm.sql for arm in arms)})",
        tuple(value for arm in arms for value in arm.values),
    )  # fmt: skip


def _led(rows_of: str, kind: str, among: str, values: tuple[object, ...]) -> Clause:
    """A reference row leads to one of the targets."""
    pointing = rows_of.replace("exists (select from", "select 1 from").replace(f"{OWN} and ", "")
    return Clause(
        f"{rows_of} and {kind}{among})",
        values,
        wide=Wide(
            Clause(f"{pointing} and {kind}{among} limit {MANY}", values),
            Clause(f"{rows_of} and {kind}({among}) is true offset 0)", values),
        ),
    )


def _among(asking: Asking, rows: Clause) -> str:
    """One of these values. Beyond the first link they are found once, before anything that depends on them.

    The planner may turn ``in`` into a join and walk its inner side for every row of the outer one. Where it takes
    both for small (a type that came after the statistics were made), a chain of three links is hours instead of
    milliseconds. An array has one way to be read: once, and then by the index of what it is compared with.
    """
    return f"= any(array({rows.sql}))" if asking.depth else f"in ({rows.sql})"


def _param(number: int, within: bool) -> str:
    """The index rows of a parameter, with those that lead to contained resources."""
    return f"x.param in ({number:d}, {beside(number):d})" if within else f"x.param = {number:d}"


def _by_url(asking: Asking, number: int, target: str, rest: Clause, holders: frozenset[str]) -> Clause:
    """A target that is named by its canonical URL, or by type and id, meets the rest."""
    ids = _rows(asking, target, rest, "r.id", holders)
    ways = [Clause(f"x.target_type = '{target}' and x.target_id {_among(asking, ids)}", ids.values)]
    if canonical.has_url(target):
        ways.append(canonical.named_by(target, _rows(asking, target, rest, "r.shard, r.rid")))
    met = either(ways)
    return Clause(
        f"exists (select from record.reference x where {OWN} and {_param(number, bool(holders))}"
        f" and {met.sql})",
        met.values,
    )


def reverse(asking: Asking, type_name: str, source: str, code: str, rest: Clause) -> Clause:
    """``_has:Observation:patient:code=x``: a resource that points here meets the rest."""
    asking.link(f"_has:{source}:{code}")
    within = bool(asking.inside)
    if not within and type_name == "Patient" and names_the_patient(source, code):
        rows = _rows(asking, source, every([Clause("r.patient is not null"), rest]), "r.patient")
        return Clause(f"r.id {_among(asking, rows)}", rows.values, narrow=rest.narrow)
    rows = _rows(asking, source, rest, "r.shard, r.rid")
    number = param_number(source, code)
    targets = Clause(
        f"select x.target_id from record.reference x where {_param(number, within)}"  # noqa: S608 - our own texts
        f" and x.target_type = '{type_name}' and (x.shard, x.rid) in ({rows.sql})",
        rows.values,
    )
    by_id = Clause(
        f"{'r.place' if within else 'r.id'} {_among(asking, targets)}", targets.values, narrow=rest.narrow
    )
    if canonical.has_url(type_name) and canonical.is_canonical(source, code):
        return either([by_id, canonical.naming(type_name, number, rows)])
    return by_id


def _rows(
    asking: Asking, type_name: str, rest: Clause, columns: str, holders: frozenset[str] = frozenset()
) -> Clause:
    """The living rows of a type that meet the rest and may be seen; with ``holders`` also those these contain.

    A contained row goes by its place. It is seen by whoever sees its container, from which alone it is reached.
    """
    door = asking.door(type_name)
    if holders:
        own = every([Clause(f"r.type = '{type_name}' and r.content is not null"), *([door] if door else [])])
        names = ", ".join(f"'{one}'" for one in sorted(holders))
        return Clause(
            f"select {columns.replace('r.id', 'r.place')} from (select {_OWN} from record.resource r where {own.sql}"  # noqa: S608
            f" union all select {_CONTAINED} from record.contained c"
            f" where c.type = '{type_name}' and c.holder in ({names})) r where {rest.sql}",
            (*own.values, *rest.values),
        )
    met = rest if door is None else every([rest, door])
    return Clause(
        f"select {columns} from record.resource r where r.type = '{type_name}' and r.content is not null"  # noqa: S608
        f" and {met.sql}",
        met.values,
    )


# The columns a condition on ``r`` may name, of a resource and of a contained one.
_OWN = "r.shard, r.rid, r.type, r.id, r.id as place, r.patient, r.facility, r.occurred, r.updated, r.content"
_CONTAINED = (
    "c.shard, c.rid, c.type, c.id, c.place, c.patient, c.facility, c.occurred, null::timestamptz, ''::text"
)
