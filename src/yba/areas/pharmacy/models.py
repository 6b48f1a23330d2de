"""Stock: lots with their balance, the ledger of every change, and what was handed over. FHIR R4 has no stock ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Lot(models.Model):
    """One lot of one drug in one facility. The balance is held at zero or more by the database itself."""

    facility = models.CharField(max_length=64)
    drug = models.CharField(max_length=16)
    number = models.CharField(max_length=32)
    expiry = models.DateField()
    balance = models.PositiveIntegerField()

    class Meta:
        db_table = "pharmacy_lot"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(balance__gte=0), name="pharmacy_never_below_zero"),
            models.UniqueConstraint(
                fields=["facility", "drug", "number", "expiry"], name="pharmacy_lot_once"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "drug", "expiry"], name="pharmacy_lots_of_drug"),
        ]

    def __str__(self) -> str:
        return f"{self.drug} {self.number}: {self.balance}"


class Reason(models.TextChoices):
    """Why a balance changed."""

    RECEIPT = "receipt", _("Nhập kho")
    DISPENSE = "dispense", _("Phát thuốc")


class Movement(models.Model):
    """A line of the ledger: never changed, never deleted (a trigger sees to it). ``quantity`` is signed."""

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="movements")
    quantity = models.IntegerField()
    reason = models.CharField(max_length=16, choices=Reason.choices)
    reference = models.CharField(max_length=80)
    by = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        db_table = "pharmacy_movement"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=~models.Q(quantity=0), name="pharmacy_movement_moves"),
            models.UniqueConstraint(fields=["lot", "reference"], name="pharmacy_movement_once"),
        ]

    def __str__(self) -> str:
        return f"{self.lot_id}: {self.quantity:+}"


class Handover(models.Model):
    """What was handed over for one line of a prescription by one submit of a page."""

    request_id = models.CharField(max_length=64)
    key = models.CharField(max_length=64)
    prescription = models.CharField(max_length=14)
    dispense_id = models.CharField(max_length=64)
    quantity = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "pharmacy_handover"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["request_id", "key"], name="pharmacy_handover_once"),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="pharmacy_handover_some"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.quantity}"
