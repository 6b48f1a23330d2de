"""A conversation from the first question to its visit: pages, what the record keeps, who sees it, what is attached."""

from __future__ import annotations

import base64
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.areas.clinic.stage import DOCTOR, DOCTOR_NAME, HOUSE, as_role, put, tagged
from tests.areas.telehealth.stage import NAME, OTHER, PERSON, citizen, staff, stage, video_visit
from tests.builders import NOW, an_organization
from yba import fhir
from yba.areas.telehealth.chat import threads
from yba.care import people
from yba.care.messages.models import Message
from yba.fhir.access.consent import sharing
from yba.fhir.errors import Forbidden, NotFound, RecordError
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.communication import Communication
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Period, Reference
from yba.fhir.r4.encounter import Encounter, EncounterParticipant
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.record import Record
from yba.site.guards import guards

ELSEWHERE, COLLEAGUE, STRANGER = "bv-khac", "bs-hai", "bs-noi-khac"
#: The head of a sound recorded by a browser (Matroska, Opus), long enough to be asked for in parts.
VOICE = b"\x1aE\xdf\xa3" + b"\x42\x86\x81\x01\x42\x82\x84webm" + b"A_OPUS" + bytes(range(200))


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
    put(record, an_organization("Bệnh viện Khác", meta=tagged(ELSEWHERE)), ELSEWHERE)
    for one, house, name in ((DOCTOR, HOUSE, DOCTOR_NAME), (COLLEAGUE, HOUSE, "BS. Lê Hai")):
        if one != DOCTOR:
            put(record, Practitioner(meta=tagged(house)), one)
        role = PractitionerRole(
            meta=tagged(house), active=True, practitioner=Reference(reference=f"Practitioner/{one}", display=name),
            organization=Reference(reference=f"Organization/{house}"),
        )  # fmt: skip
        put(record, role, f"vt-{one}")
    put(record, Practitioner(meta=tagged(ELSEWHERE)), STRANGER)
    return video_visit(record, start=NOW + timedelta(hours=2), video=False)


def picture() -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "JPEG", exif=b"Exif\x00\x00where-it-was")
    return SimpleUploadedFile("vết thương.jpg", out.getvalue(), "image/jpeg")


def begun(client: Client, visit: Appointment, text: str = "Có cần nhịn ăn không?", **more: Any) -> str:
    """The id of the conversation a first message begins."""
    answer = client.post(
        f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}", {"text": text, "once": "m1", **more}
    )
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"].rsplit("/", 1)[1].removesuffix("#cuoi"))


def messages_of(record: Record, thread: str) -> list[Communication]:
    return record.find(Communication, ("part-of", f"Communication/{thread}"), ("_sort", "sent"))


def page(client: Client, address: str, status: int = 200, **more: Any) -> str:
    answer = client.get(address, **more)
    assert answer.status_code == status, (address, answer.status_code)
    return str(answer.content.decode())


