"""Vietnamese personal names: the family name comes first, people are called by the last word."""

from __future__ import annotations

from yba.fhir.model.fold import fold_words
from yba.fhir.model.marks import without_marks


def tidy_name(text: str) -> str:
    """The name with single spaces; one typed all in capitals or all in small letters becomes "Nguyễn Thị
    Hạnh"; marks nobody sees go."""
    words = without_marks(text).split()
    joined = " ".join(words)
    if joined and (joined.isupper() or joined.islower()):
        return " ".join(word[:1].upper() + word[1:].lower() for word in words)
    return joined


def name_parts(text: str) -> tuple[str, list[str]]:
    """Family name and given names in the order written: ("Nguyễn", ["Thị", "Hạnh"]). A single word is a
    given name."""
    words = text.split()
    if len(words) < 2:
        return "", words
    return words[0], words[1:]


def called_name(text: str) -> str:
    """The word a person is called by: "Hạnh"."""
    words = text.split()
    return words[-1] if words else ""


def same_name(one: str, other: str) -> bool:
    """Whether two spellings are the same name, accents, case and spacing aside."""
    return fold_words(one) == fold_words(other)


def shortened(text: str, most: int = 200) -> str:
    """The name where only so many letters have room, as on a ticket; the record keeps it whole."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
