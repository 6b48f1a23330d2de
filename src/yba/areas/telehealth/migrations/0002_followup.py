"""When a plan of remote follow-up is looked at next."""

from typing import ClassVar

from django.db import migrations, models
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("telehealth", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("plan_id", models.CharField(max_length=64, unique=True)),
                ("facility", models.CharField(max_length=64)),
                ("next_at", models.DateTimeField()),
            ],
            options={"indexes": [models.Index(fields=["next_at"], name="telehealth_follow_up_next")]},
        ),
    ]
