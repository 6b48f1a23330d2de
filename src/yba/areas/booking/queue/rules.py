"""What reception decides: what was scanned, whether a booking may be checked in today, what a caller's words are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.areas.booking import rules as booking
from yba.care import identifiers
from yba.care.refusal import Refusal, refuse
from yba.fhir.r4.appointment import Appointment
from yba.ui import spoken, words
from yba.ui.words import local_day

Kind = Literal["nothing", "code", "ticket", "citizen-qr", "insurance-qr", "number", "name"]
CLOSED: Final = frozenset({"cancelled", "noshow", "entered-in-error"})
CROWDED: Final = 12
_TICKET: Final = re.compile(r"([A-Za-zĐđ]{1,2})\s?0*([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Scan:
    """What the one field of reception was given: a registration code, a card's QR, a number, a name ..."""

    kind: Kind
    value: str


def scan_of(text: str) -> Scan:
    """The kind of what was scanned or typed. A QR may hold the address of the booking's page: its end is the code."""
    text = " ".join(text.split()) if "|" not in text else text.strip()
    if not text:
        return Scan("nothing", "")
    if text.count("|") >= 5:
        first = text.split("|", 1)[0].strip()
        return Scan("citizen-qr" if re.fullmatch(r"[0-9]{12}", first) else "insurance-qr", text)
    if re.match(r"https?://", text):
        text = text.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
    code = identifiers.check_registration_code(text)
    if not isinstance(code, Refusal) and any(sign.isalpha() for sign in code.value):
        return Scan("code", code.value)
    found = _TICKET.fullmatch(text)
    if found:
        return Scan("ticket", f"{found[1].upper()} {int(found[2]):03}")
    compact = re.sub(r"[\s.\-+()]", "", text)
    if sum(sign.isdigit() for sign in compact) >= 9:
        return Scan("number", text)
    return Scan("name", text)


def check_in_refusal(appointment: Appointment, *, today: date) -> Refusal | None:
    """Why this booking can't be checked in now; None when it can. One already checked in has its ticket."""
    if appointment.status in booking.WAITING:
        return refuse(
            "queue.pending",
            _(
                "Lượt hẹn này chưa được xác nhận. Nhờ chăm sóc khách hàng xác nhận, hoặc tiếp nhận như khách tại quầy."
            ),
        )
    if appointment.status == "noshow":
        return refuse(
            "queue.missed",
            _(
                "Lượt hẹn này đã ghi là không đến. Người bệnh đến muộn thì tiếp nhận như khách tại quầy, rồi bỏ qua "
                "lượt lỡ ở trang Lượt không đến."
            ),
        )
    if appointment.status in CLOSED:
        return refuse(
            "queue.cancelled",
            _("Lượt hẹn này đã hủy. Nếu người bệnh vẫn muốn khám, tiếp nhận như khách tại quầy."),
        )
    if appointment.status == "fulfilled":
        return refuse(
            "queue.fulfilled", _("Lượt hẹn này đã khám xong. Khám thêm thì tiếp nhận như khách tại quầy.")
        )
    start = booking.moment(appointment.start) if appointment.start else None
    if start is None or local_day(start) != today:
        return refuse(
            "queue.other-day",
            _(
                "Lượt hẹn này là %(when)s, không phải hôm nay. Đổi lịch hẹn, hoặc tiếp nhận như khách tại quầy."
            ),
            when=spoken.when(start) if start else "–",
        )
    return None


def age_on(birth_date: str | None, day: date) -> int | None:
    """Whole years, of a year alone about; None when nothing is known."""
    born = words.as_date(birth_date)
    if born is not None:
        return words.months_between(born, day) // 12
    year = (birth_date or "")[:4]
    return day.year - int(year) if year.isdigit() else None


_SPOKEN: Final = dict(
    zip("0123456789", ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"), strict=True)
)


def spoken_call(*, letter: str, number: int, room: str) -> str:
    """What the wall says aloud, always in Vietnamese: ``Mời số B không hai bảy vào phòng 204``."""
    digits = " ".join(_SPOKEN[sign] for sign in f"{number:03}")
    return f"Mời số {letter} {digits} vào phòng {room}"
