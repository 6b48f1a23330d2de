"""A search as it is asked: parameters of the request sorted into conditions, order, page and what to add."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from yba.fhir.errors import Invalid, TooCostly, Unsupported
from yba.fhir.r4 import MODULES
from yba.fhir.search import kinds
from yba.fhir.search.clause import Clause
from yba.fhir.search.compartment import Compartment
from yba.fhir.search.conditions import condition
from yba.fhir.search.limits import check_repeats
from yba.fhir.search.parameters import ANY_TYPE, limits_of, nearest, of_type
from yba.fhir.search.question import Asking

PAGE = 20
LARGEST_PAGE = 1000
SCORE = "_score"
_IGNORED = frozenset({"_format", "_pretty"})

# The database plans a search in time that grows with the square of its conditions.
CONDITIONS = 30
SORT_KEYS = 8
INCLUDES = 30
VALUES = 2_000
ELEMENTS = 200
ANY = "*"


@dataclass(frozen=True, slots=True)
class Include:
    """``_include=source:code[:target]`` or, with ``reverse``, ``_revinclude``; ``*`` is any source or code."""

    source: str
    code: str
    target: str | None
    reverse: bool
    iterate: bool = False


@dataclass(slots=True)
class Asked:
    """A search read: conditions for each type it runs over, in ``arms``.

    ``sort`` holds (code, descending); ``capped`` says the page asked for was too large; ``level`` names what is
    searched in messages and cursors: a type, or ``*``.
    """

    level: str
    arms: dict[str, list[Clause]]
    sort: list[tuple[str, bool]] = field(default_factory=list)
    count: int = PAGE
    capped: bool = False
    total: str | None = None
    cursor: str | None = None
    includes: list[Include] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    summary: str | None = None
    elements: list[str] = field(default_factory=list)
    contained: str = "false"
    contained_type: str = "container"


def read(
    level: str,
    types: Sequence[str],
    params: Sequence[tuple[str, str]],
    *,
    strict: bool,
    asking: Asking,
    compartment: Compartment | None = None,
) -> Asked:
    """Read the parameters of a search over ``types``. Raises Invalid, Unsupported, TooCostly.

    Unknown names are kept in ``unknown`` unless ``strict``.
    """
    asked = Asked(level, {name: [] for name in types})
    if compartment is not None:
        for name, clauses in asked.arms.items():
            clauses.append(compartment.clause(name))
    _check_repeats(asked, params)
    for number, (name, value) in enumerate(params, 1):
        if "\x00" in value or "\x00" in name:
            raise Invalid("search.value", f"The search parameter {name[:50]!r} holds a NUL character.")
        if name in _IGNORED or (name == "_type" and level == ANY):
            continue
        control = _CONTROLS.get(name.partition(":")[0])
        if control is not None:
            if asking.every_type and control is _sort:
                _check_sorts(asked, value)
            control(asked, name, value)
        elif not _condition(asked, asking, name, value):
            if strict:
                raise _unknown(asked, name)
            asked.unknown.append(name)
        if number == len(params) or not number % 16:
            _check_cost(asked, alike=asking.every_type)
    if asking.of_one_person is not None and not _names_a_person(params, compartment):
        raise Invalid(
            "search.functional-list",
            f"'{asking.of_one_person}' is a list of one person: ask with 'patient' too.",
            parameter="_list",
        )
    if asked.elements and asked.summary not in (None, "false", "count"):
        raise Invalid("search.summary", "Ask for '_elements' or for '_summary', not for both.")
    if asked.summary == "text" and asked.includes:
        raise Invalid(
            "search.summary", "'_summary=text' cannot be asked together with _include or _revinclude."
        )
    return asked


def _check_repeats(asked: Asked, params: Sequence[tuple[str, str]]) -> None:
    """Refuse a user's parameter that is asked again and may not be."""
    if len(params) < 2:
        return
    times = Counter(re.split("[:.]", name, maxsplit=1)[0] for name, value in params if value)
    for code, count in times.items():
        if count > 1:
            for type_name in asked.arms:
                parameter = of_type(type_name).get(code)
                limits = limits_of(type_name, parameter) if parameter is not None else None
                if limits is not None:
                    check_repeats(limits, code, count)


