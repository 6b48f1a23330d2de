"""The auditors' pages as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AdministrationAudit(AppConfig):
    """Label ``administration_audit``."""

    name = "yba.areas.administration.audit"
    label = "administration_audit"
