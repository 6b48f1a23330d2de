"""String parameters: names, addresses, titles, without accents. FHIR R4, search.html#string."""

from __future__ import annotations

from typing import Any

from yba.fhir.model.fold import fold
from yba.fhir.search.clause import Clause, either, probe
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import KEY_LENGTH, Gathered
from yba.fhir.search.values import plain, split

LAST = "\U0010ffff"


def searchable(text: str) -> str:
    """Folded, blanks made single, and cut to what an index entry holds."""
    return " ".join(fold(text).split())[:KEY_LENGTH]


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type."""

    def text(value: Any, rows: Gathered) -> None:
        rows.string.append((number, searchable(value), value))

    def parts(values: list[str | None], rows: Gathered) -> None:
        for one in values:
            if one is not None:
                rows.string.append((number, searchable(one), one))

    def name(value: Any, rows: Gathered) -> None:
        whole = [value.text, value.family, *value.given, *value.prefix, *value.suffix]
        parts(whole, rows)
        # A Vietnamese name is often one text: each of its words can be searched by, but is no exact match.
        for one in whole:
            if one is not None:
                words = searchable(one).split()
                if len(words) > 1:
                    rows.string.extend([(number, word, "") for word in words])

    def address(value: Any, rows: Gathered) -> None:
        parts(
            [
                value.text,
                *value.line,
                value.city,
                value.district,
                value.state,
                value.postalCode,
                value.country,
            ],
            rows,
        )

    by_type: dict[str, Handler] = {"str": text, "HumanName": name, "Address": address}
    return lambda type_name, _only: by_type.get(type_name)


def clause(question: Question) -> Clause:
    """The condition of a string question: begins with, ``:exact`` or ``:contains``."""
    if question.modifier not in (None, "exact", "contains"):
        raise unsupported_modifier(question)
    asked = [_one(question, plain(one)) for one in split(question.value, ",")]
    return probe("string", question.number, either(asked))


def _one(question: Question, text: str) -> Clause:
    folded = searchable(text)
    if not folded:
        raise invalid(question, text, "a text")
    if question.modifier == "exact":
        return Clause("(x.folded = {} and x.exact = {})", (folded, text))
    if question.modifier == "contains":
        return Clause("position({} in x.folded) > 0", (folded,))
    return Clause("(x.folded >= {} and x.folded < {})", (folded, folded + LAST))
