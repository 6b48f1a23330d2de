"""A search as it is asked: parameters of the request sorted into conditions, order, page and what to add."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from yba.fhir.access.policy import FACILITY_TAG
from yba.fhir.errors import Invalid, TooCostly, Unsupported
from yba.fhir.model.codec import resource_class
from yba.fhir.r4 import MODULES
from yba.fhir.search import date, number, reference, string, token, uri
from yba.fhir.search.clause import Clause, has_any, negated
from yba.fhir.search.index import unindexed
from yba.fhir.search.parameters import Parameter, nearest, of_type, param_number
from yba.fhir.search.principal import names_the_patient
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.values import plain, split

PAGE = 20
LARGEST_PAGE = 1000
_IGNORED = frozenset({"_format", "_pretty"})
# Kept apart so that each can become a module of its own when it is offered.
_LATER = frozenset(
    {"_has", "_text", "_content", "_list", "_filter", "_query", "_type", "_summary", "_elements", "_contained",
     "_containedType", "_score"}
)  # fmt: skip
_CLAUSES: Mapping[str, Callable[[Question], Clause]] = {
    "token": token.clause,
    "reference": reference.clause,
    "string": string.clause,
    "date": date.clause,
    "number": number.clause,
    "quantity": number.clause,
    "uri": uri.clause,
}
_TABLES = {kind: "number" if kind == "quantity" else kind for kind in _CLAUSES}
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


_FACILITY = FACILITY_TAG + "|"
# The database plans a search in time that grows with the square of its conditions.
CONDITIONS = 30
SORT_KEYS = 8
INCLUDES = 30
VALUES = 2_000


@dataclass(frozen=True, slots=True)
class Include:
    """``_include=source:code[:target]`` or, with ``reverse``, ``_revinclude``."""

    source: str
    code: str
    target: str | None
    reverse: bool


@dataclass(slots=True)
class Asked:
    """A search read: ``sort`` holds (code, descending); ``capped`` says the page asked for was too large."""

    type: str
    clauses: list[Clause] = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)
    count: int = PAGE
    capped: bool = False
    total: str | None = None
    cursor: str | None = None
    includes: list[Include] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def read(
    type_name: str,
    params: Sequence[tuple[str, str]],
    *,
    strict: bool,
    now: datetime,
    base_url: str | None,
) -> Asked:
    """Read the parameters. Raises Invalid, Unsupported; unknown names are kept unless ``strict``."""
    asked = Asked(type_name)
    for name, value in params:
        if "\x00" in value or "\x00" in name:
            raise Invalid("search.value", f"The search parameter {name[:50]!r} holds a NUL character.")
        if name in _IGNORED:
            continue
        control = _CONTROLS.get(name.partition(":")[0])
        if control is not None:
            control(asked, name, value)
        elif not _condition(asked, name, value, now, base_url):
            if strict:
                raise _unknown(type_name, name)
            asked.unknown.append(name)
        _check_cost(asked)
    return asked


def _check_cost(asked: Asked) -> None:
    """Refuse what would take the database long only to plan."""
    for found, most, of in (
        (len(asked.clauses), CONDITIONS, "conditions; several alternatives can stand in one, with commas"),
        (len(asked.sort), SORT_KEYS, "sort keys"),
        (len(asked.includes), INCLUDES, "_include and _revinclude"),
        (sum(len(clause.values) for clause in asked.clauses), VALUES, "values to compare with"),
    ):
        if found > most:
            raise TooCostly(
                "search.too-many-conditions",
                f"A search may have {most} {of}. Ask with fewer.",
                type=asked.type,
            )


def _unknown(type_name: str, name: str) -> Invalid:
    near = nearest(type_name, name.partition(":")[0])
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return Invalid(
        "search.unknown-parameter",
        f"{type_name} has no search parameter '{name[:100]}'.{hint}",
        parameter=name,
        nearest=near,
    )


def _condition(asked: Asked, name: str, value: str, now: datetime, base_url: str | None) -> bool:
    """Take a parameter as a condition; False when the type has none of that name."""
    code, colon, modifier = name.partition(":")
    base = code.partition(".")[0]
    if base in _LATER or "." in name:
        if base in _LATER or base in of_type(asked.type):
            raise Unsupported(
                "search.later", f"'{name[:100]}' is not offered yet: chains and '{base}' are to come."
            )
        return False
    parameter = of_type(asked.type).get(code)
    if parameter is None:
        return False
    if not value:
        return True  # an empty value asks nothing (search.html#3.1.1.1.4)
    question = Question(asked.type, parameter, modifier if colon else None, value, now, base_url)
    asked.clauses.append(_clause(question, parameter))
    return True


def _clause(question: Question, parameter: Parameter) -> Clause:
    if parameter.code == "_id":
        return _ids(question)
    if parameter.code == "_lastUpdated":
        return date.on_updated(question)
    if parameter.kind not in _CLAUSES or parameter.code in _gaps(question.type):
        raise Unsupported(
            "search.kind", f"'{parameter.code}' is a {parameter.kind} parameter that is not offered yet."
        )
    if question.modifier == "missing":
        return _missing(question)
    if parameter.kind == "reference" and names_the_patient(question.type, parameter.code):
        own = _of_patient(question)
        if own is not None:
            return own
    if parameter.code == "_tag" and question.modifier is None and question.value.startswith(_FACILITY):
        own = _of_facility(question)
        if own is not None:
            return own
    return _CLAUSES[parameter.kind](question)


@lru_cache(maxsize=256)
def _gaps(type_name: str) -> frozenset[str]:
    """Parameters that have no index rows: an empty answer would be untrue."""
    return frozenset(unindexed(resource_class(type_name), type_name))


def _ids(question: Question) -> Clause:
    if question.modifier is not None:
        raise unsupported_modifier(question)
    asked = [plain(one) for one in split(question.value, ",")]
    for one in asked:
        if not _ID.fullmatch(one):
            raise invalid(question, one, "ids of 1 to 64 letters, digits, '-' and '.'")
    return Clause("r.id = {}", (asked[0],)) if len(asked) == 1 else Clause("r.id = any({})", (asked,))


def _missing(question: Question) -> Clause:
    if question.value not in ("true", "false"):
        raise invalid(question, question.value, "true or false")
    found = has_any(_TABLES[question.parameter.kind], param_number(question.type, question.parameter.code))
    return negated(found) if question.value == "true" else found


def _of_facility(question: Question) -> Clause | None:
    """The one facility tag of a resource is a column: a facility's worklist needs no index rows."""
    value = question.value.removeprefix(_FACILITY)
    if not value or "," in value or "\\" in value:
        return None
    return Clause("r.facility = {}", (value,))


