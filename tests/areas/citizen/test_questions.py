"""A question about one opening of the book: asked on its line, answered by the facility, read by the person."""

from __future__ import annotations

import re

from django.test import Client

from tests.areas.administration.test_privacy import DESK, signed_in
from tests.areas.citizen.test_opened import PAGE, noted
from tests.books import HOUSE, Book
from yba.care.privacy.models import Request
from yba.fhir.access import Actor
from yba.site.accounts.models import Account


def link(browser: Client) -> str:
    found = re.findall(rf'href="({PAGE}\d+/hoi)"', browser.get(PAGE).content.decode())
    assert len(found) == 1
    return str(found[0])


def test_it_is_asked_answered_and_read(browser: Client, book: Book) -> None:
    noted(book)
    page = link(browser)
    assert "BS. Trần Đức" in browser.get(page).content.decode()
    assert browser.post(page, {"why": ""}).status_code == 422
    answer = browser.post(page, {"why": "Hôm đó tôi không đi khám."})
    row = Request.objects.get()
    assert answer["Location"].endswith(f"/{row.pk}/")
    assert (row.kind, row.facility, row.wrong) == ("question", HOUSE, "Hôm đó tôi không đi khám.")
    assert "BS. Trần Đức · Bác sĩ · Bệnh viện Hương Giang" in row.subject_words
    assert browser.post(page, {"why": "Lần nữa."})["Location"].endswith(f"/{row.pk}/")
    assert Request.objects.count() == 1
    desk = signed_in(Client(), "records_office")
    assert row.number in desk.get(DESK).content.decode()
    shown = desk.get(f"{DESK}yeu-cau/{row.pk}/").content.decode()
    assert "Hôm đó tôi không đi khám." in shown
    assert "Mở đúng việc" in shown
    said = {"act": "refuse", "answer": "Bác sĩ hội chẩn kết quả xét nghiệm ngày 20."}
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", said).status_code == 302
    read = browser.get(answer["Location"]).content.decode()
    assert "Mở đúng việc" in read
    assert "Bác sĩ hội chẩn kết quả xét nghiệm ngày 20." in read


def test_a_wrong_opening_is_owned_up_to(browser: Client, book: Book) -> None:
    noted(book)
    browser.post(link(browser), {"why": "Không quen bác sĩ này."})
    row = Request.objects.get()
    desk = signed_in(Client(), "records_office")
    desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "accept", "answer": "Mở nhầm người cùng tên, đã nhắc nhở."})
    row.refresh_from_db()
    assert (row.state, row.state_words) == ("accepted", "Mở không đúng, đã xử lý")


def test_nobody_answers_for_their_own_opening(browser: Client, book: Book) -> None:
    desk = signed_in(Client(), "records_office")
    clerk = Account.objects.get(role="records_office")
    noted(book, actor=Actor(user=str(clerk.pk), role="records_office", name="Lưu Trữ", facility=HOUSE))
    browser.post(link(browser), {"why": "Vì sao mở?"})
    row = Request.objects.get()
    assert desk.post(f"{DESK}yeu-cau/{row.pk}/", {"act": "refuse", "answer": "Đúng việc."}).status_code == 409
    row.refresh_from_db()
    assert row.is_pending


def test_ones_own_line_and_a_strangers_book_are_not_asked_about(browser: Client, book: Book) -> None:
    browser.get("/so/")
    assert "/hoi" not in browser.get(f"{PAGE}?toi=1").content.decode()
    noted(book, patient=book.stranger.id, id=book.stranger.id)
    for place in range(1, 60):
        answer = browser.get(f"{PAGE}{place}/hoi")
        assert "Trần Đức" not in answer.content.decode()
    assert not Request.objects.exists()


def test_of_a_childs_book_the_guardian_asks(browser: Client, book: Book) -> None:
    noted(book, patient=book.child.id, id=book.child.id)
    browser.get(f"/so/nguoi/{book.child.id}/")
    browser.post(link(browser), {"why": "Cháu không khám ở đó."})
    assert Request.objects.get().patient_id == book.child.id
