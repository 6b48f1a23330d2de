"""The lock that lets one server at a time use a data folder, and says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the data: a process, and the address it serves at ("" for a command)."""

    pid: int
    address: str


class AlreadyHeld(Exception):
    """Another process uses this data."""

    def __init__(self, data: Path, holder: Holder) -> None:
        at = f" at {holder.address}" if holder.address else ""
        super().__init__(
            f"Y Bạ already runs on {data}: process {holder.pid}{at}. "
            f"Stop that one first (Ctrl-C where it runs, or: kill {holder.pid}), "
            "or choose other data with YBA_DATA and another port with YBA_PORT."
        )
        self.holder = holder


class Hold:
    """Holds the lock while entered; when this process dies, the kernel lets go."""

    def __init__(self, data: Path, *, address: str = "") -> None:
        self.data = data
        self.path = data / "lock"
        self.address = address
        self._handle: int | None = None

    def __enter__(self) -> Hold:
        self.data.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise AlreadyHeld(self.data, holder_of(self.data)) from None
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps({"pid": os.getpid(), "address": self.address}).encode())
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def holder_of(data: Path) -> Holder:
    """What the holder wrote; process 0 while it is still writing."""
    try:
        said = json.loads((data / "lock").read_text() or "{}")
    except (OSError, ValueError):
        said = {}
    return Holder(pid=int(said.get("pid", 0)), address=str(said.get("address", "")))
