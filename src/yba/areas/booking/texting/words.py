"""What a text asks for: keywords in Vietnamese without accents, whatever its capitals, accents and spaces. Pure.

Each step has signs of its own (digits choose a time, letters a person, OK books), so that a text the network delivers
twice never answers the next question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from yba.areas.booking import rules
from yba.fhir.model.fold import fold, fold_words

Act = Literal[
    "find", "more", "choose", "person", "yes", "let-go", "cancel", "visits", "number", "help", "stop", "start",
    "emergency", "unknown",
]  # fmt: skip
#: A whole text, folded and without spaces -> what it asks for.
_WHOLE: Final[dict[str, Act]] = {
    **dict.fromkeys(
        ("ok", "oke", "okay", "okie", "dongy", "dy", "co", "xacnhan", "xn", "yes", "dat", "datluon"), "yes"
    ),
    **dict.fromkeys(("huy", "bo", "huybo", "khong", "ko", "no", "cancel", "thoi"), "let-go"),
    **dict.fromkeys(("them", "tiep", "xemthem", "more", "giokhac", "khac", "next"), "more"),
    **dict.fromkeys(("so", "stt", "sothutu", "thutu", "hang", "hangdoi", "phieu", "number", "queue"), "number"),
    **dict.fromkeys(("lich", "lichhen", "lichkham", "xemlich", "hen", "visits"), "visits"),
    **dict.fromkeys(("help", "trogiup", "giup", "hd", "huongdan", "tg"), "help"),
    **dict.fromkeys(
        ("tc", "tuchoi", "stop", "dung", "ngung", "dunglai", "dungnhantin", "tuchoinhantin", "huytin", "unsubscribe",
         "dungtin", "stopall", "quit", "end"),
        "stop",
    ),
    **dict.fromkeys(("nhan", "nhantin", "nhanlai", "start", "batdau"), "start"),
}  # fmt: skip
#: First words that ask for times; what stands between them and the place.
_FIND: Final = (
    "datlichkham", "datlich", "datkham", "lichkham", "khambenh", "kham", "dangky", "xemgio", "dk", "dat", "book",
)  # fmt: skip
_FILLING: Final = frozenset(
    (
        "o",
        "tai",
        "benh",
        "lich",
        "hen",
        "gio",
        "ngay",
        "khoa",
        "cho",
        "xin",
        "toi",
        "muon",
        "minh",
        "em",
        "at",
        "for",
    )
)
_CANCEL: Final = re.compile(r"(?:huy|cancel|bo)(?:lichhen|lichkham|lich|hen|ma|luot)*([a-z0-9]{1,12})")
_CHOICE: Final = re.compile(r"(?:chon|so|gio)?([1-9])")
_PERSON: Final = re.compile(r"(?:cho|chon)?([a-h])")
_DAY: Final = re.compile(r"\b(\d{1,2})\s*[/-]\s*(\d{1,2})\b")
_HALVES: Final = {"sang": (0, 12), "chieu": (12, 24)}
_DANGER: Final = ("cap cuu", "115")


@dataclass(frozen=True, slots=True)
class Said:
    """A text, understood. ``rest``: of a question for times what follows, folded; of a cancellation code or number;
    of a choice its sign. ``day``, ``hours``: when somebody wants to come."""

    act: Act
    rest: str = ""
    day: date | None = None
    hours: tuple[int, int] | None = None


def read(text: str, *, today: date) -> Said:
    """What a text asks for. A sign of danger comes before everything."""
    words = fold_words(text)
    joined = "".join(words)
    spoken = f" {' '.join(words)} "
    if rules.sounds_dangerous(text) or any(f" {one} " in spoken for one in _DANGER):
        return Said("emergency")
    whole = _WHOLE.get(joined)
    if whole is not None:
        return Said(whole)
    for act, pattern in (("choose", _CHOICE), ("person", _PERSON), ("cancel", _CANCEL)):
        found = pattern.fullmatch(joined)
        if found is not None:
            return Said(act, found[1])  # type: ignore[arg-type]  # the three are acts
    if joined.startswith(("tuchoi", "stop")):
        return Said("stop")
    start = next((one for one in _FIND if joined.startswith(one)), "")
    if not start:
        return Said("unknown")
    return _asked(text, _after(words, start), today)


def _after(words: Sequence[str], start: str) -> list[str]:
    """The words behind the keyword, also where it is written together with them."""
    left, rest = start, list(words)
    while left and rest:
        word = rest.pop(0)
        if word.startswith(left) and len(word) > len(left):
            return [word[len(left) :], *rest]
        left = left.removeprefix(word)
    return rest


def _asked(text: str, words: Sequence[str], today: date) -> Said:
    plain = fold(text)
    day = _day(plain, today)
    half = next((one for one in words if one in _HALVES), "")
    drop = {*_FILLING, half, "mai" if day is not None and "mai" in words else ""}
    kept = [one for one in words if one not in drop and not one.isdigit()]
    return Said("find", " ".join(kept), day, _HALVES.get(half))


def _day(plain: str, today: date) -> date | None:
    """The day wished for: ``24/11``, of this year or the next; ``mai``: tomorrow."""
    if re.search(r"\b(ngay mai|mai|sang mai|chieu mai)\b", plain):
        return today + timedelta(days=1)
    found = _DAY.search(plain)
    if found is None:
        return None
    try:
        day = date(today.year, int(found[2]), int(found[1]))
        return day if day >= today else day.replace(year=today.year + 1)
    except ValueError:
        return None
