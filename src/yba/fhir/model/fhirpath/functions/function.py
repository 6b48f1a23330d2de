"""What the compiler needs to know of a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yba.fhir.model.fhirpath.values import Items


@dataclass(frozen=True, slots=True)
class Function:
    """``apply`` takes the run, the input collection and the arguments: evaluated ones, or, of a ``lazy`` function,
    compiled ones that it evaluates itself. ``returns`` is the System type of what it gives, where that is fixed.
    """

    apply: Callable[..., Items]
    least: int = 0
    most: int = 0
    lazy: bool = False
    returns: str | None = None

    def takes(self) -> str:
        """How many arguments, in words."""
        if self.least == self.most:
            return f"{self.least or 'no'} argument{'' if self.least == 1 else 's'}"
        return f"{self.least} to {self.most} arguments"
