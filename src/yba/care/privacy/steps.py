"""The steps of a request or of a breach, as pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.utils.translation import gettext as _


class Kept(Protocol):
    """A row of the steps, as it is kept; ``words`` in the source's language."""

    at: datetime
    by_name: str
    words: str
    note: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step in the reader's language."""

    at: datetime
    words: str
    by: str
    note: str


def step_lines(rows: Iterable[Kept]) -> list[StepLine]:
    return [StepLine(one.at, _(one.words), one.by_name, one.note) for one in rows]
