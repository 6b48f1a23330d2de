"""Texts people send: kept once, their parts, and numbers that want no reminders."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messages_out", "0002_outbox"),
    ]

    operations = [
        migrations.CreateModel(
            name="Stop",
            fields=[
                ("phone", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "message_stop",
            },
        ),
        migrations.CreateModel(
            name="Heard",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=8)),
                ("phone", models.CharField(max_length=20)),
                ("to", models.CharField(blank=True, max_length=20)),
                ("text", models.TextField(blank=True)),
                ("key", models.CharField(max_length=64, unique=True)),
                ("provider_id", models.CharField(blank=True, max_length=120)),
                ("at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("copies", models.PositiveSmallIntegerField(default=1)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Chờ trả lời"),
                            ("answered", "Đã trả lời"),
                            ("ignored", "Không phải số thuê bao"),
                            ("late", "Đến quá muộn"),
                            ("too-many", "Quá nhiều tin"),
                            ("incomplete", "Thiếu phần"),
                            ("failed", "Chưa trả lời được"),
                        ],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("keyword", models.CharField(blank=True, max_length=20)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "db_table": "message_heard",
                "indexes": [
                    models.Index(fields=["phone", "-at"], name="message_heard_phone"),
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["at"], name="message_heard_waiting"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Piece",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=120)),
                ("number", models.PositiveSmallIntegerField()),
                ("body", models.BinaryField()),
                ("coding", models.CharField(max_length=12)),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "message_piece",
                "indexes": [
                    models.Index(fields=["key", "number"], name="message_piece_key"),
                    models.Index(fields=["at"], name="message_piece_at"),
                ],
            },
        ),
    ]
