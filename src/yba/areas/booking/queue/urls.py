"""Addresses of reception, numbers, papers and walls."""

from __future__ import annotations

from django.urls import path

from yba.areas.booking.queue import views, walls

app_name = "queue"
urlpatterns = [
    path("tiep-nhan", views.reception, name="reception"),
    path("hen/<str:appointment>", views.booking, name="booking"),
    path("nguoi/<str:patient>", views.walk_in, name="walk_in"),
    path("moi", views.new_person, name="new_person"),
    path("so/<int:ticket>", views.issued, name="issued"),
    path("so/<int:ticket>/phieu.pdf", views.ticket_paper, name="ticket_paper"),
    path("so/<int:ticket>/bien-lai-<str:size>.pdf", views.receipt_paper, name="receipt_paper"),
    path("so/<int:ticket>/<str:act>", views.change, name="change"),
    path("bang", walls.own_wall, name="wall"),
    path("bang/<str:place>", walls.wall, name="wall_of"),
    path("bang-lien-ket/<str:token>", walls.linked_wall, name="linked_wall"),
    path("theo-doi", walls.mine, name="mine"),
    path("theo-doi/<str:token>", walls.ticket, name="ticket"),
]
