"""Who acts, and what they may see and do: the one door.

Read ``actor.py`` (who), then ``policy.py`` (roles as data, compiled to the condition every query carries).
"""

from yba.fhir.access.actor import SYSTEM, Actor, Came, Scope

__all__ = ["SYSTEM", "Actor", "Came", "Scope"]
