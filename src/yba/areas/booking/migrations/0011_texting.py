"""Booking by text: what a number was told last, and numbers to be called back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0010_missed"),
    ]

    operations = [
        migrations.CreateModel(
            name="Talk",
            fields=[
                ("phone", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("said", models.JSONField(default=dict)),
                ("at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="CallBack",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone", models.CharField(max_length=20)),
                ("facility", models.CharField(max_length=64)),
                ("specialty", models.CharField(max_length=64)),
                ("called", models.CharField(blank=True, default="", max_length=200)),
                ("slot_id", models.CharField(max_length=64)),
                ("hold_id", models.CharField(max_length=64)),
                ("starts", models.DateTimeField()),
                ("held_until", models.DateTimeField()),
                ("asked_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("agent", models.CharField(blank=True, default="", max_length=64)),
                ("agent_name", models.CharField(blank=True, default="", max_length=200)),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("booked", "Booked"),
                            ("unreached", "Unreached"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("appointment_id", models.CharField(blank=True, default="", max_length=64)),
            ],
            options={
                "indexes": [models.Index(fields=["facility", "due_at"], name="booking_callback_facility")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("outcome", "open")),
                        fields=("phone",),
                        name="booking_callback_one_open",
                    )
                ],
            },
        ),
    ]
