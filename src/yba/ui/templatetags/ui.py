"""The components as template tags: one function, one template, one stylesheet each. Listed in ``yba/ui/README.md``."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from typing import Any

import segno
from django import template
from django.contrib.messages import get_messages
from django.forms import (
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    Form,
    RadioSelect,
    Select,
    Textarea,
)
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from yba.ui import live as live_topics
from yba.ui import parts, words

register = template.Library()

ACTS = "<!--acts-->"
TEAR = "<!--tear-->"
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
ALERT_ICONS = {"": "info", "danger": "triangle-alert", "caution": "triangle-alert", "good": "check"}


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


def _language() -> str:
    return get_language() or "vi"


def _render(component: str, /, **values: Any) -> SafeString:
    return _safe(render_to_string(f"ui/components/{component}.html", values))


def _safe(html: object) -> SafeString:
    """Markup our own templates made, or the escaped inside of a block tag."""
    return mark_safe(str(html))  # noqa: S308 - the one place; every caller passes escaped markup


def _split(content: str, mark: str) -> tuple[SafeString, SafeString]:
    before, _mark, after = content.partition(mark)
    return _safe(before.strip()), _safe(after.strip())


def _attrs(attrs: Mapping[str, Any]) -> SafeString:
    """HTML attributes from keyword arguments: ``_`` is ``-``; True is bare; None, False and "" leave it out."""
    spelled = {"opens": "data-opens", "closes": "data-closes", "class_": "class"}
    kept = [(spelled.get(k, k.replace("_", "-")), v) for k, v in attrs.items() if v not in (None, False, "")]
    return format_html_join(
        "", "{}", ((format_html(" {}", k) if v is True else format_html(' {}="{}"', k, v),) for k, v in kept)
    )


def _list(items: str | Sequence[Any]) -> list[Any]:
    return [part.strip() for part in items.split("|")] if isinstance(items, str) else list(items)


# -- marks inside blocks ---------------------------------------------------------------------------


@register.simple_tag
def acts() -> SafeString:
    """From here on the block holds its buttons."""
    return _safe(ACTS)


@register.simple_tag
def tear() -> SafeString:
    """From here on the ticket is its stub."""
    return _safe(TEAR)


# -- small signs -----------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, big: bool = False, label: str = "") -> SafeString:
    """A Lucide icon; with ``label`` it stands alone and has a name."""
    return _icon(str(name), bool(big), str(label))


@lru_cache(maxsize=512)
def _icon(name: str, big: bool, label: str) -> SafeString:
    name = RENAMED_ICONS.get(name, name)
    named = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    classes = "icon icon-big" if big else "icon"
    return _safe(lucide(name, size=None, stroke_width="1.75", **{"class": classes}, **named))


@register.simple_tag
def mark_shape() -> SafeString:
    """The mark of the house: a label with a Y."""
    return _render("mark")


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
    return _render("button", classes=" ".join(classes), attrs=_attrs(attrs), **values)


@register.simple_tag
def status(kind: str, text: str = "") -> SafeString:
    """A status: shape, word, then colour."""
    return _render("status", kind=kind, text=text or _status_word(kind), icon=STATUS_ICONS.get(kind, ""))


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


# -- paper -----------------------------------------------------------------------------------------


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
    body, stub = _split(content, TEAR)
    captions = {
        "caption": _("Số thứ tự") if caption is None else caption,
        "place_caption": _("Phòng") if place_caption is None else place_caption,
    }
    number = words.ticket(str(number))
    return _render(
        "ticket", body=body, stub=stub, number=number, place=place, attrs=_attrs(attrs), **captions
    )


@register.simple_tag
def ahead(first: str, you: str, count: int) -> SafeString:
    """The people before you, drawn one by one, up to 12."""
    return _render("ahead", first=words.ticket(first), you=words.ticket(you), people=range(min(count, 12)))


@register.simple_block_tag
def label(content: str, name: str = "", facts: str = "", heading: str = "h1") -> SafeString:
    """Whose book this is."""
    tag = heading if heading in ("h1", "h2", "h3", "p") else "p"
    return _render("label", name=name, facts=facts, tag=tag, content=_safe(content.strip()))


@register.simple_tag
def index_tabs(tabs: Iterable[parts.Tab], add_url: str = "") -> SafeString:
    """Whose book is open, and the others of the family."""
    return _render("index_tabs", tabs=tabs, add_url=add_url)


@register.simple_block_tag
def person_banner(content: str, person: parts.Person) -> SafeString:
    """The one the page speaks of: name, then allergies, then the rest."""
    return _render("person_banner", person=person, content=_safe(content.strip()))


@register.simple_block_tag
def timeline(content: str) -> SafeString:
    """Dates in the margin, words at the right."""
    return format_html('<ol class="timeline">{}</ol>', _safe(content))


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
    note = _safe(content.strip())
    return _render("timeline_entry", upper=upper, lower=lower, title=title, href=href, note=note)


@register.simple_tag
def stepper(steps: str | Sequence[str], current: int) -> SafeString:
    """Where one is in a task of several steps; counted from 1."""
    states = [
        "done" if at < current else "now" if at == current else "" for at in range(1, len(_list(steps)) + 1)
    ]
    return _render("stepper", steps=list(zip(_list(steps), states, strict=True)))


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
    return _render("print_sheet", content=_safe(content), size=size, **values)


@register.simple_tag
def qr(text: str, label: str) -> SafeString:
    """A QR code as SVG, without inline style."""
    out = BytesIO()
    segno.make(text, error="m", micro=False).save(
        out,
        kind="svg",
        xmldecl=False,
        svgns=False,
        nl=False,
        omitsize=True,
        svgclass="qr",
        lineclass=None,
        light="#fff",
    )
    svg = out.getvalue().decode()
    return _safe(svg.replace("<svg", f'<svg role="img" aria-label="{conditional_escape(label)}"', 1))


# -- what is said ----------------------------------------------------------------------------------


@register.simple_block_tag
def alert(
    content: str, kind: str = "", title: str = "", icon: str = "", role: str = "", **attrs: Any
) -> SafeString:
    """In the place it speaks of: icon, what, why, what now."""
    body, buttons = _split(content, ACTS)
    shown = {"kind": kind, "title": title, "icon": icon or ALERT_ICONS.get(kind, "info")}
    return _render("alert", body=body, acts=buttons, attrs=_attrs({"role": role, **attrs}), **shown)


@register.simple_block_tag
def dialog(content: str, id: str, title: str) -> SafeString:
    """A question before something that harms or cannot be undone."""
    body, buttons = _split(content, ACTS)
    return _render("dialog", id=id, title=title, body=body, acts=buttons)


@register.simple_block_tag
def blank(content: str, title: str, icon: str = "", role: str = "", heading: str = "h3") -> SafeString:
    """Nothing here yet, or nothing came: what will be here, and the first act. ``heading``: ``h2`` right under h1."""
    body, buttons = _split(content, ACTS)
    return _render("blank", title=title, icon=icon, role=role, body=body, acts=buttons, heading=heading)


@register.simple_tag(takes_context=True)
def toast(context: template.Context, text: str, undo: str = "") -> SafeString:
    """One line at the bottom, with a way back when there is one."""
    return _render("toast", text=text, undo=undo, csrf_token=context.get("csrf_token"))


@register.simple_tag(takes_context=True)
def notices(context: template.Context) -> SafeString:
    """Django's messages: alerts in place, toasts for what carries the tag ``toast``."""
    request = context.get("request")
    kinds = {"error": "danger", "warning": "caution", "success": "good"}
    alerts, toasts = [], []
    for message in get_messages(request) if request else ():
        tags = (message.extra_tags or "").split()
        undo = next((tag.removeprefix("undo:") for tag in tags if tag.startswith("undo:")), "")
        if "toast" in tags:
            toasts.append({"text": message.message, "undo": undo})
        else:
            kind = kinds.get(message.level_tag, "")
            alerts.append({"text": message.message, "kind": kind, "icon": ALERT_ICONS[kind]})
    return _render("notices", alerts=alerts, toasts=toasts, csrf_token=context.get("csrf_token"))


