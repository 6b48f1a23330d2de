"""The authorization server as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class OauthConfig(AppConfig):
    name = "yba.site.oauth"
    label = "oauth"
