"""The one who acts: named in every read, write and audit row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, a system or a screen.

    ``user``: stable id of the account or token. ``role``: a key of ``policy.ROLES``.
    ``facility``: id of the facility's Organization. ``practitioner``: Practitioner id of staff who treat.
    ``persons``: Patient ids this account may act for (self, children). ``origin``: who really acts when the
    record acts for a rule (see ``Record.as_system``).
    """

    user: str
    role: str
    name: str = ""
    facility: str | None = None
    practitioner: str | None = None
    persons: frozenset[str] = frozenset()
    origin: str | None = None


SYSTEM = Actor(user="system", role="system", name="Y Bạ")
