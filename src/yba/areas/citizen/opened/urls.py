"""Address of "who opened my book"; the citizen area mounts it under its own name."""

from __future__ import annotations

from django.urls import path

from yba.areas.citizen.opened import views

urlpatterns = [
    path("ai-da-mo/", views.opened, name="opened"),
    path("ai-da-mo/<int:place>/hoi", views.question, name="question"),
]
