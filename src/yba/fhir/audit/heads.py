"""Heads of the audit outside of the database: the newest one, and the last of each day, as lines of a file.

What is cut off the end of the audit together with its seals leaves no trace in the database. It does here. The file
is worth more the further away it is: copy it, or print it (``yba audit heads``), where whoever runs the database does
not reach.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import msgspec

from yba.fhir.audit.sealing import Seal

NEWEST = "audit-head"
DAYS = "audit-days"


class Head(msgspec.Struct, frozen=True):
    """A head as it is told outside: with its signature anybody who has the public key can check it."""

    number: int
    day: date
    rows: int
    head: str
    key: str
    signature: str


_decode = msgspec.json.Decoder(Head).decode


def head_of(seal: Seal) -> Head:
    """What is told of a seal."""
    return Head(seal.number, seal.day, seal.rows, seal.head.hex(), seal.key, seal.signature.hex())


def read(lines: Iterable[bytes]) -> list[Head]:
    """Heads from lines of JSON. Raises msgspec.DecodeError for a line that is none."""
    return [_decode(line) for line in lines if line.strip()]


class HeadFiles:
    """Keeps heads in a folder; the newest in one file, which is replaced, those of days in another, which grows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, seal: Seal, *, last_of_day: Seal | None) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if last_of_day is not None:
            with (self._folder / DAYS).open("ab") as file:
                file.write(msgspec.json.encode(head_of(last_of_day)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        draft = self._folder / f"{NEWEST}.{os.getpid()}"
        draft.write_bytes(msgspec.json.encode(head_of(seal)) + b"\n")
        draft.replace(self._folder / NEWEST)

    def set_aside(self, now: datetime) -> list[Head]:
        """Begin anew after a restore, which lost on purpose what came later; what was known is kept beside."""
        found = self.known()
        aside = self._folder / now.strftime("before-%Y%m%dT%H%M%SZ")
        for name in (DAYS, NEWEST):
            if (self._folder / name).exists():
                aside.mkdir(exist_ok=True)
                (self._folder / name).rename(aside / name)
        return found

    def known(self) -> list[Head]:
        """What is kept, the newest last."""
        found: list[Head] = []
        for name in (DAYS, NEWEST):
            path = self._folder / name
            if path.exists():
                found += read(path.read_bytes().splitlines())
        return found
