"""What a person chooses of a share: nothing is chosen beforehand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from yba.care import catalogues
from yba.care.sharing import tables
from yba.care.sharing.denying import Denial
from yba.care.sharing.terms import Holder, Terms
from yba.care.uploads.forms import DocumentField
from yba.ui.fields import CitizenNumberField, DateField, PhoneField

OTHER = "other"
OPEN = "open"


def _lengths() -> list[tuple[str, str]]:
    offered = tables.data()["length"]["offered"]
    days = [(str(one), ngettext("%(n)s ngày", "%(n)s ngày", one) % {"n": one}) for one in offered]
    return [*days, (OTHER, _t("Tới một ngày khác"))]


def _bounded(form: forms.Form, data: dict[str, Any]) -> dict[str, Any]:
    """What shares and denials alike must say: which parts, where not all; which day, where none of the list."""
    if data.get("extent") == "part" and not data.get("parts"):
        form.add_error("parts", _t("Đánh dấu ít nhất một phần."))
    if data.get("length") == OTHER and not data.get("until") and "until" not in form.errors:
        form.add_error("until", _t("Viết ngày kết thúc, ví dụ 31/12/2026."))
    return data


class ShareForm(forms.Form):
    """Terms of a share with one holder."""

    purposes = forms.MultipleChoiceField(
        label=_("Để làm gì"), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Chọn ít nhất một mục đích.")},
    )  # fmt: skip
    extent = forms.ChoiceField(
        label=_("Cho xem"), widget=forms.RadioSelect,
        choices=[("all", _("Cả sổ, trừ mục nhạy cảm")), ("part", _("Chỉ những phần chọn dưới đây"))],
        error_messages={"required": _("Chọn cả sổ hay từng phần.")},
    )  # fmt: skip
    parts = forms.MultipleChoiceField(
        label=_("Các phần"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Họ tên, ngày sinh, thẻ BHYT luôn đi kèm để người nhận biết sổ của ai."),
    )  # fmt: skip
    occurred_from = DateField(
        label=_("Chỉ việc xảy ra từ ngày"),
        required=False,
        help_text=_("Để trống: mọi năm. Dị ứng luôn hiện."),
    )
    occurred_until = DateField(label=_("Đến ngày"), required=False)
    sensitive = forms.MultipleChoiceField(
        label=_("Mục nhạy cảm"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Không bao giờ đi kèm cả sổ. Chỉ mục nào đánh dấu ở đây mới được xem."),
    )  # fmt: skip
    length = forms.ChoiceField(
        label=_("Trong bao lâu"), widget=forms.RadioSelect, error_messages={"required": _("Chọn thời hạn.")}
    )
    until = DateField(label=_("Tới hết ngày"), required=False, not_past=True)
    assent = forms.BooleanField(label=_("Đã hỏi trẻ, và trẻ đồng ý"), required=False)

    def __init__(
        self, *args: Any, holder: Holder, today: date, may_sensitive: bool, asks_child: bool, vip: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.holder, self.today = holder, today
        choices: dict[str, list[tuple[str, str]]] = {
            "purposes": [(one.code, one.name) for one in tables.purposes() if holder.kind in one.to],
            "parts": [(one.key, one.name) for one in tables.parts() if not one.always],
            "sensitive": [(one.key, one.name) for one in tables.sensitive() if vip or one.key != "vip"],
            "length": _lengths(),
        }
        for name, found in choices.items():
            self.fields[name].choices = found  # type: ignore[attr-defined]  # all are fields of choices
        if holder.kind == "person":
            del self.fields["purposes"]
            self.fields["extent"].choices = [  # type: ignore[attr-defined]  # the same
                ("all", _("Cả sổ, trừ mục nhạy cảm")), ("part", _("Chỉ những phần chọn dưới đây")),
                ("book", _("Chỉ đặt khám giúp: họ tên, thẻ BHYT, lịch hẹn")),
            ]  # fmt: skip
        if holder.kind == "person" or not may_sensitive:
            del self.fields["sensitive"]
        if not asks_child:
            del self.fields["assent"]

    def clean(self) -> dict[str, Any]:
        return _bounded(self, super().clean() or {})

    @property
    def terms(self) -> Terms:
        """The terms of a valid form."""
        data = self.cleaned_data
        until = data["until"] if data["length"] == OTHER else self.today + timedelta(days=int(data["length"]))
        parts = {"all": None, "book": ("visits",), "part": tuple(data.get("parts", ()))}[data["extent"]]
        return Terms(
            self.holder, tuple(data.get("purposes", ())), parts, until, tuple(data.get("sensitive", ())),
            data["occurred_from"], data["occurred_until"],
        )  # fmt: skip


class DenyForm(forms.Form):
    """How much of the book is closed, and until when."""

    extent = forms.ChoiceField(
        label=_("Không cho xem"), widget=forms.RadioSelect,
        choices=[("all", _("Cả sổ")), ("part", _("Chỉ những phần chọn dưới đây"))],
        error_messages={"required": _("Chọn cả sổ hay từng phần.")},
    )  # fmt: skip
    parts = forms.MultipleChoiceField(
        label=_("Các phần"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("Chặn thuốc và dị ứng thì bác sĩ có thể kê trúng thuốc gây dị ứng."),
    )  # fmt: skip
    length = forms.ChoiceField(
        label=_("Trong bao lâu"), widget=forms.RadioSelect, error_messages={"required": _("Chọn thời hạn.")}
    )
    until = DateField(label=_("Tới hết ngày"), required=False, not_past=True)
    assent = forms.BooleanField(label=_("Đã hỏi trẻ, và trẻ đồng ý"), required=False)

    def __init__(self, *args: Any, today: date, asks_child: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        choices: dict[str, list[tuple[str, str]]] = {
            "parts": [(one.key, one.name) for one in tables.parts() if not one.always],
            "length": [(OPEN, _t("Tới khi tự bỏ")), *_lengths()],
        }
        for name, found in choices.items():
            self.fields[name].choices = found  # type: ignore[attr-defined]  # all are fields of choices
        if not asks_child:
            del self.fields["assent"]

    def clean(self) -> dict[str, Any]:
        return _bounded(self, super().clean() or {})

    def denial(self, holder: Holder) -> Denial:
        """The denial a valid form says."""
        data = self.cleaned_data
        parts = tuple(data.get("parts", ())) if data["extent"] == "part" else None
        days = {OPEN: None, OTHER: data.get("until")}
        length = data["length"]
        until = days[length] if length in days else self.today + timedelta(days=int(length))
        return Denial(holder, parts, until)


class InviteForm(ShareForm):
    """Whom to invite, and how far."""

    name = forms.CharField(label=_("Tên người thân"), max_length=100)
    phone = PhoneField(label=_("Số điện thoại của người thân"))
    field_order = ("name", "phone")


class KinForm(forms.Form):
    """Next of kin ask to see the book of somebody who has died."""

    name = forms.CharField(label=_("Họ tên người đã mất"), max_length=200)
    number = CitizenNumberField(label=_("Số căn cước của người đã mất"))
    relation = forms.ChoiceField(label=_("Người đó là gì của mình"))
    facility = forms.ChoiceField(
        label=_("Cơ sở giữ hồ sơ"), help_text=_("Nơi người đó khám chữa bệnh lần cuối.")
    )
    why = forms.CharField(
        label=_("Xin xem để làm gì"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    paper = DocumentField(
        label=_("Giấy chứng tử kèm giấy tờ chứng minh quan hệ"),
        help_text=_("Một tệp PDF hoặc ảnh, tối đa 10 MB."),
    )

    def __init__(self, *args: Any, facilities: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["facility"].choices = [("", _t("Chọn cơ sở")), *facilities]  # type: ignore[attr-defined]  # a choice field
        known = [(one.code, one.name_vi) for one in catalogues.relationships()]
        self.fields["relation"].choices = [("", _t("Chọn quan hệ")), *known]  # type: ignore[attr-defined]  # a choice field
