"""Who acts, and what they may see and do: the one door."""

from yba.fhir.access.actor import SYSTEM, Actor

__all__ = ["SYSTEM", "Actor"]
