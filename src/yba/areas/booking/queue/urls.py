"""Addresses of reception, numbers, papers and walls; booking mounts them under its own name."""

from __future__ import annotations

from django.urls import path

from yba.areas.booking.queue import views, walls

urlpatterns = [
    path("tiep-nhan", views.reception, name="reception"),
    path("tiep-nhan/hen/<str:appointment>", views.check_in, name="check_in"),
    path("tiep-nhan/nguoi/<str:patient>", views.walk_in, name="walk_in"),
    path("tiep-nhan/moi", views.new_person, name="new_person"),
    path("tiep-nhan/so/<int:ticket>", views.issued, name="issued"),
    path("tiep-nhan/so/<int:ticket>/phieu.pdf", views.ticket_paper, name="ticket_paper"),
    path("tiep-nhan/so/<int:ticket>/bien-lai-<str:size>.pdf", views.receipt_paper, name="receipt_paper"),
    path("tiep-nhan/so/<int:ticket>/<str:act>", views.change, name="change"),
    path("bang", walls.own_wall, name="wall"),
    path("bang/<str:place>", walls.wall, name="wall_of"),
    path("bang-lien-ket/<str:token>", walls.linked_wall, name="linked_wall"),
    path("theo-doi", walls.own_numbers, name="own_numbers"),
    path("theo-doi/<str:token>", walls.ticket, name="ticket"),
]
