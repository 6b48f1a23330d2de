"""The state of one evaluation: what ``$this`` is, the environment, the clock, and what may be asked outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from yba.fhir.errors import TooCostly
from yba.fhir.model.fhirpath.moments import DateTime, of_datetime
from yba.fhir.model.fhirpath.values import Items, fault

Trace = Callable[[str, Items], None]
MOST_STEPS = 2_000_000
_BEGINNING = 8
"""What an evaluation costs though it finds nothing."""


class Budget:
    """Steps that many evaluations share: those of one patch, one validation, the search parameters of one resource.

    ``each``: what a single one may take of them.
    """

    __slots__ = ("each", "left", "steps")

    def __init__(self, steps: int = MOST_STEPS, *, each: int = MOST_STEPS) -> None:
        self.steps = self.left = steps
        self.each = each

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.left <= 0

    def take(self, steps: int) -> None:
        """Note what an evaluation has taken."""
        self.left -= steps + _BEGINNING

    def over(self) -> TooCostly:
        """The refusal of what goes beyond all of them."""
        return TooCostly(
            "fhirpath.too-costly",
            f"The FHIRPath expressions need more than {self.steps} steps together. Ask for less at a time.",
        )


class Run:
    """``this`` is the context in which names are looked up, mostly one item."""

    __slots__ = (
        "_now",
        "conforms",
        "entries",
        "environment",
        "given_now",
        "index",
        "most",
        "resolve",
        "steps",
        "strict",
        "terminology",
        "this",
        "total",
        "trace",
        "variables",
    )

    def __init__(
        self,
        this: Items,
        environment: Mapping[str, Items],
        *,
        resolve: Callable[[str], Any] | None,
        terminology: Any,
        now: datetime | None,
        trace: Trace | None,
        conforms: Callable[[Any, str], bool | None] | None,
        strict: bool,
        most: int = MOST_STEPS,
    ) -> None:
        self.this = this
        self.index: int | None = None
        self.total: Items = []
        self.environment = environment
        self.variables: Mapping[str, Items] = {}
        self.resolve = resolve
        self.terminology = terminology
        self.given_now = now
        self._now: DateTime | None = None
        self.trace = trace
        self.conforms = conforms
        self.strict = strict
        self.steps = 0
        self.most = most
        self.entries: dict[int, tuple[Any, dict[str, Any]]] = {}
        """The entries of bundles by their addresses, kept while ``resolve()`` looks for others."""

    def spend(self, steps: int) -> None:
        """Count work that an expression can multiply. Raises TooCostly beyond the limit."""
        self.steps += steps
        if self.steps > self.most:
            raise TooCostly(
                "fhirpath.too-costly",
                f"The FHIRPath expression needs more than {self.most} steps. Ask for less at a time.",
            )

    def now(self) -> DateTime:
        """The given clock, or none: an expression that asks for the time must be told it."""
        if self._now is None:
            if self.given_now is None:
                raise fault(
                    "it asks for the time, and none was given to evaluate it at.", "fhirpath.no-clock"
                )
            self._now = of_datetime(self.given_now)
        return self._now

    def each(self, items: Items, body: Callable[[Run], Items]) -> Iterator[tuple[Any, Items]]:
        """Evaluate the body with each item as ``$this``: yields the item and the result."""
        this, index, variables = self.this, self.index, self.variables
        self.spend(len(items))
        for place, item in enumerate(items):
            self.this = [item]
            self.index = place
            self.variables = variables
            result = body(self)
            self.spend(len(result) >> 2)
            self.this, self.index, self.variables = this, index, variables
            yield item, result


Compiled = Callable[[Run], Items]
