"""One's rights over one's data by the browser's way in: copies, consents, corrections, erasure."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.books import HOUSE, Book, a_visit
from yba import fhir
from yba.areas.citizen.privacy import actions, copying, making
from yba.areas.citizen.privacy.models import BookCopy
from yba.areas.citizen.privacy.tasks import make_copy
from yba.areas.citizen.rules import Own
from yba.care import people
from yba.care.identifiers import ICD10
from yba.care.messages.models import Message
from yba.care.privacy.models import Agreement, Request
from yba.care.refusal import Refusal
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson
from yba.site.accounts.models import Account


@pytest.fixture
def browser(browser: Client, settings: Any) -> Client:
    settings.YBA_FRESH_PROOF = ""  # asked once below; the other tests are about what comes after
    return browser


def replaced(one: RelatedPerson, **fields: Any) -> RelatedPerson:
    """The same with other values."""
    for name, value in fields.items():
        setattr(one, name, value)
    return one


def audited(record: fhir.Record, act: str) -> list[str]:
    rows = record.connection.execute(
        "select detail from record.audit where act = %s order by at, detail", (act,)
    )
    return [bytes(row[0]).decode() if isinstance(row[0], bytes) else row[0] for row in rows.fetchall()]


@pytest.mark.parametrize(
    "path", ["", "ban-sao/", "dong-y/", "sua/", "han-che/", "xoa/", "vi-sao/"]
)  # fmt: skip
def test_every_page_is_there_for_its_owner_and_nobody_else(browser: Client, path: str) -> None:
    assert browser.get(f"/so/du-lieu/{path}").status_code == 200
    browser.logout()
    assert browser.get(f"/so/du-lieu/{path}").status_code == 302
    browser.force_login(Account.objects.create_account("le-tan", role="receptionist", facility=HOUSE))
    assert browser.get(f"/so/du-lieu/{path}").status_code == 404


def test_taking_a_book_away_and_erasing_ask_for_a_fresh_proof(client: Client, book: Book) -> None:
    client.force_login(book.account)
    copy = BookCopy.objects.create(
        account=str(book.account.pk), patient_id=book.own.id or "", patient_name="Hạnh", form="json", state="ready",
        content=b"{}", asked_at=timezone.now(), expires_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    for path, sent in (
        ("ban-sao/", {"form": "json"}), (f"ban-sao/{copy.pk}/tai", {}), ("xoa/tai-khoan", {"sure": "on"}),
    ):  # fmt: skip
        for answer in (client.get(f"/so/du-lieu/{path}"), client.post(f"/so/du-lieu/{path}", sent)):
            assert answer.status_code == 302, path
            assert answer["Location"].startswith("/tai-khoan/xac-nhan"), path
    copy.refresh_from_db()
    assert (copy.state, BookCopy.objects.count()) == ("ready", 1)
    book.account.refresh_from_db()
    assert book.account.is_active


# -- copies -------------------------------------------------------------------------------------------------


def test_a_copy_holds_the_whole_book_and_is_fetched_once(browser: Client, book: Book) -> None:
    assert browser.post("/so/du-lieu/ban-sao/", {"form": "json", "once": "a"}).status_code == 302
    assert browser.post("/so/du-lieu/ban-sao/", {"form": "json", "once": "a"}).status_code == 302
    copy = BookCopy.objects.get()
    assert (copy.state, copy.patient_id) == ("ready", book.own.id)
    assert browser.get(f"/so/du-lieu/ban-sao/{copy.pk}/tai")["Location"] == "/so/du-lieu/ban-sao/"
    answer = browser.post(f"/so/du-lieu/ban-sao/{copy.pk}/tai")
    assert answer.status_code == 200
    assert re.fullmatch(r'attachment; filename="so-y-ba-\d{8}-\d+\.json"', answer["Content-Disposition"])
    assert answer["Content-Type"] == "application/fhir+json"
    assert "no-store" in answer["Cache-Control"]
    found = json.loads(answer.content)
    assert (found["resourceType"], found["type"]) == ("Bundle", "collection")
    names = sorted({one["resource"]["resourceType"] for one in found["entry"]})
    assert names == ["Encounter", "Observation", "Organization", "Patient"]
    assert len(found["entry"]) == copy.count == 4
    assert found["entry"][0]["fullUrl"].endswith(f"/fhir/Patient/{book.own.id}")
    assert book.stranger.id not in answer.content.decode()
    again = browser.post(f"/so/du-lieu/ban-sao/{copy.pk}/tai")
    assert again.status_code == 410
    copy.refresh_from_db()
    assert (copy.state, copy.content) == ("fetched", None)
    assert sorted(audited(book.record, "export")) == [
        f"copy {copy.pk} json asked", f"copy {copy.pk} json fetched", f"copy {copy.pk} json made, 4 entries",
    ]  # fmt: skip


def test_the_paper_is_a_paper(browser: Client, book: Book) -> None:
    browser.post("/so/du-lieu/ban-sao/", {"form": "pdf"})
    copy = BookCopy.objects.get()
    answer = browser.post(f"/so/du-lieu/ban-sao/{copy.pk}/tai")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].endswith('.pdf"')
    assert answer.content.startswith(b"%PDF-")
    assert len(answer.content) > 5_000


def test_a_copy_nobody_fetched_runs_out(browser: Client, book: Book) -> None:
    browser.post("/so/du-lieu/ban-sao/", {"form": "json"})
    copy = BookCopy.objects.get()
    late = timezone.now() - timedelta(hours=1)
    BookCopy.objects.update(expires_at=late)
    assert "Đã hết hạn" in browser.get("/so/du-lieu/ban-sao/").content.decode()
    assert browser.post(f"/so/du-lieu/ban-sao/{copy.pk}/tai").status_code == 410
    assert making.forget_old(timezone.now()) == 1
    copy.refresh_from_db()
    assert (copy.state, copy.content) == ("expired", None)


def test_of_the_family_only_a_child_s_book_is_copied(browser: Client, book: Book) -> None:
    browser.get(f"/so/nguoi/{book.child.id}/")
    assert browser.post("/so/du-lieu/ban-sao/", {"form": "json"}).status_code == 302
    assert BookCopy.objects.get().patient_id == book.child.id
    husband = Own(people.person_of(book.husband), "vo-chong")
    no = actions.order_copy(book.record, husband, form="json")
    assert isinstance(no, Refusal)
    assert "tự xin bản sao" in no.message
    assert BookCopy.objects.count() == 1
    assert audited(book.record, "refused")[-1] == "copy.adult"


def test_another_account_s_copy_is_not_there(browser: Client, book: Book) -> None:
    browser.post("/so/du-lieu/ban-sao/", {"form": "json"})
    copy = BookCopy.objects.get()
    other = Account.objects.create_account("0905999999", role="citizen")
    other.links.create(patient_id=book.own.id, relation="ban-than")
    browser.force_login(other)
    assert browser.post(f"/so/du-lieu/ban-sao/{copy.pk}/tai").status_code == 404
    assert BookCopy.objects.get().content is not None


def test_a_link_that_was_cut_fetches_nothing(browser: Client, book: Book) -> None:
    browser.get(f"/so/nguoi/{book.child.id}/")
    browser.post("/so/du-lieu/ban-sao/", {"form": "json"})
    copy = BookCopy.objects.get()
    book.record.update(replaced(book.relative, active=False))
    assert browser.post(f"/so/du-lieu/ban-sao/{copy.pk}/tai").status_code == 404


def test_a_thick_book_is_made_by_the_worker(
    browser: Client, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(copying, "count", lambda record, patient: 100_000)
    monkeypatch.setattr(make_copy, "defer", lambda copy: asked.append(copy))
    browser.post("/so/du-lieu/ban-sao/", {"form": "json"})
    copy = BookCopy.objects.get()
    assert (copy.state, asked) == ("waiting", [copy.pk])
    assert "every 5s" in browser.get("/so/du-lieu/ban-sao/").content.decode()
    assert browser.post(f"/so/du-lieu/ban-sao/{copy.pk}/tai").status_code == 410
    make_copy(copy=copy.pk)
    copy.refresh_from_db()
    assert (copy.state, copy.count) == ("ready", 4)
    make_copy(copy=copy.pk)
    first = copy.ready_at
    copy.refresh_from_db()
    assert copy.ready_at == first


def test_the_worker_makes_nothing_for_who_lost_the_right(
    browser: Client, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "count", lambda record, patient: 100_000)
    monkeypatch.setattr(make_copy, "defer", lambda copy: None)
    browser.post("/so/du-lieu/ban-sao/", {"form": "json"})
    book.account.links.all().delete()
    copy = BookCopy.objects.get()
    make_copy(copy=copy.pk)
    copy.refresh_from_db()
    assert (copy.state, copy.content) == ("failed", None)


def test_a_book_above_the_limit_is_refused_whole(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "MOST", 1)
    with pytest.raises(Exception, match="more than 1 entries"):
        copying.rows(book.record, book.own.id or "")


# -- consents -----------------------------------------------------------------------------------------------


def test_nothing_is_chosen_beforehand_and_each_purpose_is_said_alone(browser: Client, book: Book) -> None:
    page = browser.get("/so/du-lieu/dong-y/").content.decode()
    assert page.count("Chưa đồng ý") == 3
    assert "checked" not in page
    sent = {"purpose": "research", "version": "1", "say": "yes"}
    assert browser.post("/so/du-lieu/dong-y/", sent, HTTP_USER_AGENT="Máy thử").status_code == 302
    row = Agreement.objects.get()
    assert (row.purpose, row.given, row.patient_id, row.by_name) == (
        "research",
        True,
        book.own.id,
        "Nguyễn Thị Hạnh",
    )
    assert row.evidence["browser"] == "Máy thử"
    assert row.evidence["for"] == "self"
    assert browser.get("/so/du-lieu/dong-y/").content.decode().count("Đang đồng ý") == 1
    browser.post("/so/du-lieu/dong-y/", {**sent, "say": "no"})
    assert list(Agreement.objects.order_by("pk").values_list("given", flat=True)) == [True, False]
    assert audited(book.record, "consent") == ["research/1 given", "research/1 withdrawn"]
    assert browser.post("/so/du-lieu/dong-y/", {**sent, "version": "9"}).status_code == 409


# -- requests -----------------------------------------------------------------------------------------------


def test_a_correction_goes_to_who_keeps_the_entry(browser: Client, book: Book) -> None:
    sent = {
        "subject": book.visit.id,
        "facility": HOUSE,
        "wrong": "Tăng huyết áp",
        "right": "Tôi không bị",
        "once": "k",
    }
    first = browser.post("/so/du-lieu/sua/", sent)
    assert browser.post("/so/du-lieu/sua/", sent)["Location"] == first["Location"]
    row = Request.objects.get()
    assert (row.kind, row.facility, row.facility_name, row.subject, row.state) == (
        "correct", HOUSE, "Bệnh viện Hương Giang", f"Encounter/{book.visit.id}", "open",
    )  # fmt: skip
    page = browser.get(first["Location"]).content.decode()
    assert row.number in page
    assert "NĐ 356/2025" in page
    assert row.due.strftime("%d/%m/%Y") in page
    assert browser.post(first["Location"]).status_code == 302
    row.refresh_from_db()
    assert row.state == "withdrawn"


@pytest.mark.parametrize("field", ["wrong", "right", "subject"])
def test_what_is_missing_is_said(browser: Client, book: Book, field: str) -> None:
    sent = {"subject": book.visit.id, "facility": HOUSE, "wrong": "a", "right": "b"} | {field: ""}
    assert browser.post("/so/du-lieu/sua/", sent).status_code == 422
    assert Request.objects.count() == 0


def test_another_s_visit_and_another_s_request_are_not_there(browser: Client, book: Book) -> None:
    theirs = book.record.create(a_visit(book.stranger.id or ""))
    sent = {"subject": theirs.id, "facility": HOUSE, "wrong": "a", "right": "b"}
    assert browser.post("/so/du-lieu/sua/", sent).status_code == 422
    browser.post("/so/du-lieu/sua/", {**sent, "subject": "nhan-than"})
    row = Request.objects.get()
    assert row.subject == f"Patient/{book.own.id}"
    other = Account.objects.create_account("0905999999", role="citizen")
    other.links.create(patient_id=book.stranger.id, relation="ban-than")
    browser.force_login(other)
    assert browser.get(f"/so/du-lieu/yeu-cau/{row.pk}/").status_code == 404
    assert browser.post(f"/so/du-lieu/yeu-cau/{row.pk}/").status_code == 404


def test_a_restriction_goes_to_the_facility(browser: Client, book: Book) -> None:
    assert browser.post("/so/du-lieu/han-che/", {"facility": HOUSE, "right": ""}).status_code == 422
    assert browser.post("/so/du-lieu/han-che/", {"facility": "khac", "right": "x"}).status_code == 422
    answer = browser.post("/so/du-lieu/han-che/", {"facility": HOUSE, "right": "Không dùng để giảng dạy"})
    row = Request.objects.get()
    assert (row.kind, row.facility, row.right) == ("restrict", HOUSE, "Không dùng để giảng dạy")
    assert "Không dùng để giảng dạy" in browser.get(answer["Location"]).content.decode()
    browser.get(f"/so/nguoi/{book.child.id}/")
    assert "Chưa cơ sở nào giữ hồ sơ" in browser.get("/so/du-lieu/han-che/").content.decode()


# -- erasure ------------------------------------------------------------------------------------------------


def test_what_the_law_keeps_is_answered_at_once_with_its_article(browser: Client, book: Book) -> None:
    book.record.create(
        Condition(
            subject=Reference(reference=f"Patient/{book.own.id}"),
            encounter=Reference(reference=f"Encounter/{book.visit.id}"),
            code=CodeableConcept(coding=[Coding(system=ICD10, code="F32.1")]),
        )
    )
    page = browser.get("/so/du-lieu/xoa/").content.decode()
    assert "31/12/2046" in page
    answer = browser.post("/so/du-lieu/xoa/", {"ask": "1", "why": "Không dùng nữa"})
    row = Request.objects.get()
    assert answer["Location"] == f"/so/du-lieu/yeu-cau/{row.pk}/"
    assert (row.state, row.article) == ("refused", "TT 33/2025/TT-BYT, phụ lục, nhóm 01, mục 40")
    assert "31/12/2046" in row.answer
    assert book.record.read(Encounter, book.visit.id or "").id == book.visit.id


def test_what_is_past_its_time_goes_to_the_facility(browser: Client, book: Book) -> None:
    book.record.create(a_visit(book.own.id or "", start="2010-03-05T09:00:00+07:00"))
    browser.post("/so/du-lieu/xoa/", {"ask": "1"})
    row = Request.objects.get()
    assert (row.state, row.facility) == ("open", HOUSE)


def test_who_was_never_treated_is_told_why_the_book_stays(browser: Client, book: Book) -> None:
    browser.get(f"/so/nguoi/{book.child.id}/")
    browser.post("/so/du-lieu/xoa/", {"ask": "1"})
    row = Request.objects.get()
    assert (row.state, row.facility) == ("refused", "")
    assert "mục 49" in row.article


def test_an_account_is_erased_whole_and_the_book_stays(browser: Client, book: Book) -> None:
    Message.objects.create(to_phone="0905123456", text="Mã 123456", kind="x")
    browser.post("/so/du-lieu/ban-sao/", {"form": "json"})
    assert browser.post("/so/du-lieu/xoa/tai-khoan", {}).status_code == 422
    assert browser.post("/so/du-lieu/xoa/tai-khoan", {"sure": "on"}).status_code == 302
    row = Account.objects.get(pk=book.account.pk)
    assert (row.login, row.name, row.is_active, row.has_usable_password()) == (
        f"erased-{row.pk}",
        "",
        False,
        False,
    )
    assert row.links.count() == 0
    assert Message.objects.filter(to_phone="0905123456").count() == 0
    assert BookCopy.objects.get().content is None
    assert book.record.read(Patient, book.own.id or "").id == book.own.id
    assert browser.get("/so/").status_code == 302
    assert len(audited(book.record, "account-erased")) == 3
