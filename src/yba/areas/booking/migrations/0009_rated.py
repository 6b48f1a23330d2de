"""How practitioners are rated, beside what else people choose by."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("booking", "0008_directory"),
    ]

    operations = [
        migrations.AddField(
            model_name="post",
            name="rated_count",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="post",
            name="rated_sum",
            field=models.IntegerField(db_default=0, default=0),
        ),
    ]
