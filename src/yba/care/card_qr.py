"""Text of the QR codes on citizen cards and insurance cards, read into values.

Field orders as observed on cards; a newer card may append fields, so more than expected is accepted.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _

from yba.care.identifiers import Gender, InsuranceCard, check_citizen_number, check_insurance_card
from yba.care.names import tidy_name
from yba.care.refusal import Refusal, refuse

_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class CitizenCard:
    """What the QR of a citizen card says; dates are FHIR dates (birth may be a year or a month only)."""

    number: str
    old_number: str
    name: str
    birth_date: str
    gender: Gender
    address: str
    issued: str
    warnings: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class InsuranceQr:
    """What the QR of an insurance card says; dates are FHIR dates, empty where the card has none."""

    card: InsuranceCard
    name: str
    birth_date: str
    gender: Gender
    address: str
    first_facility: str
    valid_from: str
    valid_to: str
    five_years_from: str
    warnings: tuple[Refusal, ...] = ()


def parse_citizen_qr(text: str, *, today: date) -> CitizenCard | Refusal:
    """``số CCCD|số CMND|họ tên|ngày sinh|giới tính|địa chỉ|ngày cấp``; birth is ddmmyyyy, mmyyyy or yyyy."""
    fields = _fields(text)
    if isinstance(fields, Refusal):
        return fields
    if len(fields) < 7:
        return refuse(
            "qr.citizen.fields",
            _(
                "Mã QR căn cước phải có 7 phần, mã vừa quét có %(count)s. Hãy quét lại mặt có mã QR hoặc "
                "nhập tay."
            ),
            count=len(fields),
        )
    number, old, name, birth, sex, address, issued = fields[:7]
    gender = {"nam": "male", "nữ": "female"}.get(unicodedata.normalize("NFC", sex).lower())
    birth_date = _compact_date(birth)
    if not name:
        return refuse("qr.citizen.name", _("Mã QR căn cước không có họ tên. Hãy quét lại hoặc nhập tay."))
    if birth_date is None:
        return refuse(
            "qr.citizen.birth",
            _("Ngày sinh “%(text)s” trong mã QR không có thật. Hãy nhập tay theo thẻ."),
            text=birth,
        )
    if birth_date > today.isoformat()[: len(birth_date)]:
        return refuse(
            "qr.citizen.birth-future", _("Ngày sinh trong mã QR ở tương lai. Hãy nhập tay theo thẻ.")
        )
    if gender is None:
        return refuse(
            "qr.citizen.sex",
            _("Giới tính “%(text)s” trong mã QR không hiểu được. Hãy nhập tay theo thẻ."),
            text=sex,
        )
    checked = check_citizen_number(number, gender=gender, birth_date=birth_date)
    if isinstance(checked, Refusal):
        return checked
    day = _compact_date(issued) if issued else ""
    if day is None:
        return refuse(
            "qr.citizen.issued",
            _("Ngày cấp “%(text)s” trong mã QR không có thật. Hãy nhập tay theo thẻ."),
            text=issued,
        )
    doubts = checked.warnings
    if old and not re.fullmatch(r"[0-9]{9}|[0-9]{12}", old):
        doubts += (
            refuse(
                "qr.citizen.old", _("Số chứng minh nhân dân cũ trong mã QR không đúng dạng nên được bỏ qua.")
            ),
        )
        old = ""
    return CitizenCard(
        checked.value,
        old,
        tidy_name(name),
        birth_date,
        "female" if gender == "female" else "male",
        address,
        day,
        doubts,
    )


def parse_insurance_qr(text: str, *, today: date) -> InsuranceQr | Refusal:
    """The ``|`` separated text of an insurance card; names and address are UTF-8 written as hexadecimal."""
    fields = _fields(text.strip().removesuffix("$").removesuffix("|"))
    if isinstance(fields, Refusal):
        return fields
    if len(fields) < 8:
        return refuse(
            "qr.insurance.fields",
            _(
                "Mã QR thẻ bảo hiểm y tế phải có ít nhất 8 phần, mã vừa quét có %(count)s. Hãy quét lại "
                "hoặc nhập tay."
            ),
            count=len(fields),
        )
    fields += [""] * (14 - len(fields))
    card = check_insurance_card(fields[0])
    if isinstance(card, Refusal):
        return card
    name, address = _from_hex(fields[1]), _from_hex(fields[4])
    if not name or address is None:
        return refuse("qr.insurance.name", _("Họ tên trong mã QR thẻ không đọc được. Hãy nhập tay theo thẻ."))
    birth, start, end, five = (_slash_date(fields[i]) for i in (2, 6, 7, 12))
    if not birth or birth > today.isoformat()[: len(birth)]:
        return refuse(
            "qr.insurance.birth",
            _("Mã QR của thẻ ghi ngày sinh “%(text)s”, không đọc được. Nhập tay theo thẻ."),
            text=fields[2],
        )
    if start is None or end is None:
        return refuse("qr.insurance.period", _("Không đọc được thời hạn thẻ trong mã QR. Nhập tay theo thẻ."))
    gender: Gender = "male" if fields[3] == "1" else "female" if fields[3] == "2" else "unknown"
    return InsuranceQr(
        card, tidy_name(name), birth, gender, address, fields[5], start, end, five or "", card.warnings
    )


def _fields(text: str) -> list[str] | Refusal:
    text = text.strip()
    if not text:
        return refuse("qr.empty", _("Chưa có nội dung mã QR. Hãy quét lại hoặc nhập tay."))
    if len(text) > _LONGEST or any(unicodedata.category(c) == "Cc" for c in text):
        return refuse("qr.strange", _("Nội dung này không phải mã QR của thẻ. Hãy quét lại hoặc nhập tay."))
    return [unicodedata.normalize("NFC", part.strip()) for part in text.split("|")]


def _compact_date(text: str) -> str | None:
    """ddmmyyyy, mmyyyy or yyyy as a FHIR date; None when no such day."""
    if not re.fullmatch(r"[0-9]{4}|[0-9]{6}|[0-9]{8}", text):
        return None
    year, month, day = text[-4:], text[-6:-4] or None, text[-8:-6] or None
    return _real_date(year, month, day)


def _slash_date(text: str) -> str | None:
    """dd/mm/yyyy, mm/yyyy or yyyy as a FHIR date; empty stays empty; None when no such day."""
    if text in ("", "-"):
        return ""
    match = re.fullmatch(r"(?:(?:([0-9]{1,2})/)?([0-9]{1,2})/)?([0-9]{4})", text)
    if not match:
        return None
    return _real_date(match[3], match[2] and match[2].zfill(2), match[1] and match[1].zfill(2))


def _real_date(year: str, month: str | None, day: str | None) -> str | None:
    if day == "00" and month == "00":
        day = month = None
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(part for part in (year, month, day) if part)


def _from_hex(text: str) -> str | None:
    """UTF-8 in hexadecimal; text that is not hexadecimal is taken as it is (some printers write it
    plainly)."""
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", text):
        return text
    try:
        return unicodedata.normalize("NFC", bytes.fromhex(text).decode("utf-8"))
    except UnicodeDecodeError:
        return None
