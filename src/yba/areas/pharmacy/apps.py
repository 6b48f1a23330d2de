"""The pharmacy area as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class Pharmacy(AppConfig):
    """Label ``pharmacy``."""

    name = "yba.areas.pharmacy"
    label = "pharmacy"
    default_auto_field = "django.db.models.BigAutoField"
