"""What SMART scopes leave of a role: a further limit on types, interactions and rows, never more than the role has.

Source: SMART App Launch 2.2, scopes-and-launch-context. A scope of the context ``patient`` reaches the chart of the
launch; of types that are in no chart (catalogues) it reaches what is nobody else's.

``r``: read, vread, history of one; ``s``: search and
history of a type; ``c``, ``u`` (with patch), ``d``.
"""

from __future__ import annotations

from collections.abc import Mapping

from yba.fhir.access.actor import Scope
from yba.fhir.access.criteria import Criteria, of_pairs
from yba.fhir.r4.compartments import COMPARTMENTS

_LETTERS: Mapping[str, str] = {
    "read": "r", "search": "s", "history": "r", "create": "c", "update": "u", "patch": "u", "delete": "d",
    "history-type": "s", "search-bare": "s", "export": "s",
}  # fmt: skip
# R4 puts Schedule into the Patient compartment for the rare one whose actor is a patient; that of a doctor is in no
# chart, and an app that may book for its person finds the times by it.
_CHART = frozenset(COMPARTMENTS["Patient"]) - {"Schedule"} | {"Patient"}
_LAUNCHED = "r.patient = %(actor_launched)s"
# A row of a type that is in no compartment may be somebody's all the same: a Binary by its security context.
_OF_NOBODY = f"(r.patient is null or {_LAUNCHED})"
_WHOLE = frozenset({"system", "user"})


def limit(held: tuple[Scope, ...], type_name: str, interaction: str) -> Criteria | None:
    """What rows of a type the scopes reach; None: all of them."""
    letter = _LETTERS[interaction]
    ways: list[str] = []
    params: dict[str, object] = {}
    for one in held:
        if one.type not in (type_name, "*") or letter not in one.interactions:
            continue
        parts = []
        if one.context == "patient":
            parts.append(_LAUNCHED if type_name in _CHART else _OF_NOBODY)
        elif one.context not in _WHOLE:
            continue
        if one.criteria:
            if one.type == "*":
                continue
            found = of_pairs(type_name, tuple(one.criteria))
            parts.append(found.sql)
            params |= dict(found.params)
        if not parts:
            return None
        ways.append(" and ".join(parts))
    if not ways:
        return Criteria("false")
    return Criteria("(" + " or ".join(dict.fromkeys(ways)) + ")", tuple(params.items()))


def may_call(held: tuple[Scope, ...] | None, operation: str) -> bool:
    """Whether scopes let an app call an operation over the whole record: a wide scope of context system or user.

    Exports and views are held to the scopes of each type they read besides.
    """
    if held is None:
        return True
    wide = [one for one in held if one.context in _WHOLE and not one.criteria]
    if operation in ("export", "views", "history"):
        return any({"r", "s"} & one.interactions for one in held if one.context in _WHOLE)
    return any(one.type == "*" and set("cud") <= one.interactions for one in wide)
