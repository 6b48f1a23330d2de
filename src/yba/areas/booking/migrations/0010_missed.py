"""Visits nobody came to: what is noted of them, and appeals."""

from django.db import migrations, models

_KINDS = (
    ("called", "Called"),
    ("taken-over", "Taken Over"),
    ("unreached", "Unreached"),
    ("ended", "Ended"),
    ("corrected", "Corrected"),
    ("flagged", "Flagged"),
    ("moved", "Moved"),
    ("overridden", "Overridden"),
    ("confirmed", "Confirmed"),
    ("refused", "Refused"),
    ("duplicate", "Duplicate"),
    ("missed", "Missed"),
    ("excused", "Excused"),
)
_OUTCOMES = (("open", "Open"), ("granted", "Granted"), ("refused", "Refused"))


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0009_rated"),
    ]

    operations = [
        migrations.AlterField(
            model_name="contact",
            name="kind",
            field=models.CharField(choices=_KINDS, max_length=16),
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("facility", models.CharField(max_length=64)),
                ("patient_id", models.CharField(max_length=64)),
                ("text", models.CharField(max_length=1000)),
                ("made_at", models.DateTimeField()),
                ("made_by", models.CharField(max_length=64)),
                ("outcome", models.CharField(choices=_OUTCOMES, default="open", max_length=8)),
                ("reason", models.CharField(blank=True, default="", max_length=500)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_by", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "ordering": ["made_at", "id"],
                "indexes": [models.Index(fields=["patient_id"], name="booking_appeal_patient")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("outcome", "open")),
                        fields=("facility", "patient_id"),
                        name="booking_appeal_one_open",
                    )
                ],
            },
        ),
    ]
