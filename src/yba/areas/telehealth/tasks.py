"""Telehealth's jobs: rooms whose time is over are shut, absences written down; home measurements reminded of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from procrastinate.contrib.django import app

from yba.areas.telehealth import actions, encounters, falling, rules
from yba.areas.telehealth.follow_up.sweep import sweep
from yba.areas.telehealth.models import Guess, Pass, Presence, Room, Seat, Signal
from yba.care import jobs
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record

#: Passes and tries at birth dates are of no use for longer.
KEPT: Final = timedelta(days=1)
#: Who was there and when is looked up while a visit may be disputed; the visit itself stays in the record.
ROOMS_KEPT: Final = timedelta(days=800)


@app.periodic(cron="*/5 * * * *", periodic_id="telehealth.close-rooms")  # type: ignore[untyped-decorator]  # procrastinate is not followed
@app.task(name="telehealth.close_rooms", queueing_lock="telehealth.close_rooms")  # type: ignore[untyped-decorator]  # the same
def close_rooms(timestamp: int = 0) -> int:
    """Shut the rooms whose time is over, and forget what nobody needs."""
    at = timezone.now()
    closed = close_rooms_at(jobs.record(), at)
    charge_rooms(jobs.record())
    Signal.objects.filter(at__lt=at - KEPT).delete()
    Pass.objects.filter(at__lt=at - KEPT).delete()
    Guess.objects.filter(since__lt=at - KEPT).delete()
    Room.objects.filter(closes__lt=at - ROOMS_KEPT).delete()
    return closed


@app.periodic(cron="*/5 * * * *", periodic_id="telehealth.follow-up")  # type: ignore[untyped-decorator]  # procrastinate is not followed
@app.task(name="telehealth.follow_up", queueing_lock="telehealth.follow_up")  # type: ignore[untyped-decorator]  # the same
def follow_up(timestamp: int = 0) -> int:
    """Remind of home measurements that are due, tell the team of those that were missed."""
    return sweep(jobs.record(), timezone.now())


def close_rooms_at(system: Record, at: datetime) -> int:
    """Shut what is over by then; how many rooms. Run as often as one likes."""
    count = 0
    for one in list(Room.objects.filter(closes__lte=at, ended_at=None).order_by("closes")[:500]):
        with actions.held(one) as room:
            if room.ended_at is None:
                _close(system, room, at)
                count += 1
    return count


def charge_rooms(system: Record) -> int:
    """Charge the visits that were held and are over; how many were looked at."""
    found = list(Room.objects.filter(charged_at=None, state="ended").exclude(ended_at=None)[:500])
    for room in found:
        if falling.was_held(system, room):
            falling.charge_held(system, room)
        else:
            Room.objects.filter(pk=room.pk).update(charged_at=system.clock())
    return len(found)


def _close(system: Record, room: Room, at: datetime) -> None:
    # A person who sat in the waiting room came, also where nobody let them in: their seat is made by going in.
    seats = Seat.objects.filter(room=room)
    verdict = rules.verdict_at_close(
        doctor_came=seats.filter(kind=Seat.Kind.DOCTOR).exclude(first_joined_at=None).exists(),
        patient_came=seats.filter(kind=Seat.Kind.PATIENT).exists(),
    )
    _silent_left(room)
    if verdict == "no-show" and rules.may_step(room.state, "missed"):
        encounters.write_step(system, room.encounter_id, "missed", at=at, why="patient")
        room.state = "missed"
        room.save(update_fields=["state"])
        booked = system.lock(Appointment, room.appointment_id)
        if booked.status in rules.COMING:
            booked.status = "noshow"
            system.update(booked)
    elif verdict == "doctor-missed":
        encounters.note(system, room.encounter_id, "doctor-missed", at=at)
    room.refresh_from_db(fields=["ended_at"])
    actions.close(system, room, at=at)


def _silent_left(room: Room) -> None:
    """Pages that went without a word left when they were last heard of."""
    for one in Presence.objects.filter(seat__room=room, left_at=None, by="page").select_related("seat"):
        if one.seat.seen_at is not None:
            Presence.objects.filter(pk=one.pk).update(left_at=max(one.came_at, one.seat.seen_at))