def _of_patient(question: Question) -> Clause | None:
    """The patient of the compartment is a column: asking for Patients by it needs no index rows."""
    if question.modifier not in (None, "Patient"):
        return None
    targets = [reference.asked_target(question, plain(one)) for one in split(question.value, ",")]
    if any(kind != "Patient" for kind, _ in targets):
        return None
    ids = [identifier for _, identifier in targets]
    return Clause("r.patient = {}", (ids[0],)) if len(ids) == 1 else Clause("r.patient = any({})", (ids,))


# -- what is not a condition -----------------------------------------------------------------------------


def _count(asked: Asked, name: str, value: str) -> None:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise Invalid("search.count", f"'_count' takes a whole number from 0, not '{value[:50]}'.")
    asked.capped = int(value) > LARGEST_PAGE
    asked.count = min(int(value), LARGEST_PAGE)


def _sort(asked: Asked, name: str, value: str) -> None:
    for one in value.split(","):
        code = one.removeprefix("-")
        parameter = of_type(asked.type).get(code)
        if parameter is None or parameter.kind not in (*_CLAUSES, "special") or parameter.kind == "special":
            raise Invalid(
                "search.sort",
                f"{asked.type} cannot be sorted by '{code[:100]}'. Sort by one of its search parameters.",
                parameter=code,
            )
        asked.sort.append((code, one.startswith("-")))


def _total(asked: Asked, name: str, value: str) -> None:
    if value not in ("none", "estimate", "accurate"):
        raise Invalid("search.total", f"'_total' is none, estimate or accurate, not '{value[:50]}'.")
    asked.total = value


def _cursor(asked: Asked, name: str, value: str) -> None:
    asked.cursor = value


def _include(asked: Asked, name: str, value: str) -> None:
    base, _, modifier = name.partition(":")
    if modifier:
        raise Unsupported("search.include-iterate", f"'{name[:50]}' is not offered yet; '{base}' is.")
    parts = value.split(":")
    if len(parts) not in (2, 3) or parts[0] not in MODULES or "*" in parts:
        raise Invalid(
            "search.include",
            f"'{base}' takes 'Type:parameter' or 'Type:parameter:Target', not '{value[:100]}'.",
        )
    source, code = parts[0], parts[1]
    parameter = of_type(source).get(code)
    if parameter is None or parameter.kind != "reference":
        raise Invalid("search.include", f"{source} has no reference parameter '{code[:100]}' for '{base}'.")
    target = parts[2] if len(parts) == 3 else None
    if target is not None and target not in MODULES:
        raise Invalid("search.include", f"'{target[:50]}' is no resource type.")
    asked.includes.append(Include(source, code, target, base == "_revinclude"))


_CONTROLS: Mapping[str, Callable[[Asked, str, str], None]] = {
    "_count": _count,
    "_sort": _sort,
    "_total": _total,
    "_cursor": _cursor,
    "_include": _include,
    "_revinclude": _include,
}


def answered_kinds(code: str) -> frozenset[str]:
    """The kinds a parameter must be of to be answered: what the capability statement lists."""
    return frozenset() if code in _LATER else frozenset(_CLAUSES)
