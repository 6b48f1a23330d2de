"""The plans a doctor starts from, read once from `templates.yaml`. Raises Wrong for a mistake in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

import yaml

from yba.areas.telehealth.follow_up.measures import MEASURES, Bounds, Level, Limits


class Wrong(ValueError):
    """`templates.yaml` says something that is not understood; the message says where."""


@dataclass(frozen=True, slots=True)
class Words:
    """Both languages."""

    vi: str
    en: str

    def of(self, language: str) -> str:
        return self.en if language == "en" else self.vi


@dataclass(frozen=True, slots=True)
class Item:
    """What is measured when. ``limits``: by part."""

    measure: str
    times: tuple[time, ...]
    every: int
    limits: Mapping[str, Limits]


@dataclass(frozen=True, slots=True)
class Question:
    """Asked once a day; ``yes``: what "yes" means."""

    id: str
    at: time
    yes: Level
    text: Words


@dataclass(frozen=True, slots=True)
class Template:
    key: str
    name: Words
    sources: tuple[str, ...]
    weeks: int
    missed: int
    items: tuple[Item, ...]
    questions: tuple[Question, ...]
    version: str


@cache
def templates() -> Mapping[str, Template]:
    """Every template by its key."""
    text = resources.files("yba.areas.telehealth.follow_up").joinpath("templates.yaml").read_text("utf-8")
    tree = yaml.safe_load(text)
    version = str(tree["about"]["version"])
    return {key: _template(key, found, version) for key, found in tree["templates"].items()}


def _template(key: str, found: Mapping[str, Any], version: str) -> Template:
    if not found.get("sources"):
        raise Wrong(f"{key}: it names no source")
    return Template(
        key, _words(found["name"], key), tuple(found["sources"]), int(found["weeks"]), int(found["missed"]),
        tuple(_item(one, key) for one in found["items"]),
        tuple(_question(one, key) for one in found.get("questions", ())), version,
    )  # fmt: skip


def _item(found: Mapping[str, Any], at: str) -> Item:
    measure = MEASURES.get(found["measure"])
    if measure is None:
        raise Wrong(f"{at}: there is no measure '{found['measure']}'")
    limits = {one.key: _limits(found.get(one.key), f"{at}.{one.key}") for one in measure.parts}
    return Item(
        measure.key,
        tuple(time.fromisoformat(one) for one in found["times"]),
        int(found.get("every", 1)),
        limits,
    )


def _limits(found: Any, at: str) -> Limits:
    if not isinstance(found, dict) or set(found) - {"alert", "danger", "gain"}:
        raise Wrong(f"{at}: alert, danger and gain are wanted")
    gain = found.get("gain")
    made = Limits(
        _bounds(found["alert"]),
        _bounds(found["danger"]),
        (Decimal(str(gain[0])), int(gain[1])) if gain else None,
    )
    for number, outward in ((0, -1), (1, 1)):
        alert, danger = made.alert[number], made.danger[number]
        if alert is not None and danger is not None and (danger - alert) * outward < 0:
            raise Wrong(f"{at}: danger lies inside alert")
    return made


def _bounds(found: Any) -> Bounds:
    low, high = (None if one is None else Decimal(str(one)) for one in found)
    return low, high


def _question(found: Mapping[str, Any], at: str) -> Question:
    if found["means"] not in ("alert", "danger"):
        raise Wrong(f"{at}.{found['id']}: 'means' is alert or danger")
    return Question(found["id"], time.fromisoformat(found["at"]), found["means"], _words(found["text"], at))


def _words(text: str, at: str) -> Words:
    vi, bar, en = text.partition(" | ")
    if not bar:
        raise Wrong(f"{at}: '{text}' has one language")
    return Words(vi, en)
