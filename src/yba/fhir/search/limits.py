"""What a user's SearchParameter says may be asked of it. FHIR R4, searchparameter.html.

``comparator``, ``modifier`` and ``chain`` list what is supported, ``multipleOr`` and ``multipleAnd`` say whether
commas and repetitions are: what is listed bounds what is answered, and what is left out bounds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from yba.fhir.errors import Unsupported
from yba.fhir.r4 import MODULES
from yba.fhir.search.question import Question
from yba.fhir.search.values import plain, prefixed, split

_ORDERED = frozenset({"date", "number", "quantity"})


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What may be asked; an empty list is no limit."""

    comparators: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    commas: bool = True
    repeats: bool = True


def of_resource(resource: object) -> Limits:
    """The limits a SearchParameter resource sets."""
    return Limits(
        comparators=tuple(one for one in getattr(resource, "comparator", ()) if one),
        modifiers=tuple(_NAMES.get(one, one) for one in getattr(resource, "modifier", ()) if one),
        chains=tuple(one for one in getattr(resource, "chain", ()) if one),
        commas=getattr(resource, "multipleOr", None) is not False,
        repeats=getattr(resource, "multipleAnd", None) is not False,
    )


_NAMES = {"ofType": "of-type"}


def check(limits: Limits, question: Question) -> None:
    """Raise Unsupported for a modifier, a comparison or a comma the parameter does not allow."""
    code, modifier = question.parameter.code, question.modifier
    if modifier is not None and limits.modifiers:
        asked = "type" if modifier in MODULES else modifier
        if asked not in limits.modifiers:
            raise _beyond(code, f"the modifier ':{modifier[:50]}'", limits.modifiers)
    values = split(question.value, ",")
    if len(values) > 1 and not limits.commas:
        raise _beyond(code, "several values in one, cut by commas", ())
    if limits.comparators and question.parameter.kind in _ORDERED and modifier is None:
        for one in values:
            comparator, _ = prefixed(plain(one).strip())
            if comparator not in limits.comparators and comparator != "eq":
                raise _beyond(code, f"the comparison '{comparator}'", limits.comparators)


def check_chain(limits: Limits, code: str, name: str) -> None:
    """Raise Unsupported for a name the parameter does not lead on to."""
    rest = name.partition(".")[0].partition(":")[0]
    if limits.chains and rest not in limits.chains:
        raise _beyond(code, f"a chain to '{rest[:50]}'", limits.chains)


def check_repeats(limits: Limits, code: str, times: int) -> None:
    """Raise Unsupported for a parameter that is asked again."""
    if times > 1 and not limits.repeats:
        raise _beyond(code, "a repetition", ())


def _beyond(code: str, what: str, allowed: Sequence[str]) -> Unsupported:
    hint = f" It allows: {', '.join(allowed)}." if allowed else ""
    return Unsupported(
        "search.parameter-limit",
        f"The SearchParameter of '{code}' does not allow {what}.{hint}",
        parameter=code,
    )
