"""The line as a Django app: its two tables."""

from __future__ import annotations

from django.apps import AppConfig


class LineConfig(AppConfig):
    """Label ``line``."""

    name = "yba.care.line"
    label = "line"
    default_auto_field = "django.db.models.BigAutoField"
