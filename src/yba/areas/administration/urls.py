"""Administration's addresses: each subject brings its own, under one name."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, URLResolver

app_name = "administration"
urlpatterns: list[URLPattern | URLResolver] = []
for _subject in ("privacy", "audit", "openings"):
    if find_spec(f"yba.areas.administration.{_subject}") and find_spec(
        f"yba.areas.administration.{_subject}.urls"
    ):
        urlpatterns += import_module(f"yba.areas.administration.{_subject}.urls").urlpatterns
