"""What the facility administrator types: a timetable, its rules and exceptions; a service."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.booking import capacity, timetable
from yba.areas.booking.policies import Policy
from yba.areas.booking.services import Service
from yba.areas.booking.timetable import Exceptional, Timetable
from yba.ui.fields import DateField, MoneyField

_DAY_WORDS: Final = {
    "mon": gettext_lazy("Thứ Hai"),
    "tue": gettext_lazy("Thứ Ba"),
    "wed": gettext_lazy("Thứ Tư"),
    "thu": gettext_lazy("Thứ Năm"),
    "fri": gettext_lazy("Thứ Sáu"),
    "sat": gettext_lazy("Thứ Bảy"),
    "sun": gettext_lazy("Chủ nhật"),
}
SHARE_WORDS: Final = {
    "walk-in": gettext_lazy("Đến trực tiếp"),
    "phone": gettext_lazy("Gọi điện"),
    "app": gettext_lazy("Ứng dụng"),
    "his": gettext_lazy("Hệ thống bệnh viện khác"),
}
ROLE_WORDS: Final = {
    "receptionist": gettext_lazy("Tiếp đón"),
    "customer_care": gettext_lazy("Chăm sóc khách hàng"),
    "doctor": gettext_lazy("Bác sĩ"),
    "head_of_department": gettext_lazy("Trưởng khoa"),
}
MODE_WORDS: Final = {
    "on-site": gettext_lazy("Tại cơ sở"),
    "remote": gettext_lazy("Từ xa, qua video"),
    "either": gettext_lazy("Tại cơ sở hoặc từ xa"),
}
#: Rows for exceptions beside those there are.
_BLANK_ROWS: Final = 3
_MOST_ROWS: Final = 60


class HoursField(forms.CharField):
    """Hours of a day: "07:30-11:30, 13:30-16:30"; empty: closed. Cleans to pairs of times."""

    def to_python(self, value: Any) -> Any:
        try:
            return timetable.hours_from(str(value or ""))
        except ValueError as part:
            said = _("Chưa hiểu “%(part)s”. Viết như 07:30-11:30, 13:30-16:30, không chồng giờ.")
            raise forms.ValidationError(said % {"part": str(part)[:40]}, code="hours") from None

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else timetable.hours_text(value or [])

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "placeholder": "07:30-11:30", "autocomplete": "off"}


class ClockField(forms.CharField):
    """A time of day: "16:00", "16h", "16h30". Cleans to a time or None."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        known = re.fullmatch(r"(\d{1,2})(?:[:hg.](\d{2})?)?", text)
        if known is None or int(known[1]) > 23 or int(known[2] or 0) > 59:
            raise forms.ValidationError(_("Viết giờ như 16:00."), code="clock")
        return time(int(known[1]), int(known[2] or 0))

    def prepare_value(self, value: Any) -> Any:
        return f"{value:%H:%M}" if isinstance(value, time) else value


def _number(label: Any, low: int, high: int, *, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=low, max_value=high, help_text=help_text)


