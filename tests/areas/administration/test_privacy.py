"""The facility's duties by the browser's way in: answering requests, the clock of a breach."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from tests.books import HOUSE, Book, a_visit
from tests.builders import a_patient, an_organization
from yba.areas.administration.privacy import rules
from yba.areas.administration.privacy.models import Breach
from yba.care.identifiers import CCCD
from yba.care.privacy import actions as privacy
from yba.care.privacy.models import Officer, Request
from yba.fhir.errors import Gone
from yba.fhir.r4.composition import Composition
from yba.fhir.r4.datatypes import Identifier
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.provenance import Provenance
from yba.site.accounts.models import Account

DESK = "/quan-tri/du-lieu/"


def signed_in(client: Client, role: str, facility: str = HOUSE) -> Client:
    client.force_login(
        Account.objects.create_account(f"{role}-{facility}", role=role, facility=facility, name="Lưu Trữ")
    )
    return client


@pytest.fixture
def desk(client: Client, book: Book) -> Client:
    return signed_in(client, "records_office")


def asked(book: Book, **fields: str) -> Request:
    given = {
        "kind": "correct", "patient": book.own.id or "", "patient_name": "Nguyễn Thị Hạnh", "facility": HOUSE,
        "facility_name": "Bệnh viện Hương Giang", "subject": f"Encounter/{book.visit.id}", "wrong": "Huyết áp <180>",
        "right": "Huyết áp 130", **fields,
    }  # fmt: skip
    row = privacy.ask(book.record, privacy.Asked(**given))
    assert isinstance(row, Request)
    return row


# -- requests -----------------------------------------------------------------------------------------------


def test_a_granted_correction_leaves_an_addendum_with_its_origin(desk: Client, book: Book) -> None:
    row = asked(book)
    before = book.record.read_stored("Encounter", book.visit.id or "")
    page = desk.get(DESK).content.decode()
    assert row.number in page
    assert "còn 2 ngày làm việc" in page
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "take"}).status_code == 302
    assert (
        desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "accept", "answer": "Đo lại: 130/80"}).status_code
        == 302
    )
    row.refresh_from_db()
    assert row.state == "accepted"
    addendum = book.record.read(Composition, row.addendum.partition("/")[2])
    assert addendum.encounter is not None
    assert addendum.encounter.reference == f"Encounter/{book.visit.id}"
    assert addendum.section[0].text is not None
    words = addendum.section[0].text.div
    assert "Huyết áp &lt;180&gt;" in words
    assert "Đo lại: 130/80" in words
    origin = book.record.read(Provenance, row.provenance.partition("/")[2])
    assert [one.reference for one in origin.target] == [f"Encounter/{book.visit.id}/_history/1", row.addendum]
    assert origin.entity[0].what.identifier is not None
    assert origin.entity[0].what.identifier.value == row.number
    after = book.record.read_stored("Encounter", book.visit.id or "")
    assert (after.version, after.content) == (before.version, before.content)
    seen = Client()
    seen.force_login(book.account)
    Request.objects.filter(pk=row.pk).update(account=str(book.account.pk))
    assert "Đo lại: 130/80" in seen.get(f"/so/du-lieu/yeu-cau/{row.pk}/").content.decode()
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "accept", "answer": "lần nữa"}).status_code == 409
    assert book.record.count(Composition) == 1


def test_particulars_change_as_a_new_version(desk: Client, book: Book) -> None:
    row = asked(book, subject=f"Patient/{book.own.id}")
    nothing = desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "accept", "answer": "Đã sửa"})
    assert nothing.status_code == 409
    done = {"act": "accept", "answer": "Đã sửa", "name": "Nguyễn Thị Hạnh Nhi", "birth_date": "06/09/1958"}
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", done).status_code == 302
    patient = book.record.read(Patient, book.own.id or "")
    assert (patient.name[0].text, patient.birthDate, patient.gender) == (
        "Nguyễn Thị Hạnh Nhi",
        "1958-09-06",
        "female",
    )
    assert patient.meta is not None
    assert patient.meta.versionId == "2"
    assert book.record.count(Provenance) == 1


def test_a_number_of_somebody_else_is_not_taken(desk: Client, book: Book) -> None:
    book.record.create(
        a_patient(
            "Người Khác", birthDate="1958-09-05", identifier=[Identifier(system=CCCD, value="046158001234")]
        )
    )
    row = asked(book, subject=f"Patient/{book.own.id}")
    sent = {"act": "accept", "answer": "x", "citizen_number": "046158001234"}
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", sent).status_code == 409
    row.refresh_from_db()
    assert row.state == "open"
    assert book.record.count(Provenance) == 0


def test_a_refusal_names_its_article(desk: Client, book: Book) -> None:
    row = asked(book)
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "refuse", "answer": ""}).status_code == 422
    sent = {"act": "refuse", "answer": "Sổ ghi đúng như máy đo", "article": "Luật 15/2023 Đ7 k10"}
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", sent).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.article, row.closed_by) == ("refused", "Luật 15/2023 Đ7 k10", "Lưu Trữ")
    assert book.record.count(Composition) == 0


def test_a_restriction_is_answered_in_words(desk: Client, book: Book) -> None:
    row = asked(book, kind="restrict", subject="", wrong="", right="Không giảng dạy")
    assert "Không giảng dạy" in desk.get(f"{DESK}yeu-cau/{row.pk}/").content.decode()
    sent = {"act": "accept", "answer": "Đã đánh dấu không dùng để giảng dạy từ hôm nay"}
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", sent).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.answer, row.addendum) == ("accepted", sent["answer"], "")
    assert book.record.count(Composition) == 0


def test_the_longer_time_has_a_reason(desk: Client, book: Book) -> None:
    row = asked(book)
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "extend", "reason": ""}).status_code == 422
    due = row.due
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "extend", "reason": "Chờ khoa"}).status_code == 302
    row.refresh_from_db()
    assert row.due > due
    assert "Chờ khoa" in desk.get(f"{DESK}yeu-cau/{row.pk}/").content.decode()


def test_records_past_their_time_go_by_decision_alone(desk: Client, book: Book) -> None:
    old = book.record.create(a_visit(book.own.id or "", start="2010-03-05T09:00:00+07:00"))
    row = asked(book, kind="erase", subject="", right="")
    without = desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "accept", "answer": "Đã hủy"})
    assert without.status_code == 409
    sent = {"act": "accept", "answer": "Đã hủy", "decision": "QĐ 12/2026"}
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", sent).status_code == 302
    with pytest.raises(Gone):
        book.record.read(Encounter, old.id or "")
    assert book.record.read(Encounter, book.visit.id or "").id == book.visit.id
    row.refresh_from_db()
    assert row.state == "accepted"
    assert "QĐ 12/2026" in row.answer


def test_records_within_their_time_stay(desk: Client, book: Book) -> None:
    row = asked(book, kind="erase", subject="", right="")
    sent = {"act": "accept", "answer": "Đã hủy", "decision": "QĐ 12/2026"}
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", sent).status_code == 409
    assert book.record.read(Encounter, book.visit.id or "").id == book.visit.id


def test_another_facility_s_request_is_not_there(client: Client, book: Book) -> None:
    row = asked(book)
    book.record.update(an_organization("Khác", id="co-so-2"))
    other = signed_in(client, "records_office", "co-so-2")
    assert row.number not in other.get(DESK).content.decode()
    assert other.get(f"{DESK}yeu-cau/{row.pk}/").status_code == 404
    for act in ("take", "extend", "refuse", "accept"):
        assert (
            other.post(f"{DESK}yeu-cau/{row.pk}/", {"act": act, "answer": "x", "reason": "x"}).status_code
            == 404
        )
    row.refresh_from_db()
    assert row.state == "open"


@pytest.mark.parametrize("role", ["receptionist", "doctor", "citizen", "auditor", "system_administrator"])
def test_other_roles_learn_nothing(client: Client, book: Book, role: str) -> None:
    row = asked(book)
    browser = signed_in(client, role)
    for path in ("", f"yeu-cau/{row.pk}/", "vi-pham/", "vi-pham/moi", "nguoi-bao-ve", "hoat-dong"):
        assert browser.get(DESK + path).status_code == 404, path


def test_an_overdue_request_stands_first_and_says_so(desk: Client, book: Book) -> None:
    fresh, late = asked(book), asked(book)
    Request.objects.filter(pk=late.pk).update(reply_due="2026-01-05", due="2026-01-12")
    page = desk.get(DESK).content.decode()
    assert page.index(late.number) < page.index(fresh.number)
    assert "Quá hạn" in page


def test_a_long_list_asks_as_often_as_a_short_one(desk: Client, book: Book) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    asked(book)
    desk.get(DESK)
    with CaptureQueriesContext(connection) as short:
        assert desk.get(DESK).status_code == 200
    Request.objects.bulk_create(
        [
            Request(
                kind="correct", patient_id="x", patient_name=f"Người {number}", account="x", facility=HOUSE,
                asked_at=timezone.now(), reply_due="2099-01-01", due="2099-01-01",
            )
            for number in range(29)
        ]
    )  # fmt: skip
    with CaptureQueriesContext(connection) as long:
        assert desk.get(DESK).content.decode().count("Người ") >= 29
    assert len(long) == len(short)


# -- breaches -----------------------------------------------------------------------------------------------


@pytest.fixture
def administrator(client: Client, book: Book) -> Client:
    return signed_in(client, "facility_administrator")


def said(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%d/%m/%Y %H:%M")


def a_breach(browser: Client, **fields: Any) -> Any:
    sent = {
        "detected_at": said(timezone.now() - timedelta(hours=70)), "what": "Mất máy tính", "kinds": ["health"],
        "affected": "12", **fields,
    }  # fmt: skip
    return browser.post(f"{DESK}vi-pham/moi", sent)


def test_the_clock_runs_from_detection(administrator: Client) -> None:
    answer = a_breach(administrator, happened_at="01/11/2026 8:00")
    assert answer.status_code == 302
    row = Breach.objects.get()
    assert row.due_at - row.detected_at == timedelta(hours=72)
    page = administrator.get(answer["Location"]).content.decode()
    assert "còn 1 giờ" in page
    assert "Mất máy tính" in administrator.get(f"{DESK}vi-pham/").content.decode()


def test_the_clock_says_what_became_of_the_notice() -> None:
    found = timezone.now()
    row = Breach(detected_at=found, due_at=rules.due_at(found))
    hour = timedelta(hours=1)
    assert rules.clock_of(row, found + 72 * hour) == "running"
    assert rules.clock_of(row, found + 72 * hour + timedelta(seconds=1)) == "late"
    assert rules.left(row, found + 73 * hour) == rules.Left(1, 0, True)
    row.reported_at = found + 72 * hour
    assert rules.clock_of(row, found + 100 * hour) == "in-time"
    row.reported_at = found + 73 * hour
    assert rules.clock_of(row, found + 100 * hour) == "reported-late"
    row.reported_at, row.unreported_because = None, "Không nguy hại"
    assert rules.clock_of(row, found + 100 * hour) == "not-needed"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"detected_at": "01/01/2099 9:00"}, 409), ({"happened_at": "01/01/2099 9:00"}, 409), ({"what": ""}, 422),
        ({"kinds": []}, 422), ({"detected_at": "hôm qua"}, 422), ({"kinds": ["souls"]}, 422),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_is_refused(
    administrator: Client, fields: dict[str, Any], status: int
) -> None:
    assert a_breach(administrator, **fields).status_code == status
    assert Breach.objects.count() == 0


def test_a_file_is_closed_when_nothing_is_missing(administrator: Client) -> None:
    a_breach(administrator, kinds=["health", "biometric"])
    row = Breach.objects.get()
    act = f"{DESK}vi-pham/{row.pk}/"
    for step, sent in (
        ("report", {"at": said(timezone.now()), "paper": "CV 12"}),
        ("tell", {"at": said(timezone.now()), "how": "Tin nhắn"}),
        ("add", {"measures": "Đổi khóa", "affected": "20", "note": ""}),
    ):
        assert administrator.post(f"{act}close").status_code == 409, step
        assert administrator.post(act + step, sent).status_code == 302, step
    assert administrator.post(f"{act}close").status_code == 302
    row.refresh_from_db()
    assert row.closed_at is not None
    assert (row.affected, row.report_number, row.kept_until and row.kept_until.year) == (
        20, "CV 12", row.closed_at.year + 5,
    )  # fmt: skip
    assert [one.words for one in row.steps.all()] == [
        "Đã ghi vi phạm", "Đã báo cơ quan chuyên trách", "Đã báo người bị ảnh hưởng", "Đã ghi thêm", "Đã khép lại",
    ]  # fmt: skip
    assert administrator.post(f"{act}add", {"note": "thêm"}).status_code == 409


def test_a_notice_before_the_detection_is_refused_also_by_the_database(administrator: Client) -> None:
    a_breach(administrator)
    row = Breach.objects.get()
    early = said(row.detected_at - timedelta(hours=2))
    assert (
        administrator.post(f"{DESK}vi-pham/{row.pk}/report", {"at": early, "paper": "x"}).status_code == 409
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        Breach.objects.update(reported_at=row.detected_at - timedelta(hours=2))


def test_another_facility_s_breach_is_not_there(administrator: Client, book: Book) -> None:
    a_breach(administrator)
    row = Breach.objects.get()
    book.record.update(an_organization("Khác", id="co-so-2"))
    other = signed_in(Client(), "facility_administrator", "co-so-2")
    assert other.get(f"{DESK}vi-pham/{row.pk}/").status_code == 404
    assert other.post(f"{DESK}vi-pham/{row.pk}/close").status_code == 404
    assert row.number not in other.get(f"{DESK}vi-pham/").content.decode()
    records = signed_in(Client(), "records_office")
    assert records.get(f"{DESK}vi-pham/{row.pk}/").status_code == 404


def test_the_officer_is_named_and_shown_beside_requests(administrator: Client, book: Book) -> None:
    sent = {"name": "Trần Bảo Mật", "phone": "0905 111 222", "email": "dpo@bv.vn"}
    assert administrator.post(f"{DESK}nguoi-bao-ve", sent).status_code == 302
    assert Officer.objects.get().phone == "0905111222"
    row = asked(book)
    Request.objects.filter(pk=row.pk).update(account=str(book.account.pk))
    citizen = Client()
    citizen.force_login(book.account)
    assert "Trần Bảo Mật" in citizen.get(f"/so/du-lieu/yeu-cau/{row.pk}/").content.decode()


def test_the_register_of_processing_names_each_basis(desk: Client) -> None:
    page = desk.get(f"{DESK}hoat-dong").content.decode()
    for words in (
        "Luật giao",
        "Cấp cứu",
        "Có đồng ý",
        "Tự mở tài khoản",
        "10 năm",
        "30 năm",
        "Luật 75/2006/QH11 Đ38 k4",
    ):
        assert words in page