def test_a_question_is_answered_and_stands_in_the_record(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    person, doctor = citizen(PERSON), staff()
    first = page(person, f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}")
    # Opened on Tuesday at 9:00: seven office hours end at 9:00 on Wednesday.
    assert "Thường trả lời trước 9:00, thứ Tư 25/11." in first
    thread = begun(person, visit)
    begun_again = person.post(
        f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}", {"text": "Có cần nhịn ăn không?", "once": "m1"}
    )
    assert begun_again["Location"] == f"/kham-tu-xa/tro-chuyen/{thread}"
    head = record.read(Communication, thread)
    (asked,) = messages_of(record, thread)
    assert (head.status, head.sent, threads.codes_of(head), head.payload) == (
        "in-progress", "2026-11-24T09:00:00.000+07:00", frozenset({"chat-thread"}), [],
    )  # fmt: skip
    assert [one.reference for one in head.about] == [f"Appointment/{visit.id}"]
    assert [one.reference for one in head.recipient] == [f"Practitioner/{DOCTOR}", f"Organization/{HOUSE}"]
    assert (asked.status, asked.payload[0].contentString) == ("completed", "Có cần nhịn ăn không?")
    assert asked.sender is not None
    assert asked.sender.reference == f"Patient/{PERSON}"
    assert Message.objects.count() == 0  # the team has its list

    clock.now += timedelta(hours=1)
    inbox = page(doctor, "/kham-tu-xa/tin/")
    assert inbox.index(NAME) < len(inbox)
    assert "1 giờ" in inbox
    assert "Chưa mở" in inbox
    talk = page(doctor, f"/kham-tu-xa/tin/{thread}")
    assert "Có cần nhịn ăn không?" in talk
    assert "Hồ sơ" in talk
    assert "Đã xem" in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    assert "Chưa mở" not in page(doctor, "/kham-tu-xa/tin/")

    clock.now += timedelta(minutes=5)
    for _again in range(2):  # a double click
        doctor.post(f"/kham-tu-xa/tin/{thread}", {"text": "Nhịn ăn 8 giờ, uống nước được.", "once": "d1"})
    doctor.post(f"/kham-tu-xa/tin/{thread}", {"text": "Mang theo đơn cũ.", "once": "d2"})
    head = record.read(Communication, thread)
    assert (head.status, [one.payload[0].contentString for one in messages_of(record, thread)]) == (
        "on-hold", ["Có cần nhịn ăn không?", "Nhịn ăn 8 giờ, uống nước được.", "Mang theo đơn cũ."],
    )  # fmt: skip
    (told,) = Message.objects.all()  # once for what was not read yet, and nothing of what it says
    assert (told.kind, told.to_phone) == ("chat.answered", "0905123456")
    assert told.text == "BV Huong Giang da tra loi. Vao Y Ba, Tro chuyen de doc."
    assert "Tin mới" in page(person, "/kham-tu-xa/tro-chuyen/")
    assert "Nhịn ăn 8 giờ" in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    assert "Người bệnh đã xem" in page(doctor, f"/kham-tu-xa/tin/{thread}")
    assert "Tin mới" not in page(person, "/kham-tu-xa/tro-chuyen/")
    doctor.post(f"/kham-tu-xa/tin/{thread}", {"text": "Nhớ thẻ BHYT.", "once": "d3"})
    assert Message.objects.count() == 2
    part = page(person, f"/kham-tu-xa/tro-chuyen/{thread}", headers={"HX-Target": "tin"})
    assert part.startswith('<div id="tin"')
    mark = part.partition("dau=")[2].partition('"')[0]
    same = f"/kham-tu-xa/tro-chuyen/{thread}?trang=1&dau={mark}"
    page(person, same, 204, headers={"HX-Target": "tin"})  # nothing new: what is heard goes on
    doctor.post(f"/kham-tu-xa/tin/{thread}", {"text": "Hẹn gặp.", "once": "d4"})
    assert "Hẹn gặp." in page(person, same, headers={"HX-Target": "tin"})


def test_refused_alike_who_has_no_part_in_it(record: Record, visit: Appointment) -> None:
    person = citizen(PERSON)
    thread = begun(person, visit, attached=[picture()])
    (message,) = messages_of(record, thread)
    file = f"/kham-tu-xa/tro-chuyen/{thread}/tep/{message.id}/0"
    assert page(staff(), f"/kham-tu-xa/tin/{thread}")
    nurse = staff("nurse", practitioner="", name="ĐD. Mai")
    assert "Có cần nhịn ăn không?" in page(nurse, f"/kham-tu-xa/tin/{thread}")
    video_visit(record, OTHER, code="OTHER1", start=NOW + timedelta(hours=3), video=False)
    first = f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}"
    for client, addresses in (
        (citizen(OTHER), [f"/kham-tu-xa/tro-chuyen/{thread}", first, file]),
        (
            staff(practitioner=STRANGER, facility=ELSEWHERE, name="BS. Khác"),
            [f"/kham-tu-xa/tin/{thread}", f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}", file],
        ),
        (staff("cashier"), [f"/kham-tu-xa/tin/{thread}", "/kham-tu-xa/tin/", file]),
        (staff("receptionist"), [f"/kham-tu-xa/tin/{thread}", "/kham-tu-xa/tin/", file]),
    ):  # fmt: skip
        for address in addresses:
            page(client, address, 404)
            assert client.post(address, {"text": "x"}).status_code in (404, 405)
    assert "Nguyễn Thị Hạnh" not in page(
        staff(practitioner="bs-3", facility=ELSEWHERE, name="BS. Ba"), "/kham-tu-xa/tin/"
    )
    for address in (f"/kham-tu-xa/tro-chuyen/{thread}", f"/kham-tu-xa/tin/{thread}", file):
        assert Client().get(address).status_code == 302  # to sign in
    assert len(messages_of(record, thread)) == 1
    # The same through FHIR: the door hides the rows, the files with them.
    (binary,) = record.find(Binary)
    for role in (
        as_role(record, "doctor", facility=ELSEWHERE, practitioner=STRANGER),
        as_role(record, "citizen", persons=frozenset({OTHER})),
    ):
        for kind, identifier in ((Communication, thread), (Communication, message.id), (Binary, binary.id)):
            with pytest.raises(NotFound):
                role.read(kind, identifier or "")
        assert role.find(Communication) == []
    own = as_role(record, "citizen", persons=frozenset({PERSON}))
    assert {one.id for one in own.find(Communication)} == {thread, message.id}
    assert own.read(Binary, binary.id or "").contentType == "image/jpeg"


