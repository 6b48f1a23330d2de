"""What people type when they book, and what the desk writes down."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from yba.areas.booking.desk import rules
from yba.areas.booking.ratings import rules as rated
from yba.care import identifiers
from yba.care.refusal import Refusal
from yba.ui.fields import PhoneField


def checked_phone(text: str) -> str:
    """The number if it is one of this country, else the rule's own sentence."""
    checked = identifiers.check_phone(text)
    if isinstance(checked, Refusal):
        raise forms.ValidationError(checked.message, code=checked.key)
    return checked.value


class FindForm(forms.Form):
    """Which doctor. Everything is optional; nonsense is left out."""

    q = forms.CharField(required=False, max_length=100)
    khoa = forms.SlugField(required=False)
    nhom = forms.SlugField(required=False)
    noi = forms.CharField(required=False, max_length=64)
    xa = forms.IntegerField(required=False, min_value=1, max_value=200)
    ngay = forms.ChoiceField(required=False, choices=[("", ""), ("nay", ""), ("mai", ""), ("tuan", "")])
    hom = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    muc = forms.ChoiceField(required=False, choices=[("", ""), ("nay", "")])
    buoi = forms.ChoiceField(required=False, choices=[("", ""), ("sang", ""), ("chieu", ""), ("toi", "")])
    gia = forms.IntegerField(required=False, min_value=0, max_value=1_000_000_000)
    sao = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", ""), *((str(one), "") for one in rated.LEAST)],
    )
    tieng = forms.SlugField(required=False)
    xep = forms.ChoiceField(
        required=False,
        choices=[("", ""), ("som", ""), ("gan", ""), ("gia", ""), ("danh-gia", ""), ("ten", "")],
    )
    nu = forms.BooleanField(required=False)
    video = forms.BooleanField(required=False)
    bhyt = forms.BooleanField(required=False)


class BookingForm(forms.Form):
    """For whom, when, why. The choices of people are given: a citizen's own."""

    slot = forms.CharField(max_length=64, error_messages={"required": _("Chưa chọn giờ khám.")})
    patient = forms.ChoiceField(label=_("Khám cho ai?"), widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Lý do khám"),
        help_text=_("Viết ngắn: khó chịu ở đâu, từ khi nào. Bác sĩ đọc trước khi khám."),
        max_length=200,
        error_messages={"required": _("Viết vài chữ về lý do khám, ví dụ “đau lưng một tuần nay”.")},
    )
    symptoms = forms.CharField(
        label=_("Triệu chứng, thuốc đang dùng"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    phone = PhoneField(label=_("Số điện thoại để bệnh viện gọi lại"))
    by = forms.ChoiceField(
        label=_("Khám ở đâu?"),
        help_text=_("Qua video bác sĩ chỉ kê đơn được một số bệnh; ngoài ra chỉ tư vấn."),
        choices=[("", _("Tại cơ sở")), ("video", _("Qua video"))],
        widget=forms.RadioSelect,
        required=False,
    )

    def __init__(self, *args: Any, people: list[tuple[str, str]], video: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not video:
            del self.fields["by"]
        choice = self.fields["patient"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = people

    def clean_phone(self) -> str:
        return checked_phone(self.cleaned_data["phone"])


class CorrectionForm(forms.Form):
    """What the caller said, written over what was typed."""

    name = forms.CharField(label=_("Họ tên"), max_length=100)
    phone = PhoneField(label=_("Số gọi lại"))
    reason = forms.CharField(label=_("Lý do khám, sửa theo lời người bệnh"), max_length=200)
    symptoms = forms.CharField(
        label=_("Triệu chứng"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean_phone(self) -> str:
        return checked_phone(self.cleaned_data["phone"])


class RefusalForm(forms.Form):
    """Why a request is not taken; the person reads it."""

    code = forms.ChoiceField(
        label=_("Lý do, người bệnh sẽ đọc được"),
        error_messages={"required": _("Chọn lý do để người bệnh biết nên làm gì tiếp.")},
    )
    reason = forms.CharField(label=_("Nói thêm với người bệnh"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["code"], "refuse")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("code") == "other" and not data.get("reason"):
            self.add_error("reason", _("Viết lý do để người bệnh biết nên làm gì tiếp."))
        return data


class UnreachedForm(forms.Form):
    """Why nobody could be spoken to, and when to call again where the person said so."""

    code = forms.ChoiceField(label=_("Vì sao chưa gặp"), initial="no-answer")
    later = forms.TimeField(
        label=_("Hẹn gọi lại lúc"),
        required=False,
        input_formats=["%H:%M", "%Hh%M", "%H"],
        widget=forms.TextInput(
            attrs={"placeholder": "14:30", "class": "input input-short", "inputmode": "numeric"}
        ),
        error_messages={"invalid": _("Viết giờ như 14:30.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer(self.fields["code"], "unreachable")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("code") == "call-later" and not data.get("later") and "later" not in self.errors:
            self.add_error("later", _("Người bệnh hẹn mấy giờ?"))
        return data


def _offer(field: forms.Field, kind: str) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(one.code, str(one)) for one in rules.book().reasons[kind].values()]


class CallerForm(forms.Form):
    """Booking for someone on the phone or at the desk."""

    slot = forms.CharField(max_length=64, error_messages={"required": _("Chưa chọn giờ khám.")})
    reason = forms.CharField(label=_("Lý do khám"), max_length=200)
    phone = PhoneField(label=_("Số nhận tin nhắn"))
    beyond = forms.CharField(
        label=_("Lý do nhận thêm ngoài số chỗ"),
        help_text=_("Chỉ khi chọn giờ đã đầy. Lý do hiện ở danh sách trong ngày."),
        required=False,
        max_length=200,
    )
    by = forms.BooleanField(label=_("Khám qua video, gửi liên kết trong tin nhắn"), required=False)

    def clean_phone(self) -> str:
        return checked_phone(self.cleaned_data["phone"])
