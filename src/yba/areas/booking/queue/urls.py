"""Addresses of reception, numbers, papers and walls; booking mounts them under its own name."""

from __future__ import annotations

from django.urls import path

from yba.areas.booking.queue import kiosk, setting_up, stations, views, waits, walls

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
    path("goi/", stations.stations, name="stations"),
    path("goi/<str:room>/", stations.station, name="station"),
    path("goi/<str:room>/ke", stations.call_next, name="station_next"),
    path("goi/<str:room>/<int:ticket>/<str:act>", stations.deed, name="station_deed"),
    path("hang-cho/", setting_up.queues, name="queues"),
    path("hang-cho/moi", setting_up.queue, name="queue_new"),
    path("hang-cho/<slug:code>/", setting_up.queue, name="queue"),
    path("kiosk/", kiosk.start, name="kiosk"),
    path("kiosk/tim", kiosk.find, name="kiosk_find"),
    path("kiosk/dien-thoai", kiosk.phone, name="kiosk_phone"),
    path("kiosk/anh", kiosk.picture, name="kiosk_picture"),
    path("kiosk/kiosk.js", kiosk.script, name="kiosk_script"),
    path("kiosk/tiep-don", kiosk.to_reception, name="kiosk_reception"),
    path("kiosk/nhan/<str:token>", kiosk.check_in, name="kiosk_check_in"),
    path("kiosk/kham/<str:token>", kiosk.choose, name="kiosk_choose"),
    path("kiosk/lay/<str:token>", kiosk.walk_in, name="kiosk_walk_in"),
    path("kiosk/phi/<str:token>", kiosk.fee, name="kiosk_fee"),
    path("kiosk/so/<str:token>", kiosk.number, name="kiosk_number"),
    path("thoi-gian-cho", waits.waits, name="waits"),
    path("thoi-gian-cho.csv", waits.waits_csv, name="waits_csv"),
    path("thu-tu", walls.rule, name="rule"),
    path("theo-doi", walls.own_numbers, name="own_numbers"),
    path("theo-doi/<str:token>", walls.ticket, name="ticket"),
]