def test_nobody_words_anothers_message(record: Record, visit: Appointment) -> None:
    thread = begun(citizen(PERSON), visit)
    (message,) = messages_of(record, thread)
    doctor = fhir.open(
        record.connection,
        actor=as_role(record, "doctor", practitioner=DOCTOR).actor,
        clock=lambda: NOW,
        guards=guards(),
    )
    forged = Communication(
        meta=tagged(), status="completed", category=threads.categories(threads.MESSAGE),
        partOf=[Reference(reference=f"Communication/{thread}")], subject=Reference(reference=f"Patient/{PERSON}"),
        sender=Reference(reference=f"Patient/{PERSON}"),
    )  # fmt: skip
    changed = doctor.read(Communication, message.id or "")
    changed.payload = []
    for act in (
        lambda: doctor.create(forged),
        lambda: doctor.update(changed),
        lambda: doctor.delete("Communication", message.id or ""),
    ):
        with pytest.raises(Forbidden) as refused:
            act()
        assert refused.value.key == "chat.by-page"
    other = Communication(meta=tagged(), status="completed", subject=Reference(reference=f"Patient/{PERSON}"))
    assert doctor.create(other).id  # any other Communication is the doctor's to write


def test_files_are_drawn_anew_heard_in_parts_and_taken_down(record: Record, visit: Appointment) -> None:
    person, doctor = citizen(PERSON), staff()
    voice = SimpleUploadedFile("loi.webm", VOICE, "audio/webm")
    film = SimpleUploadedFile("phim.webm", VOICE.replace(b"A_OPUS", b"V_VP8x"), "audio/webm")
    program = SimpleUploadedFile("anh.jpg", b"MZ" + bytes(100), "image/jpeg")
    address = f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}"
    for wrong in (film, program):
        refused = person.post(address, {"text": "", "attached": wrong})
        assert refused.status_code == 422
        assert str(wrong.name) in refused.content.decode()
    assert person.post(address, {"text": " "}).status_code == 422  # nothing said
    assert record.find(Communication) == []
    thread = begun(person, visit, text="", attached=[picture(), voice])
    (message,) = messages_of(record, thread)
    photo, sound = (one.contentAttachment for one in message.payload)
    assert photo is not None
    assert sound is not None
    assert (photo.contentType, photo.title, sound.contentType, sound.size) == (
        "image/jpeg", "vết thương.jpg", "audio/webm", len(VOICE),
    )  # fmt: skip
    base = f"/kham-tu-xa/tro-chuyen/{thread}/tep/{message.id}"
    shown = doctor.get(f"{base}/0")
    assert (shown["Content-Type"], b"where-it-was" in shown.content) == ("image/jpeg", False)
    assert shown["Content-Disposition"].startswith("inline")
    assert "sandbox" in shown["Content-Security-Policy"]
    part = person.get(f"{base}/1", headers={"Range": "bytes=4-9"})
    assert (part.status_code, part.content, part["Content-Range"]) == (
        206,
        VOICE[4:10],
        f"bytes 4-9/{len(VOICE)}",
    )
    assert person.get(f"{base}/1").content == VOICE
    assert person.get(f"{base}/2").status_code == 404

    gone = {"message": message.id, "number": 0, "why": ""}
    doctor.post(f"/kham-tu-xa/tin/{thread}/go-tep", gone)
    assert person.get(f"{base}/0").status_code == 200  # without a reason nothing is taken down
    assert citizen(OTHER).post(f"/kham-tu-xa/tin/{thread}/go-tep", {**gone, "why": "x"}).status_code == 404
    doctor.post(f"/kham-tu-xa/tin/{thread}/go-tep", {**gone, "why": "Ảnh của người khác"})
    for client in (person, doctor):
        assert client.get(f"{base}/0").status_code == 404
        assert client.get(f"/tep/Communication/{message.id}/0").status_code == 404
        assert client.get(f"{base}/1").status_code == 200  # the number of the other stays
    assert "Tệp đã được gỡ: Ảnh của người khác" in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    binary = (photo.url or "").removeprefix("Binary/")
    for role in (
        as_role(record, "citizen", persons=frozenset({PERSON})),
        as_role(record, "doctor", practitioner=DOCTOR),
    ):
        with pytest.raises(NotFound):
            role.read(Binary, binary)
        with pytest.raises(NotFound):
            role.vread_stored("Binary", binary, "1")
    kept = as_role(record, "records_office").read(Binary, binary)
    assert base64.b64decode(kept.data or "").startswith(b"\xff\xd8")
    assert (
        "đã được gỡ"
        in doctor.post(
            f"/kham-tu-xa/tin/{thread}/go-tep", {**gone, "why": "Lần nữa"}, follow=True
        ).content.decode()
    )


