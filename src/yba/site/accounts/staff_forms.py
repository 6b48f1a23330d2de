"""What an administrator types of staff, and a desk of who somebody is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from yba.site.accounts import roles
from yba.site.accounts.forms import PhoneForm, checked_phone
from yba.ui.fields import CitizenNumberField, DateField


class PlaceForm(forms.Form):
    """Role, departments and last day: what both an invitation and a change hold."""

    role = forms.ChoiceField(label=_("Vai trò"), error_messages={"required": _("Chọn vai trò.")})
    departments = forms.MultipleChoiceField(
        label=_("Khoa, phòng"), required=False, widget=forms.CheckboxSelectMultiple
    )
    until = DateField(label=_("Ngày cuối"), required=False)

    def __init__(
        self, *args: Any, given: Sequence[str], places: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        role, departments = self.fields["role"], self.fields["departments"]
        assert isinstance(role, forms.ChoiceField)
        assert isinstance(departments, forms.MultipleChoiceField)
        role.choices = [(one, str(roles.NAMES[one])) for one in given]
        departments.choices = list(places)
        if not places:
            del self.fields["departments"]

    def clean_until(self) -> Any:
        day = self.cleaned_data["until"]
        if day is not None and day < timezone.localdate():
            raise forms.ValidationError(_("Ngày này đã qua."))
        return day


class InviteForm(PlaceForm):
    name = forms.CharField(
        label=_("Họ và tên"), max_length=100, error_messages={"required": _("Viết họ tên.")}
    )
    phone = PhoneForm.base_fields["phone"]
    practitioner = forms.ChoiceField(label=_("Hồ sơ hành nghề"), required=False)
    facility = forms.ChoiceField(label=_("Cơ sở hoặc chương trình"), required=False)

    field_order = ("name", "phone", "role", "facility", "practitioner", "departments", "until")

    def __init__(
        self,
        *args: Any,
        practitioners: Sequence[tuple[str, str]],
        facilities: Sequence[tuple[str, str]] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        where = self.fields["facility"]
        assert isinstance(where, forms.ChoiceField)
        where.choices = [("", _("Không có")), *facilities]
        if facilities:
            del self.fields["practitioner"]
        else:
            del self.fields["facility"]
            self._name_practitioners(practitioners)
        self.fields["phone"].widget.attrs.pop("autofocus", None)
        self.fields["phone"].widget.attrs["autocomplete"] = "off"

    def _name_practitioners(self, practitioners: Sequence[tuple[str, str]]) -> None:
        field = self.fields["practitioner"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Không có")), *practitioners]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        placed = data.get("role") in (*roles.OF_A_FACILITY, roles.PROGRAMME_OFFICER)
        if "facility" in self.fields and placed and not data.get("facility"):
            self.add_error("facility", _("Vai trò này cần một cơ sở hoặc chương trình."))
        return data

    def clean_phone(self) -> str:
        return checked_phone(self.cleaned_data["phone"])


class RightForm(forms.Form):
    """A right beside the role: which, why, until which day."""

    right = forms.ChoiceField(
        label=_("Quyền"), widget=forms.RadioSelect, error_messages={"required": _("Chọn một quyền.")}
    )
    reason = forms.CharField(
        label=_("Vì sao cần"),
        max_length=300,
        error_messages={"required": _("Viết việc cần quyền này. Người duyệt và người kiểm tra sẽ đọc.")},
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    until = DateField(label=_("Đến hết ngày"), error_messages={"required": _("Ghi ngày cuối của quyền.")})

    def __init__(self, *args: Any, offered: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["right"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = list(offered)


class EndForm(forms.Form):
    """Why a right is taken away, or not given."""

    reason = forms.CharField(
        label=_("Vì sao"), max_length=300, error_messages={"required": _("Viết vì sao: người này sẽ hỏi.")}
    )


DOCUMENTS = [
    ("citizen-card", _("Căn cước")),
    ("passport", _("Hộ chiếu")),
    ("birth-certificate", _("Giấy khai sinh")),
    ("vneid", _("Căn cước điện tử trên VNeID")),
]


class ScannedNumberField(CitizenNumberField):
    """The number typed, or the whole text of the card's QR, which begins with it."""

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        del attrs["data-mask"]  # it would cut the text of a scan
        return attrs

    def to_python(self, value: Any) -> str:
        return super().to_python(str(value or "").partition("|")[0])


#: Documents that show the citizen number.
NUMBERED = ("citizen-card", "vneid")


class VerifyForm(forms.Form):
    """A desk says which document it compared, and that it did; the number is read from the document, not the screen."""

    document = forms.ChoiceField(
        label=_("Giấy tờ đã xem"),
        choices=DOCUMENTS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Chọn giấy tờ.")},
    )
    number = ScannedNumberField(
        label=_("Số căn cước đọc từ giấy tờ"),
        required=False,
        help_text=_("Gõ 12 số hoặc quét mã QR trên thẻ."),
    )
    compared = forms.BooleanField(
        label=_("Đã so ảnh với người, họ tên, ngày sinh và số với hồ sơ"),
        error_messages={"required": _("So giấy tờ với người và với hồ sơ trước.")},
    )

    def __init__(self, *args: Any, asks_number: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_number:
            del self.fields["number"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        asked = "number" in self.fields and "number" not in self.errors and data.get("document") in NUMBERED
        if asked and not data.get("number"):
            self.add_error(
                "number", _("Đọc số trên giấy tờ rồi gõ vào đây: số trong hồ sơ là do người bệnh tự khai.")
            )
        return data


class DeskPhoneForm(PhoneForm):
    """A new number for an account, and the document its owner showed: its kind and end, never the whole number."""

    document = forms.ChoiceField(
        label=_("Giấy tờ đã xem"),
        choices=DOCUMENTS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Chọn giấy tờ.")},
    )
    ending = forms.CharField(
        label=_("4 ký tự cuối của số giấy tờ"),
        max_length=12,
        widget=forms.TextInput(attrs={"class": "input-date", "autocomplete": "off"}),
        help_text=_("Đọc trên giấy tờ. Chỉ ghi 4 ký tự này, không ghi cả số."),
        error_messages={"required": _("Đọc trên giấy tờ rồi gõ 4 ký tự cuối.")},
    )

    def __init__(self, *args: Any, number: str = "", **kwargs: Any) -> None:
        """``number``: the citizen number of the record, where one was vouched for: the document must end alike."""
        super().__init__(*args, **kwargs)
        self.number = number
        self.fields["phone"].label = _("Số điện thoại mới")
        self.fields["phone"].widget.attrs.pop("autofocus", None)

    def clean_ending(self) -> str:
        ending = re.sub(r"[\s.\-]", "", self.cleaned_data["ending"]).upper()
        if not re.fullmatch(r"[0-9A-Z]{4}", ending):
            raise forms.ValidationError(_("Cần đúng 4 chữ số hoặc chữ cái."))
        if self.number and self.cleaned_data.get("document") in NUMBERED and not self.number.endswith(ending):
            raise forms.ValidationError(_("Không khớp số căn cước trong hồ sơ. Xem lại giấy tờ và người."))
        return ending


class DecisionForm(forms.Form):
    reason = forms.CharField(
        label=_("Vì sao"),
        max_length=400,
        error_messages={"required": _("Viết vài chữ: đã so điều gì.")},
        widget=forms.Textarea(attrs={"rows": 2}),
    )
