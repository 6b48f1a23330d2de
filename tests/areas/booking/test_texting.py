"""Booking by text: keywords however typed, times by number, a hold, a request or a call-back, and what is booked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.areas.booking.province import HOSPITAL, NOW, agent, build, opened
from tests.areas.booking.test_any_doctor import three_doctors
from yba.areas.booking import actions, capacity, directory, rules
from yba.areas.booking.models import CallBack, Seat, Talk
from yba.areas.booking.texting import words
from yba.areas.booking.texting.words import Said
from yba.care import people
from yba.care.line.models import Ticket
from yba.care.messages import incoming, texts
from yba.care.messages.incoming import Heard
from yba.care.messages.models import Message, Stop
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import ContactPoint
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.slot import Slot
from yba.site.accounts.models import Account, AccountPerson, Phone
from yba.ui.words import local_day

HANH, STRANGER = "0905123456", "0987654321"
TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("KHAM Huong Giang Tim mach", Said("find", "huong giang tim mach")),
        ("Khám tại Bệnh viện Hương Giang, khoa MẮT", Said("find", "vien huong giang mat")),
        ("datlich huonggiang mat", Said("find", "huonggiang mat")),
        ("KHAMHUONGGIANG mat", Said("find", "huonggiang mat")),
        ("đặt khám mắt chiều mai", Said("find", "mat", date(2026, 11, 24), (12, 24))),
        ("KHAM mat 5/12 sang", Said("find", "mat", date(2026, 12, 5), (0, 12))),
        ("kham mat 5-1", Said("find", "mat", date(2027, 1, 5))),
        ("1", Said("choose", "1")),
        (" Số 2. ", Said("choose", "2")),
        ("b", Said("person", "b")),
        ("Đồng Ý!", Said("yes")),
        ("o k", Said("yes")),
        ("Huỷ", Said("let-go")),
        ("HUY k7m 2x", Said("cancel", "k7m2x")),
        ("huy lich hen 7K2M9Q", Said("cancel", "7k2m9q")),
        ("HUY 1", Said("cancel", "1")),
        ("Lịch hẹn", Said("visits")),
        ("SO", Said("number")),
        ("Thêm", Said("more")),
        ("Từ chối nhận tin", Said("stop")),
        ("STOP", Said("stop")),
        ("tc", Said("stop")),
        ("NHAN", Said("start")),
        ("mẹ tôi đau ngực khó thở", Said("emergency")),
        ("KHAM cap cuu", Said("emergency")),
        ("xin chao", Said("unknown")),
        ("", Said("unknown")),
    ],
)
def test_a_keyword_is_known_however_it_is_typed(text: str, said: Said) -> None:
    assert words.read(text, today=TODAY) == said


@pytest.fixture
def house(db: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Three eye doctors at 8, 9 and 14; Hạnh's account acts for herself (p1) and nobody else."""
    connection.ensure_connection()
    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)
    monkeypatch.setattr("yba.site.texting.now", lambda: NOW)
    record = opened(connection)
    build(record, people=3)
    three_doctors(record)
    directory.catch_up(record)
    account = Account.objects.create_account(HANH, role="citizen", name="Hạnh")
    AccountPerson.objects.create(account=account, patient_id="p1")
    Phone.objects.filter(number=HANH).update(used_at=NOW)
    return record


def texted(text: str, phone: str = HANH, *, after: int = 0, once: str = "") -> str:
    """What the house answers to a text."""
    before = Message.objects.count()
    at = NOW + timedelta(seconds=after)
    incoming.note(Heard("sms", phone, "8088", text, once), now=at, later=lambda *_said: None)
    incoming.answer_all(phone, now=lambda: at, later=lambda *_said: None)
    found = [one.text for one in Message.objects.order_by("pk")[before:]]
    assert all(texts.septets(one) <= 160 and one.isascii() for one in found)
    return " | ".join(found)


def visits(record: Any) -> list[tuple[Any, ...]]:
    found = record.find(Appointment, ("_sort", "date"))
    return [(one.status, rules.patient_id_of(one), one.start[11:16] if one.start else "") for one in found]


