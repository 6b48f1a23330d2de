"""The dice of one request."""

from __future__ import annotations

from random import Random


class Dice(Random):
    """``tame``: values, types and bodies are mostly such as fit, so that the request gets far."""

    tame = False
