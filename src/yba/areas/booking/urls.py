"""Booking's addresses."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import path

from yba.areas.booking import (
    administering,
    asking_any,
    calling,
    changing,
    finding,
    holding,
    missing,
    offers,
    repeating,
    views,
)
from yba.areas.booking.desk import call_backs, calls, counting, deeds
from yba.areas.booking.desk import views as desk
from yba.areas.booking.ratings.urls import urlpatterns as ratings

app_name = "booking"

urlpatterns = [
    path("", finding.find, name="find"),
    path("khoa/<str:facility>/<slug:specialty>/", asking_any.book, name="any_doctor"),
    path("bac-si/<str:role_id>/", views.book, name="book"),
    path("bac-si/<str:role_id>/cho", offers.wait, name="wait"),
    path("cho-cho/<str:offer_id>", offers.answer, name="offer"),
    path("giu-gio", holding.hold, name="hold"),
    path("giu-gio/<str:hold_id>/thoi", holding.let_go, name="let_go"),
    path("lich-hen/", views.mine, name="mine"),
    path("phieu/<str:appointment_id>/", views.slip, name="slip"),
    path("phieu/<str:appointment_id>/lich.ics", views.calendar, name="calendar"),
    path("phieu/<str:appointment_id>/huy", views.cancel, name="cancel"),
    path("phieu/<str:appointment_id>/doi-gio", changing.move, name="reschedule"),
    path("chuoi/moi/", repeating.new, name="new_series"),
    path("chuoi/<str:series_id>/", repeating.show, name="series"),
    path("chuoi/<str:series_id>/huy", repeating.cancel, name="cancel_series"),
    path("chuoi/<str:series_id>/doi-gio", repeating.move, name="move_series"),
    path("khong-den/", missing.desk, name="missed"),
    path("khong-den/cua-toi", missing.own, name="own_missed"),
    path("khong-den/quy-dinh", missing.rule, name="missed_rule"),
    path("khong-den/khieu-nai/<int:key>", missing.decide, name="decide_appeal"),
    path("khong-den/<str:appointment_id>/ghi", missing.mark, name="mark_missed"),
    path("khong-den/<str:appointment_id>/bo-qua", missing.excuse, name="excuse_missed"),
    path("dat-ho/", calling.book, name="book_for"),
    path("lich-lam-viec/", administering.timetables, name="timetables"),
    path("lich-lam-viec/moi", administering.timetable_page, name="new_timetable"),
    path("lich-lam-viec/<str:schedule_id>/", administering.timetable_page, name="timetable"),
    path("dich-vu/", administering.service_page, name="services"),
    path("dich-vu/<str:service_id>/", administering.service_page, name="service"),
    path("sang-loc/", desk.screening, name="screening"),
    path("sang-loc/so-lieu", counting.show, name="figures"),
    path("sang-loc/dien-thoai", calls.part, name="telephone"),
    path("sang-loc/may", calls.sit, name="sit_at"),
    path("sang-loc/goi-lai/<int:number>", call_backs.deed, name="call_back"),
    path("sang-loc/danh-sach", desk.waiting, name="waiting"),
    path("sang-loc/<str:appointment_id>/", desk.open_request, name="request"),
    path("sang-loc/<str:appointment_id>/goi", calls.call, name="call"),
    path("sang-loc/<str:appointment_id>/giu", deeds.claim, name="claim"),
    path("sang-loc/<str:appointment_id>/tra", deeds.release, name="release"),
    path("sang-loc/<str:appointment_id>/sua", deeds.correct, name="correct"),
    path("sang-loc/<str:appointment_id>/cau-hoi", deeds.answers, name="answers"),
    path("sang-loc/<str:appointment_id>/doi-gio", deeds.move, name="move"),
    path("sang-loc/<str:appointment_id>/xac-nhan", deeds.confirm, name="confirm"),
    path("sang-loc/<str:appointment_id>/tu-choi", deeds.refuse, name="refuse"),
    path("sang-loc/<str:appointment_id>/khong-gap", deeds.unreached, name="unreached"),
    path("sang-loc/<str:appointment_id>/trung", deeds.duplicate, name="duplicate"),
    path("sang-loc/<str:appointment_id>/gui-lai", deeds.send_again, name="send_again"),
    path("nguoi-goi/<str:patient_id>/", desk.caller, name="caller"),
    *ratings,
]

# Reception and the wall are the queue's pages, under the same name.
if find_spec("yba.areas.booking.queue.urls"):
    urlpatterns += import_module("yba.areas.booking.queue.urls").urlpatterns
