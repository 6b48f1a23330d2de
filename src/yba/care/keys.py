"""Keys of links, tokens and apps: what is kept of one is its digest alone."""

from __future__ import annotations

import hashlib


def digest(text: str) -> str:
    """What is kept of a key. Keys are long and random, so a plain hash is enough."""
    return hashlib.sha256(text.encode()).hexdigest()
