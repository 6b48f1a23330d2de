"""Forms of the bank account and of money that came by transfer."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from yba.care.money import vietqr
from yba.fhir.model.fold import fold


class AccountForm(forms.Form):
    """Where transfers go. The holder's name is kept as banks write it: capital letters without accents."""

    bank = forms.ChoiceField(label=_("Ngân hàng"))
    number = forms.CharField(
        label=_("Số tài khoản"), max_length=30, help_text=_("6 đến 19 chữ số hoặc chữ cái, như trên sao kê.")
    )
    holder = forms.CharField(
        label=_("Tên chủ tài khoản"), max_length=100, help_text=_("Như ngân hàng hiện khi chuyển tới.")
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["bank"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            ("", gettext("Chọn ngân hàng")),
            *((one.bin, f"{one.short_name} ({one.name})") for one in vietqr.banks().values()),
        ]

    def clean_number(self) -> str:
        found = re.sub(r"[\s.-]", "", self.cleaned_data["number"]).upper()
        if not re.fullmatch(r"[0-9A-Z]{6,19}", found):
            raise forms.ValidationError(
                gettext("Số tài khoản có 6 đến 19 chữ số hoặc chữ cái, không có dấu.")
            )
        return found

    def clean_holder(self) -> str:
        found = " ".join(fold(self.cleaned_data["holder"]).upper().split())
        if not re.fullmatch(r"[A-Z0-9 .,&()/-]{2,100}", found):
            raise forms.ValidationError(gettext("Tên chủ tài khoản chỉ có chữ, số và khoảng trắng."))
        return found


class StatementForm(forms.Form):
    """A statement of the bank."""

    statement = forms.FileField(
        label=_("Sao kê của ngân hàng (CSV)"),
        help_text=_(
            "Cần các cột ngày giao dịch, số tham chiếu, ghi có, nội dung. Dòng đã ghi rồi thì không ghi lại."
        ),
    )


class SettleForm(forms.Form):
    """An invoice for the chosen transfers."""

    number = forms.CharField(label=_("Số hóa đơn"), max_length=32)
    reason = forms.CharField(
        label=_("Ghi chú"), max_length=300, required=False, help_text=_("Bắt buộc khi khách chuyển thừa.")
    )


class GiveBackForm(forms.Form):
    """Why a transfer pays nothing here."""

    reason = forms.CharField(
        label=_("Lý do"),
        max_length=300,
        help_text=_("Đã trả lại lúc nào, cách nào, hoặc tiền này của việc gì."),
    )
