"""A video visit from its booking to its end: consent, waiting room, admission, who sees what, what the record keeps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from tests.areas.booking import province
from tests.areas.clinic.stage import DOCTOR, put, tagged
from tests.areas.telehealth.stage import (
    NAME,
    OTHER,
    PERSON,
    agree,
    citizen,
    doctors_seat,
    open_as_doctor,
    seated,
    staff,
    stage,
    told,
    video_visit,
)
from tests.builders import NOW
from yba import fhir
from yba.areas.booking import actions as booking
from yba.areas.telehealth import encounters
from yba.areas.telehealth.models import Presence, Room, Seat, Signal
from yba.care.messages.models import Message
from yba.care.remote import links, mode
from yba.fhir.access import Actor
from yba.fhir.errors import Invalid
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import Extension, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.schedule import Schedule
from yba.fhir.record import Record
from yba.site.accounts.models import Account
from yba.site.guards import guards


class Clock:
    """The time of the pages, moved by hand."""

    def __init__(self) -> None:
        self.now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("yba.ui.requests.now", found)
    return found


@pytest.fixture
def visit(record: Record, clock: Clock) -> Appointment:
    stage(record)
    return video_visit(record)


def encounter_of(record: Record, visit: Appointment) -> Encounter:
    (found,) = record.find(Encounter, ("appointment", f"Appointment/{visit.id}"))
    return found


def test_the_whole_visit_stands_in_the_record(record: Record, visit: Appointment, clock: Clock) -> None:
    person, doctor = citizen(PERSON), staff()
    assert "Đồng ý khám bệnh, chữa bệnh từ xa" in person.get(f"/kham-tu-xa/luot/{visit.id}").content.decode()
    key = seated(person, visit)
    assert record.read(Appointment, visit.id or "").status == "arrived"
    waiting = told(person, key).json()
    assert (waiting["state"], waiting["admitted"], waiting["seats"]) == ("waiting", False, [])

    day = doctor.get("/kham-tu-xa/").content.decode()
    assert f"Mời {NAME} vào" in day
    clock.now += timedelta(minutes=2)
    note = doctor.post(f"/kham-tu-xa/mo/{visit.id}", {"admit": "1"})
    found = encounter_of(record, visit)
    assert note["Location"] == f"/clinic/visit/{found.id}"
    room = Room.objects.get()
    mine = doctors_seat(room).key
    answer = told(person, key, entrance=True, joined=True).json()
    assert (answer["admitted"], answer["entrance"]["engine"], answer["entrance"]["policy"]) == (
        True,
        "peer",
        "all",
    )
    told(doctor, mine, joined=True)
    clock.now += timedelta(minutes=1)
    told(person, key, connected=True)
    assert Room.objects.get().state == "admitted"  # one side alone is no call
    told(doctor, mine, connected=True)
    assert Room.objects.get().state == "in-call"

    clock.now += timedelta(minutes=9)
    doctor.post(f"/kham-tu-xa/phong/{room.name}/giay-to", {"how": "citizen-card"})
    doctor.post(f"/kham-tu-xa/phong/{room.name}/ket-thuc")
    found = encounter_of(record, visit)
    assert (found.class_.code, found.status) == ("VR", "in-progress")  # signing makes it finished
    assert encounters.steps_of(found) == ["opened", "waiting", "admitted", "in-call", "ended"]
    assert [(one.status, one.period.start, one.period.end) for one in found.statusHistory] == [
        ("planned", "2026-11-24T09:00:00+07:00", "2026-11-24T09:00:00+07:00"),
        ("arrived", "2026-11-24T09:00:00+07:00", "2026-11-24T09:02:00+07:00"),
    ]
    assert encounters.identity_of(found) == "citizen-card"
    assert {one.individual.reference for one in found.participant if one.individual} == {
        f"Practitioner/{DOCTOR}"
    }
    assert told(person, key).json()["over"] is True
    spans = {(one.seat.kind, one.came_at, one.left_at) for one in Presence.objects.select_related("seat")}
    came = NOW + timedelta(minutes=2)
    assert spans == {("patient", came, clock.now), ("doctor", came, clock.now)}


def test_consent_names_the_words_the_visit_and_who_gave_it(record: Record, visit: Appointment) -> None:
    person = citizen(PERSON)
    refused = person.post(f"/kham-tu-xa/luot/{visit.id}/vao", {"version": "1"})
    assert refused.status_code == 422
    assert record.find(Consent, ("patient", f"Patient/{PERSON}")) == []
    assert record.find(Encounter, ("appointment", f"Appointment/{visit.id}")) == []
    assert agree(person, visit, version="0").status_code == 302  # of another wording: asked again
    assert record.find(Consent, ("patient", f"Patient/{PERSON}")) == []
    seated(person, visit)
    seated(person, visit)
    (kept,) = record.find(Consent, ("patient", f"Patient/{PERSON}"))
    assert (kept.status, kept.scope.coding[0].code, kept.policy[0].uri) == (
        "active", "treatment", "https://yba.vn/consent/remote-visit/1",
    )  # fmt: skip
    assert kept.dateTime == "2026-11-24T09:00:00+07:00"
    assert [one.reference for one in kept.performer] == [f"Patient/{PERSON}"]
    assert kept.provision is not None
    assert kept.provision.data[0].reference.reference == f"Encounter/{encounter_of(record, visit).id}"
    proof = {part.url: part.valueString or part.valueCode for part in kept.extension[0].extension}
    assert (proof["version"], proof["method"], proof["language"]) == ("1", "page", "vi")
    assert len(proof["digest"] or "") == 64


@pytest.mark.parametrize(
    ("away", "words"),
    [(timedelta(minutes=16), "Phòng mở lúc 9:01"), (timedelta(minutes=-81), "Giờ khám này đã qua")],
)
def test_nobody_goes_in_before_or_after(record: Record, clock: Clock, away: timedelta, words: str) -> None:
    stage(record)
    found = video_visit(record, start=NOW + away)
    person = citizen(PERSON)
    assert words in person.get(f"/kham-tu-xa/luot/{found.id}").content.decode()
    agree(person, found)
    assert Room.objects.count() == 0


@pytest.mark.parametrize(("status", "video"), [("pending", True), ("cancelled", True), ("booked", False)])
def test_only_a_confirmed_visit_by_video_has_a_room(
    record: Record, clock: Clock, status: str, video: bool
) -> None:
    stage(record)
    found = video_visit(record, status=status, video=video)
    agree(citizen(PERSON), found)
    staff().post(f"/kham-tu-xa/mo/{found.id}")
    assert Room.objects.count() == 0


# -- nobody else's -----------------------------------------------------------------------------------------


def test_a_person_in_a_call_reaches_no_other_room_and_no_other_record(
    record: Record, visit: Appointment
) -> None:
    """Hạnh is in her call; Hùng's visit runs at the same time with another doctor."""
    put(record, Practitioner(meta=tagged()), "bs-khac")
    other = video_visit(record, OTHER, code="9QQ222", doctor="bs-khac")
    hanh, hung, doctor, his = citizen(PERSON), citizen(OTHER), staff(), staff(practitioner="bs-khac")
    key, other_key = seated(hanh, visit), seated(hung, other)
    open_as_doctor(doctor, visit, admit=True)
    room = open_as_doctor(his, other, admit=True)
    mine, his_seat = Seat.objects.get(key=key), doctors_seat(room)
    assert told(hung, other_key, epoch="b" * 12).json()["admitted"] is True
    for foreign in (other_key, his_seat.key):
        assert hanh.get(f"/kham-tu-xa/ghe/{foreign}").status_code == 404
        for what in ("dong-bo", "tin-hieu", "bac", "roi"):
            assert told(hanh, foreign, what).status_code == 404
        assert (
            hanh.post(f"/kham-tu-xa/ghe/{foreign}/moi", {"name": "Ai đó", "kind": "relative"}).status_code
            == 404
        )
    assert hanh.get(f"/kham-tu-xa/luot/{other.id}").status_code == 404
    assert agree(hanh, other).status_code == 404
    told(hanh, key)
    said = {"kind": "description", "data": {"type": "offer", "sdp": "x"}}
    across = told(hanh, key, "tin-hieu", to=other_key, epoch="b" * 12, body=said, **{"as": "a" * 12})
    assert across.status_code == 404
    assert Signal.objects.count() == 0
    # Her doctor reaches neither the other room nor, through it, the other person.
    for path in (f"phong/{room.name}", f"phong/{room.name}/nguoi", f"khung/{room.encounter_id}"):
        assert doctor.get(f"/kham-tu-xa/{path}").status_code == 404
    for deed in (
        f"cho-vao/{key}",
        f"cho-vao/{other_key}",
        "giay-to",
        "ket-thuc",
        "moi",
        f"moi-ra/{other_key}",
    ):
        assert doctor.post(f"/kham-tu-xa/phong/{room.name}/{deed}", {"how": "known"}).status_code == 404
    assert doctor.post(f"/kham-tu-xa/mo/{other.id}").status_code == 404
    # A seat of another room is not let in through one's own.
    own = Room.objects.get(pk=mine.room_id)
    assert doctor.post(f"/kham-tu-xa/phong/{own.name}/cho-vao/{other_key}").status_code == 404
    assert "Lê Văn Hùng" not in doctor.get(f"/kham-tu-xa/phong/{own.name}").content.decode()


