"""The facility's side of data protection as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AdministrationPrivacy(AppConfig):
    """Label ``administration_privacy``."""

    name = "yba.areas.administration.privacy"
    label = "administration_privacy"
    default_auto_field = "django.db.models.BigAutoField"
