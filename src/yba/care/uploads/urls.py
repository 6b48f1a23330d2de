"""Where files are read: an address of their own, `/tep/`."""

from __future__ import annotations

from django.urls import path

from yba.care.uploads import views

app_name = "uploads"
urlpatterns = [
    path("anh/<str:type_name>/<str:identifier>", views.portrait, name="portrait"),
    path("<str:type_name>/<str:identifier>/<int:number>", views.file, name="file"),
]
