"""What a person types when asking: which entry, what is wrong, what is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from yba.areas.citizen.privacy.models import BookCopy
from yba.areas.citizen.privacy.queries import Visit

PARTICULARS = "nhan-than"


class CopyForm(forms.Form):
    """Which form of copy."""

    form = forms.ChoiceField(
        label=_("Dạng bản sao"),
        choices=BookCopy.Form.choices,
        initial=BookCopy.Form.PDF,
        widget=forms.RadioSelect,
    )


class CorrectionForm(forms.Form):
    """Where the mistake stands, and what should stand there."""

    subject = forms.ChoiceField(label=_("Chỗ sai nằm ở"))
    facility = forms.ChoiceField(label=_("Cơ sở giữ hồ sơ"), required=False)
    wrong = forms.CharField(
        label=_("Sổ đang ghi"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Chép lại chỗ sai như sổ đang ghi.")},
    )
    right = forms.CharField(
        label=_("Đúng ra là"),
        help_text=_("Viết cả lý do, ví dụ: giấy khai sinh ghi năm 1958."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Viết điều đúng để cơ sở kiểm tra.")},
    )

    def __init__(
        self, *args: Any, visits: Sequence[Visit], facilities: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.visits = {one.id: one for one in visits}
        subject, facility = self.fields["subject"], self.fields["facility"]
        assert isinstance(subject, forms.ChoiceField)
        assert isinstance(facility, forms.ChoiceField)
        subject.choices = [
            (PARTICULARS, gettext("Họ tên, ngày sinh, giới tính, số căn cước")),
            *((one.id, one.words) for one in visits),
        ]
        facility.choices = list(facilities)
        if len(facilities) < 2:
            facility.widget = forms.HiddenInput()
            facility.initial = facilities[0][0] if facilities else ""

    @property
    def visit(self) -> Visit | None:
        return self.visits.get(self.cleaned_data["subject"])


class RestrictionForm(forms.Form):
    """What should no longer be done with one's data, and by whom."""

    facility = forms.ChoiceField(label=_("Cơ sở giữ hồ sơ"), error_messages={"required": _("Chọn cơ sở.")})
    right = forms.CharField(
        label=_("Không muốn dữ liệu được dùng vào việc gì"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "required": _("Viết việc muốn dừng, ví dụ: nghiên cứu, giảng dạy, gọi điện chăm sóc.")
        },
    )

    def __init__(self, *args: Any, facilities: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facility = self.fields["facility"]
        assert isinstance(facility, forms.ChoiceField)
        facility.choices = list(facilities)


class ErasureForm(forms.Form):
    """Why the records should go; a reason is not needed."""

    why = forms.CharField(
        label=_("Lý do"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )


class AccountErasureForm(forms.Form):
    """The deed cannot be undone, so it is typed once more."""

    sure = forms.BooleanField(
        label=_("Tôi hiểu: tài khoản mất hẳn, không lấy lại được"),
        error_messages={"required": _("Đánh dấu ô này nếu chắc chắn.")},
    )
