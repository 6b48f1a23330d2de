"""Offers of the waiting list."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("booking", "0003_overridden")]

    operations = [
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("appointment_id", models.CharField(max_length=64)),
                ("patient_id", models.CharField(max_length=64)),
                ("slot_id", models.CharField(max_length=64)),
                ("starts", models.DateTimeField()),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("accepted", "Accepted"),
                            ("declined", "Declined"),
                            ("expired", "Expired"),
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("told_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["slot_id"], name="booking_offer_slot"),
                    models.Index(fields=["patient_id"], name="booking_offer_patient"),
                    models.Index(
                        condition=models.Q(("outcome", "open")),
                        fields=["expires_at"],
                        name="booking_offer_open",
                    ),
                ],
            },
        ),
    ]
