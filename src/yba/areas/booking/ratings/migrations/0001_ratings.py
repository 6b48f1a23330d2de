"""What people say of visits, as it may be shown, and what was said against it."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Rating",
            fields=[
                ("key", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("encounter_id", models.CharField(max_length=64, unique=True)),
                ("response_id", models.CharField(max_length=64, unique=True)),
                ("patient_id", models.CharField(max_length=64)),
                ("writer", models.CharField(max_length=64)),
                ("writer_person", models.CharField(blank=True, default="", max_length=64)),
                ("role_id", models.CharField(max_length=64)),
                ("practitioner_id", models.CharField(max_length=64)),
                ("facility", models.CharField(max_length=64)),
                ("month", models.DateField()),
                ("stars", models.PositiveSmallIntegerField()),
                ("answers", models.JSONField(default=dict)),
                ("words", models.CharField(blank=True, default="", max_length=600)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("shown", "Đang hiển thị"),
                            ("disputed", "Đang xem lại"),
                            ("hidden", "Đã ẩn"),
                        ],
                        default="shown",
                        max_length=8,
                    ),
                ),
                ("withheld", models.BooleanField(default=False)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["role_id", "-month"], name="ratings_role"),
                    models.Index(fields=["practitioner_id"], name="ratings_practitioner"),
                    models.Index(fields=["facility", "state"], name="ratings_facility"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("stars__gte", 1), ("stars__lte", 5)), name="ratings_one_to_five"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                (
                    "by",
                    models.CharField(
                        choices=[
                            ("doctor", "Bác sĩ"),
                            ("facility", "Cơ sở"),
                            ("changed", "Người viết đã sửa"),
                        ],
                        max_length=8,
                    ),
                ),
                ("account", models.CharField(blank=True, default="", max_length=64)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("reason", models.CharField(blank=True, default="", max_length=16)),
                ("note", models.CharField(blank=True, default="", max_length=500)),
                ("at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("", "Chưa quyết định"), ("kept", "Giữ lại"), ("hidden", "Ẩn đi")],
                        default="",
                        max_length=8,
                    ),
                ),
                ("decided_by", models.CharField(blank=True, default="", max_length=200)),
                ("why", models.CharField(blank=True, default="", max_length=500)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "rating",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="disputes",
                        to="ratings.rating",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("outcome", "")),
                        fields=("rating",),
                        name="ratings_one_open_dispute",
                    )
                ],
            },
        ),
    ]
