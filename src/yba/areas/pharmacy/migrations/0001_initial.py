"""Lots, the ledger that only grows, and handovers."""

import django.db.models.deletion
from django.db import migrations, models

_APPEND_ONLY = """
create function pharmacy_movement_stays() returns trigger language plpgsql as
$$ begin raise exception 'the stock ledger only grows'; end $$;
create trigger pharmacy_movement_stays before update or delete on pharmacy_movement
for each row execute function pharmacy_movement_stays();
"""
_BACK = """
drop trigger pharmacy_movement_stays on pharmacy_movement;
drop function pharmacy_movement_stays();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Handover",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("request_id", models.CharField(max_length=64)),
                ("key", models.CharField(max_length=64)),
                ("prescription", models.CharField(max_length=14)),
                ("dispense_id", models.CharField(max_length=64)),
                ("quantity", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "db_table": "pharmacy_handover",
                "constraints": [
                    models.UniqueConstraint(fields=("request_id", "key"), name="pharmacy_handover_once"),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__gt", 0)), name="pharmacy_handover_some"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("facility", models.CharField(max_length=64)),
                ("drug", models.CharField(max_length=16)),
                ("number", models.CharField(max_length=32)),
                ("expiry", models.DateField()),
                ("balance", models.PositiveIntegerField()),
            ],
            options={
                "db_table": "pharmacy_lot",
                "indexes": [
                    models.Index(fields=["facility", "drug", "expiry"], name="pharmacy_lots_of_drug")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("balance__gte", 0)), name="pharmacy_never_below_zero"
                    ),
                    models.UniqueConstraint(
                        fields=("facility", "drug", "number", "expiry"), name="pharmacy_lot_once"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Movement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quantity", models.IntegerField()),
                (
                    "reason",
                    models.CharField(
                        choices=[("receipt", "Nhập kho"), ("dispense", "Phát thuốc")], max_length=16
                    ),
                ),
                ("reference", models.CharField(max_length=80)),
                ("by", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                (
                    "lot",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="movements",
                        to="pharmacy.lot",
                    ),
                ),
            ],
            options={
                "db_table": "pharmacy_movement",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("quantity", 0), _negated=True), name="pharmacy_movement_moves"
                    ),
                    models.UniqueConstraint(fields=("lot", "reference"), name="pharmacy_movement_once"),
                ],
            },
        ),
        migrations.RunSQL(_APPEND_ONLY, _BACK),
    ]
