"""Addresses of the audit; administration mounts them under its own name."""

from __future__ import annotations

from django.urls import path

from yba.areas.administration.audit import views

urlpatterns = [
    path("nhat-ky/", views.log, name="audit_log"),
    path("nhat-ky/xuat.csv", views.export, name="audit_export"),
    path("nhat-ky/dong/<int:number>/", views.entry, name="audit_entry"),
    path("nhat-ky/canh-bao/", views.alerts, name="audit_alerts"),
    path("nhat-ky/canh-bao/<int:number>/", views.alert, name="audit_alert"),
]
