"""What is typed for a series: its rhythm, why the person comes, and another hour for the visits that follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.booking.forms import checked_phone
from yba.areas.booking.rhythm import FURTHEST, MOST_STEP, Rhythm
from yba.areas.booking.timetable_forms import ClockField
from yba.ui.fields import DateField, PhoneField

WEEKDAYS: Final = (
    ("0", gettext_lazy("Thứ Hai")),
    ("1", gettext_lazy("Thứ Ba")),
    ("2", gettext_lazy("Thứ Tư")),
    ("3", gettext_lazy("Thứ Năm")),
    ("4", gettext_lazy("Thứ Sáu")),
    ("5", gettext_lazy("Thứ Bảy")),
    ("6", gettext_lazy("Chủ nhật")),
)
_KINDS: Final = (
    ("thu", gettext_lazy("Các thứ trong tuần")),
    ("ngay", gettext_lazy("Cách đều số ngày")),
)
#: So far the days of a series may be moved at once.
MOST_SHIFT: Final = 30


class RhythmForm(forms.Form):
    """Which timetable, for whom, how often, from when, until when."""

    lich = forms.ChoiceField(label=gettext_lazy("Khám gì, với ai"))
    nguoi = forms.ChoiceField(label=gettext_lazy("Cho ai"))
    kieu = forms.ChoiceField(
        label=gettext_lazy("Nhịp"), choices=_KINDS, widget=forms.RadioSelect, initial="thu"
    )
    thu = forms.MultipleChoiceField(
        label=gettext_lazy("Những thứ nào"),
        choices=WEEKDAYS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    moi = forms.IntegerField(
        label=gettext_lazy("Cách mấy ngày"), required=False, min_value=1, max_value=MOST_STEP,
        help_text=gettext_lazy("Chỉ điền khi chọn cách đều số ngày."),
    )  # fmt: skip
    gio = ClockField(
        label=gettext_lazy("Giờ mong muốn"),
        help_text=gettext_lazy("Mỗi ngày lấy giờ trống gần giờ này nhất."),
    )
    tu = DateField(label=gettext_lazy("Từ ngày"), not_past=True)
    lan = forms.IntegerField(label=gettext_lazy("Bao nhiêu lượt"), required=False, min_value=1, max_value=100)
    den = DateField(label=gettext_lazy("Hoặc đến hết ngày"), required=False)

    def __init__(
        self,
        *args: Any,
        timetables: Sequence[tuple[str, str]],
        people: Sequence[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (("lich", timetables), ("nguoi", people)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = list(choices)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        by_week = data.get("kieu") == "thu"
        if by_week and not data.get("thu") and "thu" not in self.errors:
            self.add_error("thu", _("Chọn ít nhất một thứ."))
        if not by_week and not data.get("moi") and "moi" not in self.errors:
            self.add_error("moi", _("Viết cách mấy ngày một lượt."))
        if not data.get("lan") and not data.get("den") and not {"lan", "den"} & self.errors.keys():
            self.add_error("lan", _("Viết bao nhiêu lượt, hoặc đến hết ngày nào."))
        first, last = data.get("tu"), data.get("den")
        if first and last and last < first:
            self.add_error("den", _("Ngày cuối phải sau ngày đầu."))
        if first and last and last > first + FURTHEST:
            self.add_error("den", _("Xa nhất là %(days)s ngày.") % {"days": FURTHEST // timedelta(days=1)})
        return data

    def rhythm(self) -> Rhythm:
        """What was typed."""
        data = self.cleaned_data
        by_week = data["kieu"] == "thu"
        return Rhythm(
            data["tu"], data["gio"], step=0 if by_week else data["moi"],
            weekdays=frozenset(int(one) for one in data["thu"]) if by_week else frozenset(),
            times=data["lan"] or 0, until=data["den"],
        )  # fmt: skip


class SeriesForm(forms.Form):
    """Why the person comes, and where the message goes."""

    reason = forms.CharField(
        label=gettext_lazy("Lý do khám"), max_length=200,
        error_messages={"required": gettext_lazy("Viết lý do khám, ví dụ: chạy thận, thay băng, khám thai.")},
    )  # fmt: skip
    phone = PhoneField(label=gettext_lazy("Số nhận tin nhắn"))

    def clean_phone(self) -> str:
        return checked_phone(self.cleaned_data["phone"])


class ShiftForm(forms.Form):
    """Another hour, perhaps some days later or earlier."""

    gio = ClockField(label=gettext_lazy("Giờ mới mong muốn"))
    doi = forms.IntegerField(
        label=gettext_lazy("Dời mấy ngày"), min_value=-MOST_SHIFT, max_value=MOST_SHIFT, initial=0,
        help_text=gettext_lazy("0: giữ ngày. 1: muộn hơn một ngày. -1: sớm hơn một ngày."),
    )  # fmt: skip
