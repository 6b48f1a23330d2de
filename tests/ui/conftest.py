"""The face is tested with the site's settings when they are loaded, else alone."""

import os

import django
from django.apps import apps

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.ui.alone")
if not apps.ready:
    django.setup()
