"""Addresses of the programmes."""

from __future__ import annotations

from django.urls import path

from yba.areas.programmes import views

app_name = "programmes"
urlpatterns = [
    path("tiem-chung/", views.desk, name="vaccination"),
    path("tiem-chung/<str:patient_id>", views.child, name="child"),
    path("tiem-chung/<str:patient_id>/sang-loc", views.screen, name="screen"),
    path("tiem-chung/<str:patient_id>/mui-cu", views.past, name="past"),
    path("tiem-chung/<str:patient_id>/tiem", views.give, name="give"),
    path("tiem-chung/<str:patient_id>/hen", views.appoint, name="appoint"),
    path("tiem-chung/<str:patient_id>/phieu", views.slip, name="slip"),
    path("mui-tiem/<str:immunization_id>/theo-doi", views.watch, name="watch"),
]
