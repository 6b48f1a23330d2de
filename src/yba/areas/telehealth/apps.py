"""Telehealth as a Django app."""

from django.apps import AppConfig


class Telehealth(AppConfig):
    name = "yba.areas.telehealth"
    label = "telehealth"
