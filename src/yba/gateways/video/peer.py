"""Browser to browser: this house signals (`yba.areas.telehealth.signals`), a TURN server relays where it must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from yba.care.remote.engines import Attendee, Meeting
from yba.gateways.video.turn import Relays

#: A pass for the relay outlives the end of the visit by this much: a connection is renewed with it while it lasts.
AFTER: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class PeerEngine:
    """Needs nothing but the browsers; two to four of them, each connected to each."""

    relays: Relays = field(default_factory=Relays)
    #: Only through the relay: for networks in which people must not learn each other's address, and for tests.
    relay_only: bool = False
    name: str = "peer"
    frames: tuple[str, ...] = ()

    def entrance(self, meeting: Meeting, who: Attendee, *, now: datetime) -> Mapping[str, Any]:
        """The servers to ask for addresses, and whether to go through the relay only."""
        until = max(meeting.closes, now) + AFTER
        return {
            "ice": list(self.relays.ice(who.key, until=until)),
            "policy": "relay" if self.relay_only else "all",
        }
