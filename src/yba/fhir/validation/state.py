"""What one validation carries: what it may ask, what it has found, and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from yba.fhir.errors import TooCostly
from yba.fhir.model.fhirpath import Budget
from yba.fhir.validation.definitions import Definitions
from yba.fhir.validation.issue import Issue

Tree = Any
Resolve = Callable[[str], Tree | None]
"""A resource of the record by its reference (``Patient/1``), or None."""

MOST_ISSUES = 2_000
DEEPEST = 60
MOST_STEPS = 10_000_000


class State:
    """One validation."""

    def __init__(self, definitions: Definitions, terminology: Any, resolve: Resolve | None) -> None:
        self.definitions = definitions
        self.terminology = terminology
        self.resolve = resolve
        self.issues: dict[tuple[str, str, str], Issue] = {}
        self.codes: dict[tuple[Any, ...], Any] = {}  # answers of the terminology
        self.matching: set[tuple[int, str]] = set()  # pairs of value and profile under way
        self.met: dict[
            tuple[int, str], tuple[bool, Tree]
        ] = {}  # whether a value meets a profile, and the value
        self.depth = 0
        self.budget = Budget(MOST_STEPS)  # what all invariants may cost together
        self.faulty = False  # whether any fault was met, be it while trying

    def add(self, severity: str, code: str, path: str, key: str, message: str) -> None:
        """Note a finding, once. Raises TooCostly when there are too many to be read."""
        name = (path, key, message)
        self.faulty |= severity == "error"
        if name not in self.issues:
            if len(self.issues) >= MOST_ISSUES:
                raise TooCostly(
                    "validation.too-many",
                    f"More than {MOST_ISSUES} findings. Put right those that are known and validate again.",
                )
            self.issues[name] = Issue(severity, code, path, f"validation.{key}", message)

    def error(self, code: str, path: str, key: str, what: str) -> None:
        """Note a fault; ``what`` is said of the path."""
        self.add("error", code, path, key, f"{path} {what}")

    @contextmanager
    def aside(self) -> Iterator[dict[tuple[str, str, str], Issue]]:
        """Collect what is found meanwhile apart: for asking whether something would be valid."""
        kept, self.issues = self.issues, {}
        try:
            yield self.issues
        finally:
            self.issues = kept

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Go one definition deeper. Raises TooCostly for profiles that lead into each other without end."""
        self.depth += 1
        try:
            if self.depth > DEEPEST:
                raise TooCostly("validation.depth", "The profiles lead into each other too deep.")
            yield
        finally:
            self.depth -= 1


class Scope:
    """A resource inside what is validated, and what holds it.

    ``root`` is the one contained resources are resolved in, ``bundle`` the entries beside it, ``full_url`` its entry's.
    """

    __slots__ = ("bundle", "full_url", "holder", "ids", "kind", "path", "root", "tree")

    def __init__(
        self,
        tree: Tree,
        kind: str,
        path: str,
        *,
        root: Scope | None = None,
        bundle: dict[str, Any] | None = None,
        full_url: str | None = None,
        holder: Scope | None = None,
    ) -> None:
        self.tree = tree
        self.kind = kind
        self.path = path
        self.root = root or self
        self.bundle = bundle
        self.full_url = full_url
        self.holder = holder
        self.ids: set[str] = set()  # of elements

    def below(self, path: str) -> str:
        """A path inside the resource from its type on: ``Patient.name[0]``."""
        return self.kind + path[len(self.path) :]
