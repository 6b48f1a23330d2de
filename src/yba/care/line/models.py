"""Counters and tickets: ordinary tables, because FHIR has no resource for a number in a line."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Counter(models.Model):
    """The last number given in one queue on one day; its row lock is what makes numbers whole (house rule 15)."""

    facility = models.CharField(max_length=64)
    queue = models.CharField(max_length=64)
    day = models.DateField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["facility", "queue", "day"], name="line_one_counter_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.day}: {self.last}"


class Priority(models.TextChoices):
    """Why someone goes first; the words people read."""

    URGENT = "urgent", _("Cấp cứu")
    OVER_75 = "over_75", _("Trên 75 tuổi")
    UNDER_6 = "under_6", _("Dưới 6 tuổi")
    PREGNANT = "pregnant", _("Có thai")
    DISABLED = "disabled", _("Khuyết tật nặng")
    BOOKED = "booked", _("Có hẹn")
    NONE = "none", _("Không")


class Status(models.TextChoices):
    """Where a ticket stands."""

    WAITING = "waiting", _("Đang chờ")
    CALLED = "called", _("Đang mời")
    IN_ROOM = "in_room", _("Đang khám")
    DONE = "done", _("Xong")
    MISSED = "missed", _("Lỡ lượt")
    CANCELLED = "cancelled", _("Đã hủy")


class Ticket(models.Model):
    """One number of one person for one room on one day (the day of Asia/Ho_Chi_Minh).

    ``queued_at`` decides the order and moves when someone who missed the call joins again; ``arrived_at`` stays.
    ``doctor``, ``specialty``: for whom, in words (a room may have several). ``due_at``: the booked time.
    ``passed``: how often one who came later was called first, emergencies aside.
    ``key``: of the form that drew it; ``call_key``: of the form that called it last.
    """

    facility = models.CharField(max_length=64)
    queue = models.CharField(max_length=64)
    room = models.CharField(max_length=64)
    day = models.DateField()
    number = models.PositiveIntegerField()
    letter = models.CharField(max_length=4)
    patient_id = models.CharField(max_length=64)
    patient_name = models.CharField(max_length=200)
    gender = models.CharField(max_length=8, blank=True)
    birth_year = models.PositiveSmallIntegerField(null=True)
    encounter_id = models.CharField(max_length=64, blank=True)
    appointment_id = models.CharField(max_length=64, blank=True)
    doctor = models.CharField(max_length=200, blank=True)
    specialty = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=16, blank=True)
    priority = models.CharField(max_length=16, choices=Priority.choices, default=Priority.NONE)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    due_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField()
    queued_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True)
    call_count = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    passed = models.PositiveSmallIntegerField(default=0)
    key = models.CharField(max_length=64, null=True, unique=True)
    call_key = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["facility", "queue", "day", "number"], name="line_number_once"),
            models.UniqueConstraint(
                fields=["appointment_id"],
                condition=~models.Q(appointment_id="") & ~models.Q(status="cancelled"),
                name="line_one_ticket_an_appointment",
            ),
            models.UniqueConstraint(
                fields=["encounter_id"], condition=~models.Q(encounter_id=""), name="line_one_ticket_a_visit"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["facility", "day"], name="line_of_facility"),
            models.Index(fields=["room", "day"], name="line_of_room"),
            models.Index(fields=["patient_id", "day"], name="line_of_person"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """As printed and called: "B 027"."""
        return f"{self.letter} {self.number:03}"

    @property
    def is_over(self) -> bool:
        """Nothing more will happen with it today."""
        return self.status in (Status.DONE, Status.CANCELLED)
