"""Public-health programmes as a Django app."""

from django.apps import AppConfig


class Programmes(AppConfig):
    name = "yba.areas.programmes"
    label = "programmes"
