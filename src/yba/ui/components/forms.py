"""Forms: fields, their errors, search while typing, days and times to pick."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.forms import (
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    Form,
    RadioSelect,
    Select,
    Textarea,
)
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from yba.ui import parts, spoken, words
from yba.ui.components.rendering import attributes, register, render, render_once, safe
from yba.ui.components.signs import icon


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
        return render("field_group", show=show or "choices", options=list(bound.subwidgets), **shown)
    described = [f"{control_id}-h"] if shown["help"] else []
    described += [f"{control_id}-e"] if bound.errors else [f"{control_id}-g"] if good else []
    own: dict[str, Any] = {k.replace("_", "-"): v for k, v in attrs.items() if v not in (None, False, "")}
    own["aria-describedby"] = " ".join(described) or False
    if bound.errors:
        own["aria-invalid"] = "true"
    if isinstance(widget, CheckboxInput):
        return render("field_check", control=bound.as_widget(attrs=own), **shown)
    lined = show == "lined" and isinstance(widget, Textarea)
    classes = "lined" if lined else f"input {widget.attrs.get('class', '')} {own.pop('class', '')}"
    own["class"] = " ".join(classes.split())
    if isinstance(widget, Textarea):
        own.setdefault("rows", "3")
        if widget.attrs.get("cols") == "40":
            own["cols"] = False
    unit = unit or str(widget.attrs.get("data-unit", ""))
    control = bound.as_widget(attrs=own)
    return render("field", control=control, unit=unit, select=isinstance(widget, Select), **shown)


@register.simple_tag
def error_summary(form: Form) -> SafeString:
    """On top of a form after a submit: how many places, each a link; takes focus."""
    if not form.errors:
        return SafeString("")
    named = [
        (bound.id_for_label or bound.auto_id, bound.label, error) for bound in form for error in bound.errors
    ]
    general = list(form.non_field_errors())
    return render("error_summary", named=named, general=general, count=len(named) + len(general))


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
    return render(
        "search_as_you_type", hide_label=hide_label, id=f"{name}-find", attrs=attributes(attrs), **values
    )


@register.simple_tag
def search_option(value: str, text: str, note: str = "", code: str = "", **attrs: Any) -> SafeString:
    """One answer of a search."""
    shown = {"value": value, "text": text, "note": note, "code": code}
    return render("search_option", id=f"option-{uuid.uuid4().hex[:8]}", attrs=attributes(attrs), **shown)


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
    return render("date_field", year_only=year_only, attrs=attributes(attrs), **shown)


@register.simple_tag
def days_grid(name: str, days: Iterable[parts.Day], value: str = "", legend: str = "") -> SafeString:
    """A grid of days, what is left under each."""
    language = "en" if spoken.language() == "en" else "vi"
    inside = "".join(
        [_day(name, one, words.SHORT_WEEKDAYS[language][one.day.weekday()], value) for one in days]
    )
    return format_html(
        '<fieldset><legend class="question">{}</legend><div class="days">{}</div></fieldset>',
        legend or _("Ngày nào?"),
        safe(inside),
    )


def _day(name: str, day: parts.Day, weekday: str, value: str) -> str:
    """A day of the grid, by hand as the times are: a month of them was a tenth of the page's time."""
    own, asked = escape(f"{name}-{day.value}"), " checked" if day.value == value else ""
    shut = " disabled" if day.disabled else ""
    note = f"<small>{escape(day.note)}</small>" if day.note else ""
    return (
        f'<div class="pick"><input type="radio" name="{escape(name)}" id="{own}" value="{escape(day.value)}" required'
        f'{asked}{shut}><label for="{own}"><small>{escape(weekday)}</small><b>{day.day.day}</b>{note}</label></div>'
    )


@register.simple_tag
def slots_grid(name: str, slots: Iterable[parts.Slot], value: str = "", legend: str = "") -> SafeString:
    """A grid of times, morning and afternoon apart; taken ones struck through."""
    timed = [(slot, words.as_time(slot.start)) for slot in slots]
    morning = [(slot, words.gio(at)) for slot, at in timed if at.hour < 12]
    afternoon = [(slot, words.gio(at)) for slot, at in timed if at.hour >= 12]
    groups = [("sunrise", _("Buổi sáng"), morning), ("sun", _("Buổi chiều"), afternoon)]
    parts_of_day = "".join(
        f'<p class="slots-part">{icon(symbol)}{escape(part)}</p><div class="slots">'
        + "".join([_slot(name, slot, time, value) for slot, time in own])
        + "</div>"
        for symbol, part, own in groups
        if own
    )
    return format_html(
        '<fieldset><legend class="question">{}</legend>{}</fieldset>',
        legend or _("Mấy giờ?"),
        safe(parts_of_day),
    )


def _slot(name: str, slot: parts.Slot, time: str, value: str) -> str:
    """A time to pick (as ``slot.html`` has it for a few)."""
    own, asked = escape(f"{name}-{slot.value}"), " checked" if slot.value == value else ""
    note, shut = (
        f" <small>{escape(slot.note)}</small>" if slot.note else "",
        " disabled" if slot.disabled else "",
    )
    if slot.disabled:
        note = f'<span class="visually-hidden">{escape(_(", đã có người đặt"))}</span>'
    return (
        f'<div class="pick"><input type="radio" name="{escape(name)}" id="{own}" value="{escape(slot.value)}" required'
        f'{asked}{shut}><label for="{own}">{icon("check")}{escape(time)}{note}</label></div>'
    )


@register.simple_tag
def time_picks(name: str, times: Iterable[parts.Slot], value: str = "", legend: str = "") -> SafeString:
    """A few times in one line."""
    pairs = [(slot, words.gio(slot.start)) for slot in times]
    return render("time_picks", name=name, times=pairs, value=value, legend=legend or _("Giờ khám"))


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
    return render_once("find", icon=icon, key=key, go=go, attrs=attributes(attrs), **shown)


@register.simple_block_tag
def foot_bar(content: str, title: str, note: str = "", label: str = "") -> SafeString:
    """What one has chosen, and the one main button."""
    inner = safe(content)
    return render("foot_bar", title=title, note=note, label=label or title, content=inner)
