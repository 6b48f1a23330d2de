"""Addresses of the face itself: assets, preferences, the page of all components."""

from __future__ import annotations

from django.urls import path

from yba.ui import installing, views

app_name = "ui"
urlpatterns = [
    path("design", views.design, name="design"),
    path("worker.js", installing.worker, name="worker"),
    path("manifest.webmanifest", installing.manifest, name="manifest"),
    path("ui/offline", installing.offline, name="offline"),
    path("ui/whose", installing.whose, name="whose"),
    path("ui/preferences", views.preferences, name="preferences"),
    path("ui/<str:name>", views.asset, name="asset"),
]
