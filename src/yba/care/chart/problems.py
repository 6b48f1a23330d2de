"""Diseases a person lives with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from yba.care.chart.elements import (
    codes_of,
    codings,
    text_of,
)
from yba.care.chart.values import (
    Problem,
)
from yba.care.identifiers import ICD10
from yba.fhir.r4.condition import Condition

_OVER: Final = frozenset({"inactive", "remission", "resolved"})
WRONG: Final = frozenset({"entered-in-error", "refuted"})


def problems_of(conditions: Iterable[Condition]) -> tuple[Problem, ...]:
    """Diseases the person lives with, each once, newest statement first.

    The diagnosis of one visit is not yet such a disease: it counts when it says since when, or came at two visits.
    """
    kept: dict[str, Problem] = {}
    once: set[str] = set()
    for one in sorted(conditions, key=lambda it: it.recordedDate or it.onsetDateTime or "", reverse=True):
        if codes_of(one.clinicalStatus) & _OVER or codes_of(one.verificationStatus) & WRONG or _abated(one):
            continue
        problem = problem_of(one)
        key = problem.code or problem.name
        if _lasting(one) or key in once:
            kept.setdefault(key, problem)
        once.add(key)
    return tuple(kept.values())


def _lasting(one: Condition) -> bool:
    kinds = {code for concept in one.category for code in codes_of(concept)}
    return "encounter-diagnosis" not in kinds or "problem-list-item" in kinds or one.onsetDateTime is not None


def _abated(one: Condition) -> bool:
    return one.abatementDateTime is not None or one.abatementPeriod is not None


def problem_of(condition: Condition) -> Problem:
    """The values of a Condition."""
    code = next((it.code or "" for it in codings(condition.code) if it.system == ICD10), "")
    since = condition.onsetDateTime or condition.recordedDate or ""
    return Problem(condition.id or "", code, text_of(condition.code), since)
