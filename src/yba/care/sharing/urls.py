"""Addresses of what staff do about sharing."""

from __future__ import annotations

from django.urls import path

from yba.care.sharing import views

app_name = "sharing"
urlpatterns = [
    path("<str:patient_id>/xin", views.ask, name="ask"),
    path("<str:patient_id>/ma", views.code, name="code"),
    path("<str:patient_id>/giay", views.paper, name="paper"),
]
