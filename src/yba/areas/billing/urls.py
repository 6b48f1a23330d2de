"""Addresses of the cashier."""

from __future__ import annotations

from django.urls import path

from yba.areas.billing import bank_views, notices, views

app_name = "billing"
urlpatterns = [
    path("", views.cashier, name="cashier"),
    path("hoa-don/<str:invoice>", views.invoice, name="invoice"),
    path("bien-lai/<int:receipt>/<str:size>.pdf", views.receipt_paper, name="receipt_paper"),
    path("tien-ve", bank_views.came, name="transfers"),
    path("tien-ve/thu", bank_views.settle, name="settle"),
    path("tien-ve/sao-ke", bank_views.statement, name="statement"),
    path("tien-ve/<int:transfer>/khong-thu", bank_views.give_back, name="give_back"),
    path("tai-khoan", bank_views.account, name="account"),
    path("bao-co/<str:facility>", notices.notice, name="notice"),
]
