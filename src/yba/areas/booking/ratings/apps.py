"""Ratings as a Django app of its own within booking: its tables, its pages."""

from __future__ import annotations

from django.apps import AppConfig


class RatingsConfig(AppConfig):
    """Label ``ratings``."""

    name = "yba.areas.booking.ratings"
    label = "ratings"
