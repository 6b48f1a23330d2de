"""The words of a plain text message: no accents, the signs every phone has, and never cut in the middle of a fact.

A text of at most 160 septets of the GSM 7-bit alphabet is one message; a longer one is parts of 153 (3GPP TS 23.038,
6.2.1; TS 23.040, 9.2.3.24.1). Seven signs take two septets.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Final

from yba.ui.words import HANOI

ONE: Final = 160
PART: Final = 153
_TWO: Final = frozenset("^{}\\[~]|€")
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PLAIN: Final = frozenset("\n @$_!\"#%&'()*+,-./0123456789:;<=>?" + _LETTERS) | _TWO
_TYPED: Final = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "`": "'", "–": "-", "—": "-", "…": "...", "·": "-", "•": "-", "\t": " ",
     "\u00a0": " ", "\u202f": " ", "\u2009": " ", "₫": "d", "đ": "d", "Đ": "D", "×": "x", "→": "->", "≤": "<=",
     "≥": ">="}
)  # fmt: skip
_SHORT: Final = (
    ("bệnh viện đa khoa", "BV"), ("bệnh viện", "BV"), ("trung tâm y tế", "TTYT"), ("phòng khám đa khoa", "PK"),
    ("phòng khám", "PK"), ("trạm y tế", "Tram YT"),
)  # fmt: skip
_DAYS: Final = {
    "vi": ("thu Hai", "thu Ba", "thu Tu", "thu Nam", "thu Sau", "thu Bay", "Chu nhat"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}


def folded(text: str) -> str:
    """The text in signs of the 7-bit alphabet without accents; capitals stay. A sign nobody can send is ``?``."""
    plain = unicodedata.normalize("NFD", text.translate(_TYPED))
    kept = (one for one in plain if not unicodedata.combining(one))
    return "".join(one if one in _PLAIN else "?" for one in kept)


def septets(text: str) -> int:
    """How long a folded text is in the air."""
    return len(text) + sum(one in _TWO for one in text)


def split(text: str) -> list[str]:
    """A folded text as the parts it travels in: one, or several of 153 septets; a sign of two is never torn."""
    if septets(text) <= ONE:
        return [text]
    parts: list[str] = []
    now, length = "", 0
    for one in text:
        size = 2 if one in _TWO else 1
        if length + size > PART:
            parts, now, length = [*parts, now], "", 0
        now, length = now + one, length + size
    return [*parts, now]


def short_place(name: str) -> str:
    """``BV Hương Giang`` of ``Bệnh viện Đa khoa Hương Giang``."""
    for long, short in _SHORT:
        if name.casefold().startswith(long):
            return f"{short} {name[len(long) :].strip()}"
    return name


def when(start: datetime, language: str = "vi") -> str:
    """``9:30 thu Ba 24/11``; in English the day's name is of three letters."""
    at = start.astimezone(HANOI)
    return f"{at.hour}:{at.minute:02} {_DAYS[language][at.weekday()]} {at.day:02}/{at.month:02}"


def shortened_place(name: str, most: int) -> str:
    """A facility's name in at most so many septets: its kind in short, then whole words, then signs."""
    return _words(folded(short_place(name)), most)


def shortened_person(name: str, most: int) -> str:
    """A person's name in at most so many septets: the given name, which comes last, stays longest."""
    words = folded(name).split()
    whole = " ".join(words)
    for count in range(len(words)):
        tried = " ".join([*(f"{one[0]}." for one in words[:count]), *words[count:]])
        if septets(tried) <= most:
            return tried
    return _words(words[-1] if words else whole, most)


def shortened(text: str, most: int) -> str:
    """Free words in at most so many septets, ended at a word."""
    return _words(folded(text), most)


def _words(text: str, most: int) -> str:
    text = " ".join(text.split())
    if septets(text) <= most:
        return text
    kept = ""
    for one in text.split():
        tried = f"{kept} {one}".strip()
        if septets(tried) > most:
            break
        kept = tried
    if kept:
        return kept
    while septets(text) > most:
        text = text[:-1]
    return text
