"""The Django app of shared clinical subjects; its only table holds imported diagnosis lists."""

from __future__ import annotations

from django.apps import AppConfig


class CareConfig(AppConfig):
    """Label ``care``."""

    name = "yba.care"
    label = "care"
    default_auto_field = "django.db.models.BigAutoField"
