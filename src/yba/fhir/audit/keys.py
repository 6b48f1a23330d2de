"""The key that signs the heads of the audit, and the keys whose signatures are believed. Ed25519, RFC 8032.

The private key never lies in the database: whoever can change the audit there can't sign what they made of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

SIZE = 32


class KeyProblem(ValueError):
    """What was given is no key."""


def fresh() -> bytes:
    """A new private key as text: base64 of its 32 bytes."""
    raw = Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return base64.b64encode(raw)


def _bytes(text: str | bytes, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != SIZE:
        raise KeyProblem(f"{what} is the base64 of {SIZE} bytes.")
    return raw


class Signer:
    """Signs with one private key. Raises KeyProblem for a text that is none."""

    def __init__(self, text: str | bytes) -> None:
        stripped = text.strip()
        self._private = Ed25519PrivateKey.from_private_bytes(_bytes(stripped, "A private key of the audit"))
        self.public = base64.b64encode(
            self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        ).decode()
        self.name = name_of(self.public)

    def sign(self, content: bytes) -> bytes:
        return self._private.sign(content)


def name_of(public: str) -> str:
    """The short name of a public key, as seals carry it."""
    return hashlib.sha256(_bytes(public, "A public key of the audit")).hexdigest()[:16]


class Believed:
    """Public keys by their names. Raises KeyProblem for a text that is none."""

    def __init__(self, publics: Iterable[str]) -> None:
        self._keys: Mapping[str, Ed25519PublicKey] = {
            name_of(one): Ed25519PublicKey.from_public_bytes(_bytes(one, "A public key of the audit"))
            for one in publics
        }

    def knows(self, name: str) -> bool:
        return name in self._keys

    def holds(self, name: str, content: bytes, signature: bytes) -> bool:
        """Whether the key of this name has signed the content."""
        try:
            self._keys[name].verify(signature, content)
        except (InvalidSignature, KeyError):
            return False
        return True