def test_a_word_of_alarm_shows_what_to_do_at_once(record: Record, visit: Appointment, clock: Clock) -> None:
    person, doctor = citizen(PERSON), staff()
    thread = begun(person, visit, text="Không đau ngực, chỉ hỏi giờ khám.")
    assert "gọi 115 ngay" not in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    video_visit(record, OTHER, code="OTHER1", start=NOW + timedelta(hours=3), video=False)
    clock.now += timedelta(minutes=30)
    answer = person.post(
        f"/kham-tu-xa/tro-chuyen/{thread}",
        {"text": "Bố tôi đang méo miệng, yếu nửa người", "once": "m2"},
        follow=True,
    )
    assert "Có thể là cấp cứu: gọi 115 ngay" in answer.content.decode()
    assert [one.priority for one in messages_of(record, thread)] == [None, "stat"]
    assert "Lời báo động" in page(doctor, "/kham-tu-xa/tin/")
    assert "Có lời báo động chưa được trả lời" in page(doctor, f"/kham-tu-xa/tin/{thread}")
    doctor.post(f"/kham-tu-xa/tin/{thread}", {"text": "Đã gọi 115 giúp.", "once": "d1"})
    assert "Có thể là cấp cứu" not in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    assert record.read(Communication, thread).sent == "2026-11-24T09:30:00.000+07:00"


