"""Numbers, dates, names and codes as Vietnamese people write them (and as English readers do). Pure functions.

A no-break space stands before units, none before % and °C; the same functions serve pages, messages and print.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from yba.fhir.model.marks import without_marks

NBSP = "\u00a0"
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
WEEKDAYS = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
SHORT_WEEKDAYS = {
    "vi": ("Thứ 2", "Thứ 3", "Thứ 4", "Thứ 5", "Thứ 6", "Thứ 7", "CN"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
GENDERS = {
    "vi": {"male": "nam", "female": "nữ", "other": "khác", "unknown": "chưa rõ"},
    "en": {"male": "male", "female": "female", "other": "other", "unknown": "unknown"},
}
#: Degrees before a name, which are no part of it.
#: Letters of a family name and initials after it that a wall shows: none of Việt Nam's peoples has longer ones.
LONGEST_FAMILY: Final = 14
MOST_INITIALS: Final = 6
DEGREES = re.compile(
    r"^(?:(?:PGS|GS|TS|ThS|BSCKII|BSCKI|BSNT|BS|DSCKII|DSCKI|DS|CKII|CKI|ĐD|CN|KTV|NHS|YS)(?:\.\s*|\s+))+(?=\S)"
)


def money_plain(amount: int | Decimal, language: str = "vi") -> str:
    """Đồng in groups of three: ``1.234.567``."""
    text = f"{int(amount):,}"
    return text if language == "en" else text.replace(",", ".")


def money(amount: int | Decimal, language: str = "vi") -> str:
    """An amount in đồng with its unit: ``1.234.567 đ``."""
    return f"{money_plain(amount, language)}{NBSP}{'VND' if language == 'en' else 'đ'}"


def decimal(value: Decimal | int | str | float, language: str = "vi") -> str:
    """A measure as it was given, with the reader's decimal sign: ``80,10``."""
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return text if language == "en" else text.replace(".", ",")


def quantity(value: Decimal | int | str | float, unit: str, language: str = "vi") -> str:
    """A measure and its unit: ``17,5 kg``, ``95%``, ``38,6°C``."""
    unit = {"Cel": "°C", "mm[Hg]": "mmHg", "/min": "/phút" if language == "vi" else "/min"}.get(unit, unit)
    close = unit in ("%", "°C") or unit.startswith("/")
    return f"{decimal(value, language)}{'' if close or not unit else NBSP}{unit}"


def moment(text: str) -> datetime:
    """A FHIR instant as an aware time, UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def local_day(moment: datetime) -> date:
    """The day a moment belongs to, here."""
    return moment.astimezone(HANOI).date()


def as_date(value: date | datetime | str | None) -> date | None:
    """The day of a date, an aware time (here) or a full FHIR date text; ``None`` for less."""
    if isinstance(value, datetime):
        return local_day(value) if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    if not value or len(value) < 10:
        return None
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
        return as_date(datetime.fromisoformat(value.replace("Z", "+00:00")))
    except ValueError:
        return None


def as_time(value: datetime | str) -> datetime:
    """An aware time on this country's clock."""
    moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    return moment.astimezone(HANOI) if moment.tzinfo else moment


def ngay(value: date | datetime | str | None) -> str:
    """``05/09/1958``; of a partial FHIR date what is known: ``09/1958``, ``1958``."""
    day = as_date(value)
    if day:
        return f"{day.day:02}/{day.month:02}/{day.year:04}"
    return "/".join(reversed(str(value or "").split("-")))


def gio(value: datetime | str) -> str:
    """The time of day: ``9:30``; of a FHIR date without one, nothing."""
    if isinstance(value, str) and "T" not in value:
        return ""
    moment = as_time(value)
    return f"{moment.hour}:{moment.minute:02}"


def day_words(value: date | datetime | str, language: str = "vi") -> str:
    """``thứ Ba 24/11``."""
    day = as_date(value)
    return f"{WEEKDAYS[_known(language)][day.weekday()]} {day.day:02}/{day.month:02}" if day else ngay(value)


def when(value: datetime | str, language: str = "vi") -> str:
    """``9:30, thứ Ba 24/11``; of a FHIR date what is known of it."""
    return ", ".join(filter(None, (gio(value), day_words(value, language))))


def digits(text: str) -> str:
    """Only the digits."""
    return "".join(sign for sign in text if sign in "0123456789")


