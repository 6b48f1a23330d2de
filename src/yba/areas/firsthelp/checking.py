"""The invented cases held against the rules: each is led through the very questions a person is asked.

Twice: once answering all, once passing over the first list of dangers unread, as somebody in a hurry does. Of what the
words are taken to mean only what is true of the case is confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from yba.areas.firsthelp import rules
from yba.areas.firsthelp.data import LEVELS, Book, Level, read_file
from yba.areas.firsthelp.rules import LIST, NONE, Answers, Screen
from yba.areas.firsthelp.understanding import understood

#: Over-triage must stay below this share of all cases that are no emergency.
MOST_OVER_TRIAGE: Final = 0.35
FEWEST_CASES: Final = 120
FEWEST_EMERGENCIES: Final = 45


class Vignette(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An invented case: what is typed, who it is, what is true, and the level somebody trained would give."""

    case: str
    who: str
    has: str
    level: str

    @property
    def expected(self) -> Level:
        return LEVELS[self.level]

    @property
    def true(self) -> frozenset[str]:
        return frozenset(one.strip() for one in self.has.split(","))

    @property
    def age(self) -> str:
        return age_group(self.who.split()[0])

    @property
    def sex(self) -> str:
        return {"m": "male", "f": "female"}[self.who.split()[1]]

    @property
    def pregnancy(self) -> str:
        return (self.who.split()[2:] or ["no"])[0]


def age_group(text: str) -> str:
    """ "25d", "5mo" or "62" as one of the ages people choose from."""
    if text.endswith("d"):
        months = int(text[:-1]) / 30.4
    else:
        months = float(text[:-2]) if text.endswith("mo") else float(text) * 12
    limits = [
        (3, "0-3m"),
        (24, "3m-2"),
        (72, "2-5"),
        (144, "6-11"),
        (192, "12-15"),
        (480, "16-39"),
        (780, "40-64"),
    ]
    return next((name for below, name in limits if months < below), "65")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a case came out. ``understood``: whether its words led to something true of it."""

    vignette: Vignette
    level: Level
    in_haste: Level
    understood: bool
    screens: int

    @property
    def under(self) -> bool:
        return min(self.level, self.in_haste) < self.vignette.expected

    @property
    def over(self) -> bool:
        return self.level > self.vignette.expected


@dataclass(frozen=True, slots=True)
class Report:
    outcomes: tuple[Outcome, ...]

    @property
    def emergencies(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.vignette.expected == Level.EMERGENCY]

    @property
    def others(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.vignette.expected != Level.EMERGENCY]

    @property
    def missed(self) -> list[Outcome]:
        """Emergencies that were not seen as such, also in haste."""
        return [one for one in self.emergencies if one.under]

    @property
    def under(self) -> list[Outcome]:
        return [one for one in self.others if one.under]

    @property
    def over(self) -> list[Outcome]:
        return [one for one in self.others if one.over]

    @property
    def over_share(self) -> float:
        return len(self.over) / len(self.others) if self.others else 0.0

    @property
    def problems(self) -> list[str]:
        """Why the check fails; nothing when it holds."""
        found = []
        if len(self.outcomes) < FEWEST_CASES or len(self.emergencies) < FEWEST_EMERGENCIES:
            found.append(
                f"at least {FEWEST_CASES} cases are wanted, {FEWEST_EMERGENCIES} of them emergencies"
            )
        if self.missed:
            found.append("an emergency was not seen as one")
        if self.over_share >= MOST_OVER_TRIAGE:
            found.append(f"over-triage is not below {MOST_OVER_TRIAGE:.0%}")
        return found


def vignettes() -> tuple[Vignette, ...]:
    """The cases of `vignettes.yaml`."""
    return read_file("vignettes.yaml", tuple[Vignette, ...])


def report(book: Book, cases: Sequence[Vignette]) -> Report:
    return Report(tuple(_outcome(book, one) for one in cases))


def _outcome(book: Book, case: Vignette) -> Outcome:
    unknown = case.true - book.findings.keys() - _given_by_questions(book)
    if unknown:
        raise ValueError(f"{case.case}: unknown: {', '.join(sorted(unknown))}")
    whole, hasty = conversation(book, case), conversation(book, case, in_haste=True)
    found = set(understood(book, case.case)) & case.true
    return Outcome(case, _level(book, whole), _level(book, hasty), bool(found), len(hasty.given))


def _given_by_questions(book: Book) -> frozenset[str]:
    return frozenset(
        name for one in book.questions.values() for option in one.options for name in option.gives
    )


def _level(book: Book, answers: Answers) -> Level:
    return rules.verdict(book, rules.facts_of(book, answers)).level


def conversation(book: Book, case: Vignette, *, in_haste: bool = False) -> Answers:
    """The answers of this case to all it is asked."""
    answers = Answers({"danger": (NONE,)}) if in_haste else Answers()
    for screen, answers_so_far in _asked(book, answers):
        answers_so_far.update({screen.id: answer_of(book, case, screen)})
        answers = Answers(dict(answers_so_far))
    return answers


def _asked(book: Book, answers: Answers) -> Iterator[tuple[Screen, dict[str, tuple[str, ...]]]]:
    given = dict(answers.given)
    while (screen := rules.next_screen(book, Answers(given))) is not None:
        yield screen, given


def answer_of(book: Book, case: Vignette, screen: Screen) -> tuple[str, ...]:
    """What this case answers to one screen."""
    if screen.id in ("age", "sex", "pregnancy"):
        return (str(getattr(case, screen.id)),)
    if screen.id == "words":
        return understood(book, case.case) or (NONE,)
    if screen.id == "complaint":
        return (_complaint(book, case, screen),)
    if screen.id.startswith("question:"):
        options = book.questions[screen.id.removeprefix("question:")].options
        fitting = [str(at) for at, option in enumerate(options) if option.gives and option.gives <= case.true]
        return (fitting[-1] if fitting else "0",)
    told = tuple(one for one in screen.values if one in case.true)
    return told or ((LIST,) if screen.id == "confirm" else (NONE,))


def _complaint(book: Book, case: Vignette, screen: Screen) -> str:
    """The entry of the list that fits what is true, else "something else"."""
    fitting = (one.id for one in book.presentations if one.id in screen.values and one.opened_by & case.true)
    return next(fitting, "other")
