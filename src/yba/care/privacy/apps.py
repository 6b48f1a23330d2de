"""The duties of data protection as a Django app: consents and requests, which the citizen and the facility share."""

from __future__ import annotations

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "yba.care.privacy"
    label = "privacy"
    default_auto_field = "django.db.models.BigAutoField"
