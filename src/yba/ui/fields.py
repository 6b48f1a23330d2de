"""Form fields for what Vietnamese people type: dates, phones, card numbers, money, decimals.

Each accepts the usual ways of writing, keeps one form, and on error says what is wrong and what is right.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from yba.ui import spoken, words


class DateField(forms.CharField):
    """A day as ``05/09/1958``, ``5/9/58``, ``05-09-1958``, ``5.9.1958`` or ``05091958``.

    With ``year_only`` also ``1958``. Cleans to a ``date``; a year alone to the text ``"1958"``, as FHIR
    writes it; empty to ``None``.
    """

    def __init__(
        self, *, year_only: bool = False, not_future: bool = False, not_past: bool = False, **kwargs: Any
    ) -> None:
        self.year_only = year_only
        self.not_future = not_future
        self.not_past = not_past
        kwargs.setdefault("widget", forms.TextInput)
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {
            **super().widget_attrs(widget),
            "class": "input-date",
            "inputmode": "numeric",
            "data-mask": "date",
            "placeholder": gettext_lazy("ngày/tháng/năm"),
            "maxlength": "10",
        }

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, date):
            return words.ngay(value)
        return (
            words.ngay(value) if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) else value
        )

    def to_python(self, value: Any) -> Any:
        if isinstance(value, date):
            return value
        text = str(value or "").strip()
        if not text:
            return None
        if self.year_only and re.fullmatch(r"(1[89]|20)\d\d", text):
            return text
        return read_date(text, newest=timezone.localdate() if not self.not_past else None)

    def validate(self, value: Any) -> None:
        if self.required and value is None:
            raise ValidationError(_("Chưa có ngày. Viết ngày/tháng/năm, ví dụ 05/09/1958."), code="required")
        today = timezone.localdate()
        if self.not_future and (
            value > today if isinstance(value, date) else bool(value) and int(value) > today.year
        ):
            raise ValidationError(
                _("Ngày này còn ở phía trước. Hôm nay là %(today)s.") % {"today": words.ngay(today)},
                code="future",
            )
        if self.not_past and isinstance(value, date) and value < today:
            raise ValidationError(
                _("Ngày này đã qua. Hôm nay là %(today)s.") % {"today": words.ngay(today)}, code="past"
            )


def read_date(text: str, newest: date | None = None) -> date:
    """The day people meant; a year of two digits is the latest not after ``newest`` (else this century).

    Raises ``ValidationError`` with a sentence.
    """
    parts = [part for part in re.split(r"[\s/.\-]+", text.strip()) if part]
    if len(parts) == 1 and parts[0].isdigit() and len(parts[0]) in (6, 8):
        parts = [parts[0][:2], parts[0][2:4], parts[0][4:]]
    if len(parts) == 3 and len(parts[0]) == 4:
        parts.reverse()
    if (
        len(parts) != 3
        or not all(re.fullmatch(r"[0-9]+", part) for part in parts)
        or len(parts[2]) not in (2, 4)
    ):
        raise ValidationError(_("Viết đủ ngày/tháng/năm, ví dụ 05/09/1958."), code="form")
    day, month, year = (int(part) for part in parts)
    if len(parts[2]) == 2:
        year += 2000 if newest is None or year + 2000 <= newest.year else 1900
    return _real_date(day, month, year)


def _real_date(day: int, month: int, year: int) -> date:
    if not 1 <= month <= 12:
        raise ValidationError(
            _("Không có tháng %(month)s. Tháng viết từ 1 đến 12.") % {"month": month}, code="month"
        )
    if not 1800 <= year <= 2200:
        raise ValidationError(
            _("Năm %(year)s không đúng. Năm viết bốn chữ số.") % {"year": year}, code="year"
        )
    try:
        return date(year, month, day)
    except ValueError:
        said = {"day": day, "month": month, "year": year}
        raise ValidationError(
            _("Tháng %(month)s năm %(year)s không có ngày %(day)s.") % said, code="day"
        ) from None


class PhoneField(forms.CharField):
    """A Vietnamese phone number, with spaces, dots or +84; cleans to ``0912345678``."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"type": "tel"}))
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {
            **super().widget_attrs(widget),
            "type": "tel",
            "class": "input-phone",
            "inputmode": "tel",
            "autocomplete": "tel",
            "data-mask": "phone",
        }

    def prepare_value(self, value: Any) -> Any:
        return words.phone(value) if isinstance(value, str) and value.isdigit() else value

    def to_python(self, value: Any) -> str:
        text = str(value or "").strip()
        if not text:
            return ""
        if re.search(r"[^\d\s.+()\-]", text):
            raise ValidationError(_("Số điện thoại chỉ có chữ số, ví dụ 0912 345 678."), code="form")
        number = words.phone_number(text)
        if not number.startswith("0"):
            raise ValidationError(
                _("Số điện thoại bắt đầu bằng 0 hoặc +84, ví dụ 0912 345 678."), code="start"
            )
        mobile = number[:2] in ("03", "05", "07", "08", "09")
        if (len(number) == 10 and (mobile or number[:2] == "02")) or (
            len(number) == 11 and number[:2] == "02"
        ):
            return number
        raise ValidationError(_phone_length(len(number), mobile), code="length")


