"""The same words as `yba.ui.words`, in the language of the page being made.

For pages only: what is stored, sent by message or printed by law stays with `words`, in Vietnamese.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import get_language

from yba.ui import words


def language() -> str:
    """The reader's language: ``vi`` or ``en``."""
    return get_language() or "vi"


def money(amount: int | Decimal) -> str:
    return words.money(amount, language())


def money_plain(amount: int | Decimal) -> str:
    return words.money_plain(amount, language())


def decimal(value: Decimal | int | str | float) -> str:
    return words.decimal(value, language())


def quantity(value: Decimal | int | str | float, unit: str) -> str:
    return words.quantity(value, unit, language())


def day_words(value: date | datetime | str) -> str:
    return words.day_words(value, language())


def when(value: datetime | str) -> str:
    return words.when(value, language())


def age(born: date | str | None, today: date) -> str:
    return words.age(born, today, language())


def gender(code: str | None) -> str:
    return words.gender(code, language())


def minutes(low: int, high: int | None = None) -> str:
    return words.minutes(low, high, language())
