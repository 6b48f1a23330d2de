"""The same words as `yba.ui.words`, in the language of the page being made.

For pages only: what is stored, sent by message or printed by law stays with `words`, in Vietnamese.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

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


def citizen_number(number: str, *, claimed: bool = False) -> str:
    """``CCCD 046 158 000 123``; of one nobody compared with a card, that it is so."""
    if not number:
        return ""
    shown = {"number": words.citizen_number(number)}
    return (_("CCCD %(number)s (tự khai, chưa xác minh)") if claimed else _("CCCD %(number)s")) % shown


def minutes(low: int, high: int | None = None) -> str:
    return words.minutes(low, high, language())