@pytest.mark.parametrize("role", ["receptionist", "customer_care", "pharmacist", "nurse"])
def test_other_roles_and_other_doctors_find_nothing(record: Record, visit: Appointment, role: str) -> None:
    key = seated(citizen(PERSON), visit)
    room = open_as_doctor(staff(), visit)
    for client in (staff(role), staff(practitioner="bs-xa", facility="pk-khac"), citizen(OTHER)):
        assert client.get(f"/kham-tu-xa/phong/{room.name}").status_code == 404
        assert client.get(f"/kham-tu-xa/ghe/{key}").status_code == 404
        assert client.post(f"/kham-tu-xa/phong/{room.name}/cho-vao/{key}").status_code == 404
        assert told(client, doctors_seat(room).key).status_code == 404
    assert Client().get(f"/kham-tu-xa/ghe/{key}").status_code == 404


def test_who_waits_sees_nobody_and_gets_no_way_in(record: Record, visit: Appointment) -> None:
    person, doctor = citizen(PERSON), staff()
    key = seated(person, visit)
    room = open_as_doctor(doctor, visit)
    told(doctor, doctors_seat(room).key, epoch="d" * 12)
    answer = told(person, key, entrance=True).json()
    assert (answer["doctor"], answer["seats"], "entrance" in answer) == (True, [], False)
    said = {"kind": "description", "data": {"type": "offer", "sdp": "x"}}
    refused = told(
        person, key, "tin-hieu", to=doctors_seat(room).key, epoch="d" * 12, body=said, **{"as": "a" * 12}
    )
    assert refused.status_code == 404
    assert told(person, key, "bac", rung="audio").status_code == 400


