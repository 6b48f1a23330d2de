"""What people type to sign in."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from yba.site.accounts import rules


class PhoneForm(forms.Form):
    phone = forms.CharField(
        label=_("Số điện thoại"),
        max_length=24,
        error_messages={"required": _("Nhập số điện thoại của bạn.")},
        widget=forms.TextInput(
            attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel", "autofocus": True}
        ),
    )

    def clean_phone(self) -> str:
        phone = rules.normal_phone(self.cleaned_data["phone"])
        if phone is None:
            raise forms.ValidationError(_("Số điện thoại chưa đúng. Ví dụ: 0912 345 678."))
        return phone


class CodeForm(forms.Form):
    code = forms.RegexField(
        r"^\d{6}$",
        label=_("Mã gồm 6 chữ số"),
        max_length=6,
        error_messages={
            "required": _("Nhập mã trong tin nhắn."),
            "invalid": _("Mã gồm đúng 6 chữ số."),
        },
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True}
        ),
    )


class StaffForm(forms.Form):
    login = forms.CharField(
        label=_("Tên đăng nhập"),
        max_length=64,
        error_messages={"required": _("Nhập tên đăng nhập.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        label=_("Mật khẩu"),
        max_length=200,
        strip=False,
        error_messages={"required": _("Nhập mật khẩu.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
