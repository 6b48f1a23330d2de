"""Whom a facility tells of alerts out of hours."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("telehealth", "0002_followup")]

    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="OnDuty",
            fields=[
                ("facility", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("phone", models.CharField(max_length=20)),
                ("by", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
        ),
    ]