def test_signing_out_leaves_the_seat(record: Record, visit: Appointment) -> None:
    person = citizen(PERSON)
    key = seated(person, visit)
    session = person.session
    person.logout()
    person.cookies.clear()
    assert told(person, key).status_code == 404
    assert session is not None


# -- by link -----------------------------------------------------------------------------------------------


def test_the_link_of_a_message_opens_with_the_birth_date_alone(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    address = links.address(visit)
    assert address.startswith("http://127.0.0.1:8000/kham-tu-xa/v/7K2M9Q-")
    assert len(address) < 70
    path = address.removeprefix("http://127.0.0.1:8000")
    stranger = Client()
    page = stranger.get(path).content.decode()
    assert NAME not in page
    assert "Tăng huyết áp" not in page
    assert stranger.get(f"/kham-tu-xa/luot/{visit.id}").status_code == 302  # sign in, or open the link
    assert "không khớp" in stranger.post(path, {"birth": "13/03/1968"}).content.decode()
    opened = stranger.post(path, {"birth": "12/03/1968"})
    assert opened["Location"] == f"/kham-tu-xa/luot/{visit.id}"
    key = seated(stranger, visit)
    assert Seat.objects.get(key=key).holder.startswith("link:")
    assert told(stranger, key).json()["state"] == "waiting"
    assert stranger.get("/so/").status_code == 302  # the link opens the visit and nothing else
    wrong = path[:-1] + ("a" if path[-1] != "a" else "b")
    assert Client().get(wrong).status_code == 404
    assert Client().get(path.replace("7K2M9Q", "ZZZZZZ")).status_code == 404


def test_who_follows_a_child_s_link_agrees_as_its_guardian_and_is_recorded_so(
    record: Record, visit: Appointment
) -> None:
    child = record.read(Patient, PERSON)
    child.birthDate = "2019-03-12"
    record.update(child)
    path = links.address(visit).removeprefix("http://127.0.0.1:8000")
    stranger = Client()
    stranger.post(path, {"birth": "12/03/2019"})
    page = stranger.get(f"/kham-tu-xa/luot/{visit.id}").content.decode()
    assert "Người bệnh dưới 16 tuổi" in page
    assert 'name="guardian"' in page
    said = {"version": "1", "agree": "on"}
    address = f"/kham-tu-xa/luot/{visit.id}/vao"
    for wrong in (
        {},
        {"guardian": "Nam", "relation": "FTH"},
        {"guardian": "Trần Văn Nam", "relation": "ABC"},
    ):
        assert stranger.post(address, said | wrong).status_code == 422
    assert record.find(Consent, ("patient", f"Patient/{PERSON}")) == []
    done = stranger.post(address, said | {"guardian": "Trần  Văn Nam", "relation": "FTH"})
    assert "/ghe/" in done["Location"]
    (kept,) = record.find(Consent, ("patient", f"Patient/{PERSON}"))
    assert [(one.reference, one.type, one.display) for one in kept.performer] == [
        (None, "RelatedPerson", "Trần Văn Nam (Cha)")
    ]
    proof = {part.url: part.valueString for part in kept.extension[0].extension}
    assert proof["by"] == f"Trần Văn Nam (Cha) thay {NAME}"
    assert Seat.objects.get().name == f"Trần Văn Nam (Cha) thay {NAME}"
    mother = citizen(OTHER, PERSON)
    assert 'name="guardian"' not in mother.get(f"/kham-tu-xa/luot/{visit.id}").content.decode()


def test_who_is_signed_in_follows_the_link_of_anothers_message(record: Record, visit: Appointment) -> None:
    path = links.address(visit).removeprefix("http://127.0.0.1:8000")
    helper = citizen(OTHER)
    assert helper.get(f"/kham-tu-xa/luot/{visit.id}").status_code == 404
    helper.post(path, {"birth": "12/03/1968"})
    assert helper.get(f"/kham-tu-xa/luot/{visit.id}").status_code == 200
    assert Seat.objects.get(key=seated(helper, visit)).holder.startswith("link:")


def test_who_may_act_for_somebody_no_more_leaves_the_seat(record: Record, visit: Appointment) -> None:
    person = citizen(PERSON)
    key = seated(person, visit)
    assert told(person, key).json()["state"] == "waiting"
    Account.objects.get(login=f"c-{PERSON}").links.all().delete()
    assert told(person, key).status_code == 404
    assert person.get(f"/kham-tu-xa/ghe/{key}").status_code == 404
    assert person.post(f"/kham-tu-xa/ghe/{key}/goi-dien").status_code == 404


def test_birth_dates_at_a_link_are_counted(record: Record, visit: Appointment, clock: Clock) -> None:
    path = links.address(visit).removeprefix("http://127.0.0.1:8000")
    for _ in range(5):
        assert Client().post(path, {"birth": "01/01/1970"}).status_code == 422
    assert Client().post(path, {"birth": "12/03/1968"}).status_code == 429  # the right one, too late
    clock.now += timedelta(minutes=61)
    assert Client().post(path, {"birth": "12/03/1968"}).status_code == 302


# -- invited -----------------------------------------------------------------------------------------------


def invitation(client: Client, path: str, name: str, kind: str = "relative") -> str:
    answer = client.post(path, {"name": name, "kind": kind}, follow=True)
    page = answer.content.decode()
    assert f"Liên kết cho {name}" in page
    return str(page.split("/kham-tu-xa/moi/")[1].split("<")[0].split('"')[0])


def test_an_invited_person_comes_by_an_own_link_under_a_name_both_see(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    person, doctor, son = citizen(PERSON), staff(), Client()
    key = seated(person, visit)
    room = open_as_doctor(doctor, visit, admit=True)
    token = invitation(person, f"/kham-tu-xa/ghe/{key}/moi", "Trần Văn Nam")
    assert token not in person.get(f"/kham-tu-xa/ghe/{key}").content.decode()  # shown once
    assert "Trần Văn Nam" in son.get(f"/kham-tu-xa/moi/{token}").content.decode()
    taken = son.post(f"/kham-tu-xa/moi/{token}")
    guest = taken["Location"].rsplit("/", 1)[1]
    assert Client().get(f"/kham-tu-xa/moi/{token}").status_code == 404  # used up
    page = son.get(f"/kham-tu-xa/ghe/{guest}").content.decode()
    assert NAME not in page  # who is not let in yet does not learn whose visit it is
    assert told(son, guest, epoch="c" * 12, entrance=True).json()["admitted"] is False
    assert "Trần Văn Nam" not in str(told(person, key).json()["seats"])
    shown = doctor.get(f"/kham-tu-xa/phong/{room.name}").content.decode()
    assert "Cho Trần Văn Nam vào" in shown
    doctor.post(f"/kham-tu-xa/phong/{room.name}/cho-vao/{guest}")
    assert told(son, guest, epoch="c" * 12, entrance=True, joined=True).json()["entrance"]["engine"] == "peer"
    for client, seat, epoch in ((person, key, "a" * 12), (doctor, doctors_seat(room).key, "d" * 12)):
        seats = told(client, seat, epoch=epoch).json()["seats"]
        assert [(one["name"], one["kind"]) for one in seats if one["key"] == guest] == [
            ("Trần Văn Nam", "relative")
        ]
    clock.now += timedelta(minutes=5)
    doctor.post(f"/kham-tu-xa/phong/{room.name}/moi-ra/{guest}")
    assert told(son, guest, epoch="c" * 12).status_code == 404
    doctor.post(f"/kham-tu-xa/phong/{room.name}/ket-thuc")
    (there,) = [
        one
        for one in encounter_of(record, visit).participant
        if one.individual and not one.individual.reference
    ]
    assert there.individual is not None
    assert there.individual.display == "Trần Văn Nam"
    assert there.period is not None
    assert (there.period.start, there.period.end) == (
        "2026-11-24T09:00:00+07:00",
        "2026-11-24T09:05:00+07:00",
    )


def test_an_invitation_ends_by_itself_and_a_guest_invites_nobody(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    person, doctor = citizen(PERSON), staff()
    key = seated(person, visit)
    room = open_as_doctor(doctor, visit)
    token = invitation(doctor, f"/kham-tu-xa/phong/{room.name}/moi", "Phiên dịch Mai", "interpreter")
    helper = Client()
    guest = helper.post(f"/kham-tu-xa/moi/{token}")["Location"].rsplit("/", 1)[1]
    again = {"name": "Kẻ lạ", "kind": "relative"}
    assert helper.post(f"/kham-tu-xa/ghe/{guest}/moi", again).status_code == 404
    late = invitation(person, f"/kham-tu-xa/ghe/{key}/moi", "Trần Văn Nam")
    clock.now += timedelta(minutes=81)
    assert Client().get(f"/kham-tu-xa/moi/{late}").status_code == 404


def test_another_window_takes_the_seat_over(record: Record, visit: Appointment) -> None:
    person = citizen(PERSON)
    key = seated(person, visit)
    told(person, key)
    assert told(person, key, epoch="e" * 12).json()["state"] == "waiting"
    assert told(person, key, take=False).json() == {"superseded": True}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"epoch": 5}',
        b'{"epoch": "' + b"z" * 12 + b'"}',
        b'{"epoch": "aaaaaaaaaaaa", "after": -1}',
    ],
)
def test_a_page_that_talks_nonsense_is_told_so(record: Record, visit: Appointment, body: bytes) -> None:
    person = citizen(PERSON)
    key = seated(person, visit)
    answer = person.post(f"/kham-tu-xa/ghe/{key}/dong-bo", body, content_type="application/json")
    assert answer.status_code == 400


