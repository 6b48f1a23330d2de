"""What components are made with: their templates, their attributes, the marks that part a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

ACTS = "<!--acts-->"
TEAR = "<!--tear-->"


def render(component: str, /, **values: Any) -> SafeString:
    return safe(render_to_string(f"ui/components/{component}.html", values))


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
