"""The queue as a Django app: it brings pages, its tables are ``yba.care.line``'s."""

from __future__ import annotations

from django.apps import AppConfig


class QueueConfig(AppConfig):
    """Label ``queue``."""

    name = "yba.areas.booking.queue"
    label = "queue"
