"""What first help decides: how urgent, which specialty, what to ask next. Pure; the data says the rest.

A level is the highest of all rules that are met, and every rule is "all of these are true". So whatever is added to
what is known, the level stays or rises: an answer "no", "not sure" or none at all adds nothing that could lower it
(`tests/areas/firsthelp/test_rules.py` holds this as a property over all findings).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from yba.areas.firsthelp.data import (
    ABOUT,
    AGES,
    FERTILE,
    PREGNANCIES,
    SEXES,
    Book,
    Level,
    Presentation,
    Rule,
    Words,
)

#: What a list may be answered with beside its own entries.
NONE: Final = "none"
UNSURE: Final = "unsure"
#: What the page that asks words back may be answered with beside them: look at the list of complaints.
LIST: Final = "list"
#: Somebody who is not sure about signs of danger is seen today.
LEVEL_WHEN_UNSURE: Final = Level.TODAY
#: Begins the fact that a complaint was chosen from the list.
CHOSEN: Final = "chosen:"
_UNSURE_FACT: Final = "unsure:"


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered so far: screen -> what was chosen on it, in the order it was asked."""

    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def with_(self, screen: str, chosen: Iterable[str]) -> Answers:
        return Answers({**self.given, screen: tuple(chosen)})

    def without_last(self) -> Answers:
        """One screen back. What is taken back here was never shown as a level: a result has no way back but anew."""
        return Answers(dict(list(self.given.items())[:-1]))


@dataclass(frozen=True, slots=True)
class Verdict:
    """How urgent and why. ``reasons``: what decided the level, by finding; ``presentations``: what it is about."""

    level: Level
    specialty: str
    presentations: tuple[Presentation, ...]
    reasons: tuple[str, ...]
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """One question. ``kind``: ``list`` (several, none, not sure), ``one`` (exactly one), ``words`` (free text).

    ``choices``: value and words; those without words here are named by the pages.
    """

    id: str
    kind: str
    choices: tuple[tuple[str, Words | None], ...] = ()
    text: Words | None = None
    about: Words | None = None

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(value for value, _words in self.choices)


# -- facts and level -------------------------------------------------------------------------------------------


def facts_of(book: Book, answers: Answers) -> frozenset[str]:
    """All that is true by the answers. More answers, more facts: never fewer."""
    facts: set[str] = set()
    for screen, chosen in answers.given.items():
        facts |= _facts_of_screen(book, screen, chosen)
    return frozenset(facts)


def _facts_of_screen(book: Book, screen: str, chosen: Sequence[str]) -> set[str]:
    if screen == "age":
        return set().union(*(AGES.get(one, frozenset()) for one in chosen))
    if screen == "pregnancy":
        return set().union(*(PREGNANCIES.get(one, frozenset()) for one in chosen))
    if screen == "sex":
        return set(chosen) & set(SEXES)
    if screen == "words":
        return set()  # what was understood is not yet said
    if screen == "complaint":
        return {f"{CHOSEN}{one}" for one in chosen}
    if screen.startswith("question:"):
        question = book.questions.get(screen.removeprefix("question:"))
        options = question.options if question else ()
        return {
            name
            for one in chosen
            if one.isdigit() and int(one) < len(options)
            for name in options[int(one)].gives
        }
    facts = {one for one in chosen if one in book.findings}
    return facts | ({f"{_UNSURE_FACT}{screen}"} if UNSURE in chosen else set())


def opened(book: Book, facts: frozenset[str]) -> tuple[Presentation, ...]:
    """What the facts are about, in the order of the data."""
    return tuple(
        one
        for one in book.presentations
        if f"{CHOSEN}{one.id}" in facts or (one.opened_by & facts and (not one.who or one.who in facts))
    )


def verdict(book: Book, facts: frozenset[str]) -> Verdict:
    """The level, where to, and why. Raises nothing: with no facts it is self-care."""
    found = opened(book, facts)
    met: list[tuple[Level, Presentation | None, tuple[str, ...]]] = [
        (rule.level, None, tuple(sorted(rule.when))) for rule in book.always if rule.when <= facts
    ]
    for one in found:
        met.append((one.base, one, ()))
        met += [(rule.level, one, tuple(sorted(rule.when))) for rule in rules_of(one) if rule.when <= facts]
    unsure = any(fact.startswith(_UNSURE_FACT) for fact in facts)
    if unsure:
        met.append((LEVEL_WHEN_UNSURE, None, ()))
    level = max((one[0] for one in met), default=Level.SELF_CARE)
    deciding = [one for one in met if one[0] == level]
    reasons = dict.fromkeys(name for one in deciding for name in one[2] if name in book.findings)
    return Verdict(level, _specialty(deciding, found, facts), found, tuple(reasons), unsure)


def labels_of(book: Book, facts: frozenset[str]) -> tuple[str, ...]:
    """What marks these facts as sensitive once they are kept: codes of v3-ActCode."""
    known = facts | {f"{ABOUT}{one.id}" for one in opened(book, facts)}
    return tuple(dict.fromkeys(one.code for one in book.labels if one.when <= known))


