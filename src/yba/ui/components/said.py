"""What is said to the reader: alerts, questions, blanks, notices."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.messages import get_messages
from django.utils.html import format_html
from django.utils.safestring import SafeString

from yba.ui.components.rendering import ACTS, attributes, register, render, safe, split
from yba.ui.components.signs import icon

ALERT_ICONS = {"": "info", "danger": "triangle-alert", "caution": "triangle-alert", "good": "check"}


@register.simple_block_tag
def alert(
    content: str, kind: str = "", title: str = "", icon: str = "", role: str = "", **attrs: Any
) -> SafeString:
    """In the place it speaks of: icon, what, why, what now."""
    body, buttons = split(content, ACTS)
    shown = {"kind": kind, "title": title, "icon": icon or ALERT_ICONS.get(kind, "info")}
    return render("alert", body=body, acts=buttons, attrs=attributes({"role": role, **attrs}), **shown)


@register.simple_tag
def refusal(why: str, title: str) -> SafeString:
    """Why what was just sent did not happen, before the form; nothing where nothing was refused."""
    return alert(format_html("<p>{}</p>", why), "caution", title, role="alert") if why else safe("")


@register.simple_block_tag
def dialog(content: str, id: str, title: str) -> SafeString:
    """A question before something that harms or cannot be undone."""
    body, buttons = split(content, ACTS)
    return render("dialog", id=id, title=title, body=body, acts=buttons)


@register.simple_block_tag
def blank(content: str, title: str, icon: str = "", role: str = "", heading: str = "h3") -> SafeString:
    """Nothing here yet, or nothing came: what will be here, and the first act. ``heading``: ``h2`` right under h1."""
    body, buttons = split(content, ACTS)
    return render("blank", title=title, icon=icon, role=role, body=body, acts=buttons, heading=heading)


@register.simple_tag(takes_context=True)
def toast(context: template.Context, text: str, undo: str = "") -> SafeString:
    """One line at the bottom, with a way back when there is one."""
    return render("toast", text=text, undo=undo, csrf_token=context.get("csrf_token"))


@register.simple_tag(takes_context=True)
def notices(context: template.Context) -> SafeString:
    """Django's messages: alerts in place, toasts for what carries the tag ``toast``."""
    request = context.get("request")
    kinds = {"error": "danger", "warning": "caution", "success": "good"}
    alerts, toasts = [], []
    # A page fetched to be kept is read by nobody now: what is to be said waits for the page that is.
    unread = request is not None and request.headers.get("X-Yba-Background") == "keep"
    for message in get_messages(request) if request and not unread else ():
        tags = (message.extra_tags or "").split()
        undo = next((tag.removeprefix("undo:") for tag in tags if tag.startswith("undo:")), "")
        if "toast" in tags:
            toasts.append({"text": message.message, "undo": undo})
        else:
            kind = kinds.get(message.level_tag, "")
            alerts.append({"text": message.message, "kind": kind, "icon": ALERT_ICONS[kind]})
    return render("notices", alerts=alerts, toasts=toasts, csrf_token=context.get("csrf_token"))


@register.simple_tag
def ghost(label: str, lines: int = 5) -> SafeString:
    """Loading: pale lines where words will be."""
    return render("ghost", label=label, lines=range(lines))


@register.simple_tag
def offline(text: str) -> SafeString:
    """One line while there is no network."""
    return format_html('<p class="offline" role="status">{}{}</p>', icon("wifi-off"), text)