def test_the_pages_of_a_call_alone_may_use_the_microphone(record: Record, visit: Appointment) -> None:
    person = citizen(PERSON)
    key = seated(person, visit)
    inside = person.get(f"/kham-tu-xa/ghe/{key}").headers["Permissions-Policy"]
    assert "camera=(self), microphone=(self), autoplay=(self)" in inside
    outside = person.get(f"/kham-tu-xa/luot/{visit.id}").headers["Permissions-Policy"]
    assert "microphone=()" in outside


# -- booked by video ---------------------------------------------------------------------------------------


def test_a_visit_by_video_is_booked_where_the_service_is_given_so(record: Record) -> None:
    system = province.opened(connection)
    province.build(system)
    slot = province.first_slot(system)
    agent = province.opened(connection, province.agent())
    asked: Any = {"patient_id": "p1", "reason": "Tăng huyết áp", "phone": "0905000001", "channel": "phone"}
    with pytest.raises(Invalid, match="not given by video"):
        booking.book_for_caller(agent, slot_id=slot, once="1", video=True, **asked)
    said = [Extension(url=mode.SERVICE_MODE, valueCode="either")]
    system.update(HealthcareService(id="dv", active=True, meta=province.TAG, extension=said))
    schedule = system.find(Schedule)[0]
    schedule.actor = [*schedule.actor, Reference(reference="HealthcareService/dv")]
    system.update(schedule)
    made = booking.book_for_caller(agent, slot_id=slot, once="2", video=True, **asked)
    assert mode.is_video(made)
    assert [one.actor.reference for one in made.participant if one.actor] == ["Patient/p1", "Practitioner/bs"]
    (told_row,) = Message.objects.filter(kind="booking.video")
    assert links.address(made) in told_row.text
    assert len(told_row.text) <= 160
    on_site = booking.book_for_caller(agent, slot_id=province.first_slot(system), once="3", **asked)
    assert "Location/p-204" in [one.actor.reference for one in on_site.participant if one.actor]


