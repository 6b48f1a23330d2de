"""A passkey without a device: makes and signs what a browser's authenticator would (WebAuthn Level 2, ES256)."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2 import cbor
from fido2.utils import websafe_decode, websafe_encode

HOST = "testserver"
ORIGIN = f"https://{HOST}"
#: User present, user verified; with the new credential attached.
PRESENT, ATTACHED = 0b0000_0101, 0b0100_0000


class Passkey:
    """One resident credential; ``count`` grows with each use."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.handle = b""
        self.count = 0

    def create(self, client: Client, path: str) -> str:
        """The credential for the creation options on a page."""
        return self.make(_on(client, path)["creation_options"])

    def get(self, client: Client, path: str) -> str:
        """The signed answer to the request options on a page."""
        return self.answer(_on(client, path)["request_options"])

    def make(self, options: dict[str, Any]) -> str:
        asked = options["publicKey"]
        self.handle = websafe_decode(asked["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attached = b"\0" * 16 + len(self.id).to_bytes(2, "big") + self.id + cbor.encode(public)
        data = self._data(PRESENT | ATTACHED) + attached
        said = _client_data("webauthn.create", asked["challenge"])
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        return json.dumps(
            {
                "type": "public-key",
                "id": websafe_encode(self.id),
                "rawId": websafe_encode(self.id),
                "clientExtensionResults": {"credProps": {"rk": True}},
                "response": {
                    "clientDataJSON": websafe_encode(said),
                    "attestationObject": websafe_encode(attestation),
                },
            }
        )

    def answer(self, options: dict[str, Any], *, user: Any = None) -> str:
        asked = options["publicKey"]
        self.count += 1
        data, said = self._data(PRESENT), _client_data("webauthn.get", asked["challenge"])
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        handle = self.handle
        if user is not None:
            from allauth.account.utils import user_pk_to_url_str

            handle = user_pk_to_url_str(user).encode()
        return json.dumps(
            {
                "type": "public-key",
                "id": websafe_encode(self.id),
                "rawId": websafe_encode(self.id),
                "clientExtensionResults": {},
                "response": {
                    "clientDataJSON": websafe_encode(said),
                    "authenticatorData": websafe_encode(data),
                    "signature": websafe_encode(signature),
                    "userHandle": websafe_encode(handle),
                },
            }
        )

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(HOST.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")


def _client_data(kind: str, challenge: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": ORIGIN, "crossOrigin": False}).encode()


def _on(client: Client, path: str) -> dict[str, Any]:
    found = re.search(
        r'<script id="js_data" type="application/json">(.*?)</script>',
        client.get(path).content.decode(),
        re.S,
    )
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data
