"""Sharing by the pages: what is shown before, what the holder then sees, withdrawing, asking, relatives."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from tests.builders import an_organization
from tests.care.sharing.village import HIV, Village
from yba.care.messages.models import Message
from yba.care.sharing import asking, kin_requests, tables
from yba.care.sharing.models import Ask, KinRequest
from yba.care.sharing.terms import read
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.datatypes import Reference
from yba.fhir.r4.patient import Patient
from yba.site.accounts.models import Account

NEW = "/so/chia-se/moi?toi=facility:B"
ALL = {"purposes": "TREAT", "extent": "all", "length": "30", "do": "see"}


def give(client: Client, url: str = NEW, **data: Any) -> Any:
    return client.post(url, {**ALL, "once": "x", **data, "do": "give", "version": "1"})


def link_in(text: str) -> str:
    found = re.search(r"http://testserver(\S+)", text)
    assert found is not None
    return found[1]


def code_sent() -> str:
    """The code of the newest message that asks for a share."""
    found = re.search(r"\b(\d{6})$", Message.objects.filter(kind="sharing.ask").latest("pk").text)
    assert found is not None
    return found[1]


def consents(village: Village, patient: Any = None) -> list[Consent]:
    return village.record.find(Consent, ("patient", f"Patient/{(patient or village.own).id}"))


def test_every_type_of_a_chart_is_in_one_part() -> None:
    from yba.fhir.access.roles import roles

    named = [name for one in tables.parts() for name in one.types]
    assert len(named) == len(set(named))
    doctor = roles()["doctor"]
    shared = {name for one in doctor.grants if "shared" in one.of for name in one.types}
    assert shared - {"Consent"} <= set(named)


def test_nothing_is_chosen_beforehand(citizen: Client) -> None:
    page = citizen.get(NEW).content.decode()
    assert "Chia sẻ với Bệnh viện B" in page
    assert "checked" not in page


def test_a_share_is_seen_before_it_is_given_and_then_opens_just_that(
    village: Village, citizen: Client
) -> None:
    assert not village.sees(village.doctor, village.result)
    page = citizen.post(NEW, ALL)
    assert page.status_code == 200
    assert "Được xem thêm 3 mục" in page.content.decode()  # who, one result, one illness; not the HIV one
    assert consents(village) == []
    assert not village.sees(village.doctor, village.result)
    assert give(citizen).status_code == 302
    assert give(citizen).status_code == 302  # the same form again
    (made,) = consents(village)
    assert made.status == "active"
    assert [one.reference for one in made.performer] == [f"Patient/{village.own.id}"]
    assert village.sees(village.doctor, village.result)
    assert village.sees(village.doctor, village.illness, "Condition")
    assert not village.sees(village.doctor, village.hidden)
    village.later(days=32)
    assert not village.sees(village.doctor, village.result)


def test_withdrawing_takes_effect_at_the_next_request(village: Village, citizen: Client) -> None:
    give(citizen)
    (made,) = consents(village)
    assert village.sees(village.doctor, village.result)
    assert "Rút lại ngay" in citizen.get(f"/so/chia-se/so/{made.id}").content.decode()
    assert citizen.post(f"/so/chia-se/so/{made.id}/rut").status_code == 302
    assert not village.sees(village.doctor, village.result)
    home = citizen.get("/so/chia-se/").content.decode()
    assert "Đã rút" in home
    page = citizen.get(f"/so/chia-se/so/{made.id}").content.decode()
    assert page.index("Đã rút lại") < page.index("Bắt đầu chia sẻ")  # history, newest first
    assert "Rút lại ngay" not in page


def test_by_part_and_days(village: Village, citizen: Client) -> None:
    old = village.observation(village.own, effectiveDateTime="2019-03-01")
    new = village.observation(village.own, effectiveDateTime="2024-03-01")
    given = {
        "extent": "part",
        "parts": ["results"],
        "occurred_from": "01/01/2024",
        "occurred_until": "31/12/2024",
    }
    page = citizen.post(NEW, {**ALL, **given})
    assert "Được xem thêm 2 mục" in page.content.decode()  # who it is, and one result
    give(citizen, **given)
    assert village.sees(village.doctor, new)
    assert not village.sees(village.doctor, old)
    assert not village.sees(village.doctor, village.illness, "Condition")


def test_a_sensitive_kind_only_by_its_own_tick(village: Village, citizen: Client) -> None:
    give(citizen, sensitive=["hiv"])
    assert village.sees(village.doctor, village.hidden)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"purposes": []}, "Chọn ít nhất một mục đích."),
        ({"extent": ""}, "Chọn cả sổ hay từng phần."),
        ({"extent": "part"}, "Đánh dấu ít nhất một phần."),
        ({"length": ""}, "Chọn thời hạn."),
        ({"length": "other"}, "Viết ngày kết thúc"),
        ({"occurred_from": "02/01/2024", "occurred_until": "01/01/2024"}, "phải sau"),
        ({"length": "other", "until": "31/12/2199"}, "ngày tới"),
    ],
)
def test_what_is_missing_is_said(
    village: Village, citizen: Client, change: dict[str, Any], words: str
) -> None:
    answer = give(citizen, **change)
    assert answer.status_code in (409, 422)
    assert words in answer.content.decode()
    assert consents(village) == []


def test_an_older_text_is_not_agreed_to(village: Village, citizen: Client) -> None:
    answer = citizen.post(NEW, {**ALL, "do": "give", "version": "0"})
    assert answer.status_code == 409
    assert consents(village) == []


def test_a_small_child_by_the_guardian_and_an_older_one_is_asked(village: Village, citizen: Client) -> None:
    small, older = village.observation(village.tot), village.observation(village.na)
    assert give(citizen, f"{NEW}&cho={village.tot.id}", once="a").status_code == 302
    assert village.sees(village.doctor, small)
    answer = give(citizen, f"{NEW}&cho={village.na.id}", once="b")
    assert answer.status_code == 409
    assert "Trẻ từ 7 tuổi phải được hỏi ý" in answer.content.decode()
    assert not village.sees(village.doctor, older)
    assert give(citizen, f"{NEW}&cho={village.na.id}", once="c", assent="on").status_code == 302
    assert village.sees(village.doctor, older)
    (made,) = consents(village, village.na)
    assert [one.reference for one in made.performer] == [
        f"Patient/{village.own.id}",
        f"Patient/{village.na.id}",
    ]
    assert 'name="sensitive"' not in citizen.get(f"{NEW}&cho={village.na.id}").content.decode()


def test_nobody_shares_a_stranger(village: Village, citizen: Client) -> None:
    assert citizen.get(f"{NEW}&cho={village.hung.id}").status_code == 404
    assert give(citizen, f"{NEW}&cho={village.hung.id}").status_code == 404


def test_a_facility_asks_and_the_person_answers(village: Village, citizen: Client, desk: Client) -> None:
    village.visit(village.own)
    assert desk.post(f"/xin-chia-se/{village.own.id}/xin", {"next": "/"}).status_code == 302
    text = Message.objects.get(to_phone="0905123456", kind="sharing.ask").text
    assert len(text) <= 160
    link, code = link_in(text), code_sent()
    wrong = "000000" if code != "000000" else "111111"
    desk.post(f"/xin-chia-se/{village.own.id}/ma", {"code": wrong, "next": "/"})
    assert not village.sees(village.doctor, village.result)
    desk.post(f"/xin-chia-se/{village.own.id}/ma", {"code": code, "next": "/"})
    assert village.sees(village.doctor, village.result)
    assert not village.sees(village.doctor, village.hidden)
    assert Ask.objects.get().state == "given"
    assert citizen.get(link).status_code == 404  # answered


def test_a_code_ends_after_its_minutes_and_tries(village: Village, desk: Client) -> None:
    village.visit(village.own)
    doctor = village.doctor
    row = asking.ask(doctor, village.own.id or "", origin="http://testserver")
    assert isinstance(row, Ask)
    code = code_sent()
    village.later(minutes=11)
    assert getattr(asking.use_code(doctor, village.own.id or "", code), "key", "") == "ask.code-over"
    asking.ask(doctor, village.own.id or "", origin="http://testserver")
    code = code_sent()
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(5):
        assert getattr(asking.use_code(doctor, village.own.id or "", wrong), "key", "") == "ask.code-wrong"
    assert getattr(asking.use_code(doctor, village.own.id or "", code), "key", "") == "ask.code-tries"
    assert not village.sees(village.doctor, village.result)


def test_an_invited_relative_sees_what_was_chosen_and_no_sensitive_row(
    village: Village, citizen: Client
) -> None:
    son = village.account("0914000111", village.hung)
    phone = Client()
    phone.force_login(son)
    assert not village.sees(village.by(son), village.result)
    answer = citizen.post(
        "/so/gia-dinh/moi",
        {"name": "Lê Văn Hùng", "phone": "0914000111", "extent": "all", "length": "30", "version": "1"},
    )
    assert answer.status_code == 302
    link = link_in(Message.objects.get(to_phone="0914000111").text)
    assert not village.sees(village.by(son), village.result)
    assert citizen.get(link).status_code == 404  # another number's
    assert phone.post(link, {"do": "accept"}).status_code == 302
    assert village.sees(village.by(son), village.result)
    assert not village.sees(village.by(son), village.hidden)
    assert village.own.id in son.persons
    (made,) = consents(village)
    assert citizen.post(f"/so/chia-se/so/{made.id}/rut").status_code == 302
    assert not village.sees(village.by(son), village.result)
    assert son.persons == {village.hung.id}


def test_a_guardian_sees_a_child_until_the_sixteenth_birthday(village: Village, citizen: Client) -> None:
    row, hidden = village.observation(village.na), village.observation(village.na, HIV)
    assert village.sees(village.by(village.hanh), row)
    assert not village.sees(village.by(village.hanh), hidden)
    born = date.fromisoformat(village.na.birthDate or "")
    village.later(days=(born.replace(year=born.year + 16) - village.moment.date()).days + 1)
    assert not village.sees(village.by(village.hanh), row)
    page = citizen.get("/so/gia-dinh/").content.decode()
    assert "Nguyễn Bé Na đã đủ 16 tuổi" in page


def test_after_booking_the_share_is_offered_with_nothing_chosen(village: Village, citizen: Client) -> None:
    until = asking.offer(village.by(village.hanh), village.own.id or "", "B", village.moment.date())
    page = citizen.get(until).content.decode()
    assert "Chia sẻ với Bệnh viện B" in page
    assert page.count("checked") == 1  # the last day, and nothing else
    give(citizen)
    assert asking.offer(village.by(village.hanh), village.own.id or "", "B", village.moment.date()) == ""
    assert asking.offer(village.by(village.hanh), village.hung.id or "", "B", village.moment.date()) == ""


def test_a_paper_is_noted_and_the_person_told(village: Village) -> None:
    front = Client()
    front.force_login(
        Account.objects.create_account("tiepdon", role="receptionist", name="Trang", facility="B")
    )
    front.post(f"/xin-chia-se/{village.own.id}/giay", {"paper": "", "next": "/"})
    assert consents(village) == []
    front.post(f"/xin-chia-se/{village.own.id}/giay", {"paper": "Tờ 12/2026", "next": "/"})
    (made,) = consents(village)
    assert village.sees(village.doctor, village.result)
    assert read(made).method == "paper"
    assert Message.objects.get(kind="sharing.noted").to_phone == "0905123456"


PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def test_next_of_kin_ask_with_papers_and_see_for_some_days(village: Village, citizen: Client) -> None:
    row, hidden = village.visit(village.hung, "A"), village.observation(village.hung)
    village.record.update(died(village.hung))
    paper = SimpleUploadedFile("chung-tu.pdf", PDF, "application/pdf")
    said = {
        "name": "Lê Văn Hùng", "number": "046055001111", "relation": "vo-chong", "facility": "A",
        "why": "Làm thủ tục bảo hiểm", "paper": paper, "once": "k",
    }  # fmt: skip
    assert citizen.post("/so/gia-dinh/nguoi-da-mat", {**said, "number": "12"}).status_code == 422
    paper.seek(0)
    assert citizen.post("/so/gia-dinh/nguoi-da-mat", said).status_code == 302
    asked = KinRequest.objects.get()
    wife = village.by(village.hanh)
    assert not village.sees(wife, row.id or "", "Encounter")
    office = Client()
    office.force_login(
        Account.objects.create_account("luutru", role="records_office", name="Lưu trữ", facility="A")
    )
    other = Client()
    other.force_login(Account.objects.create_account("luutru.b", role="records_office", facility="B"))
    path = f"/quan-tri/nguoi-da-mat/{asked.pk}/"
    assert other.get(path).status_code == 404
    assert office.get(f"{path}giay").content == PDF
    assert office.post(path, {"decision": "yes", "answer": "Đủ giấy tờ"}).status_code == 302
    assert village.sees(village.by(village.hanh), row.id or "", "Encounter")
    assert not village.sees(village.by(village.hanh), hidden)  # results are no part of the summary
    village.later(days=32)
    assert not village.sees(village.by(village.hanh), row.id or "", "Encounter")


@pytest.mark.parametrize(
    ("name", "kind", "content", "words"),
    [
        ("a.svg", "image/svg+xml", b'<svg><script>alert(1)</script></svg>', "Chỉ nhận"),
        ("a.png", "image/png", b'<svg onload="alert(1)"/>', "Chỉ nhận"),
        ("a.pdf", "application/pdf", b"GIF89a/*" + PDF + b"*/=1;alert(1)", "field-error"),
        ("a.pdf", "application/pdf", b"<html><script>alert(1)</script>" + PDF, "Chỉ nhận"),
        ("a.pdf", "application/pdf", PDF + b"<</S/JavaScript/JS(app.alert(1))>>", "tự chạy"),
        ("a.pdf", "application/pdf", PDF + b" " * (10 * 1024 * 1024), "lớn hơn 10 MB"),
        ("a.pdf", "application/pdf", b"", "rỗng|trống"),
    ],
    ids=["svg", "svg-as-png", "gif-and-pdf", "html-and-pdf", "pdf-that-runs", "huge", "empty"],
)  # fmt: skip
def test_a_hostile_paper_over_http_is_refused_where_it_stands_and_kept_nowhere(
    village: Village, citizen: Client, name: str, kind: str, content: bytes, words: str
) -> None:
    village.record.update(died(village.hung))
    said = {
        "name": "Lê Văn Hùng", "number": "046055001111", "relation": "vo-chong", "facility": "A",
        "why": "Làm thủ tục bảo hiểm", "paper": SimpleUploadedFile(name, content, kind), "once": "k",
    }  # fmt: skip
    answer = citizen.post("/so/gia-dinh/nguoi-da-mat", said)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert re.search(words, page)
    assert "Làm thủ tục bảo hiểm" in page  # what was typed stays
    assert "alert(1)" not in page
    assert not KinRequest.objects.exists()


def test_a_picture_that_is_also_a_page_is_kept_as_a_picture_alone(village: Village, citizen: Client) -> None:
    village.record.update(died(village.hung))
    drawn = io.BytesIO()
    Image.new("RGB", (40, 20), (200, 10, 10)).save(drawn, "PNG")
    sent = drawn.getvalue() + b"<script>alert(1)</script>" + PDF
    said = {
        "name": "Lê Văn Hùng", "number": "046055001111", "relation": "vo-chong", "facility": "A",
        "why": "Làm thủ tục bảo hiểm", "paper": SimpleUploadedFile("a.png", sent, "image/png"), "once": "k",
    }  # fmt: skip
    assert citizen.post("/so/gia-dinh/nguoi-da-mat", said).status_code == 302
    kept = bytes(KinRequest.objects.get().paper)
    assert b"alert(1)" not in kept
    assert b"%PDF" not in kept


def died(patient: Patient) -> Patient:
    patient.deceasedBoolean = True
    return patient


def test_of_the_dead_nothing_is_opened_for_one_who_lives(village: Village) -> None:
    asked = KinRequest.objects.create(
        name="Lê Văn Hùng", number="046055001111", relation="vo-chong", why="x", facility="A", facility_name="A",
        asker=village.own.id, asker_name="Hạnh", account=village.hanh.pk, paper=PDF, paper_kind="application/pdf",
        paper_name="x.pdf", asked_at=village.moment, due=village.moment.date(),
    )  # fmt: skip
    office = village.by(
        Account.objects.create_account("luutru", role="records_office", name="Lưu trữ", facility="A")
    )
    done = kin_requests.decide(office, asked.pk, accept=True, answer="x")
    assert getattr(done, "key", "") == "kin.not-dead"
    assert consents(village, village.hung) == []


def test_each_purpose_opens_to_who_reads_for_it(village: Village, citizen: Client) -> None:
    clerk = village.by(Account.objects.create_account("bhyt", role="insurance_clerk", facility="B"))
    page = citizen.post(NEW, {**ALL, "purposes": "HPAYMT"}).content.decode()
    assert "Được xem thêm 2 mục" in page  # who it is, and the illness
    give(citizen, purposes="HPAYMT", once="p")
    assert village.sees(clerk, village.illness, "Condition")
    assert not village.sees(village.doctor, village.illness, "Condition")
    give(citizen, purposes="TREAT", once="t")
    assert village.sees(village.doctor, village.illness, "Condition")
    assert not village.sees(clerk, village.result)


def test_whom_to_share_with_is_found_without_accents(village: Village, citizen: Client) -> None:
    village.record.create(
        an_organization("Bệnh viện B, Khoa Nội", partOf=Reference(reference="Organization/B"), identifier=[])
    )
    page = citizen.get("/so/chia-se/tim?q=benh vien b").content.decode()
    assert page.count("toi=facility") == 1
    assert "toi=facility%3AB" in page
    assert "toi=practitioner%3Ad1" in citizen.get("/so/chia-se/tim?q=van khoa").content.decode()
    assert "Không tìm thấy" in citizen.get("/so/chia-se/tim?q=khong co").content.decode()


def test_the_room_knows_whether_the_book_is_shared(village: Village, citizen: Client) -> None:
    village.visit(village.own)
    state = asking.state_of(village.doctor, village.own)
    assert (state.is_shared, state.asked, state.phone) == (False, None, "0905123456")
    asking.ask(village.doctor, village.own.id or "", origin="http://testserver")
    assert asking.state_of(village.doctor, village.own).asked is not None
    give(citizen)
    assert asking.state_of(village.doctor, village.own).is_shared