def rules_of(one: Presentation) -> tuple[Rule, ...]:
    """All rules of a presentation: its flags and signs are rules of one finding."""
    flags = tuple(Rule(Level.EMERGENCY, frozenset({name})) for name in one.flags)
    signs = tuple(Rule(level, frozenset({name})) for name, level in one.signs)
    return (*flags, *signs, *one.rules)


def _specialty(
    deciding: Sequence[tuple[Level, Presentation | None, tuple[str, ...]]],
    found: Sequence[Presentation],
    facts: frozenset[str],
) -> str:
    """Of the presentation that decided the level; of its rules rather than of its base."""
    by_rule = [one for _level, one, when in deciding if one is not None and when]
    by_base = [one for _level, one, _when in deciding if one is not None]
    one = next(iter([*by_rule, *by_base, *found]), None)
    if one is None:
        return "nhi" if "age.child" in facts else "noi-tong-quat"
    return one.child if "age.child" in facts else one.specialty


# -- what to ask next ------------------------------------------------------------------------------------------


def next_screen(book: Book, answers: Answers) -> Screen | None:
    """The question that comes next, or None: the result. An emergency is never asked further."""
    facts = facts_of(book, answers)
    if verdict(book, facts).level == Level.EMERGENCY:
        return None
    for screen in _screens(book, answers, facts):
        if screen.id not in answers.given:
            return screen
    return None


def screen_named(book: Book, answers: Answers, name: str) -> Screen | None:
    """The screen of this name, as it stands among the answers."""
    found = next_screen(book, answers)
    return found if found is not None and found.id == name else None


def _screens(book: Book, answers: Answers, facts: frozenset[str]) -> Iterable[Screen]:
    yield Screen("danger", "list", _choices(book, _asked(book, book.danger, facts)))
    yield Screen("age", "one", tuple((one, None) for one in AGES))
    yield Screen("sex", "one", tuple((one, None) for one in SEXES))
    if "female" in facts and set(answers.given.get("age", ())) & FERTILE:
        yield Screen("pregnancy", "one", tuple((one, None) for one in PREGNANCIES))
    yield Screen("words", "words")
    offered = [one for one in answers.given.get("words", ()) if one in book.findings]
    if offered:
        yield Screen("confirm", "list", _choices(book, offered))
    wants_list = LIST in answers.given.get("confirm", ())
    if wants_list or not _says_something(book, answers):
        yield Screen("complaint", "one", _complaints(book, facts))
    yield from _questions(book, answers, facts)


def _says_something(book: Book, answers: Answers) -> bool:
    """Whether a complaint was said in words, and confirmed, or in the list of danger."""
    said = [*answers.given.get("confirm", ()), *answers.given.get("danger", ())]
    return any(one in book.findings for one in said)


def _complaints(book: Book, facts: frozenset[str]) -> tuple[tuple[str, Words | None], ...]:
    return tuple((one.id, one.name) for one in book.presentations if not one.who or one.who in facts)


def _questions(book: Book, answers: Answers, facts: frozenset[str]) -> Iterable[Screen]:
    """Dangers of every open presentation first, then how long and how bad, then the lesser signs."""
    found = opened(book, facts) or tuple(filter(None, [book.presentation("other")]))
    seen: set[str] = set()
    done = facts - _facts_of_screen(book, "danger", answers.given.get("danger", ()))
    for one in found:
        names = [name for name in one.flags if name not in seen and _to_ask(book, name, facts, done)]
        seen |= set(names)
        if names or f"flags:{one.id}" in answers.given:
            yield Screen(f"flags:{one.id}", "list", _choices(book, names), about=one.name)
    for name in dict.fromkeys(name for one in found for name in one.ask):
        question = book.questions[name]
        choices = tuple((str(at), option.say) for at, option in enumerate(question.options))
        yield Screen(f"question:{name}", "one", choices, text=question.text)
    for one in found:
        names = [name for name, _level in one.signs if name not in seen and _to_ask(book, name, facts, done)]
        seen |= set(names)
        if names or f"signs:{one.id}" in answers.given:
            yield Screen(f"signs:{one.id}", "list", _choices(book, names), about=one.name)


def _to_ask(book: Book, name: str, facts: frozenset[str], done: frozenset[str]) -> bool:
    wanted = book.findings[name].asked
    return name not in done and (not wanted or wanted in facts)


def _asked(book: Book, names: Sequence[str], facts: frozenset[str]) -> list[str]:
    return [name for name in names if not book.findings[name].asked or book.findings[name].asked in facts]


def _choices(book: Book, names: Iterable[str]) -> tuple[tuple[str, Words | None], ...]:
    return tuple((name, book.findings[name].say) for name in names)


def accepted(screen: Screen, chosen: Iterable[str]) -> tuple[str, ...] | None:
    """What was chosen, if it is an answer to this screen; None when it is none.

    A list is answered by some of its entries, by "none of these" alone, or by "not sure"; entries beside "none" count,
    and "none" does not: what was ticked as true is never unsaid by another box.
    """
    given = tuple(dict.fromkeys(chosen))
    if screen.kind == "one":
        return given if len(given) == 1 and given[0] in screen.values else None
    extra = {LIST} if screen.id == "confirm" else {UNSURE}
    kept = tuple(one for one in given if one in screen.values or one in extra)
    return kept or ((NONE,) if NONE in given else None)
