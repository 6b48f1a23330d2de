"""Scopes: read strictly, narrowed, written back; what can't be read gives nothing.

SMART App Launch 2.2, "Scopes and launch context". A scope of resources is ``context/Type.cruds?parameter=value``;
the forms of version 1 (``.read``, ``.write``, ``.*``) are read as ``rs``, ``cud`` and ``cruds``. Letters out of
order, unknown types, unknown search parameters, chains and modifiers are dropped, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote_plus

from yba.fhir.access.actor import Scope
from yba.fhir.r4 import MODULES
from yba.fhir.search.parameters import builtin

PATIENT: Final = "patient"
USER: Final = "user"
SYSTEM: Final = "system"

OPENID: Final = "openid"
FHIR_USER: Final = "fhirUser"
PROFILE: Final = "profile"
LAUNCH: Final = "launch"
LAUNCH_PATIENT: Final = "launch/patient"
LAUNCH_ENCOUNTER: Final = "launch/encounter"
OFFLINE: Final = "offline_access"
ONLINE: Final = "online_access"

#: Scopes that are no resources.
WORDS: Final = (OPENID, FHIR_USER, PROFILE, LAUNCH, LAUNCH_PATIENT, LAUNCH_ENCOUNTER, OFFLINE, ONLINE)
#: An app asks for so many at most: what a person can't read, a person can't decide.
MOST: Final = 200
LONGEST: Final = 20_000

_LETTERS: Final = "cruds"
_FIRST_VERSION: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_SHAPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,63})\.(\*|[a-z]{1,5})(?:\?(.{1,1000}))?")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_KINDS = frozenset({"token", "reference", "date", "string", "uri", "number", "quantity"})


@lru_cache(maxsize=4096)
def read(text: str) -> Scope | None:
    """One scope of resources; None when it is anything else."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        return None
    context, type_name, letters, query = found.groups()
    letters = _FIRST_VERSION.get(letters, letters)
    if type_name != "*" and type_name not in MODULES:
        return None
    if letters != "".join(one for one in _LETTERS if one in letters):
        return None
    criteria = _criteria(type_name, query) if query is not None else ()
    if criteria is None:
        return None
    return Scope(context, type_name, frozenset(letters), criteria)


def _criteria(type_name: str, query: str) -> tuple[tuple[str, str], ...] | None:
    """The search parameters of a scope in order; None when one of them is not one the record knows."""
    found = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        name, value = unquote_plus(name), unquote_plus(value)
        if not equals or not value or not _PARAMETER.fullmatch(name) or "\x00" in value:
            return None
        # Criteria mean something of one type: of all types at once the door would have to guess.
        parameter = builtin(type_name).get(name) if type_name != "*" else None
        if parameter is None or parameter.kind not in _KINDS:
            return None
        found.append((name, value))
    return tuple(sorted(set(found)))


def split(text: str) -> list[str]:
    """The scopes of a request, each once and in its order. Too many are as none."""
    if len(text) > LONGEST:
        return []
    found = list(dict.fromkeys(one for one in text.split(" ") if one))
    return found if len(found) <= MOST else []


def known(asked: Iterable[str]) -> list[str]:
    """Those that mean something here."""
    return [one for one in asked if one in WORDS or read(one) is not None]


def resources(texts: Iterable[str]) -> list[Scope]:
    """The scopes of resources among them, read."""
    return [found for one in texts if (found := read(one)) is not None]


def written(scope: Scope) -> str:
    """A scope as version 2 writes it."""
    letters = "".join(one for one in _LETTERS if one in scope.interactions)
    query = "&".join(f"{name}={quote(value, safe=':/|,.-_~$')}" for name, value in scope.criteria)
    return f"{scope.context}/{scope.type}.{letters}{'?' + query if query else ''}"


def covers(wide: Scope, narrow: Scope) -> bool:
    """Whether everything of ``narrow`` is in ``wide``."""
    return (
        wide.context == narrow.context
        and wide.type in ("*", narrow.type)
        and narrow.interactions <= wide.interactions
        and set(wide.criteria) <= set(narrow.criteria)
    )


def meet(one: Scope, other: Scope) -> Scope | None:
    """What is in both; None when that is nothing."""
    if one.context != other.context or (one.type != other.type and "*" not in (one.type, other.type)):
        return None
    letters = one.interactions & other.interactions
    if not letters:
        return None
    type_name = other.type if one.type == "*" else one.type
    return Scope(one.context, type_name, letters, tuple(sorted({*one.criteria, *other.criteria})))


def within(asked: Iterable[str], allowed: Sequence[str]) -> list[str]:
    """What of the asked is allowed: as it was asked where all of it is, else the part that is."""
    limits = resources(allowed)
    found: list[str] = []
    for text in asked:
        scope = read(text)
        if scope is None:
            if text in WORDS and text in allowed:
                found.append(text)
        elif any(covers(limit, scope) for limit in limits):
            found.append(text)
        else:
            parts = [part for limit in limits if (part := meet(limit, scope)) is not None]
            found.extend(written(part) for part in parts)
    return list(dict.fromkeys(found))


def all_within(asked: Iterable[str], allowed: Sequence[str]) -> bool:
    """Whether everything asked is allowed as it stands: nothing widened, nothing unknown."""
    limits = resources(allowed)
    for text in asked:
        scope = read(text)
        if scope is None:
            if text not in WORDS or text not in allowed:
                return False
        elif not any(covers(limit, scope) for limit in limits):
            return False
    return True


def of_context(texts: Iterable[str], *contexts: str) -> list[str]:
    """Without scopes of resources in any other context; words stay."""
    return [one for one in texts if (found := read(one)) is None or found.context in contexts]
