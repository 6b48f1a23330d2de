"""Which text of a concept a reader gets who asks for languages. RFC 9110 (Accept-Language), RFC 4647 (look-up)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Tree = Any
INFRASTRUCTURE = "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra"
PREFERRED = {"system": INFRASTRUCTURE, "code": "preferredForLanguage", "display": "Preferred For Language"}
_DISPLAY_USES = frozenset({"preferredForLanguage", "display", "900000000000013009", "900000000000003001"})


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages asked for, the dearest first; ``only``: better none than another."""

    ranges: tuple[str, ...] = ()
    only: bool = False

    def match(self, tag: str | None) -> int | None:
        """How dear a text of this language is: 0 is best; None when it was not asked for."""
        for rank, wanted in enumerate(self.ranges):
            if speaks(tag, wanted):
                return rank
        return None


def speaks(tag: str | None, wanted: str) -> bool:
    """Whether a text in one language serves a reader of another: vi-VN serves vi, and vi serves vi-VN."""
    if not tag:
        return False
    one, other = tag.lower(), wanted.lower()
    return one == other or one.startswith(other + "-") or other.startswith(one + "-")


def languages_of(text: str | None) -> Languages:
    """The languages of a displayLanguage parameter or an Accept-Language header."""
    weighed: list[tuple[float, int, str]] = []
    only = False
    for place, part in enumerate((text or "").split(",")):
        tag, *parameters = (one.strip() for one in part.split(";"))
        weight = 1.0
        for one in parameters:
            name, _, value = one.partition("=")
            if name.strip() == "q":
                weight = _weight(value)
        if tag == "*":
            only = weight == 0
        elif tag and weight > 0:
            weighed.append((-weight, place, tag))
    return Languages(tuple(tag for _, _, tag in sorted(weighed)), only)


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0


@dataclass(frozen=True, slots=True)
class Wording:
    """One text a concept may be shown by."""

    text: str
    language: str | None
    is_display: bool = True
    designation: Tree | None = None


def wordings(
    display: str | None, language: str | None, designations: Iterable[Tree], said: Tree | None = None,
    value_set_language: str | None = None,
) -> list[Wording]:  # fmt: skip
    """All texts of a concept: what the value set says first, then its system, then the other designations."""
    found = []
    if said is not None and said.get("display"):
        found.append(Wording(said["display"], value_set_language or language))
    if display:
        found.append(Wording(display, language))
    more = [*designations, *(said.get("designation", ()) if said is not None else ())]
    for one in more:
        if one.get("value"):
            use = one.get("use", {}).get("code")
            found.append(Wording(one["value"], one.get("language"), use is None or use in _DISPLAY_USES, one))
    return found


def chosen(texts: list[Wording], asked: Languages) -> Wording | None:
    """The text to show: of the dearest language there is, else the first, unless no other was wanted."""
    best: tuple[int, int] | None = None
    found: Wording | None = None
    for place, one in enumerate(texts):
        rank = asked.match(one.language)
        if one.is_display and rank is not None and (best is None or (rank, place) < best):
            best, found = (rank, place), one
    if found is not None:
        return found
    first = next((one for one in texts if one.designation is None), None)
    if first is not None and asked.ranges and asked.only:
        return None if first.language is not None else first
    return first
