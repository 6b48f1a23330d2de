"""The reviewed data of first help as typed values, read once: findings, presentations, hotlines.

A mistake in a file (an unknown finding, a rule that cannot be read, a name given twice) stops the reading with its
place: data that decides who is sent to hospital is never half understood.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

import msgspec
import yaml

from yba.fhir.access.labels import of_security

T = TypeVar("T")


class Level(IntEnum):
    """How soon somebody should be seen; the higher, the sooner."""

    SELF_CARE = 0
    LEISURE = 1
    DAYS = 2
    TODAY = 3
    EMERGENCY = 4

    @property
    def code(self) -> str:
        """As the files write it: ``self-care``."""
        return self.name.lower().replace("_", "-")


LEVELS: Final = {level.code: level for level in Level}

#: Facts that are no findings. An age says all that is true of it: who is under 3 months is under 2 years as well.
AGES: Final[Mapping[str, frozenset[str]]] = {
    "0-3m": frozenset({"age.u3m", "age.u2", "age.u6", "age.child"}),
    "3m-2": frozenset({"age.u2", "age.u6", "age.child"}),
    "2-5": frozenset({"age.u6", "age.child"}),
    "6-11": frozenset({"age.child"}),
    "12-15": frozenset({"age.child"}),
    "16-39": frozenset({"age.adult"}),
    "40-64": frozenset({"age.adult", "age.40"}),
    "65": frozenset({"age.adult", "age.40", "age.65"}),
}
SEXES: Final = ("female", "male")
PREGNANCIES: Final[Mapping[str, frozenset[str]]] = {
    "no": frozenset(),
    "early": frozenset({"pregnant"}),
    "late": frozenset({"pregnant", "pregnant.late"}),
    "maybe": frozenset({"late-period"}),
    "after": frozenset({"recent-birth"}),
}
#: Ages at which a woman is asked whether she is pregnant.
FERTILE: Final = frozenset({"12-15", "16-39", "40-64"})
#: How a label names that a presentation is open.
ABOUT: Final = "about."
SENSITIVITY: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
PERSON_FACTS: Final = frozenset().union(*AGES.values(), *PREGNANCIES.values(), SEXES)


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    vi: str
    en: str

    def of(self, language: str) -> str:
        """In the reader's language; Vietnamese unless English was asked for."""
        return self.en if language.startswith("en") else self.vi


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is true or not. ``phrases``: the words by which a text is understood to speak of it."""

    id: str
    say: Words
    phrases: tuple[str, ...]
    #: Asked only of those for whom this fact is true; empty: of everybody.
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """All of these together are at least this urgent. There is no rule about what is absent."""

    level: Level
    when: frozenset[str]


@dataclass(frozen=True, slots=True)
class Option:
    say: Words
    gives: frozenset[str]


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: Words
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Presentation:
    """What somebody comes with, what is asked about it, and its rules."""

    id: str
    name: Words
    opened_by: frozenset[str]
    who: str
    base: Level
    specialty: str
    child: str
    flags: tuple[str, ...]
    signs: tuple[tuple[str, Level], ...]
    ask: tuple[str, ...]
    rules: tuple[Rule, ...]
    advice: Words | None
    hotlines: str


@dataclass(frozen=True, slots=True)
class Label:
    """A code of v3-ActCode that marks a kept result, where all of these are true of it."""

    code: str
    when: frozenset[str]


@dataclass(frozen=True, slots=True)
class Hotline:
    name: Words
    number: str
    hours: Words | None


@dataclass(frozen=True, slots=True)
class About:
    version: str
    reviewed: date
    review_due: date
    reviewed_by: Words
    sources: tuple[Words, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """All of it."""

    about: About
    danger: tuple[str, ...]
    always: tuple[Rule, ...]
    labels: tuple[Label, ...]
    questions: Mapping[str, Question]
    presentations: tuple[Presentation, ...]
    findings: Mapping[str, Finding]
    hotlines: Mapping[str, tuple[Hotline, ...]]

    def presentation(self, name: str) -> Presentation | None:
        return next((one for one in self.presentations if one.id == name), None)


# -- as the files have it --------------------------------------------------------------------------------------


class _Finding(msgspec.Struct, forbid_unknown_fields=True):
    say: str
    words: str = ""
    asked: str = ""


class _Option(msgspec.Struct, forbid_unknown_fields=True):
    say: str
    gives: tuple[str, ...] = ()


class _Question(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    options: tuple[_Option, ...]


class _Presentation(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    name: str
    opened_by: tuple[str, ...]
    base: str
    specialty: str
    who: str = ""
    child: str = "nhi"
    flags: tuple[str, ...] = ()
    signs: dict[str, tuple[str, ...]] = {}
    ask: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    advice: str = ""
    hotlines: str = ""


class _About(msgspec.Struct, forbid_unknown_fields=True):
    version: str
    reviewed: date
    review_due: date
    reviewed_by: str
    sources: tuple[str, ...]


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    about: _About
    danger: tuple[str, ...]
    always: dict[str, tuple[str, ...]]
    labels: dict[str, tuple[str, ...]]
    questions: dict[str, _Question]
    presentations: tuple[_Presentation, ...]


class _Hotline(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    number: str
    source: str
    hours: str = ""
    checked: date | None = None


# msgspec does not guard the first look at a type: two threads at it at once crash the process.
_READING = threading.Lock()


class _Once(yaml.SafeLoader):
    """Refuses a name given twice in one mapping, of which YAML would keep the last in silence."""


def _mapping(loader: _Once, node: yaml.MappingNode) -> dict[object, object]:
    names = [key.value for key, _value in node.value]
    double = {name for name in names if names.count(name) > 1}
    if double:
        raise ValueError(f"line {node.start_mark.line + 1}: given twice: {', '.join(sorted(double))}")
    return loader.construct_mapping(node, deep=True)


_Once.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_file(name: str, type_: type[T]) -> T:
    """A file of this folder as a typed value. Raises ``ValueError`` that names the file and the place."""
    text = files("yba.areas.firsthelp").joinpath(name).read_text("utf-8")
    return read_text(text, type_, name=name)


def read_text(text: str, type_: type[T], *, name: str) -> T:
    try:
        tree = yaml.load(text, Loader=_Once)  # noqa: S506 - a SafeLoader that also refuses double names
        with _READING:
            return msgspec.convert(tree, type_)
    except (ValueError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise ValueError(f"{name}: {error}") from error


@cache
def book() -> Book:
    """The data of this version."""
    return build(
        read_file("findings.yaml", dict[str, _Finding]),
        read_file("presentations.yaml", _Rules),
        read_file("hotlines.yaml", dict[str, tuple[_Hotline, ...]]),
    )


def build(findings: dict[str, _Finding], rules: _Rules, hotlines: dict[str, tuple[_Hotline, ...]]) -> Book:
    """The book, checked whole."""
    made = Book(
        about=About(
            rules.about.version, rules.about.reviewed, rules.about.review_due,
            _words(rules.about.reviewed_by), tuple(_words(one) for one in rules.about.sources),
        ),
        danger=rules.danger,
        always=tuple(_rule(f"{level}: {one}") for level, all_ in rules.always.items() for one in all_),
        labels=tuple(
            Label(code, _names(one)) for code, all_ in rules.labels.items() for one in all_
        ),
        questions={
            name: Question(
                name, _words(one.text), tuple(Option(_words(o.say), frozenset(o.gives)) for o in one.options)
            )
            for name, one in rules.questions.items()
        },
        presentations=tuple(_presentation(one) for one in rules.presentations),
        findings={name: _finding(name, one) for name, one in findings.items()},
        hotlines={
            name: tuple(Hotline(_words(o.name), o.number, _words(o.hours) if o.hours else None) for o in all_)
            for name, all_ in hotlines.items()
        },
    )  # fmt: skip
    _check(made)
    return made


def _words(text: str) -> Words:
    vietnamese, bar, english = text.partition(" | ")
    if not (vietnamese and bar and english):
        raise ValueError(f"not in both languages: {text!r}")
    return Words(vietnamese.strip(), english.strip())


def _rule(text: str) -> Rule:
    level, colon, when = text.partition(":")
    if not colon or level.strip() not in LEVELS:
        raise ValueError(f"not a rule: {text!r}")
    return Rule(LEVELS[level.strip()], _names(when))


def _names(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split("+"))
    if "" in names:
        raise ValueError(f"not a rule: {text!r}")
    return names


def _finding(name: str, given: _Finding) -> Finding:
    say = _words(given.say)
    # A list of signs is no way of speaking, and what stands in brackets is for reading.
    names = [one for one in (say.vi, say.en) if not set(one) & set(",:(")]
    phrases = [one.strip() for one in given.words.split(";") if one.strip()] + names
    return Finding(name, say, tuple(dict.fromkeys(phrases)), given.asked)


def _presentation(given: _Presentation) -> Presentation:
    return Presentation(
        id=given.id, name=_words(given.name), opened_by=frozenset(given.opened_by), who=given.who,
        base=LEVELS[given.base], specialty=given.specialty, child=given.child, flags=given.flags,
        signs=tuple((name, LEVELS[level]) for level, names in given.signs.items() for name in names),
        ask=given.ask, rules=tuple(_rule(one) for one in given.rules),
        advice=_words(given.advice) if given.advice else None, hotlines=given.hotlines,
    )  # fmt: skip


def _check(made: Book) -> None:
    gives = {name for one in made.questions.values() for option in one.options for name in option.gives}
    facts = PERSON_FACTS | gives | made.findings.keys()
    told: dict[str, list[str]] = {
        "danger": list(made.danger),
        "always": _all(one.when for one in made.always),
        "asked": [one.asked for one in made.findings.values() if one.asked],
    }
    for one in made.presentations:
        told[one.id] = [*one.opened_by, *one.flags, *dict(one.signs), *_all(rule.when for rule in one.rules)]
        told[one.id] += [one.who] if one.who else []
        if one.hotlines and one.hotlines not in made.hotlines:
            raise ValueError(f"{one.id}: no hotlines {one.hotlines!r}")
    abouts = {f"{ABOUT}{one.id}" for one in made.presentations}
    told["labels"] = [name for name in _all(one.when for one in made.labels) if name not in abouts]
    unheard = sorted({one.code for one in made.labels if not of_security(SENSITIVITY, one.code)})
    if unheard:
        raise ValueError(f"labels: the access door knows no {', '.join(unheard)}")
    for where, names in told.items():
        unknown = sorted(set(names) - facts)
        if unknown:
            raise ValueError(f"{where}: unknown: {', '.join(unknown)}")
    for one in made.presentations:
        unknown = sorted(set(one.ask) - made.questions.keys())
        if unknown:
            raise ValueError(f"{one.id}: unknown questions: {', '.join(unknown)}")
        if sum(other.id == one.id for other in made.presentations) > 1:
            raise ValueError(f"{one.id}: given twice")


def _all(sets: Iterable[Iterable[str]]) -> list[str]:
    return [name for one in sets for name in one]