@register.simple_tag
def ghost(label: str, lines: int = 5) -> SafeString:
    """Loading: pale lines where words will be."""
    return _render("ghost", label=label, lines=range(lines))


@register.simple_tag
def offline(text: str) -> SafeString:
    """One line while there is no network."""
    return format_html('<p class="offline" role="status">{}{}</p>', icon("wifi-off"), text)


# -- forms -----------------------------------------------------------------------------------------


@register.simple_tag
def field(
    bound: BoundField,
    show: str = "",
    unit: str = "",
    optional: bool | None = None,
    label: str = "",
    help: str = "",  # HTML's own word
    good: str = "",
    **attrs: Any,
) -> SafeString:
    """A Django field: label, help, control, error, in this order."""
    widget = bound.field.widget
    if bound.is_hidden:
        return bound.as_widget()
    control_id = bound.id_for_label or bound.auto_id or bound.html_name
    shown = {
        "bound": bound,
        "id": control_id,
        "label": label or bound.label,
        "help": help or bound.help_text,
        "good": good,
        "optional": not bound.field.required if optional is None else optional,
        "errors": bound.errors,
    }
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        return _render("field_group", show=show or "choices", options=list(bound.subwidgets), **shown)
    described = [f"{control_id}-h"] if shown["help"] else []
    described += [f"{control_id}-e"] if bound.errors else [f"{control_id}-g"] if good else []
    own: dict[str, Any] = {k.replace("_", "-"): v for k, v in attrs.items() if v not in (None, False, "")}
    own["aria-describedby"] = " ".join(described) or False
    if bound.errors:
        own["aria-invalid"] = "true"
    if isinstance(widget, CheckboxInput):
        return _render("field_check", control=bound.as_widget(attrs=own), **shown)
    lined = show == "lined" and isinstance(widget, Textarea)
    classes = "lined" if lined else f"input {widget.attrs.get('class', '')} {own.pop('class', '')}"
    own["class"] = " ".join(classes.split())
    if isinstance(widget, Textarea):
        own.setdefault("rows", "3")
        if widget.attrs.get("cols") == "40":
            own["cols"] = False
    unit = unit or str(widget.attrs.get("data-unit", ""))
    control = bound.as_widget(attrs=own)
    return _render("field", control=control, unit=unit, select=isinstance(widget, Select), **shown)


