"""The demo page of messages; included only in demo mode."""

from __future__ import annotations

from django.urls import path

from yba.care.messages import demo_views as views

app_name = "demo_messages"
urlpatterns = [path("messages", views.messages, name="list")]
