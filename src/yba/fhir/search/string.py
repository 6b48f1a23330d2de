"""String parameters: names, addresses, titles, without accents. FHIR R4, search.html#string."""

from __future__ import annotations

from typing import Any

from yba.fhir.errors import TooCostly
from yba.fhir.model.fold import fold
from yba.fhir.search.clause import Clause, either, every, probe
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered
from yba.fhir.search.values import plain, split

LAST = "\U0010ffff"
BEGINNING = 200
"""How much of a folded text the index holds (migration 0003); the row holds all of it."""
WORDS = 10
"""With how many words ``:text`` asks at most: each is looked for by itself."""


def searchable(text: str) -> str:
    """Folded, blanks made single."""
    return " ".join(fold(text).split())


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
    """The condition of a string question: begins with, ``:exact``, ``:contains`` or ``:text``."""
    if question.modifier == "text":
        return either([_words(question, one) for one in split(question.value, ",")])
    if question.modifier not in (None, "exact", "contains"):
        raise unsupported_modifier(question)
    return probe(
        "string", question.number, either([_one(question, one) for one in split(question.value, ",")])
    )


def condition(question: Question, text: str) -> Clause:
    """One value against an index row ``x``."""
    return _one(question, text)


def _words(question: Question, value: str) -> Clause:
    """``:text``: each word begins a word of the parameter's texts, in any order and in any of its parts."""
    words = sorted(set(searchable(plain(value)).split()))
    if not words:
        raise invalid(question, value, "words")
    if len(words) > WORDS:
        raise TooCostly(
            "search.too-many-words", f"'{question.name}' takes {WORDS} words. Ask with fewer.",
            parameter=question.parameter.code,
        )  # fmt: skip
    return every([
        probe("string", question.number, Clause("position({} in ' ' || x.folded) > 0", (f" {word}",)))
        for word in words
    ])  # fmt: skip


def _one(question: Question, value: str) -> Clause:
    text = plain(value)
    folded = searchable(text)
    if not folded:
        raise invalid(question, text, "a text")
    if question.modifier == "exact":
        return Clause("(left(x.folded, 200) = {} and x.exact = {})", (folded[:BEGINNING], text))
    if question.modifier == "contains":
        return Clause("position({} in x.folded) > 0", (folded,))
    low = folded[:BEGINNING]
    if len(folded) > BEGINNING:
        return Clause("(left(x.folded, 200) = {} and starts_with(x.folded, {}))", (low, folded))
    return Clause("(left(x.folded, 200) >= {} and left(x.folded, 200) < {})", (low, low + LAST))
