"""The one who acts: named in every read, write and audit row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Scope:
    """What an app was let do: one SMART scope, read.

    ``context``: ``patient`` (only the person of the launch), ``user`` (what the account may) or ``system``.
    ``type``: a resource type or ``*``. ``interactions``: letters of ``cruds``. ``criteria``: search parameters a row
    must meet, as in ``?category=laboratory``. Source: SMART App Launch 2.2, scopes-and-launch-context.
    """

    context: str
    type: str
    interactions: frozenset[str]
    criteria: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, a system or a screen.

    ``user``: stable id of the account or token. ``role``: a key of ``roles.yaml``.
    ``facility``: id of the facility's Organization. ``departments``: ids of Organizations inside it.
    ``practitioner``: Practitioner id of staff who treat. ``programme``: id of the programme's Organization.
    ``person``: Patient id of oneself. ``persons``: Patient ids this account may act for (self, wards).
    ``rights``: sensitive labels this account may see beside its role's. ``origin``: who really acts when the
    record acts for a rule (see ``Record.as_system``).
    ``app``: client id of the app through which is acted; ``scopes``: what that app was let do (None: no app, no
    limit); ``launched``: Patient id of the launch, which ``patient/`` scopes are held to; ``withheld``: sensitive
    labels the app was not given, whatever the account may see (held only where there are scopes).
    ``purpose``: code of v3-ActReason, as TREAT or ETREAT; ``session`` and ``address`` (network): for the audit.
    """

    user: str
    role: str
    name: str = ""
    facility: str | None = None
    practitioner: str | None = None
    persons: frozenset[str] = frozenset()
    origin: str | None = None
    departments: frozenset[str] = frozenset()
    programme: str | None = None
    person: str | None = None
    rights: frozenset[str] = frozenset()
    app: str | None = None
    scopes: tuple[Scope, ...] | None = None
    launched: str | None = None
    withheld: frozenset[str] = frozenset()
    purpose: str | None = None
    session: str | None = None
    address: str | None = None


def of_a_rule(actor: Actor) -> Actor:
    """Who acts when a rule of the house does what this actor set going: all rights.

    What the audit tells of who set it going stays; what bounds them does not bound the rule.
    """
    return replace(
        actor,
        user="system",
        role="system",
        origin=actor.origin or actor.user,
        persons=frozenset(),
        rights=frozenset(),
        scopes=None,
        launched=None,
    )


class Came(NamedTuple):
    """How one request came, for the audit: its id, and the network address it came from."""

    request: str | None = None
    address: str | None = None


Still = Callable[[Actor], Actor | None]
"""From an actor that was kept to how they are now; None for one who may act no more (ended, suspended)."""


def as_kept(actor: Actor) -> Actor:
    """As it was kept: where nobody knows of accounts."""
    return actor


HERE = Came()
SYSTEM = Actor(user="system", role="system", name="Y Bạ")
