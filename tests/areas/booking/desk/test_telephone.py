"""Sets, calls and callers: whose set it is, who is calling, and calling by the exchange."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from tests.areas.booking.province import HOSPITAL, NOW, agent, build, citizen, first_slot, opened
from yba.areas.booking import actions
from yba.areas.booking.desk import telephone
from yba.areas.booking.desk.views import _relation
from yba.areas.booking.models import Claim, Ring
from yba.care.telephone import Heard, NotCalled
from yba.fhir.r4.slot import Slot
from yba.fhir.record import now
from yba.site.accounts.models import Account


class Exchange:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.refuses = False
        self.sets = {"101": HOSPITAL, "102": HOSPITAL, "201": "bv-khac"}

    def call(self, extension: str, number: str) -> None:
        if self.refuses:
            raise NotCalled("busy")
        self.calls.append((extension, number))

    def facility_of(self, extension: str) -> str:
        return self.sets.get(extension, "")

    def stay_awake(self) -> None: ...


EXCHANGE = Exchange()


def exchange() -> Exchange:
    return EXCHANGE


@pytest.fixture
def house(db, settings):
    settings.YBA_EXCHANGE = f"{__name__}.exchange"
    EXCHANGE.calls.clear()
    EXCHANGE.refuses = False
    connection.ensure_connection()
    build(opened(connection), people=3)


def mine(name: str = "Mai Linh"):
    return opened(connection, agent(name))


def ask(person: str):
    record = opened(connection, citizen(person))
    return actions.book_appointment(record, slot_id=first_slot(record), patient_id=person, reason="Ho")


def ask_today(person: str):
    """A request by the clock of the pages."""
    build(opened(connection, at=now), days=3)
    record = opened(connection, citizen(person), at=now)
    free = record.find(Slot, ("status", "free"), ("start", f"gt{now().isoformat()}"), ("_sort", "-start"))
    return actions.book_appointment(record, slot_id=free[0].id, patient_id=person, reason="Ho")


RINGING = Heard("c1", "101", "+84905000001", "ringing")


def test_a_set_is_one_agents_until_they_leave_it(house):
    assert telephone.sit_at(mine(), "101") == ""
    assert telephone.sit_at(mine("Thu Hiền"), "101") == "Mai Linh"
    assert telephone.set_of(mine("Thu Hiền")) == ""
    assert telephone.sit_at(mine(), "") == ""
    assert telephone.sit_at(mine("Thu Hiền"), "101") == ""


def test_nobody_sits_at_or_rings_by_a_set_of_another_facility(house, monkeypatch):
    for strange in ("201", "999"):
        assert "nơi khác" in telephone.sit_at(mine(), strange)
    assert telephone.set_of(mine()) == ""
    telephone.sit_at(mine(), "102")
    assert telephone.set_of(mine()) == "102"
    monkeypatch.setitem(EXCHANGE.sets, "102", "bv-khac")  # the operator gave the set away
    assert telephone.set_of(mine()) == ""


def test_who_calls_is_named_with_what_they_asked_for(house):
    asked = ask("p1")
    telephone.note(RINGING, now=NOW)
    found = telephone.ringing(mine(), "101")
    assert (found.number, found.state) == ("0905000001", "ringing")
    assert [(one.name, one.requests) for one in found.callers] == [
        ("Nguyễn Thị Hạnh", [(f"/dat-kham/sang-loc/{asked.id}/", "Ho")])
    ]
    assert telephone.ringing(mine(), "102") is None


def test_two_workers_that_listen_note_a_call_once_and_in_its_order(house):
    for heard in (RINGING, RINGING, Heard("c1", "101", "", "answered"), RINGING):
        telephone.note(heard, now=NOW)
    assert [(one.number, one.state) for one in Ring.objects.all()] == [("+84905000001", "answered")]
    for _ in range(2):
        telephone.note(Heard("c1", "101", "", "ended"), now=NOW)
    telephone.note(Heard("c1", "101", "", "answered"), now=NOW)
    assert Ring.objects.get().state == "ended"
    assert telephone.ringing(mine(), "101") is None


def test_a_call_of_ones_own_is_no_caller(house):
    telephone.note(Heard("c2", "101", "", "answered"), now=NOW)
    assert not Ring.objects.exists()


def test_a_call_whose_end_was_never_heard_is_not_shown_for_ever_and_is_forgotten(house):
    telephone.note(RINGING, now=NOW - timedelta(minutes=31))
    assert telephone.ringing(mine(), "101") is None
    assert telephone.forget(now=NOW) == 0
    assert telephone.forget(now=NOW + timedelta(days=1)) == 1


# -- on the page -----------------------------------------------------------------------------------------


@pytest.fixture
def desk(house) -> Client:
    account = Account.objects.create_account("cs", role="customer_care", facility=HOSPITAL, name="Linh")
    client = Client()
    client.force_login(account)
    return client


def test_f8_claims_and_rings_the_agents_own_set(desk):
    asked = ask_today("p1")
    page = f"/dat-kham/sang-loc/{asked.id}/"
    assert 'href="tel:0905000001"' in desk.get(page).content.decode(), "no set yet: the agent's own telephone"
    assert desk.post(f"{page}goi").status_code == 302
    assert EXCHANGE.calls == []
    desk.post("/dat-kham/sang-loc/may", {"may": "101"})
    assert f'action="{page}goi"' in desk.get(page).content.decode()
    desk.post(f"{page}goi")
    assert EXCHANGE.calls == [("101", "0905000001")]
    assert Claim.objects.get().appointment_id == asked.id
    EXCHANGE.refuses = True
    assert "Tổng đài không gọi được" in desk.post(f"{page}goi", follow=True).content.decode()


def test_nobody_is_called_whom_another_agent_calls(desk):
    from yba.areas.booking.desk import claims

    asked = ask_today("p1")
    desk.post("/dat-kham/sang-loc/may", {"may": "101"})
    assert claims.take(opened(connection, agent(), at=now), asked).mine
    answer = desk.post(f"/dat-kham/sang-loc/{asked.id}/goi", follow=True).content.decode()
    assert "Mai Linh đang gọi người này." in answer
    assert EXCHANGE.calls == []


def test_the_pop_up_names_the_caller_at_the_agents_set_and_at_no_other(desk):
    telephone.note(RINGING, now=now())
    assert "0905 000 001" not in desk.get("/dat-kham/sang-loc/dien-thoai").content.decode()
    desk.post("/dat-kham/sang-loc/may", {"may": "101"})
    said = desk.get("/dat-kham/sang-loc/dien-thoai").content.decode()
    assert "Đang gọi đến: 0905\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}001" in said or "0905 000 001" in said
    assert "Nguyễn Thị Hạnh" in said


def test_a_set_that_is_none_is_refused(desk):
    answer = desk.post("/dat-kham/sang-loc/may", {"may": "1;2"}, follow=True).content.decode()
    assert "Số máy nhánh chỉ có chữ và số" in answer


def test_a_relative_is_named_in_words_and_never_by_a_code():
    assert [_relation(one) for one in ("SPS", "CHILD", "XYZ")] == ["Vợ hoặc chồng", "Con", "Người nhà"]
