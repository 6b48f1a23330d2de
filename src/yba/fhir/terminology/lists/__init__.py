"""Vietnamese lists and the parts of ICD-10 and LOINC that packages carry, as code systems in two languages."""

from __future__ import annotations

from typing import Any

from yba.fhir.terminology.systems import Listed

Tree = Any


def system(url: str) -> Listed | None:
    """The list of a url, or None."""
    return None


def value_set(url: str) -> Tree | None:
    """The value set of a url, or None."""
    return None


def whole_of(url: str) -> str | None:
    """The system whose whole is named by this value set url, or None."""
    return None
