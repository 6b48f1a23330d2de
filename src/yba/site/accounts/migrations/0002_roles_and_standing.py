"""All roles by their final keys (`care_desk` becomes `customer_care`), and what an account is held to."""

import django.contrib.postgres.fields
from django.db import migrations, models


def _rename(apps, schema_editor, old, new):
    for name in ("Account", "Token"):
        apps.get_model("accounts", name).objects.filter(role=old).update(role=new)


def forward(apps, schema_editor):
    _rename(apps, schema_editor, "care_desk", "customer_care")


def backward(apps, schema_editor):
    _rename(apps, schema_editor, "customer_care", "care_desk")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="departments",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=64),
                blank=True,
                default=list,
                help_text="Mã tổ chức của các khoa",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="account",
            name="identity",
            field=models.CharField(
                choices=[
                    ("unverified", "Chưa xác minh"),
                    ("desk", "Đã xác minh tại quầy"),
                    ("provider", "Đã xác minh qua định danh điện tử"),
                ],
                default="unverified",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="identity_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="account",
            name="identity_by",
            field=models.CharField(blank=True, help_text="Người hoặc nơi đã xác minh", max_length=64),
        ),
        migrations.AddField(
            model_name="account",
            name="programme",
            field=models.CharField(blank=True, help_text="Mã tổ chức của chương trình", max_length=64),
        ),
        migrations.AddField(
            model_name="account",
            name="rights",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=32),
                blank=True,
                default=list,
                help_text="Nhãn nhạy cảm được xem",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="suspended_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="departments",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=64), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="programme",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="token",
            name="rights",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=32), blank=True, default=list, size=None
            ),
        ),
        migrations.AlterField(
            model_name="account",
            name="role",
            field=models.CharField(
                choices=[
                    ("citizen", "Người dân"),
                    ("guardian", "Người giám hộ"),
                    ("delegate", "Người được ủy quyền"),
                    ("receptionist", "Lễ tân"),
                    ("customer_care", "Chăm sóc khách hàng"),
                    ("nurse", "Điều dưỡng"),
                    ("doctor", "Bác sĩ"),
                    ("head_of_department", "Trưởng khoa"),
                    ("laboratory", "Xét nghiệm"),
                    ("imaging", "Chẩn đoán hình ảnh"),
                    ("pharmacist", "Dược sĩ"),
                    ("cashier", "Thu ngân"),
                    ("insurance_clerk", "Giám định bảo hiểm"),
                    ("records_office", "Kế hoạch tổng hợp, lưu trữ hồ sơ"),
                    ("facility_administrator", "Quản trị cơ sở"),
                    ("programme_officer", "Cán bộ chương trình y tế"),
                    ("provincial_officer", "Cán bộ Sở Y tế (số liệu)"),
                    ("auditor", "Người kiểm tra nhật ký"),
                    ("system_administrator", "Quản trị hệ thống"),
                    ("device", "Thiết bị"),
                    ("outside_system", "Hệ thống bên ngoài"),
                    ("wall", "Màn hình phòng khám"),
                    ("system", "Hệ thống"),
                ],
                max_length=32,
            ),
        ),
        migrations.RunPython(forward, backward),
    ]
