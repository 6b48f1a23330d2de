"""What the house tells people, as data: `kinds.yaml` read once, held to its own promises, and put into words.

A text message is at most 160 septets by construction: every kind is measured here with its variables at their longest
and its optional parts left out; what is optional is added while there is room.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from yba.care.messages import texts
from yba.ui import words as spelled
from yba.ui.words import HANOI

LANGUAGES: Final = ("vi", "en")
CHANNELS: Final = ("app", "push", "zalo", "sms", "email", "voice")
Hours = Literal["quiet", "same-day", "any"]
_SLOT: Final = re.compile(r"\{(\w+)\}")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Variable:
    """What a message says that is not always the same. ``most``: septets in a text message."""

    sort: str
    most: int
    example: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message; see the head of `kinds.yaml`."""

    key: str
    name: Mapping[str, str]
    channels: tuple[str, ...]
    words: Mapping[str, Mapping[str, str]]
    variables: Mapping[str, Variable]
    example: Mapping[str, str]
    free: bool = False
    urgent: bool = False
    secret: bool = False
    box: bool = True
    reminder: bool = False
    #: Only an invitation: who wants no reminders gets none of these either.
    invites: bool = False
    calendar: bool = False
    hours: Hours = "quiet"
    minutes: int = 0
    lead_hours: int = 0
    zalo: str = ""
    holds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Words:
    """A message in words for one channel."""

    text: str
    title: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


class TemplateProblem(ValueError):
    """A template can't be kept to its promise; the sentence says which and why."""


@cache
def _data() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("kinds.yaml").read_text("utf-8"))
    return found


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by its key, in the order of the file. Raises TemplateProblem."""
    return {key: _kind(key, one) for key, one in _data()["kinds"].items()}


def kind_of(key: str) -> Kind:
    """The kind of this key; one that is not in the file goes like ``other``."""
    return kinds().get(key) or kinds()["other"]


def _kind(key: str, given: Mapping[str, Any]) -> Kind:
    example = given.get("example") or {}
    made = Kind(
        key=key,
        name=given["name"],
        channels=tuple(given["channels"]),
        words={one: given.get(one, {}) for one in LANGUAGES},
        variables={name: _variable(one) for name, one in given.get("variables", {}).items()},
        example=example,
        free=given.get("free", False),
        urgent=given.get("urgent", False),
        secret=given.get("secret", False),
        box=given.get("box", True),
        reminder=given.get("reminder", False),
        invites=given.get("invites", False),
        calendar=given.get("calendar", False),
        hours=given.get("hours", "quiet"),
        minutes=given.get("minutes", 0),
        lead_hours=given.get("lead-hours", 0),
        zalo=given.get("zalo", ""),
        holds=frozenset(given.get("holds", ())),
    )
    _check(made)
    return made


def _variable(given: Mapping[str, Any]) -> Variable:
    example = given["example"]
    both = example if isinstance(example, dict) else dict.fromkeys(LANGUAGES, str(example))
    return Variable(given["sort"], given["most"], both)


def _check(kind: Kind) -> None:
    unknown = set(kind.channels) - set(CHANNELS)
    if unknown:
        raise TemplateProblem(f"{kind.key} names channels that are not there: {', '.join(sorted(unknown))}")
    if kind.free:
        return
    for language in LANGUAGES:
        words = kind.words[language]
        for part, said in words.items():
            missing = set(_SLOT.findall(said)) - set(kind.variables)
            if missing:
                raise TemplateProblem(
                    f"{kind.key}, {language}, {part}: {', '.join(sorted(missing))} is not declared"
                )
        if "sms" in kind.channels:
            longest = longest_sms(kind, language)
            if longest > texts.ONE:
                raise TemplateProblem(f"{kind.key}, {language}: a text message may grow to {longest} septets")


def longest_sms(kind: Kind, language: str) -> int:
    """Septets of the text message with every variable that is not optional at its longest."""
    needed = texts.folded(_PART.sub("", kind.words[language]["sms"]))
    used = sum(kind.variables[name].most for name in _SLOT.findall(needed))
    return texts.septets(_SLOT.sub("", needed)) + used


def rendered(kind: Kind, channel: str, language: str, values: Mapping[str, str]) -> Words:
    """The words of a message for a channel; of a free one, those it came with. Raises TemplateProblem."""
    language = language if language in LANGUAGES else LANGUAGES[0]
    if channel == "push":
        said = _data()["push"][language]
        return Words(said["body"], said["title"])
    if kind.free:
        text = values.get("text", "")
        return Words(texts.folded(text) if channel == "sms" else text, kind.name[language])
    words = kind.words[language]
    if channel == "sms":
        return Words(_sms(kind, language, values))
    if channel == "zalo":
        return Words(
            _long(kind, words["body"], language, values), words["title"], _plain(kind, language, values)
        )
    said = words.get("voice") or words["body"] if channel == "voice" else words["body"]
    return Words(_long(kind, said, language, values), words["title"])


def _sms(kind: Kind, language: str, values: Mapping[str, str]) -> str:
    """The folded text: optional parts that have their words, from the first, as long as all fits."""
    template = texts.folded(kind.words[language]["sms"])
    short = {name: _short(name, one, language, values.get(name, "")) for name, one in kind.variables.items()}
    parts = _PART.findall(template)
    chosen = [all(short[name] for name in _SLOT.findall(one)) for one in parts]
    while True:
        left = iter(chosen)
        text = _PART.sub(lambda found, left=left: found[1] if next(left) else "", template)  # type: ignore[misc]  # a default is the way to bind
        text = _SLOT.sub(lambda found: short[found[1]], text)
        if texts.septets(text) <= texts.ONE or not any(chosen):
            return text
        chosen[max(at for at, one in enumerate(chosen) if one)] = False


def _short(name: str, variable: Variable, language: str, value: str) -> str:
    if not value:
        return ""
    if variable.sort == "time":
        return texts.when(datetime.fromisoformat(value), language)
    if variable.sort == "place":
        return texts.shortened_place(value, variable.most)
    if variable.sort == "person":
        return texts.shortened_person(value, variable.most)
    if variable.sort == "words":
        return texts.shortened(value, variable.most)
    exact = texts.folded(value)
    if texts.septets(exact) > variable.most:
        raise TemplateProblem(f"{name} is longer than {variable.most} signs and must not be cut: {value}")
    return exact


def _plain(kind: Kind, language: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values as a person reads them, for a provider that has the template itself."""
    return {name: _said(one, language, values.get(name, "")) for name, one in kind.variables.items()}


def _said(variable: Variable, language: str, value: str) -> str:
    if variable.sort != "time" or not value:
        return value
    at = datetime.fromisoformat(value).astimezone(HANOI)
    return spelled.when(at, language)


def _long(kind: Kind, template: str, language: str, values: Mapping[str, str]) -> str:
    said = _plain(kind, language, values)
    text = _PART.sub(
        lambda found: found[1] if all(said[name] for name in _SLOT.findall(found[1])) else "", template
    )
    return _SLOT.sub(lambda found: said[found[1]], text)


def examples(kind: Kind, language: str) -> dict[str, str]:
    """The values of a preview."""
    if kind.free:
        return {"text": kind.example[language]}
    return {name: one.example[language] for name, one in kind.variables.items()}
