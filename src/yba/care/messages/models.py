"""One row a message: written with the change that causes it, sent after commit."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Message(models.Model):
    """A text to one phone number."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"

    to_phone = models.CharField(max_length=20)
    text = models.TextField()
    kind = models.CharField(max_length=40)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    dedupe_key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        db_table = "messages"
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["to_phone", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.to_phone}: {self.text[:40]}"
