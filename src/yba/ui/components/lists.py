"""Lists, tables, figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from yba.ui import parts, spoken
from yba.ui.components.rendering import attributes, listed, register, render, safe
from yba.ui.components.signs import icon
from yba.ui.context import NavigationItem


@register.simple_tag
def doctor_row(doctor: parts.Doctor) -> SafeString:
    """One line of the directory of doctors."""
    return render("doctor_row", doctor=doctor)


@register.simple_block_tag
def table(content: str, caption: str, columns: str | Sequence[str], folds: bool = False) -> SafeString:
    """A table in its wrap; a column named ``#Chờ`` holds numbers. ``folds``: on a phone a row is a paragraph."""
    heads = [(head.removeprefix("#"), head.startswith("#")) for head in (str(one) for one in listed(columns))]
    if folds:
        content = _with_heads(content, [head for head, _number in heads])
    return render("table", caption=caption, heads=heads, content=safe(content), folds=folds)


_CELL = re.compile(r"<(tr|th|td)(?=[\s>])")
_ROLES = {"tr": "row", "th": "rowheader", "td": "cell"}


def _with_heads(content: str, heads: Sequence[str]) -> str:
    """Cells with the head of their column, and with the roles a table loses where its rows are no table's to CSS."""
    place = -1

    def told(found: re.Match[str]) -> str:
        nonlocal place
        name = found[1]
        place = -1 if name == "tr" else place + 1
        head = heads[place] if name == "td" and place < len(heads) else ""
        return found[0] + f' role="{_ROLES[name]}"' + (f' data-head="{escape(head)}"' if head else "")

    return _CELL.sub(told, content)


@register.simple_block_tag
def table_wrap(content: str, label: str) -> SafeString:
    """Lets a wide table scroll by itself, reachable and named."""
    return format_html(
        '<div class="table-wrap" tabindex="0" role="region" aria-label="{}">{}</div>',
        label,
        safe(content),
    )


@register.simple_tag
def tabs(label: str, items: Iterable[parts.Tab]) -> SafeString:
    """Views of the same list."""
    return render("tabs", label=label, items=items)


@register.simple_tag
def spine_items(items: Iterable[NavigationItem]) -> SafeString:
    """The rooms of a desk's spine."""
    return _rooms_to_go("spine-item", tuple(items), get_language())


@register.simple_tag
def tabbar_items(items: Iterable[NavigationItem]) -> SafeString:
    """The pages of the tab bar."""
    return _rooms_to_go("tabbar-item", tuple(items), get_language())


@lru_cache(maxsize=1024)
def _rooms_to_go(kind: str, items: tuple[NavigationItem, ...], _language: str | None) -> SafeString:
    """Written once for the same rooms: every page has them, and few readers have others."""
    waits = (
        f'<span class="visually-hidden">{escape(_(", đang chờ:"))} </span>' if kind == "spine-item" else ""
    )
    links = []
    for one in items:
        here = ' aria-current="page"' if one.current else ""
        count = f'<span class="count">{waits}{one.count}</span>' if one.count else ""
        links.append(
            f'<a class="{kind}" href="{escape(one.url)}"{here}>{icon(one.icon)}{escape(one.label)}{count}</a>'
        )
    return safe("\n  ".join(links))


@register.simple_tag
def pairs(items: Iterable[tuple[str, Any]]) -> SafeString:
    """Names and values; empty values are left out."""
    return render("pairs", items=[(name, value) for name, value in items if value not in (None, "")])


@register.simple_tag
def sum(  # the face's own word for lines of money
    lines: Iterable[tuple[str, int | Decimal]], total: int | Decimal | None = None, total_label: str = ""
) -> SafeString:
    """Lines of money and their total."""
    said = [(name, spoken.money(amount)) for name, amount in lines]
    whole = "" if total is None else spoken.money(total)
    return render("sum", lines=said, total=whole, total_label=total_label or _("Tổng cộng"))


