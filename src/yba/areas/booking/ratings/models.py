"""What may be shown of a rating, and what was said against it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Rating(models.Model):
    """The copy of what was said of one visit, without whose it is in its key. Written by ``actions`` alone."""

    class State(models.TextChoices):
        SHOWN = "shown", _("Đang hiển thị")
        DISPUTED = "disputed", _("Đang xem lại")
        HIDDEN = "hidden", _("Đã ẩn")

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    encounter_id = models.CharField(max_length=64, unique=True)
    response_id = models.CharField(max_length=64, unique=True)
    patient_id = models.CharField(max_length=64)
    #: The account that wrote it, and the person it belongs to: who is told.
    writer = models.CharField(max_length=64)
    writer_person = models.CharField(max_length=64, blank=True, default="")
    role_id = models.CharField(max_length=64)
    practitioner_id = models.CharField(max_length=64)
    facility = models.CharField(max_length=64)
    #: The first day of the month of the visit: nothing more exact is ever shown.
    month = models.DateField()
    stars = models.PositiveSmallIntegerField()
    answers = models.JSONField(default=dict)
    words = models.CharField(max_length=600, blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=8, choices=State.choices, default=State.SHOWN)
    #: The visit has come to bear a sensitive label since: neither shown nor counted.
    withheld = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(stars__gte=1, stars__lte=5), name="ratings_one_to_five"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["role_id", "-month"], name="ratings_role"),
            models.Index(fields=["practitioner_id"], name="ratings_practitioner"),
            models.Index(fields=["facility", "state"], name="ratings_facility"),
        ]

    def __str__(self) -> str:
        return f"{self.role_id}: {self.stars}"


class Dispute(models.Model):
    """Somebody says that a rating should not be shown, and what was decided."""

    class By(models.TextChoices):
        DOCTOR = "doctor", _("Bác sĩ")
        FACILITY = "facility", _("Cơ sở")
        #: What was hidden has been changed by its writer: it is looked at again.
        CHANGED = "changed", _("Người viết đã sửa")

    class Outcome(models.TextChoices):
        OPEN = "", _("Chưa quyết định")
        KEPT = "kept", _("Giữ lại")
        HIDDEN = "hidden", _("Ẩn đi")

    rating = models.ForeignKey(Rating, on_delete=models.CASCADE, related_name="disputes")
    version = models.PositiveIntegerField()
    by = models.CharField(max_length=8, choices=By.choices)
    account = models.CharField(max_length=64, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    #: A key of ``rules.REASONS``.
    reason = models.CharField(max_length=16, blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")
    at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True, default=Outcome.OPEN)
    decided_by = models.CharField(max_length=200, blank=True, default="")
    why = models.CharField(max_length=500, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["rating"], condition=models.Q(outcome=""), name="ratings_one_open_dispute"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating_id}: {self.outcome or 'open'}"
