"""First help's addresses: none of them says anything of anybody's health."""

from django.urls import path

from yba.areas.firsthelp import views

app_name = "firsthelp"

urlpatterns = [
    path("", views.start, name="start"),
    path("tiep", views.ask, name="ask"),
    path("giu", views.keep, name="keep"),
    path("da-giu", views.kept, name="kept"),
]
