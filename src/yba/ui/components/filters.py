"""Filters: thin over `yba.ui.spoken` and `yba.ui.words`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from yba.ui import spoken, words
from yba.ui.components.rendering import register


@register.filter
def money(amount: int | Decimal | None) -> str:
    return "" if amount is None else spoken.money(amount)


@register.filter
def money_plain(amount: int | Decimal | None) -> str:
    return "" if amount is None else spoken.money_plain(amount)


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
    return spoken.when(value) if value else ""


@register.filter
def day_words(value: date | datetime | str | None) -> str:
    return spoken.day_words(value) if value else ""


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
    return "" if value is None else spoken.decimal(value)


@register.filter
def quantity(value: Decimal | int | str | None, unit: str = "") -> str:
    return "" if value is None else spoken.quantity(value, unit)


@register.filter
def age(born: date | str | None) -> str:
    return spoken.age(born, timezone.localdate())


@register.filter
def short_name(name: str | None, gender: str = "") -> str:
    return words.short_name(name or "", gender, language=spoken.language())
