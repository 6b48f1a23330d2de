"""The table of imported diagnosis lists."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DiagnosisName",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=8)),
                ("name_vi", models.CharField(max_length=500)),
                ("name_en", models.CharField(blank=True, max_length=500)),
                ("usable_as_main", models.BooleanField(default=True)),
                ("sex", models.CharField(blank=True, max_length=6)),
                ("age_from", models.PositiveSmallIntegerField(null=True)),
                ("age_to", models.PositiveSmallIntegerField(null=True)),
                ("age_from_days", models.PositiveSmallIntegerField(null=True)),
                ("list_name", models.CharField(max_length=100)),
                ("valid_from", models.DateField()),
                ("valid_to", models.DateField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("list_name", "code"), name="care_diagnosis_once_a_list")
                ],
            },
        ),
    ]
