"""Drafts of visits and the codes of prescriptions."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("encounter_id", models.CharField(max_length=64, unique=True)),
                ("content", models.JSONField()),
                ("version", models.PositiveIntegerField(default=1)),
                ("saved_at", models.DateTimeField()),
                ("author", models.CharField(max_length=64)),
            ],
            options={"db_table": "clinic_draft"},
        ),
        migrations.CreateModel(
            name="Prescription",
            fields=[
                ("code", models.CharField(max_length=14, primary_key=True, serialize=False)),
                ("encounter_id", models.CharField(max_length=64, unique=True)),
                ("facility", models.CharField(max_length=64)),
                ("given_at", models.DateTimeField()),
            ],
            options={"db_table": "clinic_prescription"},
        ),
    ]
