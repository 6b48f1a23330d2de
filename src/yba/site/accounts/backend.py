"""Who may be signed in, asked at every request: an ended, suspended or expired account is nobody at once."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import get_user_model
from django.utils import timezone

from yba.care import asked

_ACCOUNT: Final = "select {columns} from accounts_account where id = %s"
BACKEND = "yba.site.accounts.backend.Backend"


class Backend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """allauth's way to prove a password, and our word on who may enter."""

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.may_enter(timezone.now()))

    def get_user(self, user_id: int) -> Any:
        user = asked.first(get_user_model(), _ACCOUNT, [user_id])
        return user if user is not None and self.user_can_authenticate(user) else None
