"""Addresses of the face itself: assets, preferences, the page of all components."""

from __future__ import annotations

from django.urls import path

from yba.ui import views

app_name = "ui"
urlpatterns = [
    path("design", views.design, name="design"),
    path("ui/preferences", views.preferences, name="preferences"),
    path("ui/<str:name>", views.asset, name="asset"),
]
