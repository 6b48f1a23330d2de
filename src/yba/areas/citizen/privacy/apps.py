"""The citizen's rights over their data as a Django app; its pages stand in the citizen's book."""

from __future__ import annotations

from django.apps import AppConfig


class CitizenPrivacy(AppConfig):
    """Label ``citizen_privacy``."""

    name = "yba.areas.citizen.privacy"
    label = "citizen_privacy"
    default_auto_field = "django.db.models.BigAutoField"
