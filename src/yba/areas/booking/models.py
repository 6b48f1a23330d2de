"""Booking's ordinary tables: who holds a seat of a slot, who calls about a request, and what came of each call."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Seat(models.Model):
    """One place of a slot, held by one appointment: the unique pair is what makes double booking impossible.

    Written only by ``guards``, through the record's own connection, whatever way the appointment came in.
    """

    slot_id = models.CharField(max_length=64)
    seat_no = models.PositiveSmallIntegerField(default=1)
    appointment_id = models.CharField(max_length=64)
    patient_id = models.CharField(max_length=64, blank=True)
    practitioner_id = models.CharField(max_length=64, blank=True)
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    taken_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["slot_id", "seat_no"], name="booking_seat_once"),
            models.CheckConstraint(condition=models.Q(seat_no=1), name="booking_seat_one_of_one"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["appointment_id"], name="booking_seat_appointment"),
            models.Index(fields=["practitioner_id", "starts"], name="booking_seat_practitioner"),
        ]

    def __str__(self) -> str:
        return f"{self.slot_id}/{self.seat_no}"


class Claim(models.Model):
    """Who is calling about a request now, so that no two agents call the same person."""

    appointment_id = models.CharField(max_length=64, primary_key=True)
    agent = models.CharField(max_length=64)
    agent_name = models.CharField(max_length=200)
    taken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.appointment_id}: {self.agent_name}"


class Contact(models.Model):
    """One thing done about a request: a call, a correction, the outcome. Appended only."""

    class Kind(models.TextChoices):
        CALLED = "called"
        UNREACHED = "unreached"
        CORRECTED = "corrected"
        MOVED = "moved"
        CONFIRMED = "confirmed"
        REFUSED = "refused"

    appointment_id = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField()
    agent_name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.appointment_id}: {self.kind}"
