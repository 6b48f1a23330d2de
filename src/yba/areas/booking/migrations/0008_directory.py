"""What people choose by, and the times that are open, copied from the record."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0007_telephone"),
    ]

    operations = [
        migrations.CreateModel(
            name="OpenTime",
            fields=[
                ("slot_id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("schedule_id", models.CharField(max_length=64)),
                ("role_id", models.CharField(blank=True, default="", max_length=64)),
                ("in_use", models.BooleanField()),
                ("starts", models.DateTimeField()),
                ("open", models.BooleanField()),
                ("kept", models.CharField(blank=True, default="", max_length=16)),
                ("kept_until", models.DateTimeField(blank=True, null=True)),
                ("asked_until", models.DateTimeField()),
                ("asked_from", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("in_use", True), ("open", True)),
                        fields=["role_id", "starts"],
                        name="booking_open_role",
                    ),
                    models.Index(fields=["schedule_id"], name="booking_open_schedule"),
                    models.Index(
                        condition=models.Q(("in_use", True), ("open", True)),
                        fields=["starts", "role_id"],
                        name="booking_open_starts",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Post",
            fields=[
                ("role_id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("practitioner_id", models.CharField(blank=True, default="", max_length=64)),
                ("facility", models.CharField(blank=True, default="", max_length=64)),
                ("facility_name", models.CharField(blank=True, default="", max_length=200)),
                ("location_id", models.CharField(blank=True, default="", max_length=64)),
                ("specialty", models.CharField(blank=True, default="", max_length=64)),
                ("specialty_name", models.CharField(blank=True, default="", max_length=200)),
                ("gender", models.CharField(blank=True, default="", max_length=8)),
                ("languages", models.CharField(blank=True, default="", max_length=200)),
                ("words", models.CharField(blank=True, default="", max_length=1000)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("place", models.CharField(blank=True, default="", max_length=200)),
                ("latitude", models.FloatField(blank=True, null=True)),
                ("longitude", models.FloatField(blank=True, null=True)),
                ("price", models.IntegerField(blank=True, null=True)),
                ("video", models.BooleanField(default=False)),
                ("insured", models.BooleanField(default=False)),
                ("active", models.BooleanField(default=False)),
                ("stale", models.BooleanField(default=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["practitioner_id"], name="booking_post_practitioner"),
                    models.Index(fields=["facility"], name="booking_post_facility"),
                    models.Index(
                        condition=models.Q(("stale", True)), fields=["role_id"], name="booking_post_stale"
                    ),
                ],
            },
        ),
    ]
