"""A person may ask about one opening of their book."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_initial")]

    operations = [
        migrations.AlterField(
            "request",
            "kind",
            models.CharField(
                choices=[
                    ("correct", "Xin sửa"),
                    ("erase", "Xin xóa"),
                    ("restrict", "Xin hạn chế dùng"),
                    ("question", "Hỏi về một lần mở sổ"),
                ],
                max_length=16,
            ),
        ),
    ]
