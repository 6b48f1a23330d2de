"""Uri parameters: compared as they are written. FHIR R4, search.html#uri."""

from __future__ import annotations

from typing import Any

from yba.fhir.search.clause import Clause, among, either, probe
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered, key
from yba.fhir.search.string import LAST
from yba.fhir.search.values import plain, split


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type."""

    def uri(value: Any, rows: Gathered) -> None:
        rows.uri.append((number, key(value)))
        bare, bar, _version = value.partition("|")
        if bar and bare:  # a canonical with a version is found without it, too
            rows.uri.append((number, key(bare)))

    return lambda name, _only: uri if name == "str" else None


def clause(question: Question) -> Clause:
    """The condition of a uri question: equal, ``:below`` or ``:above`` a URL."""
    asked = [plain(one) for one in split(question.value, ",")]
    if "" in asked:
        raise invalid(question, question.value, "a URI")
    if question.modifier is None:
        return probe("uri", question.number, among("x.value", [key(one) for one in asked]))
    if question.modifier == "below":
        return probe("uri", question.number, either([_below(one) for one in asked]))
    if question.modifier == "above":
        above = [key(one) for url in asked for one in _above(url)]
        return probe("uri", question.number, Clause("x.value = any({})", (above,)))
    raise unsupported_modifier(question)


def condition(question: Question, text: str) -> Clause:
    """One value against an index row ``x``."""
    return Clause("x.value = {}", (key(plain(text)),))


def _below(text: str) -> Clause:
    """The URL and all that go on after it with a further segment. A URN has nothing below it."""
    url = text.rstrip("/")
    if text.startswith("urn:"):
        return Clause("x.value = {}", (key(text),))
    return Clause(
        "(x.value = {} or (x.value >= {} and x.value < {}))", (key(url), url + "/", url + "/" + LAST)
    )


def _above(text: str) -> list[str]:
    """The URL and those that lead to it, segment by segment, with and without a slash at the end."""
    if text.startswith("urn:"):
        return [text]
    start = text.find("://") + 3 if "://" in text else 0
    url = text.rstrip("/")
    found = []
    while url and len(url) > start:
        found += [url, url + "/"]
        cut = url.rfind("/", start)
        url = url[:cut] if cut > 0 else ""
    return found
