"""Drafts of visits and the codes of prescriptions: ordinary tables, because neither is a signed record."""

from __future__ import annotations

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