def test_from_a_keyword_to_a_request_the_desk_confirms_and_back(house: Any) -> None:
    assert texted("Khám Hương Giang mắt") == (
        "BV Huong Giang, Mat: 1) 8:00 T2 23/11; 2) 9:00 T2 23/11; 3) 14:00 T2 23/11. "
        "Soan so de giu gio, THEM xem gio khac."
    )
    assert texted("2", after=1) == (
        "Giu 9:00 thu Hai 23/11, BV Huong Giang, cho Nguyen Thi Hanh den 6:10. Dat: soan OK. Bo: soan HUY."
    )
    [seat] = Seat.objects.all()
    assert (seat.kind, seat.channel, capacity.share_of(seat.channel)) == ("hold", "sms", "phone")
    # Another mind: the time held before is free again; the same text twice is the same hold.
    texted("1", after=2)
    texted("1", after=300)
    [seat] = Seat.objects.all()
    assert (seat.kind, seat.starts) == ("hold", NOW + timedelta(hours=2))
    answer = texted("OK", after=301)
    assert answer.startswith(
        "BV Huong Giang: da giu 8:00 thu Hai 23/11 cho Nguyen Thi Hanh. Benh vien goi lai"
    )
    assert visits(house) == [("pending", "p1", "08:00")]
    [made] = house.find(Appointment)
    assert actions.call_back_of(made) == HANH
    assert [one.code for one in made.meta.tag] == ["sms", HOSPITAL]
    assert (Seat.objects.get().kind, Seat.objects.get().channel) == ("booking", "sms")
    # What the network brings twice, late, books once.
    assert texted("OK", after=600).startswith("BV Huong Giang: da giu 8:00")
    assert texted("1", after=601).startswith("Khong con gio nao dang giu")
    assert len(visits(house)) == 1
    # The desk confirms; the code calls it off, and one text tells of it.
    code = rules.code_of(actions.confirm_request(opened(connection, agent()), made.id).appointment)
    assert f"1) 8:00 T2 23/11 BV Huong Giang {code}" in texted("LICH", after=602)
    assert texted(f"huy {code.lower()}", after=603) == (
        "Da huy lich hen 8:00 thu Hai 23/11, BV Huong Giang. Cho nay da danh cho nguoi khac."
    )
    assert texted(f"HUY {code}", after=1000).startswith("Da huy lich hen 8:00")
    assert visits(house) == [("cancelled", "p1", "08:00")]
    assert Seat.objects.count() == 0


def test_a_family_is_asked_for_whom_and_a_booking_follows_the_rules_of_the_app(house: Any) -> None:
    mother = house.read(Patient, "p1")
    for key in ("p2", "p3"):
        child = house.read(Patient, key)
        child.birthDate = "2018-03-01"
        people.add_relative(house, house.update(child), relative=mother, relation="parent", guardian=True)
    texted("kham mat")
    asked = texted("1", after=1)
    assert asked.startswith(
        "Giu 8:00 thu Hai 23/11, BV Huong Giang den 6:10. Soan chu A, B.. de dat cho: A Hanh, B "
    )
    assert texted("OK", after=2) == asked  # nobody is booked by a guess
    texted("B", after=3)
    assert visits(house) == [("pending", "p2", "08:00")]
    for number in range(rules.MOST_OPEN):
        opened(connection).update(
            Appointment(id=f"x{number}", status="pending", start=rules.instant(NOW + timedelta(days=1)),
                        end=rules.instant(NOW + timedelta(days=1, minutes=5)),
                        participant=[actions.participant_of(house.read(Patient, "p3"))])
        )  # fmt: skip
    texted("kham mat", after=4)
    texted("2", after=5)
    assert texted("C", after=6).startswith(
        "BV Huong Giang: chua nhan dat bang tin nhan cho nguoi nay. Goi 02343555017"
    )


def test_a_taken_time_is_said_and_others_offered(house: Any) -> None:
    texted("kham mat")
    for one in house.find(Slot, ("specialty", "mat"), ("start", rules.instant(NOW + timedelta(hours=2)))):
        one.status = "busy-unavailable"
        house.update(one)
    assert texted("1", after=1) == (
        "Gio do vua co nguoi dat. Con: 1) 9:00 T2 23/11; 2) 14:00 T2 23/11. Soan so de giu gio."
    )
    assert "9:00" in texted("1", after=200)
    assert texted("HUY", after=201).startswith("Da bo giu 9:00 thu Hai 23/11.")
    assert Seat.objects.count() == 0


def test_what_is_unclear_is_asked_with_names_and_signs_of_danger_come_first(house: Any) -> None:
    assert (
        texted("kham huong giang") == "Chua ro noi hoac khoa. Soan: KHAM ten noi ten khoa. Co: Mat, Tim mach"
    )
    assert texted("kham", after=1).endswith("Co: BV Huong Giang")
    assert "Mat: 1) 14:00 T2 23/11." in texted("kham mat chieu", after=2)
    assert texted("dau nguc qua", after=3).startswith("Neu dang nguy hiem, goi 115 ngay")
    assert texted("abc xyz", after=4).startswith("Y Ba: KHAM noi khoa")
    assert texted("5", after=5).startswith("Khong con gio nao dang giu")


def test_seats_kept_for_the_telephone_are_for_texts_too(house: Any) -> None:
    for one in house.find(Slot, ("specialty", "mat")):
        one.extension = [*one.extension, *capacity.written(capacity.Places(seats=1, kept={"phone": 1}))]
        house.update(one)
    directory.rebuild(house)
    assert "1) 8:00 T2 23/11" in texted("kham mat")
    texted("1", after=1)
    assert texted("OK", after=2).startswith("BV Huong Giang: da giu 8:00")
    assert Seat.objects.get().kind == "booking"


