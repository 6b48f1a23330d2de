"""First help as a Django app."""

from django.apps import AppConfig


class FirstHelp(AppConfig):
    name = "yba.areas.firsthelp"
    label = "firsthelp"