def _phone_length(count: int, mobile: bool) -> str:
    if not mobile:
        return _("Đầu số này không có. Số di động bắt đầu bằng 03, 05, 07, 08, 09; số cố định bằng 02.")
    if count < 10:
        return _("Số này mới có %(count)s chữ số. Số di động có 10 chữ số, ví dụ 0912 345 678.") % {
            "count": count
        }
    return _("Số này có %(count)s chữ số. Số di động có 10 chữ số, ví dụ 0912 345 678.") % {"count": count}


class CitizenNumberField(forms.CharField):
    """The personal number of 12 digits, spaces and dots allowed; cleans to the digits."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {
            **super().widget_attrs(widget),
            "class": "input-id",
            "inputmode": "numeric",
            "autocomplete": "off",
            "data-mask": "citizen",
        }

    def prepare_value(self, value: Any) -> Any:
        return words.citizen_number(value) if isinstance(value, str) else value

    def to_python(self, value: Any) -> str:
        text = re.sub(r"[\s.\-]", "", str(value or ""))
        if not text:
            return ""
        if not re.fullmatch(r"[0-9]+", text):
            raise ValidationError(_("Số định danh chỉ gồm 12 chữ số."), code="form")
        if len(text) < 12:
            raise ValidationError(_("Mới có %(count)s chữ số, cần 12.") % {"count": len(text)}, code="short")
        if len(text) > 12:
            raise ValidationError(_("Có %(count)s chữ số, chỉ cần 12.") % {"count": len(text)}, code="long")
        return text


class InsuranceCardField(forms.CharField):
    """The 15 characters of a health-insurance card, upper case; only the form is checked here."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {
            **super().widget_attrs(widget),
            "class": "input-id",
            "autocomplete": "off",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "data-mask": "card",
        }

    def prepare_value(self, value: Any) -> Any:
        return words.insurance_card(value) if isinstance(value, str) else value

    def to_python(self, value: Any) -> str:
        text = re.sub(r"[\s.\-]", "", str(value or "")).upper()
        if not text:
            return ""
        if len(text) != 15:
            short = _("Mới có %(count)s ký tự, cần 15. Ví dụ HT 3 46 4612345678.")
            long = _("Có %(count)s ký tự, chỉ cần 15. Ví dụ HT 3 46 4612345678.")
            raise ValidationError((short if len(text) < 15 else long) % {"count": len(text)}, code="length")
        if not re.fullmatch(r"[A-Z]{2}[0-9]{13}", text):
            raise ValidationError(
                _("Mã thẻ gồm 2 chữ cái rồi 13 chữ số. Ví dụ HT 3 46 4612345678."), code="form"
            )
        return text