@register.simple_tag
def figures(items: Iterable[tuple[str, Any, str]]) -> SafeString:
    """Numbers worth reading from afar: label, number, note."""
    return render("figures", items=items)


@register.simple_tag
def vitals(items: Iterable[parts.Vital]) -> SafeString:
    """A strip of measures."""
    shown = [(item, spoken.decimal(item.value), item.unit in ("%", "°C")) for item in items]
    return render("vitals", items=shown)


@register.simple_tag
def chip(
    text: str, code: str = "", main: bool = False, remove: str = "", remove_label: str = "", **attrs: Any
) -> SafeString:
    """A code that can be taken off; stands in ``<ul class="cluster chips">``."""
    name = remove_label or _("Bỏ %(what)s") % {"what": code or text}
    shown = {"text": text, "code": code, "main": main, "remove": remove, "remove_label": name}
    return render("chip", attrs=attributes({"name": "remove", **attrs}), **shown)


@register.simple_block_tag
def drug_line(
    content: str, number: int, name: str, amount: str, how: str = "", current: bool = False
) -> SafeString:
    """A line of a prescription; an alert may stand inside."""
    shown = {"number": number, "name": name, "amount": amount, "how": how, "current": current}
    return render("drug_line", content=safe(content.strip()), **shown)


@register.simple_block_tag
def rows(content: str, sheet: bool = True, ordered: bool = False) -> SafeString:
    """A ruled list."""
    tag = safe("ol" if ordered else "ul")
    classes = "sheet rows" if sheet else "rows"
    return format_html('<{} class="{}">{}</{}>', tag, classes, safe(content), tag)


@register.simple_tag
def row_link(
    href: str, title: str, note: str = "", icon: str = "", end: str = "", **attrs: Any
) -> SafeString:
    """One line of a list that leads somewhere."""
    shown = {"href": href, "title": title, "note": note, "icon": icon, "end": end}
    return render("row_link", attrs=attributes(attrs), **shown)


@register.simple_tag
def pager(url: str, left: int, noun: str = "", **attrs: Any) -> SafeString:
    """The rest of a list: how many are left."""
    if left <= 0:
        return SafeString("")
    return render("pager", url=url, left=left, noun=noun or _("dòng"), attrs=attributes(attrs))


@register.simple_tag
def room(room: parts.Room) -> SafeString:
    """One room of the strip of rooms."""
    return _room(room, get_language())


@lru_cache(maxsize=2048)
def _room(room: parts.Room, _language: str | None) -> SafeString:
    """Made once for the same values: a hospital's strip has fifty, of which one changes at a time. Names no patient."""
    return render("room", room=room, people=range(0, min(room.waiting, 12) * 7, 7))


@register.simple_tag
def sparkline(
    values: Sequence[float | int | Decimal],
    words: str,
    low: float | None = None,
    high: float | None = None,
) -> SafeString:
    """The course of a measure; a band shows the usual range, the last dot is hot outside it."""
    return render("sparkline", words=words, **_spark([float(value) for value in values], low, high))


def _spark(values: list[float], low: float | None, high: float | None) -> dict[str, Any]:
    """Points, band and last dot in a box of 92 by 30."""
    known = [*values, *(edge for edge in (low, high) if edge is not None)]
    least, most = min(known, default=0.0), max(known, default=1.0)
    span = (most - least) or 1.0

    def y(value: float) -> float:
        return round(26 - 22 * (value - least) / span, 1)

    step = 82 / max(len(values) - 1, 1)
    points = [(round(4 + step * at, 1), y(value)) for at, value in enumerate(values)]
    top, bottom = y(most if high is None else high), y(least if low is None else low)
    last = values[-1] if values else 0.0
    hot = (low is not None and last < low) or (high is not None and last > high)
    return {
        "points": " ".join(f"{across},{down}" for across, down in points),
        "last": points[-1] if points else None,
        "band": None if low is None and high is None else (top, round(bottom - top, 1)),
        "hot": hot,
    }
