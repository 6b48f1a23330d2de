"""The face's own addresses, for `alone`."""

from django.urls import include, path

urlpatterns = [path("", include("yba.ui.urls"))]