class MoneyField(forms.CharField):
    """Whole đồng: ``45000``, ``45.000``, ``45.000 đ``; cleans to ``int`` (or ``None``)."""

    def __init__(self, *, min_value: int = 0, max_value: int | None = None, **kwargs: Any) -> None:
        self.min_value = min_value
        self.max_value = max_value
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {
            **super().widget_attrs(widget),
            "inputmode": "numeric",
            "autocomplete": "off",
            "data-mask": "money",
            "data-unit": "đ",
        }

    def prepare_value(self, value: Any) -> Any:
        return words.money_plain(value) if isinstance(value, int | Decimal) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, int):
            return value
        text = re.sub(r"(đồng|vnđ|vnd|đ|\s|₫)", "", str(value or "").lower())
        if not text:
            return None
        if not re.fullmatch(r"-?[0-9]+|-?[0-9]{1,3}([.,][0-9]{3})+", text):
            raise ValidationError(_("Viết số tiền bằng chữ số, ví dụ 45.000."), code="form")
        return int(re.sub(r"[.,]", "", text))

    def validate(self, value: Any) -> None:
        if value is None:
            if self.required:
                raise ValidationError(_("Chưa có số tiền."), code="required")
            return
        if value < self.min_value:
            least = {"least": spoken.money(self.min_value)}
            raise ValidationError(_("Số tiền ít nhất là %(least)s.") % least, code="low")
        if self.max_value is not None and value > self.max_value:
            most = {"most": spoken.money(self.max_value)}
            raise ValidationError(_("Số tiền nhiều nhất là %(most)s.") % most, code="high")


class DecimalField(forms.CharField):
    """A measure with a comma or a dot: ``17,5``; keeps the digits as typed; cleans to ``Decimal`` (or ``None``)."""

    def __init__(
        self,
        *,
        min_value: Decimal | int | None = None,
        max_value: Decimal | int | None = None,
        decimal_places: int = 2,
        unit: str = "",
        **kwargs: Any,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.decimal_places = decimal_places
        self.unit = unit
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = {**super().widget_attrs(widget), "inputmode": "decimal", "autocomplete": "off"}
        return {**attrs, "data-unit": self.unit} if self.unit else attrs

    def prepare_value(self, value: Any) -> Any:
        return spoken.decimal(value) if isinstance(value, int | Decimal) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Decimal):
            return value
        text = str(value or "").strip().replace(",", ".")
        if not text:
            return None
        try:
            number = Decimal(text) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) else None
        except InvalidOperation:
            number = None
        if number is None:
            raise ValidationError(_("Viết một số, ví dụ 17,5."), code="form")
        if -int(number.as_tuple().exponent) > self.decimal_places:
            said = ngettext(
                "Nhiều nhất %(count)s chữ số sau dấu phẩy.",
                "Nhiều nhất %(count)s chữ số sau dấu phẩy.",
                self.decimal_places,
            )
            raise ValidationError(said % {"count": self.decimal_places}, code="places")
        return number

    def validate(self, value: Any) -> None:
        if value is None:
            if self.required:
                raise ValidationError(_("Ô này còn trống."), code="required")
            return
        if self.min_value is not None and value < self.min_value:
            least = {"least": spoken.quantity(self.min_value, self.unit)}
            raise ValidationError(_("Số nhỏ nhất là %(least)s.") % least, code="low")
        if self.max_value is not None and value > self.max_value:
            most = {"most": spoken.quantity(self.max_value, self.unit)}
            raise ValidationError(_("Số lớn nhất là %(most)s.") % most, code="high")


class CodeField(forms.CharField):
    """The six digits of a message; spaces allowed."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {
            **super().widget_attrs(widget),
            "class": "input-code",
            "inputmode": "numeric",
            "autocomplete": "one-time-code",
        }

    def to_python(self, value: Any) -> str:
        text = re.sub(r"\s", "", str(value or ""))
        if not text:
            return ""
        if not re.fullmatch(r"[0-9]{6}", text):
            count = len(words.digits(text))
            raise ValidationError(_("Mã có 6 chữ số, đã gõ %(count)s.") % {"count": count}, code="form")
        return text
