"""Prescriptions on their way to the national system."""

from django.db import migrations, models

STATES = [("waiting", "Waiting"), ("sending", "Sending"), ("sent", "Sent"), ("refused", "Refused")]
DUE = models.Q(("state__in", ["waiting", "sending"]))


class Migration(migrations.Migration):
    dependencies = [("clinic", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Sending",
            fields=[
                ("code", models.CharField(max_length=14, primary_key=True, serialize=False)),
                ("encounter_id", models.CharField(max_length=64)),
                ("facility", models.CharField(db_index=True, max_length=64)),
                ("state", models.CharField(choices=STATES, default="waiting", max_length=8)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_try", models.DateTimeField()),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("receipt", models.CharField(blank=True, default="", max_length=200)),
                ("problem", models.CharField(blank=True, default="", max_length=200)),
            ],
            options={
                "db_table": "clinic_sending",
                "indexes": [models.Index(condition=DUE, fields=["next_try"], name="clinic_sending_due")],
            },
        )
    ]
