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


class BankAccount(models.Model):
    """Where a facility takes transfers; one at a time. ``bank``: the six digits of NAPAS (the BIN) in its QR codes."""

    facility = models.CharField(max_length=64, unique=True)
    bank = models.CharField(max_length=6)
    number = models.CharField(max_length=19)
    holder = models.CharField(max_length=100)
    #: Grows with every change: keys made for the account before it end.
    version = models.PositiveIntegerField(default=1)
    by = models.CharField(max_length=64)
    by_name = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.bank} {self.number}"


class TransferState(models.TextChoices):
    """What became of money that came by transfer."""

    MATCHED = "matched", _("Đã khớp hóa đơn")
    OPEN = "open", _("Cần xem")
    SETTLED = "settled", _("Đã thu theo phiếu")
    RETURNED = "returned", _("Đã trả lại")


class Transfer(models.Model):
    """Money that came to a facility's account, once by the bank's own number. ``amount`` in whole đồng.

    ``why``: the key of what stopped it from paying an invoice by itself (``open``); ``reason``: what a cashier wrote.
    """

    facility = models.CharField(max_length=64)
    account = models.CharField(max_length=19)
    reference = models.CharField(max_length=100)
    amount = models.DecimalField(max_digits=14, decimal_places=0)
    content = models.CharField(max_length=500)
    payer = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    came_by = models.CharField(max_length=16)
    state = models.CharField(max_length=16, choices=TransferState.choices)
    why = models.CharField(max_length=32, blank=True)
    invoice_number = models.CharField(max_length=32, blank=True)
    receipt = models.ForeignKey(
        Receipt, null=True, blank=True, on_delete=models.PROTECT, related_name="transfers"
    )
    reason = models.CharField(max_length=300, blank=True)
    decided_by = models.CharField(max_length=64, blank=True)
    decided_by_name = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["facility", "account", "reference"], name="money_transfer_comes_once"
            ),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="money_transfer_is_money"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "state", "at"], name="money_transfers_of_facility"),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount}"
