"""Invariants: FHIRPath compiled once, the commonest as functions of our own (``native``).

FHIR R4, conformance-rules.html#constraints. What cannot be evaluated is a warning that names the invariant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.model import fhirpath
from yba.fhir.model.fhirpath import Expression
from yba.fhir.model.structures import Constraint
from yba.fhir.validation import links
from yba.fhir.validation.native import NATIVE, Native
from yba.fhir.validation.state import Scope, State

# Held by the walk itself (ele-1, ext-1), by the narrative's own reading (txt-1, txt-2), by references (ref-1).
ELSEWHERE = frozenset({"ele-1", "ext-1", "txt-1", "txt-2", "ref-1"})


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant of a type, ready to be asked: natively, or by FHIRPath at ``place``."""

    key: str
    severity: str
    human: str
    expression: str
    place: str
    native: Native | None

    def ask(self, state: State, value: Any, extra: Any, scope: Scope, path: str) -> None:
        """Note the invariant when it does not hold."""
        try:
            held = self.holds(state, value, extra, scope)
        except (AttributeError, KeyError, TypeError, ValueError):
            if state.faulty:
                return  # the value is not formed as its type: told already, and nothing more can be said
            raise
        except RecordError as error:
            if state.budget.spent:
                raise
            state.add(
                "warning", "not-supported", path, f"invariant.{self.key}",
                f"{path}: the invariant {self.key} ({self.human}) could not be evaluated: {error.message}",
            )  # fmt: skip
            return
        if not held:
            severity = "error" if self.severity == "error" else "warning"
            state.add(
                severity,
                "invariant",
                path,
                f"invariant.{self.key}",
                f"{path} breaks {self.key}: {self.human}",
            )

    def holds(self, state: State, value: Any, extra: Any, scope: Scope) -> bool:
        """Whether it holds."""
        if self.native is not None:
            return self.native(value, scope)
        return self.evaluate(state, value, extra, scope)

    def evaluate(self, state: State, value: Any, extra: Any, scope: Scope) -> bool:
        """Whether it is true by FHIRPath; an empty answer is not, and none to be warned of."""
        start = fhirpath.root(value, self.place)
        if extra is not None:
            start.extra = extra
        found = _compiled(self.expression).true(
            start,
            environment={"resource": scope.tree, "rootResource": scope.root.tree},
            resolve=lambda reference: links.found(state, scope, reference),
            terminology=state.terminology,
            budget=state.budget,
        )
        return found is True or (found is None and self.severity != "error")


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Expression:
    return fhirpath.compile(_mended(expression))


# What 4.0.1 says in FHIRPath against its own words.
_VS_1 = "($this as dateTime).toString().length() >= 8"
_BDL_8 = "fullUrl.contains('/_history/').not()"
_RAS_2 = "probability is decimal implies (probability as decimal) <= 100"
_MENDED = {
    # names the System type where it means FHIR's: no answer could meet it
    "(answer is Boolean)": "(answer is boolean)",
    # a vital sign over a period
    _VS_1: f"($this is dateTime).not() or {_VS_1}",
    # an entry without a full URL
    _BDL_8: f"fullUrl.empty() or {_BDL_8}",
    # a prediction without a probability is no breach of it
    _RAS_2: f"probability.empty() or ({_RAS_2})",
    # "more than one enableWhen"
    "enableWhen.count() > 2 implies": "enableWhen.count() > 1 implies",
}


def _mended(expression: str) -> str:
    for said, meant in _MENDED.items():
        expression = expression.replace(said, meant)
    return expression


def rules_of(constraints: Sequence[Constraint], place: str) -> tuple[Rule, ...]:
    """The rules that are asked of a value at a place."""
    return tuple(
        Rule(
            one.key, one.severity, one.human.rstrip("."), one.expression, place,
            NATIVE.get((one.key, one.expression)),
        )
        for one in constraints
        if one.expression and one.key not in ELSEWHERE
    )  # fmt: skip
