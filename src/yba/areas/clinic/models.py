"""Drafts of visits and the codes of prescriptions: ordinary tables, because neither is a signed record."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Draft(models.Model):
    """What the doctor has typed so far; ``version`` goes up by one with every save and stops a stale page."""

    encounter_id = models.CharField(max_length=64, unique=True)
    content = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField()
    author = models.CharField(max_length=64)

    class Meta:
        db_table = "clinic_draft"

    def __str__(self) -> str:
        return f"{self.encounter_id} v{self.version}"


class Prescription(models.Model):
    """A code given out, so that no second prescription of the house carries it; one a visit."""

    code = models.CharField(max_length=14, primary_key=True)
    encounter_id = models.CharField(max_length=64, unique=True)
    facility = models.CharField(max_length=64)
    given_at = models.DateTimeField()

    class Meta:
        db_table = "clinic_prescription"

    def __str__(self) -> str:
        return self.code


class Sending(models.Model):
    """How it stands with a prescription on its way to the national system."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        REFUSED = "refused"

    code = models.CharField(max_length=14, primary_key=True)
    encounter_id = models.CharField(max_length=64)
    facility = models.CharField(max_length=64, db_index=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    #: The portal's words for it; or what went wrong last.
    receipt = models.CharField(max_length=200, blank=True, default="")
    problem = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        db_table = "clinic_sending"
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["next_try"],
                name="clinic_sending_due",
                condition=models.Q(state__in=["waiting", "sending"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.state}"
