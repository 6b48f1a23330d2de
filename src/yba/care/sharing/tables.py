"""The data of sharing, read once: parts of the book, sensitive kinds, purposes, reasons, texts with their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from yba.care.privacy.tables import Text, Words, said
from yba.fhir.r4.datatypes import Coding

HERE: Final = Path(__file__).resolve().parent


@cache
def data() -> Any:
    """The tree of ``sharing.yaml``."""
    return yaml.safe_load((HERE / "sharing.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of entries a person may share."""

    key: str
    names: Words
    types: tuple[str, ...]
    always: bool = False

    @property
    def name(self) -> str:
        return said(self.names)


@cache
def parts() -> Sequence[Part]:
    """All kinds, those that always go along first."""
    return tuple(
        Part(one["key"], one["name"], tuple(one["types"]), bool(one.get("always"))) for one in data()["parts"]
    )


def part_of(type_name: str) -> Part | None:
    """The kind a resource type belongs to."""
    return next((one for one in parts() if type_name in one.types), None)


def types_of(keys: Sequence[str]) -> list[str]:
    """The types of these kinds, with those that always go along."""
    return [name for one in parts() if one.always or one.key in keys for name in one.types]


def keys_of(types: Sequence[str]) -> list[str]:
    """The kinds some types come from, in the order of the list; those that always go along are left out."""
    return [one.key for one in parts() if not one.always and set(one.types) & set(types)]


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A sensitive kind, and the security label that names it in a consent."""

    key: str
    names: Words
    coding: Coding

    @property
    def name(self) -> str:
        return said(self.names)


@cache
def sensitive() -> Sequence[Sensitive]:
    """All of them."""
    return tuple(Sensitive(one["key"], one["name"], Coding(**one["code"])) for one in data()["sensitive"])


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why a book is shared: code of v3-ActReason, with what kinds of recipients, and the role that reads for it."""

    code: str
    names: Words
    to: tuple[str, ...]
    role: str

    @property
    def name(self) -> str:
        return said(self.names)


@cache
def purposes() -> Sequence[Purpose]:
    """All of them."""
    return tuple(
        Purpose(one["code"], one["name"], tuple(one["to"]), one["role"]) for one in data()["purposes"]
    )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a book is opened in an emergency."""

    key: str
    names: Words

    @property
    def name(self) -> str:
        return said(self.names)


@cache
def reasons() -> Sequence[Reason]:
    """All of them."""
    return tuple(Reason(one["key"], one["name"]) for one in data()["emergency"]["reasons"])


@cache
def texts() -> Mapping[str, Sequence[Text]]:
    """Every version of every text, by what it is for."""
    tree = yaml.safe_load((HERE / "texts.yaml").read_text(encoding="utf-8"))
    return {
        row["purpose"]: tuple(
            Text(
                row["purpose"], one["version"], one["from"], one.get("until"), one["title"], one["text"],
                bool(row["sensitive"]),
            )
            for one in row["versions"]
        )
        for row in tree
    }  # fmt: skip


def text_of(purpose: str, on: date) -> Text:
    """The version in force on a day. Raises LookupError when there is none."""
    found = [one for one in texts()[purpose] if one.since <= on and (one.until is None or on <= one.until)]
    if not found:
        raise LookupError(purpose)
    return max(found, key=lambda one: one.since)


def length(key: str) -> int:
    """Days of a share: ``most``, or ``visit``."""
    return int(data()["length"][key])
