"""The pages of openings as a Django app, for their templates."""

from django.apps import AppConfig


class AdministrationOpenings(AppConfig):
    name = "yba.areas.administration.openings"
    label = "administration_openings"
