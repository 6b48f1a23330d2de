"""The administration area as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class Administration(AppConfig):
    """Label ``administration``."""

    name = "yba.areas.administration"
    label = "administration"