def test_handed_over_invited_to_a_visit_and_closed(record: Record, visit: Appointment, clock: Clock) -> None:
    person, doctor = citizen(PERSON), staff()
    thread = begun(person, visit)
    talk = f"/kham-tu-xa/tin/{thread}"
    assert doctor.post(f"{talk}/chuyen", {"to": COLLEAGUE, "why": ""}).status_code == 422
    assert doctor.post(f"{talk}/chuyen", {"to": STRANGER, "why": "Hỏi thuốc"}).status_code == 422
    doctor.post(f"{talk}/chuyen", {"to": COLLEAGUE, "why": "Hỏi về thuốc tim"})
    head = record.read(Communication, thread)
    assert (head.recipient[0].reference, head.status) == (f"Practitioner/{COLLEAGUE}", "in-progress")
    handed = {part.url: part for one in head.extension if one.url == threads.HANDED for part in one.extension}
    assert (handed["why"].valueString, handed["to"].valueReference.reference) == (  # type: ignore[union-attr]  # it is one
        "Hỏi về thuốc tim", f"Practitioner/{COLLEAGUE}",
    )  # fmt: skip
    seen = page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    assert f"{DOCTOR_NAME} chuyển cuộc trò chuyện cho BS. Lê Hai." in seen
    assert "Hỏi về thuốc tim" not in seen
    colleague = staff(practitioner=COLLEAGUE, name="BS. Lê Hai")
    assert NAME in page(colleague, "/kham-tu-xa/tin/?cua=toi")
    assert f"{DOCTOR_NAME} chuyển, việc cần làm: <strong>Hỏi về thuốc tim</strong>" in page(colleague, talk)
    assert NAME not in page(doctor, "/kham-tu-xa/tin/?cua=toi")

    colleague.post(f"{talk}/moi-kham", {"once": "i1"})
    seen = page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    assert "Nên gặp để khám." in seen
    assert f'href="/dat-kham/bac-si/vt-{COLLEAGUE}/"' in seen
    later = video_visit(record, start=NOW + timedelta(days=2), doctor=COLLEAGUE, code="LATER1", video=False)
    assert "Đã hẹn khám 9:00, thứ Năm 26/11" in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    assert f"/dat-kham/phieu/{later.id}/" in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    assert "Đã hẹn khám 9:00, thứ Năm 26/11" in page(colleague, talk)

    colleague.post(f"{talk}/ket-thuc")
    assert record.read(Communication, thread).status == "completed"
    assert "Đã kết thúc" in page(person, "/kham-tu-xa/tro-chuyen/")
    assert (
        person.post(f"/kham-tu-xa/tro-chuyen/{thread}", {"text": "Hỏi thêm", "once": "m3"}).status_code == 302
    )
    assert record.read(Communication, thread).status == "in-progress"
    # Forty days after the last visit nobody there reads the chart any more: no message into the void.
    clock.now += timedelta(days=40)
    refused = person.post(f"/kham-tu-xa/tro-chuyen/{thread}", {"text": "Còn ai không?", "once": "m4"})
    assert refused.status_code == 422
    assert "không còn theo dõi" in refused.content.decode()
    page(colleague, talk, 404)


def test_sensitive_words_and_visits_are_for_who_treats(record: Record, visit: Appointment) -> None:
    person, doctor, nurse = citizen(PERSON), staff(), staff("nurse", practitioner="", name="ĐD. Mai")
    thread = begun(person, visit)
    person.post(f"/kham-tu-xa/tro-chuyen/{thread}", {"text": "Tôi đang uống thuốc ARV", "once": "m2"})
    assert "uống thuốc ARV" in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    assert "uống thuốc ARV" in page(doctor, f"/kham-tu-xa/tin/{thread}")
    hidden = page(nurse, f"/kham-tu-xa/tin/{thread}")
    assert "Có cần nhịn ăn không?" in hidden
    assert "ARV" not in hidden
    refused = doctor.post(f"/kham-tu-xa/tin/{thread}/chuyen", {"to": COLLEAGUE, "why": "Hỏi thuốc"})
    assert refused.status_code == 422
    assert "không được xem một số tin" in refused.content.decode()
    marked = record.create(
        Encounter(
            meta=tagged(), status="finished", class_=Coding(code="AMB"),
            subject=Reference(reference=f"Patient/{PERSON}", display=NAME),
            participant=[EncounterParticipant(individual=Reference(reference=f"Practitioner/{DOCTOR}"))],
            serviceProvider=Reference(reference=f"Organization/{HOUSE}"),
            period=Period(start=NOW.isoformat(), end=NOW.isoformat()),
            reasonCode=[CodeableConcept(coding=[Coding(system="http://hl7.org/fhir/sid/icd-10", code="B20")])],
        )
    )  # fmt: skip
    answer = person.post(
        f"/kham-tu-xa/tro-chuyen/ve/Encounter/{marked.id}", {"text": "Bao giờ khám lại?", "once": "m9"}
    )
    labelled = answer["Location"].rsplit("/", 1)[1].removesuffix("#cuoi")
    assert "Bao giờ khám lại?" in page(doctor, f"/kham-tu-xa/tin/{labelled}")
    page(nurse, f"/kham-tu-xa/tin/{labelled}", 404)


