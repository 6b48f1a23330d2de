"""The demo's authenticator: its code beside the field, for demo accounts of a demo house only."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.stagekit import unstash_login
from django import template

from yba.site.accounts import factors

register = template.Library()


@register.simple_tag(takes_context=True)
def demo_code(context: dict[str, Any]) -> str:
    """The code that counts now for the demo account that is signing in; empty for everybody else."""
    login = unstash_login(context["request"], peek=True)
    return factors.demo_code(login.user) if login is not None and login.user is not None else ""
