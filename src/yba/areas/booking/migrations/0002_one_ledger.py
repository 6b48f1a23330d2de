"""Seats of every kind in one ledger: holds, offers and walk-ins beside bookings, several seats a slot, rooms."""

from django.db import migrations, models

KINDS = [("booking", "Booking"), ("hold", "Hold"), ("offer", "Offer"), ("walk-in", "Walk In")]


class Migration(migrations.Migration):
    dependencies = [("booking", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(model_name="seat", name="booking_seat_one_of_one"),
        migrations.RemoveIndex(model_name="seat", name="booking_seat_appointment"),
        migrations.RenameField(model_name="seat", old_name="appointment_id", new_name="holder"),
        migrations.AddField(
            model_name="seat",
            name="kind",
            field=models.CharField(choices=KINDS, default="booking", max_length=8),
        ),
        migrations.AddField(
            model_name="seat", name="owner", field=models.CharField(blank=True, default="", max_length=80)
        ),
        migrations.AddField(
            model_name="seat",
            name="schedule_id",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="seat",
            name="location_id",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="seat",
            name="channel",
            field=models.CharField(blank=True, default="app", max_length=16),
        ),
        migrations.AddField(model_name="seat", name="over", field=models.BooleanField(default=False)),
        migrations.AddField(
            model_name="seat", name="expires_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddIndex(
            model_name="seat", index=models.Index(fields=["holder"], name="booking_seat_holder")
        ),
        migrations.AddIndex(
            model_name="seat",
            index=models.Index(fields=["location_id", "starts"], name="booking_seat_location"),
        ),
        migrations.AddIndex(
            model_name="seat",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False)),
                fields=["expires_at"],
                name="booking_seat_expires",
            ),
        ),
        migrations.AddIndex(
            model_name="seat",
            index=models.Index(
                condition=models.Q(("kind", "hold")), fields=["owner"], name="booking_seat_owner"
            ),
        ),
        migrations.AddConstraint(
            model_name="seat",
            constraint=models.CheckConstraint(
                condition=models.Q(("seat_no__gte", 1)), name="booking_seat_from_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="seat",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("expires_at__isnull", True), ("kind__in", ["booking", "walk-in"])),
                    models.Q(("expires_at__isnull", False), ("kind__in", ["hold", "offer"])),
                    _connector="OR",
                ),
                name="booking_seat_ends",
            ),
        ),
    ]
