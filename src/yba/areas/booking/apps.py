"""The booking area as a Django app."""

from django.apps import AppConfig


class Booking(AppConfig):
    name = "yba.areas.booking"
    label = "booking"
    default_auto_field = "django.db.models.BigAutoField"
