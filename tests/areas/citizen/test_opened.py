"""Who opened my book, by the browser's way in: to the person and the family, in words, grouped by sittings."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.books import HOUSE, Book
from yba import fhir
from yba.care.access_log import ACTS, ROLES, access_log, type_words
from yba.fhir.access import Actor
from yba.fhir.access.roles import roles
from yba.fhir.audit.acts import KINDS
from yba.fhir.errors import NotFound
from yba.fhir.store.audit import act_of, write_acts
from yba.site.accounts import roles as account_roles

PAGE = "/so/ai-da-mo/"
DOCTOR = Actor(
    user="77", role="doctor", name="BS. Trần Đức", facility=HOUSE, practitioner="bs-duc", purpose="TREAT"
)


def noted(book: Book, act: str = "read", *, minutes: float = 0, actor: Actor = DOCTOR, **said: Any) -> None:
    told = {"type": "Patient", "id": book.own.id, "version": 1, "patient": book.own.id, **said}
    at = book.record.clock() - timedelta(hours=3) + timedelta(minutes=minutes)
    write_acts(book.record.connection, [act_of(actor, act, at, **told)])


def lines(browser: Client, address: str = PAGE) -> list[str]:
    """The words of each line."""
    answer = browser.get(address)
    assert answer.status_code == 200
    found = re.findall(r'<li class="sheet-body">(.*?)</li>', answer.content.decode(), re.DOTALL)
    said = [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in found]
    return [one.removesuffix(" Hỏi về lần mở này") for one in said]


def test_a_sitting_is_told_in_words(browser: Client, book: Book) -> None:
    noted(book)
    noted(book, "search", minutes=4, type="Observation", id=None, version=None, answered=2)
    noted(book, "print", minutes=5, type="Encounter", id=book.visit.id)
    (line,) = lines(browser)
    assert line.startswith("BS. Trần Đức Bác sĩ · Bệnh viện Hương Giang ")
    assert "· 3 lượt In, đọc, tìm: lần khám, chỉ số, kết quả, thông tin cá nhân" in line
    assert line.endswith("Để làm gì: Khám, chữa bệnh chỉ xem")


def test_what_was_written_and_what_was_refused_is_told_apart(browser: Client, book: Book) -> None:
    noted(book, "update", type="Condition", id="c", version=2)
    noted(book, "refused", minutes=90, outcome="refused")
    first, second = lines(browser)
    assert first.endswith("bị từ chối")
    assert second.endswith("có ghi, sửa")


def test_refused_beside_read_is_neither_hidden_nor_all(browser: Client, book: Book) -> None:
    noted(book)
    noted(book, "refused", minutes=3, outcome="refused")
    (line,) = lines(browser)
    assert line.endswith("chỉ xem; có lượt bị từ chối")
    noted(book, "update", minutes=6, type="Condition", id="c", version=2)
    (line,) = lines(browser)
    assert line.endswith("có ghi, sửa; có lượt bị từ chối")


def test_who_acts_through_the_house_has_the_role_they_signed_in_with(browser: Client, book: Book) -> None:
    auditor = Actor(user="88", role="auditor", name="Lê Kiểm Tra")
    noted(book, "sign-in", minutes=-60, actor=auditor, type=None, id=None, version=None, patient=None)
    noted(book, actor=Actor(user="system", role="system", name="Lê Kiểm Tra", origin="88"))
    (line,) = lines(browser)
    assert line.startswith(f"Lê Kiểm Tra {ROLES['auditor']} ")
    assert line.endswith("Để làm gì: Vận hành cơ sở chỉ xem")


def test_ones_own_acts_are_shown_when_asked_for(browser: Client, book: Book) -> None:
    noted(book)
    assert len(lines(browser)) == 1
    browser.get("/so/")
    everything = lines(browser, f"{PAGE}?toi=1")
    assert [one.split()[0] for one in everything] == ["Tôi", "BS."]


def test_nothing_yet_says_so(browser: Client, book: Book) -> None:
    answer = browser.get(PAGE).content.decode()
    assert "Chưa ai mở sổ này" in answer


def test_the_childs_book_is_told_to_the_parent_and_a_strangers_to_nobody(browser: Client, book: Book) -> None:
    noted(book, patient=book.child.id, id=book.child.id)
    noted(book, patient=book.stranger.id, id=book.stranger.id)
    assert lines(browser) == []
    browser.get(f"/so/nguoi/{book.child.id}/")
    assert len(lines(browser)) == 1
    with pytest.raises(NotFound):
        access_log(fhir.open(book.record.connection, actor=book.account.actor()), book.stranger.id or "")


def test_pages_go_on(browser: Client, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    from yba.care import access_log as module

    monkeypatch.setattr(module, "PAGE", 2)
    for n in range(3):
        noted(book, minutes=n * 31)
    answer = browser.get(PAGE).content.decode()
    (following,) = re.findall(r'href="(/so/ai-da-mo/\?truoc=\d+)"', answer)
    assert len(lines(browser)) == 2
    assert len(lines(browser, following)) == 1
    assert browser.get(f"{PAGE}?truoc=x").status_code == 404


def test_staff_have_no_such_page(client: Client, book: Book) -> None:
    from yba.site.accounts.models import Account

    client.force_login(Account.objects.create_account("bs", role="doctor", facility=HOUSE))
    assert client.get(PAGE).status_code == 404


def test_to_look_is_in_the_audit(browser: Client, book: Book) -> None:
    browser.get(PAGE)
    rows = book.record.connection.execute(
        "select actor::varchar, detail::varchar from record.audit where act = 'audit'"
    ).fetchall()
    assert rows == [(str(book.account.pk), f"who opened Patient/{book.own.id}")]


def test_every_act_and_every_role_has_its_words() -> None:
    assert KINDS.keys() <= ACTS.keys()
    assert roles().keys() <= ROLES.keys()
    assert {key: str(words) for key, words in account_roles.NAMES.items()}.items() <= {
        key: str(words) for key, words in ROLES.items()
    }.items()
    assert type_words(["Patient", "Basic", "Group"]) == "thông tin cá nhân, mục khác"
