"""What components are made with: their templates, their attributes, the marks that part a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

register = template.Library()

ACTS = "<!--acts-->"
TEAR = "<!--tear-->"


def render(component: str, /, **values: Any) -> SafeString:
    return safe(render_to_string(f"ui/components/{component}.html", values))


#: What may differ between two components that look the same: everything of other types is drawn anew.
_PLAIN = (str, SafeString, bool, int, type(None))


def render_once(component: str, /, **values: Any) -> SafeString:
    """The same of a component that says only what it is given: drawn once for the same words in a language.

    Such a component asks nothing of the request and draws no ids of its own.
    """
    if any(type(one) not in _PLAIN for one in values.values()):
        return render(component, **values)
    # Escaped markup equals the plain text it is made of: the types are part of what is asked.
    asked = tuple((name, type(one), one) for name, one in values.items())
    return _drawn(component, get_language(), asked)


@lru_cache(maxsize=2048)
def _drawn(component: str, _language: str | None, asked: tuple[tuple[str, type, Any], ...]) -> SafeString:
    return render(component, **{name: one for name, _type, one in asked})


def safe(html: object) -> SafeString:
    """Markup our own templates made, or the escaped inside of a block tag."""
    return mark_safe(str(html))  # noqa: S308 - the one place; every caller passes escaped markup


def split(content: str, mark: str) -> tuple[SafeString, SafeString]:
    before, _mark, after = content.partition(mark)
    return safe(before.strip()), safe(after.strip())


def attributes(attrs: Mapping[str, Any]) -> SafeString:
    """HTML attributes from keyword arguments: ``_`` is ``-``; True is bare; None, False and "" leave it out."""
    spelled = {"opens": "data-opens", "closes": "data-closes", "class_": "class"}
    kept = [(spelled.get(k, k.replace("_", "-")), v) for k, v in attrs.items() if v not in (None, False, "")]
    return format_html_join(
        "", "{}", ((format_html(" {}", k) if v is True else format_html(' {}="{}"', k, v),) for k, v in kept)
    )


def listed(items: str | Sequence[Any]) -> list[Any]:
    return [part.strip() for part in items.split("|")] if isinstance(items, str) else list(items)


@register.simple_tag
def acts() -> SafeString:
    """From here on the block holds its buttons."""
    return safe(ACTS)


@register.simple_tag
def tear() -> SafeString:
    """From here on the ticket is its stub."""
    return safe(TEAR)
