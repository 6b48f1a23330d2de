"""What is wrong, where, and how to mend it: sentences for the one who runs the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``key``: stable, for tests and for those who search; ``where``: a variable, a file, a table."""

    key: str
    level: Level
    where: str
    what: str | StrPromise
    mend: str | StrPromise
    params: Mapping[str, object] = field(default_factory=dict)

    def said(self, words: str | StrPromise) -> str:
        """A sentence in the language of this moment."""
        text = str(words)
        return text % self.params if self.params else text


def error(key: str, where: str, what: str | StrPromise, mend: str | StrPromise, **params: object) -> Finding:
    """The house must not open so."""
    return Finding(key, "error", where, what, mend, params)


def warning(
    key: str, where: str, what: str | StrPromise, mend: str | StrPromise, **params: object
) -> Finding:
    """It can open; somebody should know why it stays so."""
    return Finding(key, "warning", where, what, mend, params)
