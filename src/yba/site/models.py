"""What was done once and what was loaded, so that a second run goes on where the first stopped."""

from __future__ import annotations

from django.db import models


class Done(models.Model):
    """A thing done once on this database, such as loading the demo province."""

    name = models.CharField(max_length=100, primary_key=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class LoadedFile(models.Model):
    """How far a file, known by its content, was loaded by `yba load`."""

    digest = models.CharField(max_length=64, primary_key=True)
    name = models.CharField(max_length=400)
    lines = models.PositiveIntegerField(default=0)
    #: Numbers of the lines that were refused: a second run tries only these again.
    refused = models.JSONField(default=list)
    finished = models.BooleanField(default=False)
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
