"""Static checks."""

from __future__ import annotations

from yba.fhir.model.fhirpath.syntax import Syntax


def check(syntax: Syntax, type_name: str | None, *, ordered: bool) -> None:
    """To be written."""