@register.simple_tag
def error_summary(form: Form) -> SafeString:
    """On top of a form after a submit: how many places, each a link; takes focus."""
    if not form.errors:
        return SafeString("")
    named = [
        (bound.id_for_label or bound.auto_id, bound.label, error) for bound in form for error in bound.errors
    ]
    general = list(form.non_field_errors())
    return _render("error_summary", named=named, general=general, count=len(named) + len(general))


@register.simple_tag
def search_as_you_type(
    name: str,
    label: str,
    url: str,
    value: str = "",
    text: str = "",
    placeholder: str = "",
    key: str = "",
    icon: str = "search",
    help: str = "",  # HTML's own word
    hide_label: bool = False,
    error: str = "",
    **attrs: Any,
) -> SafeString:
    """A combobox over answers the server sends as one types; without a script the typed words are posted."""
    values = {
        "name": name,
        "label": label,
        "url": url,
        "value": value,
        "text": text,
        "placeholder": placeholder,
    }
    values |= {"key": key, "icon": icon, "help": help, "error": error}
    return _render(
        "search_as_you_type", hide_label=hide_label, id=f"{name}-find", attrs=_attrs(attrs), **values
    )


@register.simple_tag
def search_option(value: str, text: str, note: str = "", code: str = "", **attrs: Any) -> SafeString:
    """One answer of a search."""
    shown = {"value": value, "text": text, "note": note, "code": code}
    return _render("search_option", id=f"option-{uuid.uuid4().hex[:8]}", attrs=_attrs(attrs), **shown)


@register.simple_tag
def search_none(text: str) -> SafeString:
    """No answer: what to try."""
    return format_html('<li class="option-none" role="presentation">{}</li>', text)


@register.simple_tag
def date_field(
    name: str,
    label: str,
    value: date | str = "",
    help: str = "",  # HTML's own word
    error: str = "",
    year_only: bool = False,
    **attrs: Any,
) -> SafeString:
    """A typed day without a Django form."""
    shown = {"name": name, "label": label, "value": words.ngay(value), "help": help, "error": error}
    return _render("date_field", year_only=year_only, attrs=_attrs(attrs), **shown)


