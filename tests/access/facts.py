"""What the oracle knows: rows, standings and actors as plain facts, beside the resources that say them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.builders import NOW

ALWAYS, FOREVER = datetime.min.replace(tzinfo=NOW.tzinfo), datetime.max.replace(tzinfo=NOW.tzinfo)
FACILITY = "https://yba.vn/fhir/facility"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
CODES: dict[str, tuple[str, str]] = {
    "hiv": (ACT, "HIV"), "mental": (ACT, "PSY"), "reproductive": (ACT, "SEX"), "vip": (ACT, "CEL"),
    "restricted": (CONFIDENTIALITY, "R"),
}  # fmt: skip
"""A code of ``meta.security`` for each sensitive label (labels.yaml)."""


@dataclass
class Row:
    """A stored resource and what is true of it."""

    type: str
    id: str
    content: dict[str, Any]
    secret: str
    facility: str | None = None
    patient: str | None = None
    labels: frozenset[str] = frozenset()
    occurred: str | None = None

    @property
    def name(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True)
class Stand:
    """Who stands how to a person, told by the one who made the resource that says so."""

    patient: str
    holder: str
    basis: str
    since: datetime = ALWAYS
    until: datetime = FOREVER
    types: frozenset[str] | None = None
    labels: frozenset[str] = frozenset()
    purposes: frozenset[str] | None = None
    kept: frozenset[str] | None = None
    named: frozenset[str] | None = None
    occurred: tuple[str, str] | None = None
    claimed: bool = False
    """The one it favours has made it themselves."""


@dataclass(frozen=True)
class Denial:
    """What a person has denied, to anybody or to one holder; None: every type, or every row with or without labels."""

    patient: str
    holder: str | None = None
    types: frozenset[str] | None = None
    labels: frozenset[str] | None = None


@dataclass
class Facts:
    """A whole world."""

    rows: list[Row] = field(default_factory=list)
    stands: list[Stand] = field(default_factory=list)
    denials: list[Denial] = field(default_factory=list)
    vips: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)

    def labels(self, row: Row) -> frozenset[str]:
        """The labels of a row: its own, and those its person gives to the whole chart."""
        found = set(row.labels)
        if row.patient in self.vips:
            found.add("vip")
        if row.patient in self.dead:
            found.add("deceased")
        return frozenset(found)

    def of_type(self, type_name: str) -> list[Row]:
        return [one for one in self.rows if one.type == type_name]


def names(text: str) -> tuple[str, ...]:
    """Words as a tuple, so that long lists stay readable."""
    return tuple(text.split())


def when(days: float = 0, hours: float = 0) -> datetime:
    return NOW + timedelta(days=days, hours=hours)


def said(days: float = 0, hours: float = 0) -> str:
    return when(days, hours).isoformat()


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def ref(text: str) -> dict[str, str]:
    return {"reference": text}
