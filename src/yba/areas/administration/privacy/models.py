"""The register of breaches: what got out, when it was found, who was told.

Luật 91/2025/QH15 Đ23; NĐ 356/2025 Đ28-29.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Breach(models.Model):
    """One breach, as it is known now; its ``steps`` say how it came to be known."""

    class Data(models.TextChoices):
        HEALTH = "health", _("Sức khỏe, bệnh án")
        IDENTITY = "identity", _("Họ tên, căn cước, điện thoại, địa chỉ")
        BIOMETRIC = "biometric", _("Sinh trắc học")
        LOCATION = "location", _("Vị trí")
        ACCOUNT = "account", _("Tài khoản, mật khẩu, khóa")
        PAYMENT = "payment", _("Thanh toán, bảo hiểm")

    #: Data whose owners are told themselves within 72 hours (NĐ 356/2025 Đ29).
    TOLD: ClassVar[frozenset[str]] = frozenset({"biometric", "location"})

    facility = models.CharField(max_length=64, db_index=True)
    happened_at = models.DateTimeField(null=True, blank=True)
    detected_at = models.DateTimeField()
    due_at = models.DateTimeField()
    what = models.TextField()
    data = models.JSONField(default=list)
    affected = models.PositiveIntegerField(null=True, blank=True)
    measures = models.TextField(blank=True)
    entered_by = models.CharField(max_length=200)
    reported_at = models.DateTimeField(null=True, blank=True)
    report_number = models.CharField(max_length=100, blank=True)
    unreported_because = models.TextField(blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    told_how = models.CharField(max_length=300, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    kept_until = models.DateField(null=True, blank=True)
    once = models.CharField(max_length=64, unique=True, null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "-detected_at"], name="privacy_breach_list")
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(reported_at__isnull=True)
                | models.Q(reported_at__gte=models.F("detected_at")),
                name="privacy_breach_reported_after",
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"VP-{self.pk:05d}"

    @property
    def must_tell(self) -> bool:
        return bool(self.TOLD & set(self.data))


class BreachStep(models.Model):
    """One thing found or done about a breach. Appended only."""

    breach = models.ForeignKey(Breach, on_delete=models.PROTECT, related_name="steps")
    at = models.DateTimeField()
    by_name = models.CharField(max_length=200)
    words = models.CharField(max_length=200)
    note = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.breach_id}: {self.words}"
