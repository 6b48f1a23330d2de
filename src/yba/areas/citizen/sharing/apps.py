"""The sharing pages as a Django app, for their templates."""

from django.apps import AppConfig


class CitizenSharing(AppConfig):
    name = "yba.areas.citizen.sharing"
    label = "citizen_sharing"
