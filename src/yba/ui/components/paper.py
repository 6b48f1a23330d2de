"""Paper: tickets, labels, timelines, steps, sheets that are printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import zxingcpp
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from yba.ui import parts, words
from yba.ui.components.rendering import TEAR, attributes, listed, register, render, safe, split


@register.simple_block_tag
def ticket(
    content: str,
    number: str = "",
    place: str = "",
    caption: str | None = None,
    place_caption: str | None = None,
    **attrs: Any,
) -> SafeString:
    """A numbered ticket; after ``{% tear %}`` comes the stub."""
    body, stub = split(content, TEAR)
    captions = {
        "caption": _("Số thứ tự") if caption is None else caption,
        "place_caption": _("Phòng") if place_caption is None else place_caption,
    }
    number = words.ticket(str(number))
    return render(
        "ticket", body=body, stub=stub, number=number, place=place, attrs=attributes(attrs), **captions
    )


@register.simple_tag
def ahead(first: str, you: str, count: int) -> SafeString:
    """The people before you, drawn one by one, up to 12."""
    return render("ahead", first=words.ticket(first), you=words.ticket(you), people=range(min(count, 12)))


@register.simple_block_tag
def label(content: str, name: str = "", facts: str = "", heading: str = "h1") -> SafeString:
    """Whose book this is."""
    tag = heading if heading in ("h1", "h2", "h3", "p") else "p"
    return render("label", name=name, facts=facts, tag=tag, content=safe(content.strip()))


@register.simple_tag
def index_tabs(tabs: Iterable[parts.Tab], add_url: str = "") -> SafeString:
    """Whose book is open, and the others of the family."""
    return render("index_tabs", tabs=tabs, add_url=add_url)


@register.simple_block_tag
def person_banner(content: str, person: parts.Person) -> SafeString:
    """The one the page speaks of: name, then allergies, then the rest."""
    return render("person_banner", person=person, content=safe(content.strip()))


@register.simple_block_tag
def timeline(content: str) -> SafeString:
    """Dates in the margin, words at the right."""
    return format_html('<ol class="timeline">{}</ol>', safe(content))


@register.simple_block_tag
def timeline_entry(content: str, when: date | datetime | str, title: str, href: str = "") -> SafeString:
    """One entry; of a day shows day and month over the year, of a text the text."""
    day = words.as_date(when)
    upper = (
        f"{day.day:02}/{day.month:02}"
        if day
        else words.ngay(str(when))
        if str(when)[:4].isdigit()
        else str(when)
    )
    lower = f"{day.year}" if day else ""
    note = safe(content.strip())
    return render("timeline_entry", upper=upper, lower=lower, title=title, href=href, note=note)


@register.simple_tag
def stepper(steps: str | Sequence[str], current: int) -> SafeString:
    """Where one is in a task of several steps; counted from 1."""
    states = [
        "done" if at < current else "now" if at == current else "" for at in range(1, len(listed(steps)) + 1)
    ]
    return render("stepper", steps=list(zip(listed(steps), states, strict=True)))


@register.simple_block_tag
def print_sheet(
    content: str,
    title: str,
    facility: str = "",
    address: str = "",
    phone: str = "",
    code: str = "",
    sub: str = "",
    size: str = "a5",
) -> SafeString:
    """Paper: A5, A4 or the 80 mm roll (``receipt``)."""
    values = {
        "title": title,
        "facility": facility,
        "address": address,
        "phone": phone,
        "code": code,
        "sub": sub,
    }
    return render("print_sheet", content=safe(content), size=size, **values)


@register.simple_tag
def qr(text: str, label: str) -> SafeString:
    """A QR code (ISO/IEC 18004, level M, quiet zone of four) as SVG, without inline style."""
    side, dark = _qr(str(text))
    return format_html(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" class="qr"><path fill="#fff" d="M0 0h{}v{}h-{}z"/>'
        '<path fill="#000" d="{}"/></svg>',
        label, side, side, side, side, side, dark,
    )  # fmt: skip


_SQUARE = re.compile(r'<svg width="(\d+)".*? d="([^"]*)"', re.DOTALL)


def _qr(text: str) -> tuple[int, str]:
    """Modules a side, and the path of the dark ones. Made in C: which of the eight masks reads best is much work."""
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    found = _SQUARE.search(zxingcpp.write_barcode_to_svg(made, add_quiet_zones=True))
    assert found is not None
    return int(found[1]), found[2]
