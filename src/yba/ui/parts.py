"""The values components show: frozen, so page objects can hold them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Tab:
    """One view of a list, or one person's book."""

    label: str
    url: str
    current: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day one may choose; ``note`` says what is left."""

    value: str
    day: date
    note: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """A time one may choose; disabled means taken."""

    value: str
    start: datetime
    disabled: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A line with its icon."""

    icon: str
    text: str


@dataclass(frozen=True, slots=True)
class Doctor:
    """One line of a directory; ``slots`` are the next free times, ``slots_words`` says of which day."""

    name: str
    url: str
    specialty: str
    facts: tuple[Fact, ...] = ()
    slots: tuple[Link, ...] = ()
    slots_words: str = ""
    more_url: str = ""
    more_words: str = ""


@dataclass(frozen=True, slots=True)
class Vital:
    """One measure; ``direction`` is ``high`` or ``low`` when out of range, ``twice`` when dangerous."""

    label: str
    value: str | int | Decimal
    unit: str = ""
    direction: str = ""
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """The one a staff page speaks of. ``allergies_known`` False: nobody has asked yet."""

    name: str
    facts: tuple[str, ...] = ()
    ticket: str = ""
    allergies: tuple[str, ...] = ()
    allergies_known: bool = True
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """The state of one room: who is in, how many wait, how long."""

    name: str
    specialty: str
    number: str = ""
    doctor: str = ""
    waiting: int = 0
    minutes: str = ""
    crowded: bool = False
