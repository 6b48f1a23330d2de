"""From what somebody types to the findings it may speak of. What is found here is asked back, never taken as true.

A word typed without accents is any word of these letters; typed with them it is that word (hỏi and ngã count as one,
and so do "hoá" and "hóa"). A phrase of the data is looked for in its order, turned round ("ngực đau"), with one word
between, and with a slip of the finger in one word that is no word of the data ("kho thoo"). A phrase after a word of
denial ("không sốt") is not offered; that answers no question: each is asked as if nothing had been said.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from yba.areas.firsthelp.data import Book
from yba.fhir.model.fold import fold

#: Longest text that is looked at; the form holds what is typed to it.
LONGEST: Final = 400
#: Letters of a word that may hide a slip beside other words, alone, and a second one.
_ONE_SLIP, _ALONE, _TWO_SLIPS = 3, 5, 9
_CLAUSE: Final = re.compile(r"[,.;:!?\n()]|\b(?:nhưng|nhung|mà|but)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Word:
    """A word: without accents, and its accents in an order of their own."""

    bare: str
    marks: str

    def is_(self, known: Word) -> bool:
        return self.bare == known.bare and (not self.marks or self.marks == known.marks)


#: Southern and written forms of "không": what is denied is understood, and so is "hổng thở được".
_NOT: Final = frozenset({"hổng", "hok", "ko"})


@lru_cache(maxsize=16384)
def word(text: str) -> Word:
    if text.lower() in _NOT:
        text = "không"
    apart = unicodedata.normalize("NFD", text.lower())
    # Southern speech does not tell ngã from hỏi, and people write as they speak.
    marks = sorted("\u0309" if sign == "\u0303" else sign for sign in apart if unicodedata.combining(sign))
    return Word(fold(text), "".join(marks) + ("đ" if "đ" in apart else ""))


def words_of(text: str) -> tuple[Word, ...]:
    return tuple(word(one) for one in re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text)))


def _set(text: str) -> frozenset[Word]:
    return frozenset(words_of(text))


_EMPTY: Final = _set(
    "bị ở rất quá nhiều hơi cái cháu em bé tôi mình thì là cứ và vùng phần của tui đang cũng nữa rồi vậy luôn cả bố ba"
    " ông bà anh chị my the a an is are was to has have had he she i it very in of and with am being"
)
_DENIALS: Final = _set("không khong ko k kg kh hổng hong hok chưa chẳng hết no not without never")
#: What may stand between a denial and what it denies: "không có sốt", "không còn thấy đau ngực".
_BETWEEN: Final = _set("có còn thấy hề bị any had")


def _among(one: Word, known: Iterable[Word]) -> bool:
    return any(one.is_(other) for other in known)


@lru_cache(maxsize=16384)
def _is_empty(one: Word) -> bool:
    return _among(one, _EMPTY)


@dataclass(frozen=True, slots=True)
class _Clause:
    """A piece of the text: its words, and which of them were denied."""

    words: tuple[Word, ...]
    denied: tuple[bool, ...]

    @property
    def bare(self) -> _Clause:
        kept = [at for at, one in enumerate(self.words) if not _is_empty(one)]
        return _Clause(tuple(self.words[at] for at in kept), tuple(self.denied[at] for at in kept))


@dataclass(frozen=True, slots=True)
class _Phrase:
    finding: str
    words: tuple[Word, ...]


@cache
def _lexicon(book: Book) -> tuple[tuple[_Phrase, ...], frozenset[str]]:
    """All phrases, and every word that is in one: a slip is never taken for another word of ours."""
    phrases: list[_Phrase] = []
    for finding in book.findings.values():
        for text in finding.phrases:
            whole = words_of(text)
            bare = tuple(one for one in whole if not _is_empty(one))
            # "bí tiểu" must not become "tiểu": what shrinks to one word is looked for whole.
            phrases.append(_Phrase(finding.id, bare if len(bare) > 1 else whole))
    known = {one.bare for phrase in phrases for one in phrase.words} | {one.bare for one in _EMPTY}
    return tuple(phrases), frozenset(known)


def understood(book: Book, text: str) -> tuple[str, ...]:
    """Ids of the findings a text may speak of, in the order of the data."""
    phrases, known = _lexicon(book)
    clauses = [_clause(one) for one in _CLAUSE.split(text[:LONGEST])]
    forms = [form for one in clauses for form in (one, one.bare)]
    said = _may_be_meant({one.bare for clause in clauses for one in clause.words}, known)
    found = {
        phrase.finding
        for phrase in phrases
        if all(one.bare in said for one in phrase.words)
        and any(_is_in(phrase.words, form, known) for form in forms)
    }
    return tuple(name for name in book.findings if name in found)


def _may_be_meant(said: set[str], known: frozenset[str]) -> set[str]:
    """What was said and all it may be a slip of: only phrases of these words alone need be looked for."""
    strange = [one for one in said if one not in known]
    return said | {meant for meant in known if any(_is_slip(one, meant, known) for one in strange)}


def _clause(text: str) -> _Clause:
    words = words_of(text)
    denied: list[bool] = []
    denial = False
    for one in words:
        denied.append(denial)
        denial = _among(one, _DENIALS) or (denial and (_among(one, _BETWEEN) or _is_empty(one)))
    return _Clause(words, tuple(denied))


def _is_in(phrase: Sequence[Word], clause: _Clause, known: frozenset[str]) -> bool:
    size = len(phrase)
    for at in range(len(clause.words) - size + 1):
        if clause.denied[at]:
            continue
        window = clause.words[at : at + size]
        if _same(window, phrase, known) or (size == 2 and _same(window[::-1], phrase, frozenset())):
            return True
        longer = clause.words[at : at + size + 1]
        if size > 1 and len(longer) > size and _with_one_between(phrase, longer):
            return True
    return False


def _same(window: Sequence[Word], phrase: Sequence[Word], known: frozenset[str]) -> bool:
    """Word by word; one word may hold a slip (``known`` empty: none may)."""
    slips = [(said, meant) for said, meant in zip(window, phrase, strict=True) if not said.is_(meant)]
    if not slips:
        return True
    if not known or len(slips) > 1 or (len(phrase) == 1 and len(phrase[0].bare) < _ALONE):
        return False
    said, meant = slips[0]
    return _is_slip(said.bare, meant.bare, known)


def _is_slip(said: str, meant: str, known: frozenset[str]) -> bool:
    """Whether one word without accents may be another, typed wrong."""
    letters = len(meant)
    most = 2 if letters >= _TWO_SLIPS else 1 if letters >= _ONE_SLIP else 0
    if not most or said in known or said[:1] != meant[:1] or said.isdigit():
        return False
    return OSA.distance(said, meant, score_cutoff=most) <= most


def _with_one_between(phrase: Sequence[Word], words: Sequence[Word]) -> bool:
    """The phrase with one word more inside it, which is no denial."""
    return any(
        not _among(words[at], _DENIALS) and _same([*words[:at], *words[at + 1 :]], phrase, frozenset())
        for at in range(1, len(phrase))
    )
