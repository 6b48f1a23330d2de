"""Uri parameters: compared as they are written. FHIR R4, search.html#uri."""

from __future__ import annotations

from typing import Any

from yba.fhir.search.clause import Clause, probe
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered, key
from yba.fhir.search.string import LAST
from yba.fhir.search.values import plain, split


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type."""

    def uri(value: Any, rows: Gathered) -> None:
        rows.uri.append((number, key(value)))

    return lambda name, _only: uri if name == "str" else None


def clause(question: Question) -> Clause:
    """The condition of a uri question: equal, or ``:below`` one URL."""
    asked = [plain(one) for one in split(question.value, ",")]
    if "" in asked:
        raise invalid(question, question.value, "a URI")
    if question.modifier is None:
        return probe("uri", question.number, Clause("x.value = any({})", ([key(one) for one in asked],)))
    if question.modifier == "below" and len(asked) == 1:
        url = key(asked[0].rstrip("/"))
        return probe(
            "uri",
            question.number,
            Clause("(x.value = {} or (x.value >= {} and x.value < {}))", (url, url + "/", url + "/" + LAST)),
        )
    raise unsupported_modifier(question)
