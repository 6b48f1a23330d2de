"""Which facility and specialty a text means: names as people type them, without accents, in part, with a slip."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import OSA

from yba.areas.booking import directory
from yba.care import catalogues
from yba.fhir.model.fold import fold_words
from yba.fhir.record import Record
from yba.fhir.store.rows import execute

#: Words that tell no facility from another.
_KIND: Final = frozenset(
    ("benh", "vien", "da", "khoa", "trung", "tam", "y", "te", "tram", "phong", "kham", "xa", "phuong", "thi", "tran",
     "huyen", "quan", "tinh", "thanh", "pho", "khu", "vuc", "bv", "tt", "ttyt", "pk", "dk", "tyt")
)  # fmt: skip
_OFFERED: Final = """
select facility::varchar, min(facility_name)::varchar, specialty::varchar, min(specialty_name)::varchar
  from booking_post where active and facility <> '' and specialty <> ''
 group by facility, specialty order by 2, 4"""


@dataclass(frozen=True, slots=True)
class Offered:
    """A specialty that can be booked at a facility."""

    facility: str
    place: str
    specialty: str
    called: str


@dataclass(frozen=True, slots=True)
class Match:
    """What a text means: one of those offered; else the names it could be."""

    offered: Offered | None
    choices: tuple[str, ...] = ()


def offered(record: Record) -> list[Offered]:
    """What can be booked at all."""
    directory.catch_up(record, most=directory.WHILE_READING)
    rows = execute(record.connection, _OFFERED, ()).fetchall()
    return [Offered(row[0], row[1], row[2], row[3] or _called(row[2])) for row in rows]


def _called(code: str) -> str:
    known = catalogues.specialty(code)
    return known.name_vi if known is not None else code


def match(all_: Sequence[Offered], text: str) -> Match:
    """The place and specialty of a folded text; where one is left out or unclear, what it could be."""
    words, joined = text.split(), text.replace(" ", "")
    names = {one.facility: one.place for one in all_}
    fields = {one.specialty: one.called for one in all_}
    places = _best({key: _telling(name) for key, name in names.items()}, words, joined)
    specialties = _best({key: fold_words(name) for key, name in fields.items()}, words, joined)
    left = [
        one for one in all_
        if (not places or one.facility in places) and (not specialties or one.specialty in specialties)
    ]  # fmt: skip
    if not places and not specialties:
        return Match(None, tuple(sorted(set(names.values()))))
    if len(left) == 1:
        return Match(left[0])
    if not left:  # that place has not that specialty: what it has
        left = [one for one in all_ if one.facility in places]
    of_places = {one.place for one in left}
    return Match(None, tuple(sorted({one.called for one in left} if len(of_places) == 1 else of_places)))


def _telling(name: str) -> list[str]:
    words = fold_words(name)
    return [one for one in words if one not in _KIND] or words


def _best(names: dict[str, list[str]], words: Sequence[str], joined: str) -> set[str]:
    """The names that fit best: whole (also written together), else at least half of their words."""
    scores = {key: _score(name, words, joined) for key, name in names.items()}
    top = max(scores.values(), default=0.0)
    return {key for key, one in scores.items() if one == top} if top >= 0.5 else set()


def _score(name: Sequence[str], words: Collection[str], joined: str) -> float:
    together = "".join(name)
    if len(together) >= 5 and together in joined:
        return 1 + len(together) / 100
    found = sum(any(_same(one, word) for word in words) for one in name)
    if found == len(name):
        return 1 + len(together) / 100
    return found / len(name)


def _same(one: str, word: str) -> bool:
    if one == word:
        return True
    return len(one) >= 5 and len(word) >= 4 and OSA.distance(one, word, score_cutoff=1) <= 1
