"""The message outbox as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class MessagesConfig(AppConfig):
    name = "yba.care.messages"
    label = "messages_out"