def test_family_sees_what_the_door_lets(record: Record, visit: Appointment) -> None:
    thread = begun(citizen(PERSON), visit)
    son = citizen(OTHER, PERSON)  # named in his account, but the record gives him no part
    page(son, f"/kham-tu-xa/tro-chuyen/{thread}", 404)
    assert "Có cần" not in page(son, "/kham-tu-xa/tro-chuyen/")
    people.let_book(record, record.read(Patient, PERSON), delegate=record.read(Patient, OTHER))
    page(son, f"/kham-tu-xa/tro-chuyen/{thread}", 404)  # he may book, no more


def test_the_facility_says_when_it_answers(record: Record, visit: Appointment, clock: Clock) -> None:
    administrator, person = staff("facility_administrator", name="Quản trị"), citizen(PERSON)
    assert "giờ mặc định" in page(administrator, "/kham-tu-xa/tin/gio")
    wrong = {"days": ["0"], "morning_from": "11:00", "morning_to": "10:00", "hours": "2"}
    assert administrator.post("/kham-tu-xa/tin/gio", wrong).status_code == 422
    right = {"days": ["1", "5"], "morning_from": "08:00", "morning_to": "10:00", "hours": "2"}
    for _twice in range(2):
        assert administrator.post("/kham-tu-xa/tin/gio", right).status_code == 302
    # Tuesday 9:00: one hour today, the second on Saturday.
    assert "Thường trả lời trước 9:00, thứ Bảy 28/11." in page(
        person, f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}"
    )
    clock.now += timedelta(hours=1, minutes=30)
    assert "Ngoài giờ làm việc. Trả lời trước 10:00, thứ Bảy 28/11." in page(
        person, f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}"
    )
    assert "Trả lời tin của người bệnh" not in page(administrator, "/dat-kham/dich-vu/")
    page(staff(), "/kham-tu-xa/tin/gio", 404)


def test_what_may_be_asked_about_leads_to_a_first_message(record: Record, visit: Appointment) -> None:
    person = citizen(PERSON)
    chats = page(person, "/kham-tu-xa/tro-chuyen/")
    assert "Chưa có cuộc trò chuyện nào" in chats
    assert f'href="/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}"' in chats
    assert f'href="/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}"' in page(
        person, f"/dat-kham/phieu/{visit.id}/"
    )
    assert 'href="/kham-tu-xa/tro-chuyen/"' in page(person, "/so/")
    for wrong in ("Patient/nb-thu", f"Slot/{visit.id}", "Appointment/no-such"):
        assert person.get(f"/kham-tu-xa/tro-chuyen/ve/{wrong}").status_code == 404
    doctor = staff()
    first = doctor.post(
        f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}", {"text": "Mang phim cũ.", "once": "s1"}
    )
    thread = first["Location"].rsplit("/", 1)[1].removesuffix("#cuoi")
    assert record.read(Communication, thread).status == "on-hold"
    assert [one.kind for one in Message.objects.all()] == ["chat.answered"]
    assert "Mang phim cũ." in page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    with pytest.raises(RecordError):
        record.read(Communication, "none")


