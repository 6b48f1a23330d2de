"""What hospitals' own systems are told of visits."""

from django.db import migrations, models

STATES = [("waiting", "Waiting"), ("sending", "Sending"), ("told", "Told"), ("refused", "Refused")]


class Migration(migrations.Migration):
    dependencies = [("booking", "0005_desk")]

    operations = [
        migrations.CreateModel(
            name="Outward",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("appointment_id", models.CharField(max_length=64, unique=True)),
                ("facility", models.CharField(db_index=True, max_length=64)),
                ("version", models.PositiveIntegerField(default=1)),
                ("told_version", models.PositiveIntegerField(default=0)),
                ("known", models.CharField(blank=True, default="", max_length=64)),
                ("state", models.CharField(choices=STATES, default="waiting", max_length=8)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_try", models.DateTimeField()),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
                ("receipt", models.CharField(blank=True, default="", max_length=200)),
                ("problem", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "sending"])),
                        fields=["next_try"],
                        name="booking_outward_due",
                    )
                ],
            },
        ),
    ]
