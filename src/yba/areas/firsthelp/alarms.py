"""What of a written text may be an emergency, for pages that answer later (`yba.care.remote.alarms`).

Here words alone decide, unlike in the questions: nobody is asked back, so what is understood counts as said.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import get_language

from yba.areas.firsthelp import data, rules
from yba.areas.firsthelp.data import Level
from yba.areas.firsthelp.understanding import LONGEST, understood

#: So much of one piece is read again with the next: a phrase is never cut in two.
_AGAIN: Final = 80


def alarms_in(text: str) -> tuple[str, ...]:
    """The findings that make a text an emergency, by the same rules as the questions; empty where none does."""
    book = data.book()
    facts = frozenset(name for piece in _pieces(text) for name in understood(book, piece))
    found = rules.verdict(book, facts)
    if found.level != Level.EMERGENCY:
        return ()
    language = get_language() or "vi"
    return tuple(book.findings[name].say.of(language) for name in found.reasons)


def _pieces(text: str) -> list[str]:
    step = LONGEST - _AGAIN
    return [text[at : at + LONGEST] for at in range(0, max(len(text) - _AGAIN, 1), step)]