def test_what_nobody_has_read_is_neither_answered_nor_closed(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    person, doctor, nurse = citizen(PERSON), staff(), staff("nurse", practitioner="", name="ĐD. Mai")
    thread = begun(person, visit)
    mine, talk = f"/kham-tu-xa/tro-chuyen/{thread}", f"/kham-tu-xa/tin/{thread}"

    def head() -> tuple[str | None, bool]:
        found = record.read(Communication, thread)
        return found.status, threads.URGENT in threads.codes_of(found)

    page(doctor, talk)
    clock.now += timedelta(minutes=1)
    person.post(mine, {"text": "Bố tôi đang méo miệng, yếu nửa người", "once": "m2"})
    # The doctor's page was drawn before that; a click on it neither ends nor answers what came meanwhile.
    refused = doctor.post(f"{talk}/ket-thuc", follow=True)
    assert "Người bệnh còn tin chờ" in refused.content.decode()
    assert head() == ("in-progress", True)
    clock.now += timedelta(minutes=1)
    person.post(mine, {"text": "Gọi mãi không được", "once": "m3"})
    doctor.post(talk, {"text": "Nhịn ăn 8 giờ.", "once": "d1"})
    assert head() == ("in-progress", True)
    assert "gọi 115 ngay" in page(person, mine)
    page(doctor, talk)
    clock.now += timedelta(minutes=1)
    doctor.post(talk, {"text": "Đã gọi 115 giúp.", "once": "d2"})
    assert head() == ("on-hold", False)

    # What the nurse may not read is not read, answered or closed by her.
    clock.now += timedelta(minutes=1)
    person.post(mine, {"text": "Tôi đang uống thuốc ARV", "once": "m4"})
    clock.now += timedelta(minutes=1)
    assert "Còn tin chờ người điều trị" in page(nurse, talk)
    assert page(person, mine).count("chat-seen") == 3  # not the one she was not shown
    nurse.post(talk, {"text": "Chào chị.", "once": "n1"})
    nurse.post(f"{talk}/ket-thuc")
    assert head() == ("in-progress", False)
    assert "Còn tin chờ người điều trị" not in page(doctor, talk)
    doctor.post(talk, {"text": "Uống tiếp.", "once": "d3"})
    doctor.post(f"{talk}/ket-thuc")
    assert head() == ("completed", False)


def test_words_of_alarm_that_cannot_be_sent_say_what_to_do(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    person = citizen(PERSON)
    alarm, calm = "Bố tôi đang méo miệng, yếu nửa người", "Có cần nhịn ăn không?"
    first = f"/kham-tu-xa/tro-chuyen/ve/Appointment/{visit.id}"
    for text, shown in ((alarm, True), (calm, False)):
        refused = person.post(
            first, {"text": text, "attached": SimpleUploadedFile("a.jpg", b"MZ", "image/jpeg")}
        )
        assert (refused.status_code, "gọi 115 ngay" in refused.content.decode()) == (422, shown)
    thread = begun(person, visit)
    clock.now += timedelta(days=40)  # nobody there reads it any more
    refused = person.post(f"/kham-tu-xa/tro-chuyen/{thread}", {"text": alarm, "once": "m2"})
    assert (refused.status_code, "gọi 115 ngay" in refused.content.decode()) == (422, True)


def test_a_kept_page_sends_new_words_under_its_old_key(record: Record, visit: Appointment) -> None:
    person = citizen(PERSON)
    thread = begun(person, visit)
    for text in ("Một", "Một", "Hai"):
        person.post(f"/kham-tu-xa/tro-chuyen/{thread}", {"text": text, "once": "same"})
    for text in ("Ba", "Bốn"):
        person.post(f"/kham-tu-xa/tro-chuyen/{thread}", {"text": text})
    said = [one.payload[0].contentString for one in messages_of(record, thread)][1:]
    assert sorted(filter(None, said)) == sorted(["Một", "Hai", "Ba", "Bốn"])


def test_who_may_read_it_no_more_is_told_no_more(record: Record, visit: Appointment, clock: Clock) -> None:
    person, doctor = citizen(PERSON), staff()
    thread = begun(person, visit)
    head = record.read(Communication, thread)
    head.sender = Reference(reference=f"Patient/{OTHER}")  # began it when he acted for her
    record.update(head)
    people.let_book(
        record, record.read(Patient, PERSON), delegate=record.read(Patient, OTHER)
    )  # that is not reading
    doctor.post(f"/kham-tu-xa/tin/{thread}", {"text": "Nhịn ăn 8 giờ.", "once": "d0"})
    assert [one.to_phone for one in Message.objects.all()] == ["0905123456"]
    page(person, f"/kham-tu-xa/tro-chuyen/{thread}")
    give = sharing(
        PERSON, [Reference(reference=f"Patient/{OTHER}")], now=NOW, types=("Communication",), purposes=()
    )
    record.create(give)
    clock.now += timedelta(minutes=1)
    doctor.post(f"/kham-tu-xa/tin/{thread}", {"text": "Mang đơn cũ.", "once": "d1"})
    assert [one.to_phone for one in Message.objects.order_by("pk")] == ["0905123456", "0905999888"]