@register.simple_tag
def days_grid(name: str, days: Iterable[parts.Day], value: str = "", legend: str = "") -> SafeString:
    """A grid of days, what is left under each."""
    language = "en" if _language() == "en" else "vi"
    rows = [(day, words.SHORT_WEEKDAYS[language][day.day.weekday()]) for day in days]
    return _render("days_grid", name=name, days=rows, value=value, legend=legend or _("Ngày nào?"))


@register.simple_tag
def slots_grid(name: str, slots: Iterable[parts.Slot], value: str = "", legend: str = "") -> SafeString:
    """A grid of times, morning and afternoon apart; taken ones struck through."""
    timed = [(slot, words.as_time(slot.start)) for slot in slots]
    morning = [(slot, words.gio(at)) for slot, at in timed if at.hour < 12]
    afternoon = [(slot, words.gio(at)) for slot, at in timed if at.hour >= 12]
    groups = [("sunrise", _("Buổi sáng"), morning), ("sun", _("Buổi chiều"), afternoon)]
    kept = [group for group in groups if group[2]]
    return _render("slots_grid", name=name, groups=kept, value=value, legend=legend or _("Mấy giờ?"))


@register.simple_tag
def time_picks(name: str, times: Iterable[parts.Slot], value: str = "", legend: str = "") -> SafeString:
    """A few times in one line."""
    pairs = [(slot, words.gio(slot.start)) for slot in times]
    return _render("time_picks", name=name, times=pairs, value=value, legend=legend or _("Giờ khám"))


@register.simple_tag
def find(
    name: str,
    label: str,
    action: str = "",
    value: str = "",
    placeholder: str = "",
    icon: str = "search",
    key: str = "/",
    go: str = "",
    **attrs: Any,
) -> SafeString:
    """A search line, a form of its own; ``/`` goes there."""
    shown = {"name": name, "label": label, "action": action, "value": value, "placeholder": placeholder}
    return _render("find", icon=icon, key=key, go=go, attrs=_attrs(attrs), **shown)


@register.simple_block_tag
def foot_bar(content: str, title: str, note: str = "", label: str = "") -> SafeString:
    """What one has chosen, and the one main button."""
    inner = _safe(content)
    return _render("foot_bar", title=title, note=note, label=label or title, content=inner)


# -- lists, tables, figures ------------------------------------------------------------------------


@register.simple_tag
def doctor_row(doctor: parts.Doctor) -> SafeString:
    """One line of the directory of doctors."""
    return _render("doctor_row", doctor=doctor)


@register.simple_block_tag
def table(content: str, caption: str, columns: str | Sequence[str], folds: bool = False) -> SafeString:
    """A table in its wrap; a column named ``#Chờ`` holds numbers. ``folds``: on a phone a row is a paragraph."""
    heads = [(head.removeprefix("#"), head.startswith("#")) for head in (str(one) for one in _list(columns))]
    if folds:
        content = _with_heads(content, [head for head, _number in heads])
    return _render("table", caption=caption, heads=heads, content=_safe(content), folds=folds)


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
        _safe(content),
    )


@register.simple_tag
def tabs(label: str, items: Iterable[parts.Tab]) -> SafeString:
    """Views of the same list."""
    return _render("tabs", label=label, items=items)


@register.simple_tag
def pairs(items: Iterable[tuple[str, Any]]) -> SafeString:
    """Names and values; empty values are left out."""
    return _render("pairs", items=[(name, value) for name, value in items if value not in (None, "")])


@register.simple_tag
def sum(  # the face's own word for lines of money
    lines: Iterable[tuple[str, int | Decimal]], total: int | Decimal | None = None, total_label: str = ""
) -> SafeString:
    """Lines of money and their total."""
    spoken = [(name, words.money(amount, _language())) for name, amount in lines]
    whole = "" if total is None else words.money(total, _language())
    return _render("sum", lines=spoken, total=whole, total_label=total_label or _("Tổng cộng"))


@register.simple_tag
def figures(items: Iterable[tuple[str, Any, str]]) -> SafeString:
    """Numbers worth reading from afar: label, number, note."""
    return _render("figures", items=items)


@register.simple_tag
def vitals(items: Iterable[parts.Vital]) -> SafeString:
    """A strip of measures."""
    shown = [(item, words.decimal(item.value, _language()), item.unit in ("%", "°C")) for item in items]
    return _render("vitals", items=shown)


