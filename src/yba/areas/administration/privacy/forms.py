"""What the facility types: times of a breach, answers to requests, who protects the data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from yba.areas.administration.privacy.addenda import Particulars
from yba.areas.administration.privacy.models import Breach
from yba.ui.fields import CitizenNumberField, DateField, PhoneField

SEXES = [("", _("Không đổi")), ("female", _("Nữ")), ("male", _("Nam")), ("other", _("Khác"))]


class MomentField(forms.DateTimeField):
    """A day and a time as they are typed here: ``24/11/2026 9:30``."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("input_formats", ["%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
        kwargs.setdefault("help_text", _("Ngày và giờ, ví dụ 24/11/2026 9:30."))
        kwargs.setdefault("error_messages", {"invalid": _("Viết ngày và giờ như 24/11/2026 9:30.")})
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return timezone.localtime(value).strftime("%d/%m/%Y %H:%M")
        return value


def _long(label: Any, *, required: bool = True, rows: int = 3, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        max_length=4000,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class BreachForm(forms.Form):
    """A breach as it is first known."""

    detected_at = MomentField(label=_("Phát hiện lúc"))
    happened_at = MomentField(label=_("Xảy ra lúc"), required=False)
    what = _long(_("Chuyện gì đã xảy ra"), help_text=_("Dữ liệu nào, ra ngoài bằng cách nào, ai thấy được."))
    kinds = forms.MultipleChoiceField(
        label=_("Loại dữ liệu"), choices=Breach.Data.choices, widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Chọn ít nhất một loại.")},
    )  # fmt: skip
    affected = forms.IntegerField(
        label=_("Số người bị ảnh hưởng"), required=False, min_value=0, max_value=200_000_000,
        help_text=_("Để trống nếu chưa biết."),
    )  # fmt: skip


class AdditionForm(forms.Form):
    """What was found or done since."""

    note = _long(_("Biết thêm gì"), required=False)
    measures = _long(_("Việc đã làm để khắc phục"), required=False)
    affected = forms.IntegerField(
        label=_("Số người bị ảnh hưởng"), required=False, min_value=0, max_value=200_000_000
    )


class ReportForm(forms.Form):
    """The notice to the authority."""

    at = MomentField(label=_("Báo lúc"))
    paper = forms.CharField(label=_("Số văn bản hoặc mã tiếp nhận"), max_length=100)


class UnreportedForm(forms.Form):
    """Why no notice is needed."""

    because = _long(_("Vì sao không phải báo"), rows=2)


class TellForm(forms.Form):
    """The notice to the people concerned."""

    at = MomentField(label=_("Báo lúc"))
    how = forms.CharField(label=_("Bằng cách nào"), max_length=300)


class AnswerForm(forms.Form):
    """An answer the person reads."""

    answer = _long(_("Câu trả lời gửi người xin"))
    article = forms.CharField(
        label=_("Căn cứ"), required=False, max_length=300, help_text=_("Điều luật, khi không làm theo.")
    )
    decision = forms.CharField(label=_("Số quyết định hủy hồ sơ"), required=False, max_length=300)
    name = forms.CharField(label=_("Họ và tên đúng"), required=False, max_length=100)
    birth_date = DateField(label=_("Ngày sinh đúng"), required=False, not_future=True)
    sex = forms.ChoiceField(label=_("Giới tính đúng"), required=False, choices=SEXES)
    citizen_number = CitizenNumberField(label=_("Số căn cước đúng"), required=False)

    @property
    def particulars(self) -> Particulars:
        data = self.cleaned_data
        born = data.get("birth_date")
        return Particulars(
            data.get("name", "").strip(), born.isoformat() if born else "", data.get("sex", ""),
            data.get("citizen_number") or "",
        )  # fmt: skip


class ExtendForm(forms.Form):
    """Why it takes longer."""

    reason = _long(_("Vì sao cần thêm thời gian"), rows=2)


class OfficerForm(forms.Form):
    """Who protects the data of the facility."""

    name = forms.CharField(label=_("Họ và tên"), max_length=100)
    phone = PhoneField(label=_("Điện thoại"))
    email = forms.EmailField(label=_("Thư điện tử"), required=False, max_length=200)
