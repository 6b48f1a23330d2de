"""What allauth asks a project: where phones are, how a text leaves, what is said, who may change what."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, ClassVar

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth import login as django_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from yba.care import messages
from yba.site.accounts import events, limits, roles, rules
from yba.site.accounts.backend import BACKEND
from yba.site.accounts.models import Account, Phone


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts without e-mail: a phone number or a short name, limits in the database, texts instead of mails."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("Tài khoản này đang khóa. Gọi tổng đài để được giúp."),
        "enter_current_password": _("Nhập mật khẩu đang dùng."),
        "incorrect_code": _("Mã chưa đúng. Xem lại rồi nhập mã mới nhất."),
        "incorrect_password": _("Mật khẩu chưa đúng."),
        "invalid_login": _("Tên đăng nhập hoặc mật khẩu chưa đúng."),
        "username_password_mismatch": _("Tên đăng nhập hoặc mật khẩu chưa đúng."),
        "too_many_login_attempts": _("Sai quá nhiều lần. Hãy thử lại sau 15 phút."),
        "rate_limited": _("Sai quá nhiều lần. Hãy thử lại sau 15 phút."),
        "same_as_current": _("Mật khẩu mới phải khác mật khẩu đang dùng."),
    }

    # -- proving a password ---------------------------------------------------------------------------

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a try for the name and for the address; both counts are rows, so they hold for every process."""
        name, now = str(credentials.get("username", "")).lower(), timezone.now()
        address = rules.caller(self.get_client_ip(request))
        window = rules.PASSWORD_WINDOW
        if not (
            limits.take(f"password:n:{name}", most=rules.PASSWORDS_PER_LOGIN, window=window, now=now)
            and limits.take(f"password:a:{address}", most=rules.PASSWORDS_PER_ADDRESS, window=window, now=now)
        ):
            events.note("sign-in-failed", request=request, detail="password: too many", outcome="refused")
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        account = super().authenticate(request, **credentials)
        if account is not None:
            limits.clear(f"password:n:{str(credentials.get('username', '')).lower()}")
            limits.give_back(f"password:a:{rules.caller(self.get_client_ip(request))}")
        return account

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        name = str(credentials.get("username", "")).lower()
        known = Account.objects.filter(login=name).first()
        events.note(
            "sign-in-failed", request=request, account=known, detail="password: wrong", outcome="refused"
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - a word for "unknown", not a bind

    # -- signing in -----------------------------------------------------------------------------------

    def get_login_stages(self) -> list[str]:
        return [
            "allauth.mfa.stages.AuthenticateStage",
            "yba.site.accounts.stages.SilentNumber",
            "yba.site.accounts.stages.Enrol",
        ]

    def pre_login(self, request: HttpRequest, user: Account, **hook: Any) -> HttpResponse | None:
        if user.may_enter(timezone.now()):
            return None
        clear_login(request)
        return self.respond_user_inactive(request, user)

    def respond_user_inactive(self, request: HttpRequest, user: Account) -> HttpResponse:
        events.note("sign-in-failed", request=request, account=user, detail="not in force", outcome="refused")
        return redirect("account_inactive")

    def login(self, request: HttpRequest, user: Account) -> None:
        """Begin the session: a day's work for staff, a fortnight for a citizen's own phone."""
        user.backend = BACKEND
        django_login(request, user)
        if user.is_staff_member and user.role not in roles.SCREENS:
            # A moment, no length: a length would begin anew whenever the session is written.
            request.session.set_expiry(timezone.now() + rules.STAFF_SESSION)
        request.session["seen_at"] = timezone.now().timestamp()

    def post_login(self, request: HttpRequest, user: Account, **hook: Any) -> HttpResponse:
        records = request.session.get("account_authentication_methods", [])
        means = "+".join(dict.fromkeys(str(one.get("type") or one.get("method")) for one in records))
        events.note("sign-in", request=request, account=user, detail=means)
        response: HttpResponse = super().post_login(request, user, **hook)
        return response

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return resolve_url("home")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:security")

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """How this account can prove itself again; a citizen with nothing else gets a code by message."""
        words = {
            "reauthenticate": gettext("Dùng mật khẩu"),
            "mfa_reauthenticate": gettext("Dùng mã của ứng dụng xác thực hoặc mã dự phòng"),
            "mfa_reauthenticate:webauthn": gettext("Dùng khóa truy cập (passkey)"),
        }
        found = [
            one | {"description": words[one["id"]]} for one in super().get_reauthentication_methods(user)
        ]
        if not found and isinstance(user, Account) and user.phone:
            return [
                {
                    "id": "phone",
                    "description": gettext("Dùng mã gửi tới điện thoại"),
                    "url": reverse("accounts:prove_phone"),
                }
            ]
        return found

    # -- phones ---------------------------------------------------------------------------------------

    def get_phone(self, user: Account) -> tuple[str, bool] | None:
        return (user.phone, True) if user.phone else None

    def get_user_by_phone(self, phone: str) -> Account | None:
        found = Phone.objects.select_related("account").filter(number=phone).first()
        return found.account if found is not None else None

    def set_phone(self, user: Account, phone: str, verified: bool) -> None:
        if verified:
            Phone.objects.get_or_create(number=phone, defaults={"account": user})

    def set_phone_verified(self, user: Account, phone: str) -> None:
        self.set_phone(user, phone, True)

    def send_verification_code_sms(self, user: Account, phone: str, code: str, **more: Any) -> None:
        text = gettext("Mã đăng nhập Y Bạ là %(code)s, có hiệu lực 5 phút. Không đưa mã này cho ai.")
        messages.send(phone, text % {"code": code}, "accounts.code")

    # -- words ----------------------------------------------------------------------------------------

    def send_notification_mail(self, template_prefix: str, user: Account, *args: Any, **more: Any) -> None:
        """A text in place of a mail: how one signs in has changed, and it may have been somebody else."""
        tell_change(user)


def tell_change(account: Account, *, but: str = "", text: str = "") -> None:
    """Tell the person by message, on every number but a new one, that the way they sign in has changed."""
    text = text or gettext("Cách đăng nhập Y Bạ vừa thay đổi. Không phải mình đổi thì gọi tổng đài ngay.")
    numbers = set(account.phones.values_list("number", flat=True)) | {account.contact}
    for number in sorted(numbers - {"", but}):
        messages.send(number, text, "accounts.changed")


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Secrets of authenticators are kept enciphered; who must have a second factor keeps at least one."""

    error_messages: ClassVar[dict[str, Any]] = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": _("Đây là lớp bảo vệ thứ hai duy nhất; thêm cái khác trước khi bỏ."),
        "cannot_generate_recovery_codes": _("Bật ứng dụng xác thực hoặc khóa truy cập trước."),
        "incorrect_code": _("Mã chưa đúng. Xem lại rồi nhập mã mới nhất."),
    }

    def get_totp_label(self, user: Account) -> str:
        return user.phone or user.login

    def get_totp_issuer(self) -> str:
        return "Y Bạ"

    def build_totp_svg(self, url: str) -> str:
        return str(segno.make(url, error="m").svg_inline(scale=5, border=2, svgclass="qr", lineclass=None))

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return may_remove(authenticator)

    def generate_authenticator_name(self, user: Account, type: Any) -> str:
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Khóa truy cập %(number)s") % {"number": count + 1}

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": "Y Bạ"}


def may_remove(authenticator: Authenticator) -> bool:
    """Staff keep one factor of those that can be asked at sign-in; anybody else may drop theirs."""
    account = authenticator.user
    if authenticator.type == Authenticator.Type.RECOVERY_CODES or account.role not in roles.SECOND_FACTOR:
        return True
    others = Authenticator.objects.filter(
        user=account, type__in=[Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    ).exclude(pk=authenticator.pk)
    return bool(others.exists())


def _cipher() -> Fernet:
    key = hashlib.sha256(b"authenticators:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
