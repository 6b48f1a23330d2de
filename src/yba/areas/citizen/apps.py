"""The citizen's book as a Django app."""

from django.apps import AppConfig


class Citizen(AppConfig):
    name = "yba.areas.citizen"
    label = "citizen"
