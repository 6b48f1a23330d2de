"""A guardian's consent to a child's own account waits for the child."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0001_initial")]

    operations = [
        migrations.AlterField(
            "ask",
            "kind",
            models.CharField(
                choices=[
                    ("share", "Cơ sở xin xem sổ"),
                    ("invite", "Mời người thân"),
                    ("child", "Tài khoản riêng của trẻ"),
                ],
                max_length=16,
            ),
        ),
    ]
