"""Children that never outlive their parent, on Linux by the kernel, elsewhere by watching."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def signal_when_parent_dies(number: int) -> Callable[[], None]:
    """For `preexec_fn` and for a child's own start: the kernel sends `number` when the parent ends."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)

    return ask


def die_with_parent() -> None:
    """Called by a child when it starts: end at once when the parent ends, however it ends."""
    parent = os.getppid()
    signal_when_parent_dies(signal.SIGKILL)()
    if parent == 1:
        os._exit(1)
    if not sys.platform.startswith("linux"):
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
