"""The billing area as a Django app; its tables are ``yba.care.money``'s."""

from __future__ import annotations

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Label ``billing``."""

    name = "yba.areas.billing"
    label = "billing"
