"""The addresses of ratings, under booking's name."""

from django.urls import path

from yba.areas.booking.ratings import views

urlpatterns = [
    path("danh-gia/", views.ratings, name="ratings"),
    path("danh-gia/<str:key>/", views.rating, name="rating"),
    path("danh-gia/lan-kham/<str:encounter_id>/", views.rate, name="rate"),
]
