"""The port to a telephone exchange: a call from an agent's set, and what is heard of the sets meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

EXTENSION: Final = re.compile(r"[A-Za-z0-9_]{1,20}")
NUMBER: Final = re.compile(r"\+?[0-9]{3,15}")


@dataclass(frozen=True, slots=True)
class Heard:
    """A set rings, was taken up, or is silent again. ``call``: the exchange's name of the call."""

    call: str
    extension: str
    number: str
    state: Literal["ringing", "answered", "ended"]


OnHeard = Callable[[Heard], None]


class NotCalled(Exception):
    """The exchange did not place the call; the words are its own."""


class Exchange(Protocol):
    """A telephone exchange."""

    def call(self, extension: str, number: str) -> None:
        """Ring the agent's set and, when it is taken up, the number. Raises NotCalled."""
        ...

    def facility_of(self, extension: str) -> str:
        """Whose set it is; empty: of no facility here."""
        ...

    def stay_awake(self) -> None:
        """Listen in the background, if that is not done already."""
        ...


def exchange() -> Exchange | None:
    """The exchange of this installation; None: numbers are links that the agent's own telephone follows."""
    path = getattr(settings, "YBA_EXCHANGE", "")
    found: Exchange | None = import_string(path)() if path else None
    return found
