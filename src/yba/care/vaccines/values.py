"""What the evaluator is given and what it answers: plain values, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from yba.care.vaccines.schedule import Effect, Product, Words

Status = Literal["completed", "not-done", "entered-in-error"]
State = Literal[
    "complete", "overdue", "due", "upcoming", "contraindicated", "aged-out", "not-applicable", "unknown"
]
Reason = Literal[
    "counted", "late", "too-young", "too-close", "live-apart", "extra", "same-day", "spoilt", "not-given", "error",
    "no-day", "future", "before-birth", "unknown-vaccine", "other-kind",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the schedule is asked for. ``birth`` only when the whole day is known; ``pregnant`` None: not said."""

    birth: date | None
    sex: str = ""
    pregnant: bool | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A vaccination as it stands in the record.

    ``first``, ``last``: between which days it was given, the same day when it is known; None: not known at all.
    ``product`` None: a vaccine the schedule does not know.
    """

    id: str
    name: str
    product: Product | None
    first: date | None
    last: date | None
    status: Status = "completed"
    spoilt: str = ""

    @property
    def day(self) -> date | None:
        return self.first if self.first == self.last else None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something of the record that may stand against a vaccine.

    ``kind``: condition (``code`` ICD-10), allergy (``code`` of the house's allergens, ``text``), reaction
    (``antigens`` of the vaccine, none when it is not known). ``grave``: of an allergy or a reaction.
    """

    kind: Literal["condition", "allergy", "reaction"]
    code: str = ""
    text: str = ""
    grave: bool = False
    antigens: frozenset[str] = frozenset()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a vaccination counts to a series, as which dose, and why not. ``until``: when it would have counted."""

    given: Given
    series: str
    reason: Reason
    dose: int = 0
    until: date | None = None

    @property
    def counts(self) -> bool:
        return self.reason in ("counted", "late")


@dataclass(frozen=True, slots=True)
class Bar:
    """What stands against a vaccine now, and what of the record says so."""

    id: str
    effect: Effect
    text: Words
    source: str
    fact: Fact | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """The next dose of a series. ``latest``: the first day on which it is no longer given."""

    dose: int
    earliest: date
    recommended: date
    overdue: date
    latest: date | None
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a series stands on a day.

    ``counted`` of ``doses`` are there. ``bars``: of every product of the next dose. ``mixed``: doses of two kinds
    that are not exchangeable. ``review``: the rule used is one that a clinician has yet to confirm.
    """

    series: str
    state: State
    counted: int
    doses: int
    path: str
    verdicts: tuple[Verdict, ...] = ()
    next: Next | None = None
    bars: dict[str, tuple[Bar, ...]] = field(default_factory=dict)
    mixed: bool = False
    review: bool = False
    rollout: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """What the schedule says of a person on a day, and what it stands on.

    ``whole``: everything that was recorded could be judged; without it nothing may be called finished.
    ``unjudged``: what was recorded and could not be. ``partial``: vaccinations of other houses may be hidden.
    """

    on: date
    person: Person
    version: str
    forecasts: tuple[Forecast, ...]
    judged: int
    unjudged: tuple[Verdict, ...]
    partial: bool = False

    @property
    def whole(self) -> bool:
        return self.person.birth is not None and not self.unjudged and not self.partial

    def of(self, series: str) -> Forecast:
        """The forecast of a series."""
        return next(one for one in self.forecasts if one.series == series)
