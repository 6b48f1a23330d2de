"""Addresses of the facility's data protection; administration mounts them under its own name."""

from __future__ import annotations

from django.urls import path

from yba.areas.administration.privacy import views

urlpatterns = [
    path("du-lieu/", views.requests, name="privacy_requests"),
    path("du-lieu/yeu-cau/<int:number>/", views.one_request, name="privacy_request"),
    path("du-lieu/vi-pham/", views.breaches, name="privacy_breaches"),
    path("du-lieu/vi-pham/moi", views.new_breach, name="privacy_new_breach"),
    path("du-lieu/vi-pham/<int:number>/", views.breach, name="privacy_breach"),
    path("du-lieu/vi-pham/<int:number>/<str:act>", views.breach_act, name="privacy_breach_act"),
    path("du-lieu/nguoi-bao-ve", views.officer, name="privacy_officer"),
    path("du-lieu/hoat-dong", views.activities, name="privacy_activities"),
]
