"""Folding of text for search: lower case, no accents, and đ read as d, so that "duc" finds "Đức".

Unicode decomposes every Vietnamese letter except đ, a letter with a stroke and not an accent: it is folded
by hand. The same function folds what is indexed and what is asked, in the record and in the catalogues.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

# Letters that NFKD leaves whole but people type without their stroke.
_STROKES: Mapping[str, str] = {"đ": "d", "Đ": "d", "ð": "d", "Ð": "d", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l"}


def _folded_letter(letter: str) -> str:
    if letter in _STROKES:
        return _STROKES[letter]
    bare = "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
    return bare.casefold()


# Latin-1, Latin Extended and Latin Extended Additional hold all of Vietnamese; combining marks simply go.
_TABLE: dict[int, str | None] = {
    code: _folded_letter(chr(code)) for code in (*range(0xA1, 0x250), *range(0x1E00, 0x1F00))
}
_TABLE.update(dict.fromkeys(range(0x300, 0x370)))
_TABLE[0xA0] = " "


def fold(text: str) -> str:
    """The text as search sees it: ``fold("Đức") == "duc"``, whether it came composed (NFC) or not (NFD).

    Letters of other scripts keep their base letter; spaces and punctuation stay as they are. Idempotent.
    """
    if text.isascii():
        return text.lower()
    folded = text.translate(_TABLE)
    if folded.isascii():
        return folded.lower()
    # Rarer letters, twice: what is taken apart may have capitals, and small letters may come apart (🄐 -> (A) -> (a)).
    for _round in range(2):
        apart = unicodedata.normalize("NFKD", folded)
        bare = "".join(c for c in apart if not unicodedata.combining(c))
        folded = bare.casefold().translate(_TABLE)
    return folded.casefold()


def fold_words(text: str) -> list[str]:
    """The folded words of a text, cut at everything that is neither letter nor digit.

    ``fold_words("Đái tháo đường típ-2") == ["dai", "thao", "duong", "tip", "2"]``.
    """
    folded = fold(text)
    return "".join(c if c.isalnum() else " " for c in folded).split()
