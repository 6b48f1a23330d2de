"""What the book decides: whose it is, how entries are grouped, when a medicine is taken. No reading, no writing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Final, Literal

from django.utils.translation import gettext_noop

from yba.care import catalogues, people
from yba.care.names import called_name
from yba.fhir.model.fold import fold
from yba.ui import words

#: The relation of an account to its own person.
SELF: Final = "ban-than"
MOST_PERSONS: Final = 12
CHILD_UNDER: Final = 12

Kind = Literal["visit", "result", "immunisation", "follow-up", "receipt", "medicine", "procedure"]
#: One meaning, one icon (face, section 8).
ICONS: Final[dict[str, str]] = {
    "visit": "stethoscope",
    "result": "test-tube",
    "immunisation": "syringe",
    "follow-up": "calendar-plus",
    "receipt": "banknote",
    "medicine": "pill",
    "procedure": "activity",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the book. ``when`` is a FHIR date or time; ``url`` empty: nothing more to see."""

    kind: Kind
    when: str
    title: str
    notes: tuple[str, ...] = ()
    url: str = ""

    @property
    def icon(self) -> str:
        return ICONS[self.kind]

    @property
    def year(self) -> str:
        day = words.as_date(self.when)
        return str(day.year) if day else self.when[:4]


@dataclass(frozen=True, slots=True)
class Year:
    """The entries of a year, newest first."""

    year: str
    entries: tuple[Entry, ...]


def years(entries: Iterable[Entry]) -> list[Year]:
    """Newest first, by year."""
    ordered = sorted(entries, key=lambda one: _moment(one.when), reverse=True)
    return [Year(year, tuple(group)) for year, group in groupby(ordered, key=lambda one: one.year)]


def _moment(text: str) -> str:
    """A sortable text: times on one clock, days at their end so that they stand with their day."""
    if "T" in text:
        return words.as_time(text).isoformat()
    return f"{text}T24"


@dataclass(frozen=True, slots=True)
class Own:
    """A person this account acts for."""

    person: people.Person
    relation: str

    @property
    def is_self(self) -> bool:
        return self.relation == SELF


def chosen(own: Sequence[Own], wanted: str) -> Own | None:
    """The one wanted, else oneself, else the first; None for an account without people."""
    by_id = {one.person.id: one for one in own}
    return by_id.get(wanted) or next((one for one in own if one.is_self), None) or (own[0] if own else None)


def tab_words(one: Own, *, today: date) -> str:
    """What stands on the index tab: "Tôi", "Bé Na", "Ông Hùng", "Hùng"."""
    if one.is_self:
        return gettext_noop("Tôi")
    name = called_name(one.person.name)
    born = words.as_date(one.person.birth_date)
    if born is not None:
        years_old = words.months_between(born, today) // 12
        if years_old < CHILD_UNDER:
            return f"Bé {name}"
        if years_old >= 60:
            return f"{'Bà' if one.person.gender == 'female' else 'Ông'} {name}"
    return name


def relation_words(code: str, language: str = "vi") -> str:
    """The word for a relation of the catalogue."""
    if code == SELF:
        return "Me" if language == "en" else "Tôi"
    known = catalogues.relationship(code)
    return (known.name_en if language == "en" else known.name_vi) if known else ""


def role_of_guardian(relation: str) -> people.Relation:
    """Who the account's own person is to the one added: of a child a parent, of a grandchild a grandparent."""
    found: dict[str, people.Relation] = {
        "con": "parent", "chau": "grandparent", "vo-chong": "spouse", "cha": "child", "me": "child",
    }  # fmt: skip
    return found.get(relation, "guardian")


# -- medicines of the day -------------------------------------------------------------------------------

Part = Literal["morning", "noon", "evening", "any"]
_PARTS: Final[tuple[tuple[Part, tuple[str, ...]], ...]] = (
    ("morning", ("sang",)),
    ("noon", ("trua",)),
    ("evening", ("chieu", "toi", "truoc khi ngu", "khi di ngu")),
)
PART_ICONS: Final[dict[Part, str]] = {"morning": "sunrise", "noon": "sun", "evening": "moon", "any": "pill"}


@dataclass(frozen=True, slots=True)
class Dose:
    """A medicine at a part of the day."""

    name: str
    how: str


@dataclass(frozen=True, slots=True)
class DayPart:
    """The medicines of one part of the day."""

    part: Part
    doses: tuple[Dose, ...] = field(default=())

    @property
    def icon(self) -> str:
        return PART_ICONS[self.part]


def day_parts(medicines: Iterable[tuple[str, str]]) -> list[DayPart]:
    """Name and dosage sentence of each medicine, put where its sentence says; the rest under "any"."""
    parts: list[Part] = [*(part for part, _signs in _PARTS), "any"]
    by_part: dict[Part, list[Dose]] = {part: [] for part in parts}
    for name, how in medicines:
        plain = fold(how)
        found: list[Part] = [part for part, signs in _PARTS if any(sign in plain for sign in signs)]
        for part in found or ["any"]:
            by_part[part].append(Dose(name, how))
    return [DayPart(part, tuple(doses)) for part, doses in by_part.items() if doses]
