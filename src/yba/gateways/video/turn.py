"""Passes for a TURN server by coturn's REST scheme: a name that says until when, and a MAC of it as the password.

Source: draft-uberti-behave-turn-rest-00; coturn's `use-auth-secret` and `static-auth-secret`. The server and this house
share one secret; the page gets a pass that ends by itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Relays:
    """``urls``: turn: and turns: addresses; ``stun``: stun: addresses, which need no pass."""

    urls: tuple[str, ...] = ()
    secret: str = ""
    stun: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = [one for one in self.urls if not one.startswith(("turn:", "turns:"))]
        wrong += [one for one in self.stun if not one.startswith(("stun:", "stuns:"))]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: an address begins with turn:, turns: or stun:")
        if self.urls and len(self.secret) < 16:
            raise ValueError("a TURN server needs a shared secret of at least 16 characters")

    def ice(self, who: str, *, until: datetime) -> Sequence[Mapping[str, Any]]:
        """The list a browser's RTCPeerConnection takes (``iceServers``)."""
        found: list[dict[str, Any]] = [{"urls": list(self.stun)}] if self.stun else []
        if self.urls:
            name, password = credential(self.secret, who, until=until)
            found.append({"urls": list(self.urls), "username": name, "credential": password})
        return found


def credential(secret: str, who: str, *, until: datetime) -> tuple[str, str]:
    """Name and password that coturn takes until then: ``<unix time>:<who>``, base64(HMAC-SHA1(secret, name))."""
    name = f"{int(until.timestamp())}:{who}"
    mac = hmac.new(secret.encode(), name.encode(), hashlib.sha1)  # the scheme's own hash
    return name, base64.b64encode(mac.digest()).decode("ascii")
