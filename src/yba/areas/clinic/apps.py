"""The clinic area as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class Clinic(AppConfig):
    """Label ``clinic``."""

    name = "yba.areas.clinic"
    label = "clinic"
    default_auto_field = "django.db.models.BigAutoField"
