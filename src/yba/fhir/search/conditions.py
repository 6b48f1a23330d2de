"""A search parameter of any form to its condition: plain, chained, reverse chained, a list, a filter.

FHIR R4, search.html#chaining, #has, #list; filter.html.
"""

from __future__ import annotations

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.r4 import MODULES
from yba.fhir.search import chain, filtering, kinds, lists
from yba.fhir.search.clause import NOTHING, Clause
from yba.fhir.search.limits import check_chain
from yba.fhir.search.parameters import ANY_TYPE, limits_of, of_type
from yba.fhir.search.question import Asking, Question

_HAS = "_has:"


def condition(asking: Asking, type_name: str, name: str, value: str) -> Clause | None:
    """The condition; None when the type has no parameter of that name.

    Raises Invalid for what cannot be read, Unsupported for what is not offered, TooCostly above the limits.
    """
    if name.startswith(_HAS):
        return _has(asking, type_name, name, value)
    head, dot, rest = name.partition(".")
    if dot:
        return _chained(asking, type_name, head, rest, value)
    code, colon, modifier = name.partition(":")
    special = _SPECIAL.get(code)
    if special is not None:
        if colon:
            raise Unsupported("search.modifier", f"'{code}' takes no modifier.", parameter=code)
        return special(asking, type_name, value)
    parameter = of_type(type_name).get(code)
    if parameter is None:
        return None
    question = Question(
        type_name, parameter, modifier if colon else None, value, asking.now, asking.base_url, asking
    )
    return kinds.answer(question)


def _chained(asking: Asking, type_name: str, head: str, rest: str, value: str) -> Clause | None:
    taken = chain.step(type_name, head)
    if taken is None:
        if head.partition(":")[0] in of_type(type_name):
            raise Invalid(
                "search.chain",
                f"'{head[:100]}' of {type_name} is no reference: nothing can be asked beyond it.",
                parameter=head,
            )
        return None
    limits = limits_of(type_name, taken.parameter)
    if limits is not None:
        check_chain(limits, taken.parameter.code, rest)
    return chain.forward(asking, type_name, taken, lambda target: condition(asking, target, rest, value))


def _has(asking: Asking, type_name: str, name: str, value: str) -> Clause | None:
    parts = name.split(":", 3)
    if len(parts) < 4 or not parts[3]:
        raise Invalid(
            "search.has",
            f"'_has' is asked as '_has:Type:reference:parameter', not '{name[:100]}'.",
            parameter="_has",
        )
    _, source, code, rest = parts
    parameter = of_type(source).get(code) if source in MODULES else None
    if parameter is None or parameter.kind != "reference":
        raise Invalid(
            "search.has",
            f"'{source[:50]}' has no reference parameter '{code[:50]}' for '_has'.",
            parameter="_has",
        )
    if parameter.targets and type_name not in parameter.targets and type_name != ANY_TYPE:
        if asking.every_type:
            return NOTHING
        raise Invalid("search.has", f"'{code}' of {source} does not point to {type_name}.", parameter="_has")
    with asking.within(frozenset()):  # what points here is a resource of its own
        met = condition(asking, source, rest, value)
    return None if met is None else chain.reverse(asking, type_name, source, code, met)


def _filtered(asking: Asking, type_name: str, value: str) -> Clause:
    return filtering.clause(asking, type_name, value)


_SPECIAL = {"_list": lists.clause, "_filter": _filtered}
