"""A Jitsi server's questions: reservations, passes, attendance. Peers' test 8 is here: `test_8_...`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.areas.clinic.stage import put, tagged
from tests.areas.telehealth.stage import (
    OTHER,
    PERSON,
    citizen,
    doctors_seat,
    open_as_doctor,
    seated,
    staff,
    stage,
    told,
    video_visit,
)
from tests.areas.telehealth.test_visit import Clock, clock, encounter_of  # noqa: F401 - a fixture
from tests.builders import NOW
from yba.areas.telehealth import tasks
from yba.areas.telehealth.models import Presence, Room, Seat
from yba.care.remote.engines import Attendee, Engine, Meeting
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.record import Record
from yba.gateways.video.jitsi import JitsiEngine
from yba.gateways.video.peer import PeerEngine

SECRET, CALLBACK = "s" * 40, "c" * 40
JITSI = JitsiEngine(domain="meet.example.vn", app_id="yba", secret=SECRET)


def both() -> Mapping[str, Engine]:
    return {"jitsi": JITSI, "peer": PeerEngine()}


def callback() -> str:
    return CALLBACK


@pytest.fixture
def server(settings: Any) -> Client:
    """The Jitsi server, which knows the secret."""
    settings.YBA_VIDEO = f"{__name__}.both"
    settings.YBA_VIDEO_CALLBACK = f"{__name__}.callback"
    return Client(headers={"Authorization": f"Bearer {CALLBACK}"})


@pytest.fixture
def visit(record: Record, clock: Clock, server: Client) -> Appointment:  # noqa: F811 - the fixture
    stage(record)
    return video_visit(record)


def reserve(server: Client, room: str, **more: str) -> Any:
    return server.post(
        "/kham-tu-xa/jitsi/conference",
        {"name": room, "start_time": "2026-11-24T02:00:00.000Z", "mail_owner": "x@meet.example.vn", **more},
    )


def passed(server: Client, room: str, token: str, address: str = "203.0.113.7") -> int:
    """What a proxy before the server is told."""
    answer = server.get(
        "/kham-tu-xa/jitsi/pass",
        headers={"X-Original-URI": f"/xmpp-websocket?room={room}&token={token}"},
        REMOTE_ADDR=address,
    )
    return answer.status_code


def happened(server: Client, what: str, room: str, **said: Any) -> Any:
    return server.post(
        f"/kham-tu-xa/jitsi/events/{what}",
        {"room_name": room, "room_jid": f"{room}@conference.meet.example.vn", "is_breakout": False, **said},
        content_type="application/json",
    )


def occupant(key: str, jid: str, **times: int) -> dict[str, Any]:
    return {"occupant_jid": jid, "id": key, "name": "x", **times}


def both_in(visit: Appointment) -> tuple[Client, Client, Seat, Seat, Room]:
    """Person and doctor, let in."""
    person, doctor = citizen(PERSON), staff()
    key = seated(person, visit)
    room = open_as_doctor(doctor, visit, admit=True)
    return person, doctor, Seat.objects.get(key=key), doctors_seat(room), room


def test_a_room_is_reserved_for_its_time_as_mod_reservations_asks(visit: Appointment, server: Client) -> None:
    room = both_in(visit)[4]
    answer = reserve(server, room.name)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": room.pk, "name": room.name, "mail_owner": "x@meet.example.vn",
            "start_time": "2026-11-24T02:00:00.000Z", "duration": 80 * 60, "max_occupants": 4,
        },
    )  # fmt: skip
    again = reserve(server, room.name)
    assert (again.status_code, again.json()) == (409, {"conflict_id": room.pk})
    read = server.get(f"/kham-tu-xa/jitsi/conference/{room.pk}").json()
    assert (read["id"], read["name"], read["duration"]) == (room.pk, room.name, 80 * 60)
    assert server.delete(f"/kham-tu-xa/jitsi/conference/{room.pk}").status_code == 200
    assert server.get(f"/kham-tu-xa/jitsi/conference/{room.pk}").status_code == 404
    assert reserve(server, room.name).status_code == 200


@pytest.mark.parametrize("secret", ["", "Bearer ", "Bearer wrong", f"Bearer {CALLBACK}x"])
def test_nobody_without_the_secret_is_answered(visit: Appointment, server: Client, secret: str) -> None:
    room = both_in(visit)[4]
    stranger = Client(headers={"Authorization": secret})
    assert reserve(stranger, room.name).status_code == 403
    assert stranger.get(f"/kham-tu-xa/jitsi/conference/{room.pk}").status_code == 403
    assert happened(stranger, "occupant/joined", room.name).status_code == 403
    assert passed(stranger, room.name, "x") == 403
    assert Room.objects.get().reserved_at is None


def test_an_installation_without_a_secret_answers_nobody(
    visit: Appointment, server: Client, settings: Any
) -> None:
    room = both_in(visit)[4]
    settings.YBA_VIDEO_CALLBACK = "builtins.str"
    assert reserve(server, room.name).status_code == 403
    assert reserve(Client(headers={"Authorization": "Bearer "}), room.name).status_code == 403


def test_peer_08_a_pass_for_another_room_expired_wildcard_or_used_by_a_third_is_refused(
    record: Record, visit: Appointment, server: Client, clock: Clock  # noqa: F811 - the fixture
) -> None:  # fmt: skip
    person, _doctor, seat, _his, room = both_in(visit)
    put(record, Practitioner(meta=tagged()), "bs-khac")
    other = video_visit(record, OTHER, code="9QQ222", doctor="bs-khac")
    hung, his = citizen(OTHER), staff(practitioner="bs-khac")
    other_key = seated(hung, other)
    other_room = open_as_doctor(his, other)
    entrance = told(person, seat.key, entrance=True).json()["entrance"]
    token = entrance["jwt"]
    assert (entrance["engine"], entrance["room"]) == ("jitsi", room.name)
    # the right room, and the same page again from where it was
    assert [passed(server, room.name, token), passed(server, room.name, token)] == [204, 204]
    assert reserve(server, room.name, token=token).json() == {"message": "re-used"}  # another address
    # a third person with a copy of the pass
    assert passed(server, room.name, token, "198.51.100.9") == 403
    # another room; and the pass of one who is not let in
    assert passed(server, other_room.name, token) == 403
    assert "entrance" not in told(hung, other_key, epoch="b" * 12, entrance=True).json()
    meeting = Meeting(other_room.name, NOW, other_room.closes)
    early = JITSI.pass_for(meeting, Attendee(other_key, "x", False), now=NOW)
    assert passed(server, other_room.name, early) == 403
    assert reserve(server, other_room.name, token=early).json() == {"message": "seat"}
    # wildcards and unknown rooms
    for name in ("*", "yba-*", "", room.name[:-1], room.name + "x", "lop-hoc"):
        assert reserve(server, name).status_code == 403
        assert passed(server, name, token) == 403
    # expired
    clock.now += timedelta(minutes=6)
    assert passed(server, room.name, token) == 403
    fresh = told(person, seat.key, entrance=True).json()["entrance"]["jwt"]
    assert passed(server, room.name, fresh) == 204
    # a room that was used is not opened again
    staff_end = Client()
    staff_end.cookies = _doctor.cookies
    staff_end.post(f"/kham-tu-xa/phong/{room.name}/ket-thuc")
    assert reserve(server, room.name).json() == {"message": "over"}
    assert passed(server, room.name, fresh) == 403
    assert told(person, seat.key, entrance=True).json()["over"] is True


@pytest.mark.parametrize(
    ("away", "why"), [(timedelta(minutes=-16), "early"), (timedelta(minutes=80), "expired")]
)
def test_a_room_is_opened_in_its_time_alone(
    visit: Appointment, server: Client, clock: Clock, away: timedelta, why: str  # noqa: F811 - the fixture
) -> None:  # fmt: skip
    room = both_in(visit)[4]
    clock.now = NOW + away
    assert reserve(server, room.name).json() == {"message": why}


def test_a_visit_that_began_browser_to_browser_is_no_room_at_the_server(
    visit: Appointment, server: Client
) -> None:
    room = both_in(visit)[4]
    Room.objects.update(engine="peer")
    assert reserve(server, room.name).json() == {"message": "unknown"}


def test_attendance_is_what_the_server_tells_of_each_seat(
    record: Record, visit: Appointment, server: Client, clock: Clock  # noqa: F811 - the fixture
) -> None:  # fmt: skip
    _person, _doctor, seat, his, room = both_in(visit)
    at = int(NOW.timestamp())
    clock.now += timedelta(minutes=10)
    happened(server, "room/created", room.name, created_at=at)
    happened(server, "occupant/joined", room.name, occupant=occupant(his.key, "d@x", joined_at=at + 60))
    assert Room.objects.get().state == "admitted"
    for _ in range(2):  # told again: counted once
        happened(server, "occupant/joined", room.name, occupant=occupant(seat.key, "p@x", joined_at=at + 90))
    assert Room.objects.get().state == "in-call"
    happened(
        server,
        "occupant/left",
        room.name,
        occupant=occupant(seat.key, "p@x", joined_at=at + 90, left_at=at + 400),
    )
    gone = [
        occupant(seat.key, "p@x", joined_at=at + 90, left_at=at + 400),
        occupant(his.key, "d@x", joined_at=at + 60, left_at=at + 420),
    ]
    happened(server, "room/destroyed", room.name, destroyed_at=at + 420, all_occupants=gone)
    spans = {
        (
            one.seat.kind,
            int(one.came_at.timestamp()) - at,
            int(one.left_at.timestamp()) - at if one.left_at else None,
        )
        for one in Presence.objects.select_related("seat")
    }
    assert spans == {("doctor", 60, 420), ("patient", 90, 400)}
    assert Seat.objects.get(pk=seat.pk).first_joined_at == NOW + timedelta(seconds=90)


def test_two_under_one_seat_are_shown_to_the_doctor(visit: Appointment, server: Client) -> None:
    _person, doctor, seat, _his, room = both_in(visit)
    happened(server, "occupant/joined", room.name, occupant=occupant(seat.key, "p@x"))
    assert "Có hai người vào" not in doctor.get(f"/kham-tu-xa/phong/{room.name}").content.decode()
    happened(server, "occupant/joined", room.name, occupant=occupant(seat.key, "thief@x"))
    assert "Có hai người vào" in doctor.get(f"/kham-tu-xa/phong/{room.name}").content.decode()
    happened(server, "occupant/left", room.name, occupant=occupant(seat.key, "thief@x"))
    assert "Có hai người vào" not in doctor.get(f"/kham-tu-xa/phong/{room.name}").content.decode()


@pytest.mark.parametrize(
    "said",
    [
        {"occupant": {"occupant_jid": "x@y", "id": "nobody"}},
        {"occupant": None},
        {"occupant": {"occupant_jid": 5, "id": []}},
        {},
    ],
)
def test_somebody_without_a_pass_of_ours_is_nobody(
    visit: Appointment, server: Client, said: dict[str, Any]
) -> None:
    room = both_in(visit)[4]
    assert happened(server, "occupant/joined", room.name, **said).status_code == 200
    assert Presence.objects.count() == 0
    assert happened(server, "occupant/joined", "other", **said).status_code == 404
    assert happened(server, "occupant/fell", room.name, **said).status_code == 404


@pytest.mark.parametrize(
    ("doctor_came", "patient_came", "status", "state"),
    [
        (True, False, "noshow", "missed"),
        (False, True, "arrived", "waiting"),
        (False, False, "booked", "opened"),
        (True, True, "arrived", "in-call"),
    ],
)
def test_peer_08_no_show_is_only_where_the_doctors_seat_joined_and_the_persons_never_did(
    record: Record, visit: Appointment, server: Client, clock: Clock, doctor_came: bool, patient_came: bool,  # noqa: F811
    status: str, state: str,
) -> None:  # fmt: skip
    """By the seats of the visit: that the person is signed in at home is no attendance."""
    person, doctor = citizen(PERSON), staff()
    key = seated(person, visit) if patient_came else ""
    room = open_as_doctor(doctor, visit, admit=patient_came and doctor_came)
    person.get("/so/")
    if doctor_came:
        happened(server, "occupant/joined", room.name, occupant=occupant(doctors_seat(room).key, "d@x"))
    if patient_came and doctor_came:
        happened(server, "occupant/joined", room.name, occupant=occupant(key, "p@x"))
    clock.now = room.closes - timedelta(minutes=1)
    assert tasks.close_rooms_at(record, clock.now) == 0
    clock.now = room.closes
    assert tasks.close_rooms_at(record, clock.now) == 1
    assert record.read(Appointment, visit.id or "").status == status
    room = Room.objects.get()
    assert (room.state, room.ended_at) == (state, clock.now)
    assert encounter_of(record, visit).status == (
        "cancelled" if state == "missed" else encounter_of(record, visit).status
    )
    assert tasks.close_rooms_at(record, clock.now) == 0
    assert isinstance(clock.now, datetime)


def test_peer_08_who_waited_and_was_never_let_in_is_no_no_show(
    record: Record, visit: Appointment, server: Client, clock: Clock  # noqa: F811 - the fixture
) -> None:  # fmt: skip
    seated(citizen(PERSON), visit)
    room = open_as_doctor(staff(), visit)
    happened(server, "occupant/joined", room.name, occupant=occupant(doctors_seat(room).key, "d@x"))
    clock.now = room.closes
    assert tasks.close_rooms_at(record, clock.now) == 1
    assert record.read(Appointment, visit.id or "").status == "arrived"
