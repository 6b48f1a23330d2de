"""Copies of a book that wait to be fetched."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class BookCopy(models.Model):
    """A copy of one person's book: made once, fetched once, gone after that. The row stays as proof."""

    class Form(models.TextChoices):
        PDF = "pdf", _("PDF để đọc và in")
        JSON = "json", _("FHIR JSON cho phần mềm khác")

    class State(models.TextChoices):
        WAITING = "waiting", _("Đang làm")
        READY = "ready", _("Tải được")
        FETCHED = "fetched", _("Đã tải")
        EXPIRED = "expired", _("Đã hết hạn")
        FAILED = "failed", _("Chưa làm được")

    account = models.CharField(max_length=64)
    patient_id = models.CharField(max_length=64)
    patient_name = models.CharField(max_length=200)
    form = models.CharField(max_length=8, choices=Form.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    asked_at = models.DateTimeField()
    ready_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    count = models.PositiveIntegerField(default=0, help_text=_("Số mục trong bản sao"))
    size = models.PositiveIntegerField(default=0)
    content = models.BinaryField(null=True)
    once = models.CharField(max_length=64, unique=True, null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-asked_at"], name="citizen_copy_newest")
        ]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.form} {self.state}"
