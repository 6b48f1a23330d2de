"""A move beyond the rules is noted as what it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("booking", "0002_one_ledger")]

    operations = [
        migrations.AlterField(
            model_name="contact",
            name="kind",
            field=models.CharField(
                choices=[
                    ("called", "Called"),
                    ("unreached", "Unreached"),
                    ("corrected", "Corrected"),
                    ("moved", "Moved"),
                    ("overridden", "Overridden"),
                    ("confirmed", "Confirmed"),
                    ("refused", "Refused"),
                ],
                max_length=16,
            ),
        ),
    ]
