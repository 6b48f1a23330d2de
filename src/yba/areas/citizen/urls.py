"""The book's addresses."""

from django.urls import path

from yba.areas.citizen import views
from yba.areas.citizen.opened.urls import urlpatterns as opened
from yba.areas.citizen.privacy.urls import urlpatterns as privacy
from yba.areas.citizen.sharing.urls import urlpatterns as sharing
from yba.areas.citizen.vaccines import vaccines

app_name = "citizen"

urlpatterns = [
    path("", views.home, name="home"),
    path("trang/", views.book, name="book"),
    path("lan-kham/<str:encounter_id>/", views.visit, name="visit"),
    path("tiem-chung/", vaccines, name="vaccines"),
    path("ho-so/", views.profile, name="profile"),
    path("xa-phuong", views.communes, name="communes"),
    path("gia-dinh/", views.family, name="family"),
    path("gia-dinh/them", views.add_child, name="child"),
    path("the-bhyt/", views.card_first, name="card_first"),
    path("the-bhyt/<str:patient_id>/", views.card, name="card"),
    path("nguoi/<str:patient_id>/", views.person, name="person"),
    *privacy,
    *opened,
    *sharing,
]
