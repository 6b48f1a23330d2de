"""Who acts with a token."""

from __future__ import annotations

from yba.fhir.access import Actor
from yba.site.accounts.tokens import known_of_token


def actor_of_token(text: str) -> Actor | None:
    """The actor alone, without the moment at which it ends."""
    known = known_of_token(text)
    return known.actor if known is not None else None
