"""Web Push (RFC 8030): the words are enciphered for the browser (RFC 8291), the house signs who it is (RFC 8292).

On a locked screen stands only that there is a message. The address of a subscription comes from a browser, so only
the push services the operator names are ever called.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from py_vapid import Vapid02, b64urlencode
from pywebpush import WebPusher, WebPushException

from yba.care.messages.port import Failed, Gone, Parcel, Refused, Sent
from yba.gateways.asking import asked

#: The services of the browsers in use; `*.` stands for one name in front.
SERVICES: Final = (
    "https://fcm.googleapis.com", "https://updates.push.services.mozilla.com", "https://*.push.services.mozilla.com",
    "https://*.push.apple.com", "https://*.notify.windows.com",
)  # fmt: skip
SIGNED_FOR: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class PushGateway:
    """Sends to one browser. ``contact``: a real mailto: or address of the operator; Apple refuses others."""

    private_key: bytes
    contact: str
    url: str
    services: tuple[str, ...] = SERVICES
    price: int = 0

    def send(self, parcel: Parcel) -> Sent:
        """Encipher, sign, hand over. 404 and 410: the browser is gone (RFC 8030, 7.3)."""
        subscription = json.loads(parcel.to)
        endpoint = str(subscription["endpoint"])
        place = place_of(endpoint, self.services)
        if not place:
            raise Gone("this push service is not one the operator allows")
        said = {"title": parcel.title, "body": parcel.text, "url": self.url, "tag": parcel.id[:32]}
        try:
            found = WebPusher(subscription).encode(json.dumps(said).encode(), "aes128gcm")
        except (WebPushException, ValueError, TypeError):
            raise Gone("the browser's key is none") from None
        headers = {
            "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream", "TTL": str(parcel.seconds),
            "Urgency": "high" if parcel.urgent else "normal", "Topic": parcel.id[:32], **self._signed(endpoint),
        }  # fmt: skip
        answer = asked(endpoint, [place], body=found["body"], headers=headers)
        if answer.status in (200, 201, 202, 204):
            return Sent()
        if answer.status in (404, 410):
            raise Gone(f"{answer.status}: the subscription has ended")
        problem = f"{answer.status}: {answer.text[:200]}"
        raise (Refused if answer.status in (400, 401, 403, 413) else Failed)(problem)

    def _signed(self, endpoint: str) -> dict[str, str]:
        parts = urlsplit(endpoint)
        until = int((datetime.now(UTC) + SIGNED_FOR).timestamp())
        signer = Vapid02.from_pem(self.private_key)
        signed: dict[str, str] = signer.sign(
            {"aud": f"{parts.scheme}://{parts.netloc}", "exp": until, "sub": self.contact}
        )
        return signed


def place_of(endpoint: str, services: tuple[str, ...]) -> str:
    """The beginning of the address, when it is of a service that is allowed; else nothing."""
    parts = urlsplit(endpoint)
    if "@" in parts.netloc:
        return ""
    for one in services:
        known = urlsplit(one)
        if (known.scheme, known.port) != (parts.scheme, parts.port):
            continue
        host, name = parts.hostname or "", known.hostname or ""
        if host == name or (name.startswith("*.") and host.endswith(name[1:])):
            return f"{parts.scheme}://{parts.netloc}"
    return ""


def new_key() -> bytes:
    """A new private key (P-256, PEM) for a house that has none."""
    made = Vapid02()
    made.generate_keys()
    found: bytes = made.private_pem()
    return found


def public_key(private_key: bytes) -> str:
    """The key a browser subscribes with (`applicationServerKey`)."""
    point = Vapid02.from_pem(private_key).public_key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    found: str = b64urlencode(point)
    return found
