"""Composite parameters: values that stand together in one element. FHIR R4, search.html#composite.

One index row for each combination of the components' values in an element. A row has places for up to three tokens
(codes, references and URIs alike), a quantity and a second number, a date and a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from yba.fhir.errors import TooCostly, Unsupported
from yba.fhir.r4.search_parameters import Component
from yba.fhir.search import date, number, reference, string, token, uri
from yba.fhir.search.clause import Clause, either, every, probe
from yba.fhir.search.parameters import Parameter, needs_version, of_type
from yba.fhir.search.paths import Handler, OfClass, branches, handlers
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import COMPOSITE_COLUMNS, Gathered
from yba.fhir.search.values import split

MOST_ROWS = 2_000
Place = Mapping[str, str]  # column of the kind's own table -> column of record.composite

_TOKENS: Sequence[Place] = tuple({"system": f"system{n}", "code": f"code{n}"} for n in ("", "2", "3"))
_REFERENCES: Sequence[Place] = tuple(
    {"target_type": place["system"], "target_id": place["code"]} for place in _TOKENS
)
_URIS: Sequence[Place] = tuple({"value": place["code"]} for place in _TOKENS)
_QUANTITY: Place = {
    "low": "low", "high": "high", "system": "unit_system", "code": "unit_code", "unit": "unit",
    "base_low": "base_low", "base_high": "base_high", "base": "base",
}  # fmt: skip
_SECOND: Place = {"low": "low2", "high": "high2"}
_DATE: Place = {"low": "date_low", "high": "date_high"}
_STRING: Place = {"folded": "folded", "exact": "exact"}

# kind -> table of its rows, the columns there after the number, what makes a condition of a value
_ROWS: Mapping[str, tuple[str, tuple[str, ...], Callable[[Question, str], Clause], Callable[[int], Any]]] = {
    "token": ("token", ("system", "code"), token.condition, token.leaf),
    "reference": ("reference", ("target_type", "target_id"), reference.condition, reference.leaf),
    "uri": ("uri", ("value",), uri.condition, uri.leaf),
    "quantity": (
        "number",
        ("low", "high", "value", "system", "code", "unit", "base_low", "base_high", "base"),
        number.condition,
        number.leaf,
    ),
    "number": ("number", ("low", "high"), number.condition, number.leaf),
    "date": ("date", ("low", "high"), date.condition, date.leaf),
    "string": ("string", ("folded", "exact"), string.condition, string.leaf),
}


@lru_cache(maxsize=1024)
def places(components: tuple[Component, ...]) -> tuple[Place, ...]:
    """Where each component's values are kept. Raises Unsupported when the row has no place for one."""
    kept: list[Place] = []
    tokens = numbers = dates = texts = 0
    for component in components:
        found: Place | None = None
        if component.kind in ("token", "reference", "uri") and tokens < 3:
            every_place = {"token": _TOKENS, "reference": _REFERENCES, "uri": _URIS}[component.kind]
            found = every_place[tokens]
            tokens += 1
        elif component.kind in ("quantity", "number") and numbers == 0:
            found, numbers = _QUANTITY, 1
        elif component.kind == "number" and numbers == 1:
            found, numbers = _SECOND, 2
        elif component.kind == "date" and dates == 0:
            found, dates = _DATE, 1
        elif component.kind == "string" and texts == 0:
            found, texts = _STRING, 1
        if found is None:
            raise Unsupported(
                "search.composite",
                f"A composite of {', '.join(one.kind for one in components)} has more parts than can be kept together.",
            )
        kept.append(found)
    return tuple(kept)


# -- index rows ------------------------------------------------------------------------------------------------


def readers(cls: Any, type_name: str, parameter: Parameter, param: int) -> list[tuple[str | None, Handler]]:
    """Pairs of the resource's attribute (None: the whole resource) and what makes composite rows of its value."""
    found: list[tuple[str | None, Handler]] = []
    for steps in branches(parameter.expression):
        if not steps:
            of_whole = _of_element(cls, cls, type_name, parameter.components, param)
            if of_whole is not None:
                found.append((None, of_whole))
        else:
            leaf = OfClass(lambda inner: _of_element(inner, cls, type_name, parameter.components, param))
            found += handlers(cls, steps, leaf)
    return found


def _of_element(
    cls: Any, root: Any, type_name: str, components: tuple[Component, ...], param: int
) -> Handler | None:
    parts = [_part(cls, root, type_name, component) for component in components]
    if any(part is None for part in parts):
        return None
    # The value before the code: where it is of another type nothing more is read.
    last_first = [part for part in reversed(parts) if part is not None]
    sides = _sides(components)

    def add(element: Any, rows: Gathered) -> None:
        resource, gathered = rows.resource, []
        for part in last_first:
            inner = part(element, resource)
            if inner is None:
                return
            gathered.append(inner)
        gathered.reverse()
        _combine(sides, gathered, param, rows)

    return add


