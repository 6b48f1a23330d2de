"""Who stands before the kiosk: one person and one booking, or nobody the kiosk may decide about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.translation import gettext_lazy as _

from yba.areas.booking.queue import queries, rules
from yba.areas.booking.queue.actions import Wish
from yba.care import people
from yba.care.line.models import Queue, Stage, Ticket
from yba.care.remote import mode
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.ui.words import digits, local_day, phone_number

NOBODY: Final = _("Không tìm thấy lượt hẹn hay hồ sơ nào với mã này.")
TO_THE_DESK: Final = _("Cần nhân viên giúp. Mời tới quầy tiếp đón, mang theo giấy tờ.")
NOT_READ: Final = _("Chưa đọc được mã. Đưa mã lại gần, hoặc nhập mã đăng ký.")
TYPED: Final = _("Nhập số điện thoại thì chọn “Số điện thoại”. Số căn cước thì quét mã QR trên thẻ.")
_OVER: Final = ("done", "cancelled")


@dataclass(frozen=True, slots=True)
class Found:
    """One of: a number of today, a booking that can be checked in, a person without one, or why not."""

    ticket: Ticket | None = None
    booking: queries.Booking | None = None
    person: people.Person | None = None
    refusal: str = ""


def found(record: Record, text: str) -> Found:
    """What a scan means. Only what somebody holds in the hand is taken by itself: a code, a card."""
    facility, today = record.actor.facility or "", local_day(record.clock())
    scan = rules.scan_of(text)
    if scan.kind not in ("code", "citizen-qr", "insurance-qr"):
        return Found(refusal=str(TYPED if scan.kind == "number" else NOT_READ))
    seen = queries.find(record, text, facility=facility, today=today)
    if seen.refusal is not None:
        return Found(refusal=str(NOT_READ))
    return _one(record, seen, today)


def found_by_phone(record: Record, phone: str, year: str) -> Found:
    """By number and year of birth; who gives one of them wrong learns nothing."""
    number = phone_number(phone)
    if not re.fullmatch(r"0[0-9]{9,10}", number) or not re.fullmatch(r"[0-9]{4}", digits(year)):
        return Found(refusal=str(NOBODY))
    today = local_day(record.clock())
    known = [
        one
        for one in people.find_people(record, number)
        if (one.birthDate or "").startswith(digits(year))
        and number in {phone_number(each.value or "") for each in one.telecom if each.value}
    ]
    seen = queries.found_of(record, number, known, facility=record.actor.facility or "", today=today)
    return _one(record, seen, today)


def _one(record: Record, seen: queries.Found, today: date) -> Found:
    """The one person and booking; more than one is for the desk."""
    persons = {one.id for one in seen.people} | {one.person.id for one in seen.bookings}
    if len(persons) > 1 or len(seen.bookings) > 1:
        return Found(refusal=str(TO_THE_DESK))
    live = [one for one in seen.tickets if one.status not in _OVER and one.day == today]
    if live:
        return Found(ticket=live[-1])
    if seen.bookings:
        booked = record.read(Appointment, seen.bookings[0].id)
        refusal = rules.check_in_refusal(booked, today=today)
        if refusal or mode.is_video(
            booked
        ):  # a visit by video begins at home: whether it may begin here, people say
            told = (
                refusal is not None and refusal.key != "queue.missed"
            )  # what was noted of them is nobody else's
            return Found(refusal=f"{refusal.message} {TO_THE_DESK}" if refusal and told else str(TO_THE_DESK))
        return Found(booking=seen.bookings[0])
    return Found(person=seen.people[0]) if seen.people else Found(refusal=str(NOBODY))


def wish_of_booking(record: Record, appointment: str) -> Wish | None:
    """Where a booking leads: to its doctor's room; None when the kiosk can't say."""
    facility = record.actor.facility or ""
    try:
        found_ = record.read(Appointment, appointment)
        booked = queries.booking_of(record, found_)
        record.read(Patient, booked.person.id)
    except (NotFound, Gone):
        return None
    posts = queries.posts_of(record, facility=facility)
    post = next((one for one in posts if one.practitioner_id == booked.practitioner_id), None)
    post = post or next((one for one in posts if one.room_id == booked.room_id), None)
    if post is None or facility_of(found_) != facility or mode.is_video(found_):
        return None
    return Wish(post=post, letter=queries.letter_of(posts, post.room_id), source="kiosk")


def reception_queue(facility: str) -> Queue | None:
    """The queue of the reception desk, where there is one."""
    return Queue.objects.filter(facility=facility, stage=Stage.RECEPTION, active=True).order_by("pk").first()
