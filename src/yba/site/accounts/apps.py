"""The accounts as a Django app, and what they hear from allauth."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "yba.site.accounts"
    label = "accounts"

    def ready(self) -> None:
        from allauth.account.signals import password_changed, password_set
        from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
        from allauth.socialaccount.signals import social_account_added

        from yba.site.accounts.provider import connected

        for signal, what in (
            (password_set, "set"),
            (password_changed, "changed"),
            (authenticator_added, "added"),
            (authenticator_removed, "removed"),
            (authenticator_reset, "made anew"),
        ):
            signal.connect(_factor(what), weak=False, dispatch_uid=f"accounts-{what}")
        social_account_added.connect(connected, dispatch_uid="accounts-connected")


def _factor(what: str) -> Any:
    def changed(request: Any, user: Any, authenticator: Any = None, **more: Any) -> None:
        from yba.site.accounts import events

        kind = authenticator.type if authenticator is not None else "password"
        events.note("factor", request=request, account=user, detail=f"{kind}: {what}")

    return changed
