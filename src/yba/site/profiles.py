"""Profiles that writes must meet, out of the environment."""

from __future__ import annotations

from collections.abc import Sequence

from yba.fhir.validation.enforcing import Enforced


def enforced(said: Sequence[str]) -> Enforced | None:
    """From ``Type=address`` (each resource of the type must meet it) and plain addresses or ``*`` (each that names it).

    None where nothing is said. Raises SystemExit for a type that R4 does not have.
    """
    profiles: dict[str, list[str]] = {}
    named: list[str] = []
    for one in said:
        kind, mark, address = one.partition("=")
        if mark and "/" not in kind:
            profiles.setdefault(kind, []).append(address)
        else:
            named.append(one)
    if not profiles and not named:
        return None
    try:
        return Enforced(profiles, named)
    except ValueError as problem:
        raise SystemExit(f"YBA_PROFILES: {problem}.") from None
