"""Small signs: icons, buttons, states, keys."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from yba.ui import live as live_topics
from yba.ui import words
from yba.ui.components.rendering import attributes, register, render_once, safe

STATUS_ICONS = {
    "wait": "hourglass",
    "call": "volume-2",
    "now": "circle-dot",
    "done": "check",
    "missed": "circle-slash",
    "off": "x",
    "first": "chevrons-up",
    "warn": "triangle-alert",
    "urgent": "triangle-alert",
}
#: Lucide's older names, still used in talk.
RENAMED_ICONS = {"circle-help": "circle-question-mark", "home": "house", "alert-triangle": "triangle-alert"}


def _status_word(kind: str) -> str:
    return {
        "wait": _("Đang chờ"),
        "call": _("Đang mời"),
        "now": _("Đang khám"),
        "done": _("Xong"),
        "missed": _("Lỡ lượt"),
        "off": _("Đã hủy"),
        "first": _("Ưu tiên"),
        "warn": _("Quá hạn"),
        "urgent": _("Cấp cứu"),
    }.get(kind, "")


@register.simple_tag
def icon(name: str, big: bool = False, label: str = "") -> SafeString:
    """A Lucide icon; with ``label`` it stands alone and has a name."""
    return _icon(str(name), bool(big), str(label))


@lru_cache(maxsize=512)
def _icon(name: str, big: bool, label: str) -> SafeString:
    name = RENAMED_ICONS.get(name, name)
    named = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    classes = "icon icon-big" if big else "icon"
    return safe(lucide(name, size=None, stroke_width="1.75", **{"class": classes}, **named))


@register.simple_tag
def mark_shape() -> SafeString:
    """The mark of the house: a label with a Y."""
    return render_once("mark")


@register.simple_tag
def button(
    label: str,
    kind: str = "",
    href: str = "",
    icon: str = "",
    key: str = "",
    type: str = "submit",  # HTML's own word
    small: bool = False,
    wide: bool = False,
    disabled: bool = False,
    why: str = "",
    **attrs: Any,
) -> SafeString:
    """A deed in words; a link when it has ``href``. Disabled stays focusable and says why."""
    classes = ["button"]
    classes += [f"button-{kind}"] if kind else []
    classes += ["button-small"] if small else []
    classes += ["button-wide"] if wide else []
    classes += [str(attrs.pop("class_"))] if attrs.get("class_") else []
    reason = f"why-{uuid.uuid4().hex[:8]}" if disabled and why else ""
    if "opens" in attrs and not href:
        type = "button"
    attrs = {
        "data_key": key,
        "aria_disabled": "true" if disabled else "",
        "aria_describedby": reason,
        **attrs,
    }
    values = {
        "label": label,
        "href": href,
        "icon": icon,
        "key": key,
        "type": type,
        "why": why,
        "reason": reason,
    }
    return render_once("button", classes=" ".join(classes), attrs=attributes(attrs), **values)


@register.simple_tag
def status(kind: str, text: str = "") -> SafeString:
    """A status: shape, word, then colour."""
    sign = icon(STATUS_ICONS[kind]) if kind in STATUS_ICONS else ""
    return format_html(
        '<span class="status" data-kind="{}">{}{}</span>', kind, sign, text or _status_word(kind)
    )


@register.simple_tag
def stamp(text: str) -> SafeString:
    """Signed, locked, cannot change."""
    return format_html('<span class="stamp">{}{}</span>', icon("lock"), text)


@register.simple_tag
def off_range(value: object, direction: str = "high", twice: bool = False) -> SafeString:
    """A value out of range: arrow with its word, weight, then colour."""
    name, word = ("arrow-down", _("thấp")) if direction == "low" else ("arrow-up", _("cao"))
    second = icon(name) if twice else ""
    label = _("nguy hiểm, %(word)s") % {"word": word} if twice else word
    return format_html('<span class="off-range">{}{}{}</span>', icon(name, label=label), second, value)


@register.simple_tag
def ticket_tag(number: str) -> SafeString:
    """A ticket number in a row."""
    return (
        format_html('<span class="ticket-tag">{}</span>', words.ticket(str(number)))
        if number
        else SafeString("")
    )


@register.simple_tag
def avatar(name: str, size: str = "") -> SafeString:
    """Initials, never a face."""
    extra = f" avatar-{size}" if size else ""
    return format_html('<span class="avatar{}" aria-hidden="true">{}</span>', extra, words.initials(name))


@register.simple_tag
def key(keys: str, label: str) -> SafeString:
    """One hint of the last line: ``key "Alt 1–5" "tới phần"``."""
    caps = format_html_join(" ", "<kbd>{}</kbd>", ((cap,) for cap in keys.split()))
    return format_html("<span>{} {}</span>", caps, label)


@register.simple_tag
def once() -> SafeString:
    """A hidden key that makes a second submit of the same form recognisable."""
    return format_html('<input type="hidden" name="once" value="{}">', uuid.uuid4().hex)


@register.simple_tag
def live(topic: str) -> SafeString:
    """The attribute by which an element hears of ``topic``."""
    return format_html('data-live="{}"', live_topics.token(topic))


@register.simple_tag
def back(url: str, text: str = "") -> SafeString:
    """The way back, in the cover."""
    return format_html(
        '<a class="cover-back" href="{}">{}{}</a>', url, icon("chevron-left"), text or _("Trở lại")
    )
