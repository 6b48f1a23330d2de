"""Uploads as a Django app: an address, no tables."""

from __future__ import annotations

from django.apps import AppConfig


class UploadsConfig(AppConfig):
    name = "yba.care.uploads"
    label = "uploads"
