"""Phones, invitations, doubts about who is who, and the cache allauth counts tries in."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

#: What Django's `createcachetable` makes: allauth counts tries here, for every process.
CACHE = """
create table if not exists accounts_cache (
    cache_key varchar(255) not null primary key,
    value text not null,
    expires timestamp with time zone not null
);
create index if not exists accounts_cache_expires on accounts_cache (expires);
"""


def phones(apps, schema_editor):
    """Until now a citizen's login was the number; from now on the numbers have rows of their own."""
    account, phone = apps.get_model("accounts", "Account"), apps.get_model("accounts", "Phone")
    for one in account.objects.filter(role="citizen").iterator():
        if one.login[:1] in ("0", "+"):
            phone.objects.get_or_create(
                number=one.login, defaults={"account": one, "used_at": one.last_login or one.created_at}
            )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_roles_and_standing"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="contact",
            field=models.CharField(blank=True, help_text="Số nhận tin nhắn của nhân viên", max_length=20),
        ),
        migrations.AddField(
            model_name="account",
            name="pin",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("phone", models.CharField(max_length=20)),
                ("role", models.CharField(max_length=32)),
                ("facility", models.CharField(blank=True, max_length=64)),
                (
                    "departments",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                ("programme", models.CharField(blank=True, max_length=64)),
                ("practitioner", models.CharField(blank=True, max_length=64)),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("invited_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invitation",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="invitations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Phone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=20, unique=True)),
                ("added_at", models.DateTimeField(auto_now_add=True)),
                ("used_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="phones",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Doubt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("said", models.JSONField()),
                ("source", models.CharField(default="citizen", max_length=64)),
                (
                    "candidates",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                ("raised_at", models.DateTimeField(auto_now_add=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_for", models.CharField(blank=True, max_length=64)),
                ("reason", models.CharField(blank=True, max_length=400)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="doubts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("decided_at", None)),
                        fields=("account",),
                        name="accounts_one_open_doubt",
                    )
                ],
            },
        ),
        migrations.RunSQL(CACHE, "drop table accounts_cache"),
        migrations.RunPython(phones, migrations.RunPython.noop),
    ]
