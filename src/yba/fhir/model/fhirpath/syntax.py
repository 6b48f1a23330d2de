"""The parts of an expression, as the parser gives them (FHIRPath N1, grammar)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yba.fhir.errors import Invalid


@dataclass(frozen=True, slots=True)
class Syntax:
    """Any part; ``at`` is its column in the expression, counted from 1."""

    at: int


@dataclass(frozen=True, slots=True)
class Literal(Syntax):
    """One value of a System type."""

    value: Any


@dataclass(frozen=True, slots=True)
class Empty(Syntax):
    """``{}``."""


@dataclass(frozen=True, slots=True)
class Special(Syntax):
    """``$this``, ``$index`` or ``$total``."""

    name: str


@dataclass(frozen=True, slots=True)
class Environment(Syntax):
    """``%resource`` and its like."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Syntax):
    """A name, of what stands before the point; of the context when ``of`` is None."""

    of: Syntax | None
    name: str


@dataclass(frozen=True, slots=True)
class Call(Syntax):
    """A function, on what stands before the point; on the context when ``of`` is None."""

    of: Syntax | None
    name: str
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Index(Syntax):
    """``of[position]``."""

    of: Syntax
    position: Syntax


@dataclass(frozen=True, slots=True)
class Sign(Syntax):
    """``+`` or ``-`` before a part."""

    sign: str
    of: Syntax


@dataclass(frozen=True, slots=True)
class Operation(Syntax):
    """Two parts joined by an operator."""

    operator: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class TypeOperation(Syntax):
    """``of is Type`` or ``of as Type``; ``space`` is System, FHIR or None."""

    operator: str
    of: Syntax
    space: str | None
    name: str


def faulty(message: str, at: int, key: str = "fhirpath.syntax") -> Invalid:
    """What cannot be read or compiled, with its column."""
    return Invalid(key, f"The FHIRPath expression, column {at}: {message}", column=at)


def type_name(part: Syntax) -> tuple[str | None, str]:
    """A type specifier written where an expression stands: ``Patient`` or ``FHIR.Patient``."""
    if isinstance(part, Member):
        if part.of is None:
            return None, part.name
        if isinstance(part.of, Member) and part.of.of is None:
            return part.of.name, part.name
    raise faulty("a type is expected here, such as Patient or System.String.", part.at)
