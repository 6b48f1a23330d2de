"""Addresses of openings; administration mounts them under its own name."""

from __future__ import annotations

from django.urls import path

from yba.areas.administration.openings import views

urlpatterns = [
    path("mo-cap-cuu/", views.reviews, name="openings"),
    path("mo-cap-cuu/<int:number>/", views.review, name="opening"),
    path("nguoi-da-mat/", views.kin_list, name="kin_requests"),
    path("nguoi-da-mat/<int:number>/", views.kin, name="kin_request"),
    path("nguoi-da-mat/<int:number>/giay", views.paper, name="kin_paper"),
]