# -- whichever way it ends ---------------------------------------------------------------------------------


@pytest.fixture
def guarded(record: Record, visit: Appointment, clock: Clock) -> Record:
    """The record as pages and the API open it: with all guards."""
    actor = Actor(user="system", role="system", origin="u-test")
    return fhir.open(
        record.connection, actor=actor, clock=clock, guards=guards(), transaction=transaction.atomic
    )


def test_a_signed_visit_and_a_booking_called_off_close_the_room(
    guarded: Record, visit: Appointment, clock: Clock
) -> None:
    person, doctor = citizen(PERSON), staff()
    key = seated(person, visit)
    open_as_doctor(doctor, visit, admit=True)
    told(person, key, joined=True)
    clock.now += timedelta(minutes=4)
    signed = encounter_of(guarded, visit)
    signed.status = "finished"
    guarded.update(signed)
    room = Room.objects.get()
    assert (room.state, room.ended_at) == ("ended", clock.now)
    assert Presence.objects.get().left_at == clock.now
    assert told(person, key).json()["over"] is True


@pytest.mark.parametrize("how", ["cancelled", "moved"])
def test_a_booking_called_off_or_moved_closes_its_room(
    guarded: Record, visit: Appointment, clock: Clock, how: str
) -> None:
    person = citizen(PERSON)
    key = seated(person, visit)
    found = guarded.read(Appointment, visit.id or "")
    if how == "cancelled":
        found.status = "cancelled"
    else:
        found.start, found.end = "2026-11-25T09:00:00+07:00", "2026-11-25T09:20:00+07:00"
    guarded.update(found)
    assert told(person, key).json()["over"] is True
    assert "kết thúc" in person.get(f"/kham-tu-xa/ghe/{key}").content.decode()
