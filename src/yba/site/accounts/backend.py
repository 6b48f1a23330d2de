"""Who may be signed in, asked at every request: an ended, suspended or expired account is nobody at once."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import get_user_model
from django.utils import timezone

BACKEND = "yba.site.accounts.backend.Backend"


class Backend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's way to prove a password, and our word on who may enter."""

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.may_enter(timezone.now()))

    def get_user(self, user_id: int) -> Any:
        # Asked at every request, so its SQL is not composed anew each time.
        accounts = get_user_model()._default_manager
        user = next(iter(accounts.raw("select * from accounts_account where id = %s", [user_id])), None)
        return user if user is not None and self.user_can_authenticate(user) else None