def _names_a_person(params: Sequence[tuple[str, str]], compartment: Compartment | None) -> bool:
    """Whether a search is of one patient: by a compartment, or by the parameter that names them."""
    if compartment is not None and compartment.type == "Patient":
        return True
    return any(name.split(":")[0].split(".")[0] in ("patient", "subject") and value for name, value in params)


def _condition(asked: Asked, asking: Asking, name: str, value: str) -> bool:
    """Take a parameter as a condition on every type; False when one of the types has none of that name.

    A search of all types asks by what all types have, whichever of them there are rows of: so no refusal tells of
    rows that are hidden.
    """
    if asking.every_type and value and condition(asking, ANY_TYPE, name, value) is None:
        return False
    if not value:
        code = name.partition(":")[0].partition(".")[0]
        # An empty value asks nothing (search.html#3.1.1.1.4).
        types = [ANY_TYPE] if asking.every_type else asked.arms
        return code in _WITHOUT_DEFINITION or all(code in of_type(one) for one in types)
    found = {}
    links, visits, most = asking.links, asking.visits, asking.links
    for one in asked.arms:
        if asking.every_type:  # each type is a search of its own: how many there are is not told
            asking.links, asking.visits = links, visits
        found[one] = condition(asking, one, name, value)
        most = max(most, asking.links)
    asking.links = most
    taken = {one: clause for one, clause in found.items() if clause is not None}
    if len(taken) < len(found):
        return False
    for one, clause in taken.items():
        asked.arms[one].append(clause)
    return True


_WITHOUT_DEFINITION = frozenset({"_has", "_list", "_filter"})


def _check_cost(asked: Asked, *, alike: bool) -> None:
    """Refuse what would take the database long only to plan; ``alike``: how many types are asked does not count."""
    most_clauses = max((len(clauses) for clauses in asked.arms.values()), default=0)
    counts = [sum(len(clause.values) for clause in clauses) for clauses in asked.arms.values()]
    values = max(counts, default=0) if alike else sum(counts)
    for found, most, of in (
        (most_clauses, CONDITIONS, "conditions; several alternatives can stand in one, with commas"),
        (len(asked.sort), SORT_KEYS, "sort keys"),
        (len(asked.includes), INCLUDES, "_include and _revinclude"),
        (len(asked.elements), ELEMENTS, "_elements"),
        (values, VALUES, "values to compare with"),
    ):
        if found > most:
            raise TooCostly(
                "search.too-many-conditions",
                f"A search may have {most:,} {of}. Ask with fewer.",
                type=asked.level,
            )


def _unknown(asked: Asked, name: str) -> Invalid:
    code = name.partition(":")[0].partition(".")[0]
    if asked.level == ANY:
        text = f"Not every type that is searched has the search parameter '{name[:100]}'. Name types with '_type'."
        return Invalid("search.unknown-parameter", text, parameter=name)
    type_name = asked.level
    near = nearest(type_name, code)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return Invalid(
        "search.unknown-parameter",
        f"{type_name} has no search parameter '{name[:100]}'.{hint}",
        parameter=name,
        nearest=near,
    )


# -- what is not a condition -----------------------------------------------------------------------------


def _count(asked: Asked, name: str, value: str) -> None:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise Invalid("search.count", f"'_count' takes a whole number from 0, not '{value[:50]}'.")
    asked.capped = int(value) > LARGEST_PAGE
    asked.count = min(int(value), LARGEST_PAGE)


def _sort(asked: Asked, name: str, value: str) -> None:
    for one in value.split(","):
        code = one.strip().removeprefix("-")
        if code != SCORE:
            _check_sort(asked, code)
        asked.sort.append((code, one.strip().startswith("-")))


def _check_sorts(asked: Asked, value: str) -> None:
    for one in value.split(","):
        if (code := one.strip().removeprefix("-")) != SCORE:
            _check_sort(asked, code, [ANY_TYPE])


