"""Ids and shards: which of 1,024 shards a row lives on, and how ids given by the server carry it."""

from __future__ import annotations

import secrets
import time
import zlib

SHARDS = 1024
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_VALUE = {letter: number for number, letter in enumerate(_ALPHABET)}
ID_LENGTH = 22


_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def _base32(number: int, width: int) -> str:
    """The last ``width`` letters of a number, two at a time."""
    letters = ""
    for _ in range((width + 1) // 2):
        number, rest = divmod(number, 1024)
        letters = _PAIRS[rest] + letters
    return letters[-width:]


def new_id(shard: int) -> str:
    """A fresh id: ``y``, two letters of shard, nine of time (milliseconds), ten random (50 bits).

    In the order of making within a shard, so that indexes grow at one end.
    """
    return f"y{_base32(shard, 2)}{_base32(int(time.time() * 1000), 9)}{_base32(secrets.randbits(50), 10)}"


def carried_by(identifier: str) -> int | None:
    """The shard a server-given id was made for; None for any other id."""
    if len(identifier) == ID_LENGTH and identifier[0] == "y":
        high, low = _VALUE.get(identifier[1]), _VALUE.get(identifier[2])
        if high is not None and low is not None:
            return high * 32 + low
    return None


def shard_of(identifier: str) -> int:
    """The shard of an id: read from a server-given one, hashed from any other."""
    found = carried_by(identifier)
    return zlib.crc32(identifier.encode()) % SHARDS if found is None else found
