"""Steps between a proof and being signed in, beside allauth's own: nobody is signed in until all are done.

allauth keeps who is signing in, and what is proved so far, in the session; until the last step `request.user` stays
nobody. Order: authenticator (allauth), second proof for a silent number, the second factor staff must have.
"""

from __future__ import annotations

from typing import Any

from allauth.account.stages import LoginStage
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpResponse
from django.shortcuts import redirect

from yba.site.accounts import roles

FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]


class SilentNumber(LoginStage):  # type: ignore[misc]  # allauth has no types
    """A number that was silent for months may have a new owner: a code alone does not open the old one's book."""

    key = "silent_number"
    urlname = "accounts:silent"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if not self.login.state.get("silent") or is_mfa_enabled(self.login.user, FACTORS):
            return None, True
        return redirect(self.urlname), True


class Enrol(LoginStage):  # type: ignore[misc]  # allauth has no types
    """Staff who have no second factor yet set one up before they see anything."""

    key = "enrol"
    urlname = "accounts:enrol"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        account: Any = self.login.user
        if account.role not in roles.SECOND_FACTOR or is_mfa_enabled(account, FACTORS):
            return None, True
        return redirect(self.urlname), True