class TimetableForm(forms.Form):
    """One timetable whole. The choices (who, room, service) are given: the facility's own."""

    who = forms.ChoiceField(label=gettext_lazy("Ai khám"), required=False)
    room = forms.ChoiceField(label=gettext_lazy("Phòng"), required=False)
    service = forms.ChoiceField(label=gettext_lazy("Dịch vụ"), required=False)
    active = forms.BooleanField(label=gettext_lazy("Đang nhận đặt"), required=False)
    minutes = _number(gettext_lazy("Mỗi lượt, phút"), 5, 480)
    seats = _number(gettext_lazy("Số người mỗi lượt"), 1, 100)
    rest_before = _number(gettext_lazy("Nghỉ trước mỗi lượt, phút"), 0, 120)
    rest_after = _number(gettext_lazy("Nghỉ sau mỗi lượt, phút"), 0, 120)
    valid_from = DateField(label=gettext_lazy("Áp dụng từ ngày"), required=False)
    valid_to = DateField(label=gettext_lazy("Đến hết ngày"), required=False)
    closed_on_holidays = forms.BooleanField(label=gettext_lazy("Nghỉ các ngày lễ, Tết"), required=False)
    notice = _number(gettext_lazy("Đặt trước ít nhất, phút"), 0, 20160)
    closes = ClockField(
        label=gettext_lazy("Hôm trước ngừng nhận lúc"),
        required=False,
        help_text=gettext_lazy("Ví dụ 16:00: sau giờ này không đặt qua ứng dụng cho ngày mai nữa."),
    )
    days_ahead = _number(gettext_lazy("Nhận đặt trước tối đa, ngày"), 1, 28)
    cancel_before = _number(gettext_lazy("Hủy trước ít nhất, phút"), 0, 20160)
    move_before = _number(gettext_lazy("Đổi giờ trước ít nhất, phút"), 0, 20160)
    most_moves = _number(gettext_lazy("Số lần đổi giờ"), 0, 20)
    series_most = _number(gettext_lazy("Chuỗi lượt khám, nhiều nhất số lượt"), 2, 100)
    series_ahead = _number(gettext_lazy("Chuỗi lượt khám, đặt trước tối đa, ngày"), 1, 370)
    freed = forms.IntegerField(
        label=gettext_lazy("Chỗ giữ riêng mở cho mọi người trước giờ khám, phút"),
        required=False,
        min_value=0,
        max_value=20160,
        help_text=gettext_lazy("Bỏ trống: giữ riêng đến cùng."),
    )

    def __init__(
        self,
        *args: Any,
        who: Sequence[tuple[str, str]],
        rooms: Sequence[tuple[str, str]],
        services: Sequence[tuple[str, str]],
        exceptions: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (("who", who), ("room", rooms), ("service", services)):
            choice = self.fields[name]
            assert isinstance(choice, forms.ChoiceField)
            choice.choices = [("", _("Không nêu")), *choices]
        for day, words in _DAY_WORDS.items():
            self.fields[f"hours_{day}"] = HoursField(label=words, required=False, max_length=100)
        for share, words in SHARE_WORDS.items():
            self.fields[f"kept_{_key(share)}"] = _number(words, 0, 100)
        for role, words in ROLE_WORDS.items():
            self.fields[f"over_{role}"] = _number(words, 0, 50)
        self.rows = min(
            max(exceptions, self._sent_rows()) + (0 if self.is_bound else _BLANK_ROWS), _MOST_ROWS
        )
        for number in range(self.rows):
            self.fields[f"off_{number}_from"] = DateField(label=gettext_lazy("Từ ngày"), required=False)
            self.fields[f"off_{number}_to"] = DateField(label=gettext_lazy("Đến hết ngày"), required=False)
            self.fields[f"off_{number}_hours"] = HoursField(
                label=gettext_lazy("Giờ làm, bỏ trống là nghỉ"), required=False, max_length=100
            )
            self.fields[f"off_{number}_why"] = forms.CharField(
                label=gettext_lazy("Lý do"), required=False, max_length=100
            )

    def _sent_rows(self) -> int:
        found = (re.fullmatch(r"off_(\d{1,2})_from", name) for name in self.data)
        return max((int(one[1]) + 1 for one in found if one), default=0)

    @property
    def week(self) -> list[forms.BoundField]:
        """The hours of each day."""
        return [self[f"hours_{day}"] for day in _DAY_WORDS]

    @property
    def shares(self) -> list[forms.BoundField]:
        """What is kept for each way in."""
        return [self[f"kept_{_key(one)}"] for one in SHARE_WORDS]

    @property
    def overbooking(self) -> list[forms.BoundField]:
        """How many more each role may take."""
        return [self[f"over_{one}"] for one in ROLE_WORDS]

    @property
    def days_off(self) -> list[list[forms.BoundField]]:
        """The rows of exceptions."""
        return [
            [self[f"off_{number}_{part}"] for part in ("from", "to", "hours", "why")]
            for number in range(self.rows)
        ]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not data.get("who") and not data.get("room"):
            self.add_error("who", _("Chọn bác sĩ, hoặc chọn phòng cho lịch của phòng."))
        if sum(data.get(f"kept_{_key(one)}") or 0 for one in SHARE_WORDS) > 100:
            self.add_error(f"kept_{_key('walk-in')}", _("Tổng phần giữ riêng không quá 100%."))
        first, last = data.get("valid_from"), data.get("valid_to")
        if first and last and last < first:
            self.add_error("valid_to", _("Ngày cuối phải sau ngày đầu."))
        for number in range(self.rows):
            self._clean_row(data, number)
        return data

    def _clean_row(self, data: dict[str, Any], number: int) -> None:
        first, last = data.get(f"off_{number}_from"), data.get(f"off_{number}_to")
        if last and not first:
            self.add_error(f"off_{number}_from", _("Thiếu ngày đầu."))
        if first and last and last < first:
            self.add_error(f"off_{number}_to", _("Ngày cuối phải sau ngày đầu."))

    def timetable(self) -> Timetable:
        """What was typed, as a timetable."""
        data = self.cleaned_data
        return Timetable(
            sessions=timetable.by_hours({day: data[f"hours_{day}"] for day in _DAY_WORDS}),
            minutes=data["minutes"],
            seats=data["seats"],
            rest_before=data["rest_before"],
            rest_after=data["rest_after"],
            kept={one: data[f"kept_{_key(one)}"] for one in SHARE_WORDS if data[f"kept_{_key(one)}"]},
            freed_minutes=data["freed"],
            open_on_holidays=not data["closed_on_holidays"],
            valid_from=data["valid_from"],
            valid_to=data["valid_to"],
            exceptions=tuple(self._exceptions()),
        )

    def _exceptions(self) -> Iterator[Exceptional]:
        data = self.cleaned_data
        for number in range(self.rows):
            first: date | None = data.get(f"off_{number}_from")
            if first is None:
                continue
            last, why = data.get(f"off_{number}_to") or first, data.get(f"off_{number}_why") or ""
            for start, end in data.get(f"off_{number}_hours") or [(None, None)]:
                yield Exceptional(first, last, start, end, why)

    def policy(self) -> Policy:
        """What was typed, as the rules of booking."""
        data = self.cleaned_data
        return Policy(
            notice=timedelta(minutes=data["notice"]),
            closes=data["closes"],
            days_ahead=data["days_ahead"],
            cancel_before=timedelta(minutes=data["cancel_before"]),
            move_before=timedelta(minutes=data["move_before"]),
            most_moves=data["most_moves"],
            series_most=data["series_most"],
            series_ahead=data["series_ahead"],
            overbooking={role: data[f"over_{role}"] for role in ROLE_WORDS if data[f"over_{role}"]},
        )


def _key(share: str) -> str:
    return share.replace("-", "_")


def typed(said: Timetable, policy: Policy) -> dict[str, Any]:
    """A timetable and its rules as the form shows them."""
    days = timetable.by_day(said.sessions)
    rows: dict[str, Any] = {}
    for number, (key, some) in enumerate(_rows_of(said.exceptions)):
        first, last, why = key
        hours = [(one.start, one.end) for one in some if one.start is not None and one.end is not None]
        rows |= {
            f"off_{number}_from": first,
            f"off_{number}_to": last if last != first else None,
            f"off_{number}_hours": hours,
            f"off_{number}_why": why,
        }
    return {
        **{f"hours_{day}": hours for day, hours in days.items()},
        **{f"kept_{_key(one)}": said.kept.get(one, 0) for one in capacity.SHARES},
        **{f"over_{role}": policy.overbooking.get(role, 0) for role in ROLE_WORDS},
        **rows,
        "minutes": said.minutes,
        "seats": said.seats,
        "rest_before": said.rest_before,
        "rest_after": said.rest_after,
        "freed": said.freed_minutes,
        "closed_on_holidays": not said.open_on_holidays,
        "valid_from": said.valid_from,
        "valid_to": said.valid_to,
        "notice": int(policy.notice.total_seconds() // 60),
        "closes": policy.closes,
        "days_ahead": policy.days_ahead,
        "cancel_before": int(policy.cancel_before.total_seconds() // 60),
        "move_before": int(policy.move_before.total_seconds() // 60),
        "most_moves": policy.most_moves,
        "series_most": policy.series_most,
        "series_ahead": policy.series_ahead,
    }


def _rows_of(
    exceptions: Sequence[Exceptional],
) -> list[tuple[tuple[date, date, str], list[Exceptional]]]:
    """Exceptions of the same days and reason are one row."""
    found: dict[tuple[date, date, str], list[Exceptional]] = {}
    for one in exceptions:
        found.setdefault((one.first, one.last, one.reason), []).append(one)
    return sorted(found.items())


def rows_needed(said: Timetable) -> int:
    """How many rows its exceptions take."""
    return len(_rows_of(said.exceptions))


class ServiceForm(forms.Form):
    """One service of the facility."""

    name = forms.CharField(label=gettext_lazy("Tên dịch vụ"), max_length=120)
    specialty = forms.ChoiceField(label=gettext_lazy("Chuyên khoa"), required=False)
    mode = forms.ChoiceField(label=gettext_lazy("Khám ở đâu"), choices=list(MODE_WORDS.items()))
    minutes = _number(gettext_lazy("Mỗi lượt, phút"), 5, 480)
    price = MoneyField(label=gettext_lazy("Giá"), required=False)
    preparation = forms.CharField(
        label=gettext_lazy("Cần chuẩn bị gì"),
        help_text=gettext_lazy("Người đặt đọc trước khi đến, ví dụ “nhịn ăn 8 giờ”."),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    insured = forms.BooleanField(label=gettext_lazy("Nhận bảo hiểm y tế"), required=False)
    active = forms.BooleanField(label=gettext_lazy("Đang làm"), required=False)

    def __init__(self, *args: Any, specialties: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["specialty"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", _("Không nêu")), *specialties]

    def service(self, id_: str) -> Service:
        """What was typed."""
        return Service(id=id_, **self.cleaned_data)