_EMPTY = (None,) * len(COMPOSITE_COLUMNS)


@dataclass(frozen=True, slots=True)
class _Side:
    """A component's place: the table of its rows, and from where in them to where in a composite row values go."""

    table: str
    is_token: bool
    to: tuple[tuple[int, int], ...]


@lru_cache(maxsize=1024)
def _sides(components: tuple[Component, ...]) -> tuple[_Side, ...]:
    return tuple(
        _Side(
            _ROWS[component.kind][0],
            component.kind == "token",
            tuple(
                (from_, COMPOSITE_COLUMNS.index(place[name]) + 1)
                for from_, name in enumerate(_ROWS[component.kind][1], 1)
                if name in place
            ),
        )
        for component, place in zip(components, places(components), strict=True)
    )


def combine(
    components: tuple[Component, ...], gathered: Sequence[Gathered], param: int, rows: Gathered
) -> None:
    """Add a row for each combination of the values one element gave for each component."""
    _combine(_sides(components), gathered, param, rows)


def _combine(sides: Sequence[_Side], gathered: Sequence[Gathered], param: int, rows: Gathered) -> None:
    held: list[list[tuple[Any, ...]]] = []
    for side, found in zip(sides, gathered, strict=True):
        own: list[tuple[Any, ...]] = getattr(found, side.table)
        if side.is_token:
            own = [row for row in own if row[2] is not None]
        if not own:
            return
        held.append(own if len(own) == 1 else list(dict.fromkeys(own)))
    for combined in product(*held):
        values: list[Any] = [param, *_EMPTY]
        for side, row in zip(sides, combined, strict=True):
            for from_, at in side.to:
                values[at] = row[from_]
        rows.composite.append(tuple(values))
    if len(rows.composite) > MOST_ROWS:
        raise TooCostly(
            "store.too-many-pairs",
            f"More than {MOST_ROWS} pairs of values would have to be kept for search. Split the resource.",
        )


def _part(
    cls: Any, root: Any, type_name: str, component: Component
) -> Callable[[Any, Any], Gathered | None] | None:
    """What gathers a component's rows from an element."""
    leaf = _ROWS[component.kind][3](0)
    getters: list[tuple[bool, str, Handler]] = []
    for text in component.expression.split("|"):
        whole = text.strip().startswith("%resource.")
        path = "X." + text.strip().removeprefix("%resource.")
        for steps in branches(path):
            for attribute, handler in handlers(root if whole else cls, steps, leaf):
                getters.append((whole, attribute, handler))
    if not getters:
        return None

    def gather(element: Any, resource: Any) -> Gathered | None:
        found: Gathered | None = None
        for whole, attribute, handler in getters:
            value = getattr(resource if whole else element, attribute)
            if value or (value is not None and type(value) is not list):
                if found is None:
                    found = Gathered(resource=resource)
                handler(value, found)
        return found

    return gather


# -- questions -------------------------------------------------------------------------------------------------

_COLUMN = re.compile(r"\bx\.(\w+)")


def clause(question: Question) -> Clause:
    """The condition of a composite question: the parts of a value are cut at ``$``."""
    if question.modifier is not None:
        raise unsupported_modifier(question)
    needs_version(2, question.parameter.code)
    asked = [_one(question, text) for text in split(question.value, ",")]
    return probe("composite", question.number, either(asked))


def _one(question: Question, text: str) -> Clause:
    components = question.parameter.components
    parts = split(text, "$")
    if len(parts) != len(components) or not all(parts):
        raise invalid(question, text, "$".join(f"<{one.code}>" for one in components))
    known = of_type(question.type)
    found = []
    for component, place, value in zip(components, places(components), parts, strict=True):
        own = known.get(component.code)
        if own is None or own.kind != component.kind:
            own = Parameter(component.code, component.kind, "")
        part = Question(question.type, own, None, value, question.now, question.base_url, question.asking)
        found.append(_placed(_ROWS[component.kind][2](part, value), place))
    return every(found)


def _placed(condition: Clause, place: Place) -> Clause:
    """The condition with the columns the values have in a composite row; what has none there is null."""
    return Clause(
        _COLUMN.sub(lambda found: f"x.{place[found[1]]}" if found[1] in place else "null", condition.sql),
        condition.values,
    )