@register.simple_tag
def chip(
    text: str, code: str = "", main: bool = False, remove: str = "", remove_label: str = "", **attrs: Any
) -> SafeString:
    """A code that can be taken off; stands in ``<ul class="cluster chips">``."""
    name = remove_label or _("Bỏ %(what)s") % {"what": code or text}
    shown = {"text": text, "code": code, "main": main, "remove": remove, "remove_label": name}
    return _render("chip", attrs=_attrs({"name": "remove", **attrs}), **shown)


@register.simple_block_tag
def drug_line(
    content: str, number: int, name: str, amount: str, how: str = "", current: bool = False
) -> SafeString:
    """A line of a prescription; an alert may stand inside."""
    shown = {"number": number, "name": name, "amount": amount, "how": how, "current": current}
    return _render("drug_line", content=_safe(content.strip()), **shown)


@register.simple_block_tag
def rows(content: str, sheet: bool = True, ordered: bool = False) -> SafeString:
    """A ruled list."""
    tag = _safe("ol" if ordered else "ul")
    classes = "sheet rows" if sheet else "rows"
    return format_html('<{} class="{}">{}</{}>', tag, classes, _safe(content), tag)


@register.simple_tag
def row_link(
    href: str, title: str, note: str = "", icon: str = "", end: str = "", **attrs: Any
) -> SafeString:
    """One line of a list that leads somewhere."""
    shown = {"href": href, "title": title, "note": note, "icon": icon, "end": end}
    return _render("row_link", attrs=_attrs(attrs), **shown)


@register.simple_tag
def pager(url: str, left: int, noun: str = "", **attrs: Any) -> SafeString:
    """The rest of a list: how many are left."""
    if left <= 0:
        return SafeString("")
    return _render("pager", url=url, left=left, noun=noun or _("dòng"), attrs=_attrs(attrs))


@register.simple_tag
def room(room: parts.Room) -> SafeString:
    """One room of the strip of rooms."""
    return _render("room", room=room, people=range(0, min(room.waiting, 12) * 7, 7))


@register.simple_tag
def sparkline(
    values: Sequence[float | int | Decimal],
    words: str,
    low: float | None = None,
    high: float | None = None,
) -> SafeString:
    """The course of a measure; a band shows the usual range, the last dot is hot outside it."""
    return _render("sparkline", words=words, **_spark([float(value) for value in values], low, high))


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


# -- filters: thin over `words` --------------------------------------------------------------------


@register.filter
def money(amount: int | Decimal | None) -> str:
    return "" if amount is None else words.money(amount, _language())


@register.filter
def money_plain(amount: int | Decimal | None) -> str:
    return "" if amount is None else words.money_plain(amount, _language())


@register.filter
def ngay(value: date | datetime | str | None) -> str:
    return words.ngay(value)


@register.filter
def fhir_day(value: str | None) -> str:
    return words.ngay(value)


@register.filter
def gio(value: datetime | str | None) -> str:
    return words.gio(value) if value else ""


@register.filter
def when(value: datetime | str | None) -> str:
    return words.when(value, _language()) if value else ""


@register.filter
def day_words(value: date | datetime | str | None) -> str:
    return words.day_words(value, _language()) if value else ""


@register.filter
def phone(text: str | None) -> str:
    return words.phone(text or "")


@register.filter
def citizen_number(text: str | None) -> str:
    return words.citizen_number(text or "")


@register.filter
def insurance_card(text: str | None) -> str:
    return words.insurance_card(text or "")


@register.filter
def decimal(value: Decimal | int | str | None) -> str:
    return "" if value is None else words.decimal(value, _language())


@register.filter
def quantity(value: Decimal | int | str | None, unit: str = "") -> str:
    return "" if value is None else words.quantity(value, unit, _language())


@register.filter
def age(born: date | str | None) -> str:
    return words.age(born, timezone.localdate(), _language())


@register.filter
def gender(code: str | None) -> str:
    return words.gender(code, _language())


@register.filter
def initials(name: str | None) -> str:
    return words.initials(name or "")


@register.filter
def short_name(name: str | None, gender: str = "") -> str:
    return words.short_name(name or "", gender, language=_language())


@register.filter
def minutes(pair: tuple[int, int]) -> str:
    return words.minutes(*pair, language=_language())
