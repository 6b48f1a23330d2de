"""Agents' telephone sets, and the calls at them."""

from django.db import migrations, models

STATES = [("ringing", "Ringing"), ("answered", "Answered"), ("ended", "Ended")]


class Migration(migrations.Migration):
    dependencies = [("booking", "0006_outward")]

    operations = [
        migrations.CreateModel(
            name="Extension",
            fields=[
                ("agent", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("agent_name", models.CharField(max_length=200)),
                ("facility", models.CharField(max_length=64)),
                ("number", models.CharField(max_length=20, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Ring",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("call", models.CharField(max_length=64)),
                ("extension", models.CharField(max_length=20)),
                ("number", models.CharField(blank=True, default="", max_length=20)),
                ("state", models.CharField(choices=STATES, max_length=8)),
                ("at", models.DateTimeField(db_index=True)),
            ],
            options={
                "indexes": [models.Index(fields=["extension", "at"], name="booking_ring_extension")],
                "constraints": [
                    models.UniqueConstraint(fields=("call", "extension"), name="booking_ring_once")
                ],
            },
        ),
    ]
