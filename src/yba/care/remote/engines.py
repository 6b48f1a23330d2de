"""The port of what carries picture and sound: an engine says what a page needs to let one person into one visit.

Engines: ``peer`` (browser to browser, signalled by this house) and ``jitsi`` (`yba.gateways.video`). The site says
which there are (settings ``YBA_VIDEO``); a visit keeps the one it began with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Meeting:
    """One visit as an engine sees it: an opaque room and the time in which one may be there."""

    room: str
    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who comes in. ``key``: of the seat, unique, told back by the engine's events; ``moderator``: the doctor."""

    key: str
    name: str
    moderator: bool


class Engine(Protocol):
    """Carries picture and sound. ``frames``: origins its pages may show in a frame and take scripts from."""

    @property
    def name(self) -> str: ...

    @property
    def frames(self) -> Sequence[str]: ...

    def entrance(self, meeting: Meeting, who: Attendee, *, now: datetime) -> Mapping[str, Any]:
        """What the page of this person needs, for a short while: addresses, names and passes. JSON values only."""
        ...


def engines() -> Mapping[str, Engine]:
    """The engines of this installation by name; the first is the one new visits get."""
    found: Mapping[str, Engine] = import_string(settings.YBA_VIDEO)()
    return found


def chosen() -> Engine:
    """The engine of a new visit."""
    return next(iter(engines().values()))
