"""Addresses of sharing; the book mounts them under its own name."""

from __future__ import annotations

from django.urls import path

from yba.areas.citizen.sharing import child_views, deny_views, family_views, views

urlpatterns = [
    path("chia-se/", views.home, name="sharing"),
    path("chia-se/tim", views.find, name="sharing_find"),
    path("chia-se/moi", views.new, name="sharing_new"),
    path("chia-se/khong-cho/tim", deny_views.find, name="sharing_deny_find"),
    path("chia-se/khong-cho", deny_views.new, name="sharing_deny"),
    path("chia-se/xin/<str:token>", views.asked, name="sharing_asked"),
    path("chia-se/so/<str:consent_id>", views.one, name="sharing_one"),
    path("chia-se/so/<str:consent_id>/rut", views.withdraw, name="sharing_withdraw"),
    path("gia-dinh/tai-khoan-cua-em", child_views.own_account, name="own_account"),
    path("gia-dinh/<str:patient_id>/tai-khoan", child_views.child_account, name="child_account"),
    path("gia-dinh/moi", family_views.invite, name="sharing_invite"),
    path("gia-dinh/loi-moi/<str:token>", family_views.invited, name="sharing_invited"),
    path("gia-dinh/nguoi-da-mat", family_views.kin, name="sharing_kin"),
]
