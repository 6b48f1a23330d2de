"""What people send to a conversation."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from yba.areas.telehealth.chat import rules
from yba.care.uploads.forms import FilesField
from yba.ui.fields import PhoneField


class SayForm(forms.Form):
    """A message: words, files, or both."""

    text = forms.CharField(
        label=_("Tin nhắn"), required=False, max_length=rules.LONGEST, strip=True,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    attached = FilesField(label=_("Ảnh, giấy tờ, lời ghi âm"), required=False, count=rules.MOST_FILES)


class HandOverForm(forms.Form):
    """To whom, and why."""

    to = forms.ChoiceField(label=_("Chuyển cho"))
    why = forms.CharField(
        label=_("Việc cần làm"), max_length=rules.LONGEST_REASON,
        error_messages={"required": _("Ghi lý do chuyển để người nhận biết việc cần làm.")},
    )  # fmt: skip

    def __init__(self, *args: object, colleagues: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came
        self.fields["to"].choices = [("", _("Chọn người nhận")), *colleagues]  # type: ignore[attr-defined]  # a ChoiceField


class TakeDownForm(forms.Form):
    """Which file of which message, and why."""

    message = forms.CharField(max_length=64, widget=forms.HiddenInput)
    number = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    why = forms.CharField(label=_("Lý do gỡ"), max_length=rules.LONGEST_REASON)


class HoursForm(forms.Form):
    """When the facility answers what people write."""

    days = forms.MultipleChoiceField(
        label=_("Ngày trả lời tin"),
        choices=[
            ("0", _("Thứ Hai")), ("1", _("Thứ Ba")), ("2", _("Thứ Tư")), ("3", _("Thứ Năm")), ("4", _("Thứ Sáu")),
            ("5", _("Thứ Bảy")), ("6", _("Chủ nhật")),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Chọn ít nhất một ngày.")},
    )  # fmt: skip
    morning_from = forms.TimeField(label=_("Sáng từ"), required=False)
    morning_to = forms.TimeField(label=_("Sáng đến"), required=False)
    afternoon_from = forms.TimeField(label=_("Chiều từ"), required=False)
    afternoon_to = forms.TimeField(label=_("Chiều đến"), required=False)
    hours = forms.DecimalField(
        label=_("Trả lời trong"), min_value=1, max_value=80, decimal_places=0,
        help_text=_("Tính theo giờ làm việc, kể từ khi người bệnh gửi tin."),
    )  # fmt: skip

    duty_name = forms.CharField(label=_("Người trực"), max_length=100, required=False)
    duty_phone = PhoneField(
        label=_("Điện thoại người trực"), required=False,
        help_text=_("Nhận tin khi có báo động theo dõi tại nhà: mức nguy hiểm vào mọi giờ, mức khác khi ngoài giờ."),
    )  # fmt: skip

    def clean(self) -> dict[str, object]:
        """Each half of the day has both ends in order, or none; at least one half is open."""
        given = super().clean() or {}
        halves = 0
        for half in ("morning", "afternoon"):
            start, end = given.get(f"{half}_from"), given.get(f"{half}_to")
            if bool(start) != bool(end) or (start and end and start >= end):
                self.add_error(
                    f"{half}_to", _("Ghi giờ mở và giờ đóng, giờ đóng sau giờ mở; hoặc để trống cả hai.")
                )
            halves += bool(start and end)
        if bool(given.get("duty_name")) != bool(given.get("duty_phone")) and "duty_phone" not in self.errors:
            self.add_error("duty_phone", _("Ghi cả tên và điện thoại người trực, hoặc để trống cả hai."))
        if not halves and not self.errors:
            self.add_error("morning_from", _("Ghi giờ của ít nhất một buổi."))
        return given
