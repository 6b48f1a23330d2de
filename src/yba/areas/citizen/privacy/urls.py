"""Addresses of one's rights; the book mounts them under its own name."""

from __future__ import annotations

from django.urls import path

from yba.areas.citizen.privacy import views

urlpatterns = [
    path("du-lieu/", views.home, name="privacy"),
    path("du-lieu/ban-sao/", views.copies, name="privacy_copies"),
    path("du-lieu/ban-sao/<int:copy>/tai", views.fetch, name="privacy_fetch"),
    path("du-lieu/dong-y/", views.consents, name="privacy_consents"),
    path("du-lieu/sua/", views.correction, name="privacy_correction"),
    path("du-lieu/han-che/", views.restriction, name="privacy_restriction"),
    path("du-lieu/yeu-cau/<int:number>/", views.one_request, name="privacy_request"),
    path("du-lieu/xoa/", views.erasure, name="privacy_erasure"),
    path("du-lieu/xoa/tai-khoan", views.erase_account, name="privacy_erase_account"),
    path("du-lieu/vi-sao/", views.activities, name="privacy_activities"),
]
