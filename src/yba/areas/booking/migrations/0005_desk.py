"""The care desk: whom a claim is about, who did what and why, how far a request is."""

from django.db import migrations, models

CLAIM = ("claim", {"facility": 64, "patient_id": 64, "phone": 20})
CONTACT = ("contact", {"agent": 64, "facility": 64, "reason": 32})


def text(name: str, size: int) -> models.CharField:
    indexed = name in ("patient_id", "phone")
    return models.CharField(blank=True, default="", max_length=size, db_index=indexed)


class Migration(migrations.Migration):
    dependencies = [("booking", "0004_offer")]

    operations = [
        *(
            migrations.AddField(model_name=model, name=name, field=text(name, size))
            for model, fields in (CLAIM, CONTACT)
            for name, size in fields.items()
        ),
        migrations.AddField(
            model_name="contact", name="asked_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AlterField(
            model_name="contact",
            name="kind",
            field=models.CharField(
                choices=[
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
                ],
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["facility", "at"], name="booking_contact_facility"),
        ),
        migrations.CreateModel(
            name="Progress",
            fields=[
                ("appointment_id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("level", models.CharField(blank=True, default="", max_length=16)),
                ("why", models.CharField(blank=True, default="", max_length=500)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
    ]
