"""Sharing as a Django app: it owns what waits for an answer and the reviews of emergency openings."""

from __future__ import annotations

from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "yba.care.sharing"
    label = "sharing"
    default_auto_field = "django.db.models.BigAutoField"
