"""Secrets this installation makes for itself: files that only their owner can read, made whole at first use.

A secret comes from the environment or from here, never from the code or the database. A file that others could read
or change, or that somebody else owns, is refused: whoever could read it may sign sessions.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

ONLY_OWNER = 0o600


class SecretProblem(SystemExit):
    """A secret can't be used; the sentence says which file, why and what to do."""


def kept(folder: Path, name: str, make: Callable[[], bytes]) -> bytes:
    """The secret of this name; the first who asks makes it. Raises SecretProblem."""
    path = folder / name
    if not os.path.lexists(path):
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, make())
    return read(path)


def read(path: Path) -> bytes:
    """The bytes of a secret's file, looked at as it is opened, so that it can't be exchanged in between."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as problem:
        raise SecretProblem(
            f"yba: the secret {path} can't be opened ({problem.strerror}). It must be a file of its own."
        ) from None
    wrong = problem_of(os.fstat(handle))
    if wrong:
        os.close(handle)
        raise SecretProblem(f"yba: the secret {path} {wrong}")
    with os.fdopen(handle, "rb") as file:
        content = file.read()
    if not content.strip():
        raise SecretProblem(
            f"yba: the secret {path} is empty. Remove it: a new one is made at the next start."
        )
    return content


def problem_of(found: os.stat_result) -> str:
    """What is wrong with the owner or the rights of a secret's file, and how to mend it; empty when nothing is."""
    if not stat.S_ISREG(found.st_mode):
        return "is no ordinary file. Remove it: a new one is made at the next start."
    if found.st_uid not in (os.geteuid(), 0):
        return f"belongs to another user (number {found.st_uid}). Give it to the user who runs yba: chown."
    if stat.S_IMODE(found.st_mode) & 0o077:
        return (
            f"can be read or changed by others (rights {stat.S_IMODE(found.st_mode):04o}). Make it 0600 with chmod, "
            "and change the secret when others use this machine."
        )
    return ""


def _write(path: Path, content: bytes) -> None:
    """Write whole and 0600 or not at all; when two processes start at once, the first one's secret stays."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_OWNER)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), ONLY_OWNER)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
