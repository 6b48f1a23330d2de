"""An identity provider's word on who somebody is (OpenID Connect, any provider): the highest level of identity.

Source: OpenID Connect Core 1.0, section 5.1 (standard claims); which claim holds the citizen number is a setting.
The way there and back (state, PKCE, nonce, tokens) is allauth's.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from yba.care import identifiers
from yba.care.names import tidy_name
from yba.care.refusal import Refusal
from yba.site import headers
from yba.site.accounts import actions, events, identity, roles
from yba.site.accounts.models import Account

SEXES = {"male": "male", "female": "female", "nam": "male", "nữ": "female"}


def _app() -> dict[str, Any] | None:
    apps = settings.SOCIALACCOUNT_PROVIDERS.get("openid_connect", {}).get("APPS", [])
    return apps[0] if apps else None


def button() -> tuple[str, str]:
    """The words on the button and where it posts; empty when the house has no provider."""
    app = _app()
    if app is None:
        return "", ""
    return str(app["name"]), reverse("openid_connect_login", args=[app["provider_id"]])


def is_known(provider_id: str) -> bool:
    """Whether an address names the house's provider: allauth would ask a table for whatever else it names."""
    app = _app()
    return app is not None and provider_id == str(app["provider_id"])


def allow_form(request: HttpRequest, response: HttpResponse) -> None:
    """Let this page's form lead to the provider: browsers hold redirects after a form to `form-action` too."""
    app = _app()
    if app is not None:
        parts = urlsplit(str(app["settings"]["server_url"]))
        origin = f"{parts.scheme}://{parts.netloc}"
        response.headers["Content-Security-Policy"] = headers.content_policy(request, form_action=[origin])


def said_by(data: dict[str, Any]) -> identity.Said:
    """The claims as the house's own words; a number that is no citizen number counts as none."""
    claims = {**(data.get("id_token") or {}), **(data.get("userinfo") or {})} or data
    number = identifiers.check_citizen_number(str(claims.get(settings.ENVIRONMENT.oidc_number_claim) or ""))
    phone = identifiers.check_phone(str(claims.get("phone_number") or ""))
    name = str(claims.get("name") or "") or " ".join(
        filter(None, [str(claims.get("family_name") or ""), str(claims.get("given_name") or "")])
    )
    return identity.Said(
        name=tidy_name(name)[:100],
        birth_date=str(claims.get("birthdate") or "")[:10],
        sex=SEXES.get(str(claims.get("gender") or "").lower(), ""),
        citizen_number="" if isinstance(number, Refusal) else number.value,
        phone="" if isinstance(phone, Refusal) or not claims.get("phone_number_verified") else phone.value,
    )


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Who comes by the provider: a citizen, tied to a person by rule or by a human."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """The provider must say name and birth date; staff come by their own door."""
        data = sociallogin.account.extra_data
        token, info = data.get("id_token") or {}, data.get("userinfo") or {}
        if token and info and token.get("sub") != info.get("sub"):  # OpenID Connect Core 1.0, 5.3.2
            self.on_authentication_error(request, sociallogin.account.provider)
        said = said_by(data)
        if not said.name or not said.birth_date:
            messages.error(
                request, _("Nơi định danh chưa cho biết họ tên và ngày sinh. Hãy dùng số điện thoại.")
            )
            raise ImmediateHttpResponse(redirect("accounts:sign_in"))
        if sociallogin.is_existing and sociallogin.user.role != roles.CITIZEN:
            raise ImmediateHttpResponse(redirect("accounts:staff_sign_in"))
        if request.user.is_authenticated and getattr(request.user, "role", "") != roles.CITIZEN:
            raise ImmediateHttpResponse(redirect("accounts:security"))

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Any:
        account = sociallogin.user
        account.login, account.role = actions.nameless(), roles.CITIZEN
        account.name = said_by(sociallogin.account.extra_data).name
        return account

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Any:
        """A new account, and who it is: see `identity.vouched`."""
        account = sociallogin.user
        account.set_unusable_password()
        sociallogin.save(request)
        self._judge(request, account, sociallogin.account)
        return account

    def on_authentication_error(self, request: HttpRequest, provider: Any, **more: Any) -> None:
        events.note("sign-in-failed", request=request, detail="identity provider: refused", outcome="refused")
        messages.error(request, _("Chưa xác minh được qua định danh điện tử. Hãy thử lại."))
        raise ImmediateHttpResponse(redirect("accounts:sign_in"))

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("accounts:security")

    def validate_disconnect(self, account: Any, accounts: Any) -> None:
        return None

    def _judge(self, request: HttpRequest, account: Account, social: SocialAccount) -> None:
        said = said_by(social.extra_data)
        verdict = identity.vouched(request, account, said, source=str(social.provider))
        if verdict == "doubt":
            messages.info(
                request,
                _(
                    "Đã có sổ giống với thông tin này. Nhân viên sẽ đối chiếu rồi nối sổ; trong lúc đó sổ chưa mở."
                ),
            )


def connected(request: HttpRequest, sociallogin: Any, **more: Any) -> None:
    """A signed-in citizen has connected the provider (allauth's signal): judge who they are."""
    if request.user.is_authenticated:
        events.note("factor", request=request, account=request.user, detail="identity provider: connected")
        ProviderAdapter()._judge(request, request.user, sociallogin.account)
