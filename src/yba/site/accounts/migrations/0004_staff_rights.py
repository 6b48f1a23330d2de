"""Rights of staff until a day, and how each came to be."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_phones_and_invitations")]

    operations = [
        migrations.AddField("account", "rights_until", models.JSONField(blank=True, default=dict)),
        migrations.CreateModel(
            name="StaffRight",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("right", models.CharField(max_length=32)),
                ("reason", models.CharField(max_length=400)),
                ("until", models.DateTimeField()),
                ("asked_at", models.DateTimeField()),
                ("given_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_because", models.CharField(blank=True, max_length=400)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="given_rights",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                *(
                    (
                        name,
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    )
                    for name in ("asked_by", "given_by", "ended_by")
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("asked_by", models.F("account")), _negated=True),
                        name="accounts_right_not_own",
                    )
                ],
                "indexes": [models.Index(fields=["account", "ended_at"], name="accounts_right_open")],
            },
        ),
    ]