def test_a_number_of_nobody_gets_a_call_back_and_no_word_of_a_record(house: Any) -> None:
    # A number in somebody's record is not proved by it.
    person = house.read(Patient, "p2")
    person.telecom = [ContactPoint(system="phone", value=STRANGER)]
    house.update(person)
    assert "1) 8:00 T2 23/11" in texted("kham mat", STRANGER)
    assert texted("1", STRANGER, after=1) == (
        "BV Huong Giang: giu 8:00 thu Hai 23/11 den 8:00. Benh vien se goi so nay de hoi ten va xac nhan. Bo: soan HUY."
    )
    row = CallBack.objects.get()
    assert (row.phone, row.outcome, row.called, Seat.objects.get().kind) == (STRANGER, "open", "Mắt", "hold")
    assert visits(house) == []
    for asked in ("LICH", "SO"):
        assert texted(asked, STRANGER, after=2).startswith("So may nay chua co tai khoan")
    # The desk sees it, calls, finds the person and books the time that is held.
    care = Client()
    care.force_login(
        Account.objects.create_account("cskh", role="customer_care", name="Mai", facility=HOSPITAL)
    )
    page = care.get("/dat-kham/sang-loc/").content.decode()
    assert "Gọi lại theo tin nhắn" in page
    assert "0987 654 321" in page.replace("\u00a0", " ")
    answer = care.post(f"/dat-kham/sang-loc/goi-lai/{row.pk}", {"viec": "goi"})
    assert answer["Location"] == f"/dat-kham/dat-ho/?tin={row.pk}"
    page = care.get(answer["Location"]).content.decode()
    assert f"/dat-kham/dat-ho/?nguoi=p2&amp;tin={row.pk}" in page
    page = care.get(f"/dat-kham/dat-ho/?nguoi=p2&tin={row.pk}").content.decode()
    assert f'value="{row.slot_id}" required checked' in page
    form = {"slot": row.slot_id, "reason": "Mờ mắt", "phone": STRANGER}
    done = care.post(f"/dat-kham/dat-ho/?nguoi=p2&tin={row.pk}", form)
    assert done["Location"] == "/dat-kham/sang-loc/"
    row.refresh_from_db()
    assert (row.outcome, bool(row.appointment_id)) == ("booked", True)
    assert visits(house) == [("booked", "p2", "08:00")]
    # The code that went to this number calls it off from this number, and from no other.
    code = rules.code_of(house.read(Appointment, row.appointment_id))
    assert texted(f"HUY {code}", HANH, after=5).startswith("Khong thay lich hen nao")
    assert texted(f"HUY {code}", STRANGER, after=6).startswith("Da huy lich hen 8:00")


def test_a_stranger_asks_three_times_a_day_lets_go_and_a_desk_says_what_came_of_a_call(house: Any) -> None:
    care = Client()
    care.force_login(
        Account.objects.create_account("cskh", role="customer_care", name="Mai", facility=HOSPITAL)
    )
    other = Client()
    other.force_login(Account.objects.create_account("khac", role="customer_care", name="Lan", facility="kh"))
    for turn in range(3):
        texted("kham mat", STRANGER, after=10 * turn)
        texted(str(turn + 1), STRANGER, after=10 * turn + 1)
        row = CallBack.objects.get(outcome="open")
        if turn == 0:
            texted("HUY", STRANGER, after=2)
        else:
            deed = f"/dat-kham/sang-loc/goi-lai/{row.pk}"
            other.post(deed, {"viec": "khong-can"})
            assert CallBack.objects.get(pk=row.pk).outcome == "open"
            care.post(deed, {"viec": "khong-gap"})
    assert sorted(CallBack.objects.values_list("outcome", flat=True)) == [
        "unreached",
        "unreached",
        "withdrawn",
    ]
    assert Seat.objects.count() == 0
    texted("kham mat", STRANGER, after=40)
    assert texted("1", STRANGER, after=41).startswith("BV Huong Giang: chua nhan dat bang tin nhan")
    assert Seat.objects.count() == 0


def test_a_number_silent_for_months_is_a_stranger(house: Any) -> None:
    Phone.objects.filter(number=HANH).update(used_at=NOW - timedelta(days=200))
    assert texted("LICH").startswith("So may nay chua co tai khoan")


def test_the_number_in_line_and_stop(house: Any) -> None:
    assert texted("SO").startswith("Hom nay so may nay khong co so thu tu")
    said = {"facility": HOSPITAL, "queue": "p-a", "room": "p-a", "day": local_day(NOW), "letter": "A",
            "arrived_at": NOW, "queued_at": NOW, "joined_at": NOW}  # fmt: skip
    Ticket.objects.create(number=1, patient_id="p2", patient_name="Lê Văn Hùng", **said)
    row = Ticket.objects.create(number=2, patient_id="p1", patient_name="Nguyễn Thị Hạnh", **said)
    answer = texted("so thu tu", after=1)
    assert answer.startswith("BV Huong Giang: so A 002, con 1 nguoi phia truoc")
    assert "Hung" not in answer
    Ticket.objects.filter(pk=row.pk).update(status="called", called_at=NOW)
    assert texted("SO", after=300) == "BV Huong Giang: so A 002 dang duoc moi. Vao phong a ngay."
    assert texted("TC", after=301).startswith("Da ngung tin nhac va tin moi toi so nay.")
    assert Stop.objects.get().phone == HANH
    assert texted("NHAN", after=302).startswith("Tu nay so nay lai nhan")
    assert (Stop.objects.count(), Talk.objects.count()) == (0, 1)
