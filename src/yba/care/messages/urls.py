"""Addresses of messages: a person's box and wishes; what those who look after messages see."""

from __future__ import annotations

from django.urls import path

from yba.care.messages import callback, staff, views

app_name = "messages"
urlpatterns = [
    path("", views.inbox, name="box"),
    path("<int:number>/", views.opened, name="opened"),
    path("doc-het", views.read_all, name="read_all"),
    path("cach-nhan", views.wishes, name="wishes"),
    path("thu/<str:token>", views.prove, name="prove"),
    path("bao-tren-may", views.subscribe, name="subscribe"),
    path("tat-bao", views.unsubscribe, name="unsubscribe"),
    path("mau", staff.templates, name="templates"),
    path("da-gui", staff.deliveries, name="deliveries"),
    path("da-gui/<int:number>/gui-lai", staff.again, name="again"),
    path("chi-phi", staff.costs, name="costs"),
    path("bao-cao/<str:channel>/<str:key>", callback.report, name="report"),
    path("den/<str:channel>/<str:key>", callback.heard, name="heard"),
    path("da-den", staff.heard_list, name="heard_list"),
]
