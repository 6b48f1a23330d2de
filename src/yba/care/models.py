"""Imported lists of diagnoses: an ordinary table, since a ministry's list is a catalogue and not a person's
record."""

from __future__ import annotations

from django.db import models


class DiagnosisName(models.Model):
    """A row of an official ICD-10 list, under its validity dates (both inclusive).

    ``sex``: "male", "female" or empty; ages are whole years, both inclusive, ``age_from_days`` sharpens the
    first.
    """

    code = models.CharField(max_length=8)
    name_vi = models.CharField(max_length=500)
    name_en = models.CharField(max_length=500, blank=True)
    usable_as_main = models.BooleanField(default=True)
    sex = models.CharField(max_length=6, blank=True)
    age_from = models.PositiveSmallIntegerField(null=True)
    age_to = models.PositiveSmallIntegerField(null=True)
    age_from_days = models.PositiveSmallIntegerField(null=True)
    list_name = models.CharField(max_length=100)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["list_name", "code"], name="care_diagnosis_once_a_list"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name_vi}"
