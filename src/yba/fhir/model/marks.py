"""Marks in a text that nobody sees and that turn, hide or break what is read beside them.

Unicode's marks of direction (UAX #9: U+202A to U+202E, U+2066 to U+2069, and the two single ones) let a name read
otherwise than it is stored, and turn the rest of its line; control characters break it. Vietnamese needs none of them.
"""

from __future__ import annotations

import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]+"
)


def without_marks(text: str) -> str:
    """The text as it may stand beside others: ``"A\\u202eB"`` is ``"AB"``; breaks and tabs become single spaces."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub("", re.sub("[\t\n\r\u2028\u2029]+", " ", text))
