"""``_text`` and ``_content``: words of the narrative and of the whole resource. FHIR R4, search.html#content.

PostgreSQL's full text search with the configuration ``simple`` over folded words, so that "duc" finds "Đức". What is
asked is read as on the web: words that must all be there, "a phrase", or, -not.
"""

from __future__ import annotations

import html
import re

import msgspec

from yba.fhir.model.fold import fold
from yba.fhir.search.clause import OWN, Clause
from yba.fhir.search.parameters import needs_version
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import TextRow
from yba.fhir.search.values import plain

PART = 100_000
"""Characters of one row: a tsvector holds a megabyte."""
_LITERAL = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_TAG = re.compile(r"<[^>]*>")
_NARRATIVE = re.compile(rf'"div":({_LITERAL})')
_BETWEEN = re.compile(r"[\W_]+")
_INSIDE = re.compile(r"(?<=\w)[^\w\s\"]+(?=\w)")
# Elements whose texts are addresses and marks, not words.
_SILENT = (
    "resourceType", "id", "system", "url", "reference", "fullUrl", "versionId", "lastUpdated", "contentType",
    "data", "div", "hash", "profile", "version",
)  # fmt: skip
# What stands in JSON as this record writes it, without blanks: first what is passed over (a silent element with its
# texts, a name, a moment), then a text that has words, the only one that is kept.
_WORDED = re.compile(
    rf'"(?:{"|".join(_SILENT)})":(?:{_LITERAL}|\[(?:{_LITERAL}|null)(?:,(?:{_LITERAL}|null))*\])?'
    r'|"\w+":'
    r'|"[0-9]{4}-[0-9]{2}(?:-[0-9]{2}(?:T[0-9:.]+(?:Z|[-+][0-9:]+)?)?)?"'
    r'|"([^"\\]*(?:\\.[^"\\]*)*)"'
)
_COLUMNS = {"_text": "narrative", "_content": "content"}


def rows(content: bytes) -> list[TextRow]:
    """The words of a resource as it is stored; none when it has no text."""
    text = content.decode()
    words = dict.fromkeys(_WORDED.findall(text))  # what is passed over comes as an empty text
    narrative = ""
    if '"div":"' in text:
        divs = (html.unescape(_TAG.sub(" ", _plain(one[1:-1]))) for one in _NARRATIVE.findall(text))
        narrative = " ".join(divs).strip()
    told = _words(narrative) or None
    joined = " ".join(words)
    whole = _words(" ".join(map(_plain, words)) if "\\" in joined else joined)
    if told:
        whole = f"{whole} {told}"
    if len(whole) <= PART:
        return [(told, whole)] if whole else []
    return _parts(told, whole)


def _words(text: str) -> str:
    """Folded words with a blank between: what the database cuts into the same words in a third of the time."""
    return _BETWEEN.sub(" ", fold(text)).strip()


def _parts(told: str | None, whole: str) -> list[TextRow]:
    """A long text as its different words, row by row. Words in different rows are not found together."""
    narrative = " ".join(dict.fromkeys(told.split())) if told else None
    content = " ".join(dict.fromkeys(whole.split()))
    found: list[TextRow] = []
    while narrative or content:
        one, narrative = _cut(narrative) if narrative else (None, None)
        two, content = _cut(content) if content else ("", "")
        found.append((one, two))
    return found


def _cut(text: str) -> tuple[str, str]:
    if len(text) <= PART:
        return text, ""
    at = text.rfind(" ", 0, PART)
    at = at if at > 0 else PART
    return text[:at], text[at:].strip()


def _plain(literal: str) -> str:
    if "\\" not in literal:
        return literal
    return msgspec.json.decode(f'"{literal}"'.encode(), type=str)


def clause(question: Question) -> Clause:
    """The condition of ``_text`` or ``_content``, with its rank."""
    if question.modifier is not None:
        raise unsupported_modifier(question)
    needs_version(2, question.parameter.code)
    column = _COLUMNS[question.parameter.code]
    # "8302-2" is two words in the index: here, too.
    asked = _INSIDE.sub(" ", fold(plain(question.value)))
    if not any(letter.isalnum() for letter in asked):
        raise invalid(question, question.value, "words to look for")
    query = "websearch_to_tsquery('simple', {})"
    return Clause(
        f"exists (select from record.text x where {OWN} and x.{column} @@ {query})",
        (asked,),
        Clause(
            f"(select coalesce(max(ts_rank(x.{column}, {query}, 32)), 0) from record.text x where {OWN})",  # noqa: S608 - our own names
            (asked,),
        ),
    )
