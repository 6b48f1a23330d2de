"""What people type to sign in, and to change how they do."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from allauth.account.forms import ChangePasswordForm, ReauthenticateForm, SetPasswordForm
from allauth.core import context
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
    SignupWebAuthnForm,
)
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from yba.site.accounts import factors, rules
from yba.site.accounts.models import Account


def _code_input(**more: Any) -> forms.TextInput:
    return forms.TextInput(
        attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "class": "input-code", **more}
    )


class PhoneForm(forms.Form):
    phone = forms.CharField(
        label=_("Số điện thoại"),
        max_length=24,
        error_messages={"required": _("Nhập số điện thoại.")},
        widget=forms.TextInput(
            attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel", "autofocus": True}
        ),
    )

    def clean_phone(self) -> str:
        return checked_phone(self.cleaned_data["phone"])


def checked_phone(text: str) -> str:
    """A number as it is kept. Raises ValidationError where it is none."""
    phone = rules.normal_phone(text)
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
        widget=_code_input(autofocus=True),
    )


def _password_field(label: Any, autocomplete: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=200,
        strip=False,
        error_messages={"required": _("Nhập mật khẩu.")},
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
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
    password = _password_field(_("Mật khẩu"), "current-password")


class CitizenPasswordForm(PhoneForm):
    password = _password_field(_("Mật khẩu"), "current-password")


class SecondProofForm(forms.Form):
    """For a number that was silent: what only the owner of the book and their papers know."""

    proof = forms.CharField(
        label=_("Ngày sinh hoặc số căn cước của chủ sổ"),
        help_text=_("Ví dụ 05/09/1958, hoặc 12 chữ số trên căn cước."),
        max_length=20,
        error_messages={"required": _("Nhập ngày sinh hoặc số căn cước.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class RecoveryForm(CodeForm):
    """Whoever lost a number proves the new one by its code, and the account by something else."""

    old_phone = forms.CharField(
        label=_("Số điện thoại cũ"),
        max_length=24,
        error_messages={"required": _("Nhập số điện thoại cũ.")},
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "off"}),
    )
    proof = forms.CharField(
        label=_("Mã dự phòng, mã của ứng dụng xác thực, hoặc mật khẩu"),
        max_length=200,
        strip=False,
        error_messages={"required": _("Nhập một trong ba thứ đó.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class ChosenPasswordForm(forms.Form):
    """A new password, typed twice."""

    password = _password_field(_("Mật khẩu"), "new-password")
    again = _password_field(_("Nhập lại mật khẩu"), "new-password")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("password") and data.get("again") and data["password"] != data["again"]:
            self.add_error("again", _("Hai lần nhập chưa giống nhau."))
        elif data.get("password"):
            try:
                validate_password(data["password"])
            except forms.ValidationError as weak:
                self.add_error("password", weak)
        return data


class InvitedForm(ChosenPasswordForm):
    """A new member of staff chooses how to sign in."""

    field_order = ("login", "password", "again")
    login = forms.RegexField(
        r"^[a-z0-9][a-z0-9._-]{2,39}$",
        label=_("Tên đăng nhập"),
        help_text=_("Chữ thường không dấu, chữ số, dấu chấm; từ 3 ký tự."),
        error_messages={
            "required": _("Nhập tên đăng nhập."),
            "invalid": _("Chỉ gồm chữ thường không dấu, chữ số, dấu chấm, gạch; từ 3 đến 40 ký tự."),
        },
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )

    def clean_login(self) -> str:
        login = str(self.cleaned_data["login"])
        if rules.normal_phone(login) or Account.objects.filter(login=login).exists():
            raise forms.ValidationError(_("Tên này đã có người dùng. Chọn tên khác."))
        return login


class PinForm(forms.Form):
    pin = forms.RegexField(
        rules.PIN,
        label=_("PIN mới"),
        help_text=_("6 chữ số, dùng để mở màn hình đang khóa."),
        max_length=6,
        error_messages={"required": _("Nhập PIN."), "invalid": _("PIN gồm đúng 6 chữ số.")},
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def clean_pin(self) -> str:
        pin = str(self.cleaned_data["pin"])
        if rules.weak_pin(pin):
            raise forms.ValidationError(_("PIN này dễ đoán. Đừng dùng một chữ số lặp lại hay dãy liền nhau."))
        return pin


# -- allauth's forms in our words -------------------------------------------------------------------------


class FactorForm(forms.Form):
    """A code of the authenticator, or a recovery code."""

    code = forms.CharField(
        label=_("Mã xác thực"),
        help_text=_("6 chữ số trong ứng dụng xác thực, hoặc một mã dự phòng 8 chữ số."),
        max_length=20,
        error_messages={"required": _("Nhập mã.")},
        widget=_code_input(autofocus=True),
    )
    reauthenticated = False

    def __init__(self, *args: Any, user: Account, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_code(self) -> str:
        code, request = str(self.cleaned_data["code"]), context.request
        address = rules.caller(str(request.META.get("REMOTE_ADDR") or "-"))
        if not factors.may_try(self.user, address=address):
            factors.failed(request, self.user, "factor: too many")
            raise forms.ValidationError(_("Sai quá nhiều lần. Hãy thử lại sau 15 phút."))
        found = factors.of_code(self.user, code)
        if found is None:
            factors.failed(request, self.user, "factor: wrong")
            raise forms.ValidationError(_("Mã chưa đúng. Xem lại rồi nhập mã mới nhất."))
        factors.succeeded(self.user, address=address)
        self.authenticator: Authenticator = found
        return code

    def save(self) -> None:
        post_authentication(context.request, self.authenticator, reauthenticated=self.reauthenticated)


class FactorAgainForm(FactorForm):
    reauthenticated = True


class SetUpTotpForm(ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = forms.CharField(
            label=_("Mã trong ứng dụng"),
            max_length=10,
            error_messages={"required": _("Nhập mã.")},
            widget=_code_input(),
        )


class SetUpPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Tên khóa")
        self.fields["name"].help_text = _("Để nhận ra nó trong danh sách, ví dụ “Điện thoại của tôi”.")
        if "passwordless" in self.fields:
            self.fields["passwordless"].label = _("Dùng thay cho mật khẩu và mã")
            self.fields["passwordless"].help_text = _("Thiết bị hỏi vân tay, khuôn mặt hoặc mã khóa máy.")
            self.fields["passwordless"].initial = True

    def clean(self) -> Any:
        return _sound(super().clean)


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Tên khóa")


def _sound(check: Callable[[], Any]) -> Any:
    """What the check says; a credential that is none at all is a wrong one, not a fault of the house."""
    try:
        return check()
    except forms.ValidationError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, struct.error) as broken:
        raise forms.ValidationError(_("Khóa truy cập này không đọc được. Thử lại.")) from broken


class LoginPasskeyForm(LoginWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    def clean_credential(self) -> Any:
        return _sound(super().clean_credential)


class PasskeyForm(AuthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    def clean_credential(self) -> Any:
        return _sound(super().clean_credential)


class PasskeyAgainForm(ReauthenticateWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    def clean_credential(self) -> Any:
        return _sound(super().clean_credential)


class FirstPasskeyForm(SignupWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    def clean(self) -> Any:
        return _sound(super().clean)


class PasswordAgainForm(ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = _("Mật khẩu")
        self.fields["password"].widget.attrs.pop("placeholder", None)


class NewPasswordForm(ChangePasswordForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_passwords(self.fields)


class FirstPasswordForm(SetPasswordForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_passwords(self.fields)


def _name_passwords(fields: dict[str, forms.Field]) -> None:
    labels = {
        "oldpassword": _("Mật khẩu đang dùng"),
        "password1": _("Mật khẩu mới"),
        "password2": _("Nhập lại mật khẩu mới"),
    }
    for name, field in fields.items():
        field.label = labels.get(name, field.label)
        field.widget.attrs.pop("placeholder", None)
        if name == "password1":
            field.help_text = _("Từ 12 ký tự; đừng dùng mật khẩu hay gặp.")
