"""What stands on a page about a person: frozen typed values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Literal

Direction = Literal["", "high", "low"]


class Asked(Enum):
    """What is known of a person's allergies: never asked is not the same as none."""

    NEVER = "never"
    NONE_KNOWN = "none-known"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Problem:
    """A disease the person lives with. ``since`` is a FHIR date of any precision."""

    id: str
    code: str
    name: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class Allergy:
    """A recorded allergy, gravest first in a chart. ``code`` is of our list of allergens, or empty."""

    id: str
    name: str
    code: str = ""
    reaction: str = ""
    grave: bool = False
    since: str = ""
    category: str = ""
    refuted: bool = False


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine being taken: from a prescription, or as somebody said (``request_id`` empty)."""

    request_id: str
    name: str
    drug_code: str = ""
    how: str = ""
    amount: str = ""
    started: str = ""
    until: date | None = None
    prescription: str = ""
    facility: str = ""
    encounter_id: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit with its diagnoses, main one first."""

    id: str
    start: str
    status: str
    title: str
    place: str = ""
    doctor: str = ""
    diagnoses: tuple[Problem, ...] = ()
    medicines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement; ``text`` for what is no number."""

    when: str
    value: Decimal | None
    text: str
    direction: Direction = ""
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """A measure over time, oldest point first; ``low`` and ``high`` bound the usual range of the last one."""

    code: str
    name: str
    unit: str
    category: str
    points: tuple[Point, ...]
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def last(self) -> Point:
        return self.points[-1]

    @property
    def values(self) -> tuple[Decimal, ...]:
        """The numbers, oldest first."""
        return tuple(point.value for point in self.points if point.value is not None)

    @property
    def band(self) -> tuple[float | None, float | None]:
        """The usual range for drawing only."""
        return (
            None if self.low is None else float(self.low),
            None if self.high is None else float(self.high),
        )


@dataclass(frozen=True, slots=True)
class Dose:
    """A vaccine given."""

    when: str
    name: str
    number: str = ""
    lot: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """One person on one page. ``more_visits``, ``more_results``: older ones exist beyond what is shown.

    ``linked``: the person has other records; their allergies, medicines and problems are among these.
    """

    patient_id: str
    problems: tuple[Problem, ...]
    asked: Asked
    allergies: tuple[Allergy, ...]
    medicines: tuple[Medicine, ...]
    visits: tuple[Visit, ...]
    vitals: tuple[Trend, ...]
    results: tuple[Trend, ...]
    immunisations: tuple[Dose, ...]
    more_visits: bool = False
    more_results: bool = False
    linked: bool = False
