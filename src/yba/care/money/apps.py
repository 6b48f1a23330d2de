"""Money as a Django app: number series and receipts."""

from __future__ import annotations

from django.apps import AppConfig


class MoneyConfig(AppConfig):
    """Label ``money``."""

    name = "yba.care.money"
    label = "money"
    default_auto_field = "django.db.models.BigAutoField"
