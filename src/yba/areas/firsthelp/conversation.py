"""The conversation itself: it lives in the page, signed, and nowhere else. No cookie, no row, nothing in an address."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.core import signing

from yba.areas.firsthelp.data import Book
from yba.areas.firsthelp.rules import Answers

_SALT: Final = "yba.firsthelp.answers"
#: A page left open longer is begun anew: somebody may be worse by then.
LASTS: Final = timedelta(hours=6)


def token_of(book: Book, answers: Answers) -> str:
    """The answers as a page carries them. Signed, so that none can be dropped; readable by whoever holds the page."""
    told = [[screen, list(chosen)] for screen, chosen in answers.given.items()]
    return signing.dumps({"version": book.about.version, "answers": told}, salt=_SALT, compress=True)


def answers_of(book: Book, token: str) -> Answers | None:
    """The answers a token holds; None for one that is not ours, too old, or made by other data."""
    if not token:
        return Answers()
    try:
        told = signing.loads(token, salt=_SALT, max_age=LASTS)
    except signing.BadSignature:
        return None
    if told["version"] != book.about.version:
        return None
    return Answers({screen: tuple(chosen) for screen, chosen in told["answers"]})
