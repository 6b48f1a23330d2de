"""Addresses of telehealth."""

from __future__ import annotations

from django.urls import path

from yba.areas.telehealth import calls, desk, doctor, jitsi, views
from yba.areas.telehealth.chat import files, hours, person, staff
from yba.areas.telehealth.follow_up import person as measuring
from yba.areas.telehealth.follow_up import staff as following

app_name = "telehealth"
urlpatterns = [
    path("", doctor.today, name="today"),
    path("luot/<str:appointment_id>", views.visit, name="visit"),
    path("luot/<str:appointment_id>/vao", views.enter, name="enter"),
    path("v/<str:code>", views.by_link, name="by-link"),
    path("moi/<str:token>", views.invited, name="invited"),
    path("thu-thiet-bi", views.check, name="check"),
    path("ghe/<str:key>", views.seat, name="seat"),
    path("ghe/<str:key>/dong-bo", calls.sync, name="sync"),
    path("ghe/<str:key>/tin-hieu", calls.signal, name="signal"),
    path("ghe/<str:key>/bac", calls.rung, name="rung"),
    path("ghe/<str:key>/roi", calls.leave, name="leave"),
    path("ghe/<str:key>/moi", views.invite, name="invite"),
    path("ghe/<str:key>/goi-dien", views.ask_call, name="ask-call"),
    path("hen-lai/<str:appointment_id>", views.rebook, name="rebook"),
    path("goi-lai", desk.calls, name="call-backs"),
    path("goi-lai/<str:task_id>/<str:deed>", desk.answer, name="call-back"),
    path("phong/<str:name>/goi-dien", doctor.phone, name="phone"),
    path("mo/<str:appointment_id>", doctor.open_room, name="open"),
    path("phong/<str:name>", doctor.room, name="room"),
    path("phong/<str:name>/nguoi", doctor.people, name="people"),
    path("phong/<str:name>/cho-vao/<str:key>", doctor.admit, name="admit"),
    path("phong/<str:name>/moi-ra/<str:key>", doctor.remove, name="remove"),
    path("phong/<str:name>/moi", doctor.invite, name="invite-by-doctor"),
    path("phong/<str:name>/giay-to", doctor.identify, name="identify"),
    path("phong/<str:name>/ket-thuc", doctor.end, name="end"),
    path("khung/<str:encounter_id>", doctor.part, name="part"),
    path("tro-chuyen/", person.chats, name="chats"),
    path("tro-chuyen/ve/<str:type_name>/<str:identifier>", person.about, name="chat-about"),
    path("tro-chuyen/<str:thread_id>", person.chat, name="chat"),
    path("tro-chuyen/<str:thread_id>/tep/<str:message_id>/<int:number>", files.file, name="chat-file"),
    path("tin/", staff.inbox, name="inbox"),
    path("tin/gio", hours.hours, name="chat-hours"),
    path("tin/<str:thread_id>", staff.talk, name="talk"),
    path("tin/<str:thread_id>/chuyen", staff.hand_over, name="chat-hand-over"),
    path("tin/<str:thread_id>/moi-kham", staff.invite, name="chat-invite"),
    path("tin/<str:thread_id>/ket-thuc", staff.close, name="chat-close"),
    path("tin/<str:thread_id>/go-tep", staff.take_down, name="chat-take-down"),
    path("so-do/", measuring.home, name="measures"),
    path("so-do/<str:plan_id>", measuring.measure, name="measure"),
    path("theo-doi/", following.team, name="follow-ups"),
    path("theo-doi/lap/<str:type_name>/<str:identifier>", following.begin, name="follow-begin"),
    path("theo-doi/bao-dong/<str:alert_id>/<str:deed>", following.alert, name="follow-alert"),
    path("theo-doi/<str:plan_id>", following.plan, name="follow-up"),
    path("theo-doi/<str:plan_id>/ket-thuc", following.end, name="follow-end"),
    path("jitsi/conference", jitsi.reserve, name="jitsi-reserve"),
    path("jitsi/conference/<int:number>", jitsi.conference, name="jitsi-conference"),
    path("jitsi/events/<str:what>/<str:which>", jitsi.event, name="jitsi-event"),
    path("jitsi/pass", jitsi.check_pass, name="jitsi-pass"),
]
