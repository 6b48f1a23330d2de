"""Apps, what people let them do, and the tokens that follow."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import yba.site.oauth.models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="UsedAssertion",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="App",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "client_id",
                    models.CharField(
                        default=yba.site.oauth.models.new_client_id,
                        editable=False,
                        max_length=40,
                        unique=True,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Đang soạn"),
                            ("waiting", "Chờ duyệt"),
                            ("approved", "Đã duyệt"),
                            ("refused", "Bị từ chối"),
                            ("suspended", "Tạm dừng"),
                        ],
                        default="draft",
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("description", models.CharField(max_length=500)),
                ("home", models.URLField(blank=True, max_length=300)),
                ("contact", models.CharField(max_length=200)),
                ("privacy", models.TextField(max_length=5000)),
                ("logo", models.BinaryField(blank=True, null=True)),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("none", "Không giữ được bí mật (ứng dụng trên trình duyệt, điện thoại)"),
                            ("client_secret_basic", "Giữ một mật khẩu ở máy chủ"),
                            ("private_key_jwt", "Ký bằng khóa riêng của ứng dụng"),
                        ],
                        default="none",
                        max_length=24,
                    ),
                ),
                ("secret_digest", models.CharField(blank=True, max_length=64)),
                ("redirect_uris", models.JSONField(blank=True, default=list)),
                ("launch_url", models.CharField(blank=True, max_length=500)),
                ("intent", models.CharField(blank=True, max_length=80)),
                ("jwks_url", models.CharField(blank=True, max_length=500)),
                ("jwks", models.JSONField(blank=True, null=True)),
                ("scopes", models.TextField()),
                ("needed", models.TextField(blank=True)),
                ("for_citizens", models.BooleanField(default=True)),
                ("for_staff", models.BooleanField(default=False)),
                ("backend", models.BooleanField(default=False)),
                ("introspects", models.BooleanField(default=False)),
                ("facility", models.CharField(blank=True, max_length=64)),
                ("proposed", models.JSONField(blank=True, null=True)),
                ("registered_at", models.DateTimeField(auto_now_add=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "registered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="apps",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AppEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("by_name", models.CharField(max_length=200)),
                ("act", models.CharField(max_length=24)),
                ("note", models.CharField(blank=True, max_length=1000)),
                ("said", models.JSONField(blank=True, null=True)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="oauth.app"
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Connection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("patient", models.CharField(blank=True, max_length=64)),
                ("scopes", models.TextField(blank=True)),
                ("sensitive", models.BooleanField(default=False)),
                ("consent", models.CharField(blank=True, help_text="Mã Consent trong hồ sơ", max_length=64)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connections",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connections",
                        to="oauth.app",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Launch",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("session", models.CharField(max_length=40)),
                ("patient", models.CharField(blank=True, max_length=64)),
                ("encounter", models.CharField(blank=True, max_length=64)),
                ("intent", models.CharField(blank=True, max_length=80)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="oauth.app"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Sitting",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scopes", models.TextField(blank=True)),
                ("context", models.JSONField(default=dict)),
                ("session", models.CharField(blank=True, db_index=True, max_length=40)),
                ("nonce", models.CharField(blank=True, max_length=300)),
                ("signed_in_at", models.DateTimeField()),
                ("began_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_by", models.CharField(blank=True, max_length=24)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sittings",
                        to="oauth.connection",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefreshToken",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("issued_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "sitting",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refresh_tokens",
                        to="oauth.sitting",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Code",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("redirect_uri", models.CharField(max_length=500)),
                ("code_challenge", models.CharField(max_length=128)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "sitting",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="code", to="oauth.sitting"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AccessToken",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("scopes", models.TextField(blank=True)),
                ("issued_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "app",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_tokens",
                        to="oauth.app",
                    ),
                ),
                (
                    "sitting",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_tokens",
                        to="oauth.sitting",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(fields=["consent"], name="oauth_of_consent"),
        ),
        migrations.AddConstraint(
            model_name="connection",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)),
                fields=("app", "account", "patient"),
                name="oauth_one_open_connection",
            ),
        ),
    ]