def _check_sort(asked: Asked, code: str, types: Iterable[str] | None = None) -> None:
    found = set()
    for type_name in asked.arms if types is None else types:
        parameter = of_type(type_name).get(code)
        if parameter is None or parameter.kind not in kinds.SORTED_KINDS or code in kinds.gaps(type_name):
            raise Invalid(
                "search.sort",
                f"{type_name} cannot be sorted by '{code[:100]}'. Sort by one of its search parameters.",
                parameter=code,
            )
        found.add(kinds.sorted_as(parameter.kind))
    if len(found) > 1:
        raise Invalid(
            "search.sort",
            f"'{code}' is of another kind in some of the types that are searched; these cannot be sorted together.",
            parameter=code,
        )


def _total(asked: Asked, name: str, value: str) -> None:
    if value not in ("none", "estimate", "accurate"):
        raise Invalid("search.total", f"'_total' is none, estimate or accurate, not '{value[:50]}'.")
    asked.total = value


def _cursor(asked: Asked, name: str, value: str) -> None:
    asked.cursor = value


def _summary(asked: Asked, name: str, value: str) -> None:
    if value not in ("true", "false", "text", "data", "count"):
        raise Invalid(
            "search.summary", f"'_summary' is true, text, data, count or false, not '{value[:50]}'."
        )
    asked.summary = value


_ELEMENT = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*|\[x\])*")


def _elements(asked: Asked, name: str, value: str) -> None:
    for one in value.split(",") if value.strip() else ():
        if not _ELEMENT.fullmatch(one.strip()):
            raise Invalid("search.elements", f"'_elements' takes names of elements, not '{one[:50]}'.")
        asked.elements.append(one.strip())


def _contained(asked: Asked, name: str, value: str) -> None:
    """``_contained``: whether what is asked of are contained resources; ``_containedType``: what then is answered."""
    allowed = ("false", "true", "both") if name == "_contained" else ("container", "contained")
    if value not in allowed:
        raise Invalid(
            "search.contained", f"'{name[:50]}' is one of {', '.join(allowed)}, not '{value[:50]}'."
        )
    if name == "_contained":
        asked.contained = value
    else:
        asked.contained_type = value


def _query(asked: Asked, name: str, value: str) -> None:
    raise Unsupported(
        "search.query", f"There is no named query '{value[:50]}' ('_query').", parameter="_query"
    )


def _include(asked: Asked, name: str, value: str) -> None:
    base, colon, modifier = name.partition(":")
    if colon and modifier not in ("iterate", "recurse"):
        raise Unsupported("search.include-modifier", f"'{base}' takes ':iterate', not ':{modifier[:50]}'.")
    for one in value.split(","):
        asked.includes.append(_one_include(base, one.strip(), iterate=bool(colon)))


def _one_include(base: str, text: str, *, iterate: bool) -> Include:
    reverse = base == "_revinclude"
    if text in (ANY, "*:*"):
        return Include(ANY, ANY, None, reverse, iterate)
    parts = text.split(":")
    if len(parts) not in (2, 3) or parts[0] not in MODULES:
        raise Invalid(
            "search.include",
            f"'{base}' takes '*', 'Type:*', 'Type:parameter' or 'Type:parameter:Target', not '{text[:100]}'.",
        )
    source, code = parts[0], parts[1]
    parameter = of_type(source).get(code)
    if code != ANY and (parameter is None or parameter.kind != "reference"):
        raise Invalid("search.include", f"{source} has no reference parameter '{code[:100]}' for '{base}'.")
    target = parts[2] if len(parts) == 3 and parts[2] else None
    if target is not None and target not in MODULES:
        raise Invalid("search.include", f"'{target[:50]}' is no resource type.")
    return Include(source, code, target, reverse, iterate)


_CONTROLS: Mapping[str, Callable[[Asked, str, str], None]] = {
    "_count": _count,
    "_sort": _sort,
    "_total": _total,
    "_cursor": _cursor,
    "_summary": _summary,
    "_elements": _elements,
    "_contained": _contained,
    "_containedType": _contained,
    "_query": _query,
    "_include": _include,
    "_revinclude": _include,
}


def answered_kinds(code: str) -> frozenset[str]:
    """The kinds a parameter must be of to be answered: what the capability statement lists."""
    return frozenset() if code in _CONTROLS else kinds.KINDS
