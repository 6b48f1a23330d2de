"""Addresses of the pharmacy."""

from __future__ import annotations

from django.urls import path

from yba.areas.pharmacy import views

app_name = "pharmacy"
urlpatterns = [
    path("", views.counter, name="counter"),
    path("list", views.list_part, name="list"),
    path("prescription/<str:code>", views.prescription, name="prescription"),
    path("prescription/<str:code>/give", views.give, name="give"),
    path("prescription/<str:code>/labels", views.labels, name="labels"),
    path("stock", views.stock, name="stock"),
    path("stock/search", views.search_drugs, name="search-drugs"),
]
