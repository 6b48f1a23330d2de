"""Addresses of the cashier."""

from __future__ import annotations

from django.urls import path

from yba.areas.billing import views

app_name = "billing"
urlpatterns = [
    path("", views.cashier, name="cashier"),
    path("hoa-don/<str:invoice>", views.invoice, name="invoice"),
    path("bien-lai/<int:receipt>/<str:size>.pdf", views.receipt_paper, name="receipt_paper"),
]
