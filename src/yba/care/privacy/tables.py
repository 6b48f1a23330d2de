"""The tables of this folder, read once: texts, deadlines, retention classes, activities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import yaml

from yba.ui import spoken

HERE: Final = Path(__file__).resolve().parent
Words = Mapping[str, str]


def said(words: Words) -> str:
    """The words in the reader's language; Vietnamese is complete."""
    return words.get(spoken.language()) or words["vi"]


def _rows(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Text:
    """One version of what a person agrees to."""

    purpose: str
    version: str
    since: date
    until: date | None
    titles: Words
    texts: Words
    sensitive: bool

    @property
    def title(self) -> str:
        return said(self.titles)

    @property
    def text(self) -> str:
        return said(self.texts)

    @property
    def digest(self) -> str:
        """Of the Vietnamese and English words: proof of what was agreed to, should the file ever be changed."""
        parts = [self.purpose, self.version]
        parts += [words[key] for words in (self.titles, self.texts) for key in sorted(words)]
        return sha256("\n".join(parts).encode()).hexdigest()


@cache
def consent_texts() -> Sequence[Text]:
    """Every version of every text, in the order of the file."""
    return tuple(
        Text(
            row["purpose"], one["version"], one["from"], one.get("until"), one["title"], one["text"],
            bool(row["sensitive"]),
        )
        for row in _rows("consent_texts.yaml")
        for one in row["versions"]
    )  # fmt: skip


def text_in_force(purpose: str, on: date) -> Text | None:
    """The version a person may agree to on a day."""
    found = [
        one
        for one in consent_texts()
        if one.purpose == purpose and one.since <= on and (one.until is None or on <= one.until)
    ]
    return max(found, key=lambda one: one.since, default=None)


def texts_in_force(on: date) -> list[Text]:
    """The newest text of each purpose on a day."""
    purposes = dict.fromkeys(one.purpose for one in consent_texts())
    return [text for purpose in purposes if (text := text_in_force(purpose, on)) is not None]


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long an answer of a kind may take."""

    kind: str
    days: int
    extended: int
    unit: str
    article: str
    since: date


@cache
def deadlines() -> Sequence[Deadline]:
    """All rows, whatever day they hold from."""
    return tuple(
        Deadline(row["kind"], row["days"], row["extended"], row["unit"], row["article"], row["from"])
        for row in _rows("deadlines.yaml")
    )


@dataclass(frozen=True, slots=True)
class Class:
    """A class of records by how long they are kept; ``years`` None: for ever."""

    key: str
    years: int | None
    article: str
    names: Words
    icd10: tuple[str, ...]
    death: bool
    beside: bool

    @property
    def name(self) -> str:
        return said(self.names)


@cache
def classes() -> Sequence[Class]:
    """The classes, in the order in which they are tried."""
    found = []
    for row in _rows("retention.yaml"):
        when = row["when"]
        beside = bool({"book", "register", "flags"} & set(when))
        found.append(
            Class(
                row["key"], row["years"], row["article"], row["name"], tuple(when.get("icd10", ())),
                bool(when.get("death")), beside,
            )
        )  # fmt: skip
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Activity:
    """One way in which personal data are processed, and why that is lawful."""

    key: str
    basis: str
    article: str
    names: Words
    of_what: Words
    to_whom: Words
    kept: str
    until: Words | None = None

    @property
    def name(self) -> str:
        return said(self.names)

    @property
    def data(self) -> str:
        return said(self.of_what)

    @property
    def recipients(self) -> str:
        return said(self.to_whom)

    @property
    def class_kept(self) -> Class | None:
        """The retention class its data fall under."""
        return next((one for one in classes() if one.key == self.kept), None)

    @property
    def kept_until(self) -> str:
        """How long, in words, where no class of the law says it."""
        return said(self.until) if self.until else ""


@cache
def activities() -> Sequence[Activity]:
    """The register of processing."""
    return tuple(
        Activity(
            row["key"],
            row["basis"],
            row["article"],
            row["name"],
            row["data"],
            row["recipients"],
            row["kept"],
            row.get("until"),
        )
        for row in _rows("activities.yaml")
    )
