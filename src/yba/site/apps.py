"""The site as a Django app: it brings the translations and the worker's jobs."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "yba.site"
    label = "yba_site"
