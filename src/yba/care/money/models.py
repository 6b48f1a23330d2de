"""Number series and receipts: ordinary tables beside the record's Invoices, written in the same transaction."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Series(models.Model):
    """The last number of one kind of paper in one facility and year; its row lock makes the numbers whole."""

    facility = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["facility", "kind", "year"], name="money_one_series_a_year"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.year}: {self.last}"


class Method(models.TextChoices):
    """How it was paid; the words people read."""

    CASH = "cash", _("Tiền mặt")
    TRANSFER = "transfer", _("Chuyển khoản")
    CARD = "card", _("Thẻ")


class Receipt(models.Model):
    """Money taken for one invoice, once. ``amount`` in whole đồng; ``key``: of the form that took it."""

    facility = models.CharField(max_length=64)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    invoice_id = models.CharField(max_length=64, unique=True)
    invoice_number = models.CharField(max_length=32)
    patient_id = models.CharField(max_length=64)
    patient_name = models.CharField(max_length=200)
    amount = models.DecimalField(max_digits=14, decimal_places=0)
    method = models.CharField(max_length=16, choices=Method.choices)
    at = models.DateTimeField()
    day = models.DateField()
    by = models.CharField(max_length=64)
    by_name = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=64, unique=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["facility", "year", "number"], name="money_receipt_number_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="money_receipt_not_negative"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "day"], name="money_receipts_of_day"),
            models.Index(fields=["patient_id"], name="money_receipts_of_person"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """As printed: "BL26-000123"."""
        return f"BL{self.year % 100:02}-{self.number:06}"