def phone_number(text: str) -> str:
    """The national form without spaces: ``+84 912-345-678`` and ``84912345678`` are ``0912345678``."""
    plain = digits(text)
    if text.strip().startswith("+84") or (plain.startswith("84") and len(plain) in (11, 12)):
        return f"0{plain[2:].lstrip('0')}"
    if plain.startswith("0084"):
        return f"0{plain[4:].lstrip('0')}"
    return plain


def phone(text: str) -> str:
    """``0912 345 678``; other lengths in groups from the right."""
    plain = phone_number(text)
    if len(plain) == 10:
        return f"{plain[:4]} {plain[4:7]} {plain[7:]}"
    if len(plain) == 11:
        return f"{plain[:4]} {plain[4:7]} {plain[7:]}"
    return plain or text


def citizen_number(text: str) -> str:
    """``046 158 000 123``."""
    plain = digits(text)
    return " ".join(plain[at : at + 3] for at in range(0, 12, 3)) if len(plain) == 12 else text


def insurance_card(text: str) -> str:
    """``HT 3 46 4612345678``; a card known by its last ten digits alone stays as it is."""
    plain = re.sub(r"[^0-9A-Z]", "", text.upper())
    return f"{plain[:2]} {plain[2]} {plain[3:5]} {plain[5:]}" if len(plain) == 15 else text


def months_between(born: date, today: date) -> int:
    """Full months of life."""
    return (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)


def age(born: date | str | None, today: date, language: str = "vi") -> str:
    """``68 tuổi``; under 72 months ``14 tháng``; under one month ``12 ngày``. Of a year alone, about."""
    english = language == "en"
    day = as_date(born)
    if day is None:
        year = str(born or "")[:4]
        if not year.isdigit():
            return ""
        return f"{today.year - int(year)}{NBSP}{'years' if english else 'tuổi'}"
    months = months_between(day, today)
    if months < 1:
        return f"{max((today - day).days, 0)}{NBSP}{'days' if english else 'ngày'}"
    if months < 72:
        return f"{months}{NBSP}{'months' if english else 'tháng'}"
    return f"{months // 12}{NBSP}{'years' if english else 'tuổi'}"


def gender(code: str | None, language: str = "vi") -> str:
    """The word for FHIR's administrative gender."""
    return GENDERS[_known(language)].get(code or "", "")


def bare_name(name: str) -> str:
    """The name without degrees: ``BSCKII. Trần Minh Khôi`` is ``Trần Minh Khôi``."""
    return DEGREES.sub("", without_marks(name).strip())


def initials(name: str) -> str:
    """Two letters for an avatar, of the family name and the given name: ``TK`` for Trần Minh Khôi."""
    parts = bare_name(name).split()
    return (parts[0][0] + (parts[-1][0] if len(parts) > 1 else "")).upper() if parts else ""


def short_name(name: str, gender: str | None = None, *, adult: bool = True, language: str = "vi") -> str:
    """For walls: family name and initials, with *Ông*, *Bà* or *Bé*: ``Ông Nguyễn H. P.``.

    A first word longer than any family name (``LONGEST_FAMILY``) is cut, so that it pushes nothing off the wall.
    """
    parts = bare_name(name).split()
    if not parts:
        return ""
    first = parts[0] if len(parts[0]) <= LONGEST_FAMILY else f"{parts[0][:LONGEST_FAMILY]}…"
    short = " ".join([first, *(f"{part[0].upper()}." for part in parts[1:MOST_INITIALS])])
    if language == "en":
        title = {"male": "Mr", "female": "Ms"}.get(gender or "", "") if adult else ""
    else:
        title = {"male": "Ông", "female": "Bà"}.get(gender or "", "") if adult else "Bé"
    return f"{title} {short}".strip()


def ticket(text: str) -> str:
    """A ticket number that never breaks over a line."""
    return text.replace(" ", NBSP)


def minutes(low: int, high: int | None = None, language: str = "vi") -> str:
    """A wait as a range: ``20–35 phút``."""
    unit = "min" if language == "en" else "phút"
    return f"{low}{NBSP}{unit}" if high is None or high == low else f"{low}–{high}{NBSP}{unit}"


def fold(text: str) -> str:
    """For comparing names: no case, no accents, đ is d."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return unicodedata.normalize("NFC", "".join(sign for sign in plain if not unicodedata.combining(sign)))


def _known(language: str) -> str:
    return "en" if language == "en" else "vi"
