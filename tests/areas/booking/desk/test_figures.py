"""The desk in figures: by agent and hour, each call and each request counted where it belongs."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from yba.areas.booking.desk import figures
from yba.areas.booking.models import Contact
from yba.site.accounts.models import Account

DAY = date(2026, 11, 23)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}:00+07:00")


def note(
    request: str, kind: str, when: str, *, agent: str = "a", asked: str = "23T08:00", facility: str = "bv"
) -> None:
    Contact.objects.create(
        appointment_id=request, kind=kind, at=at(when), asked_at=at(asked), agent=agent, agent_name=agent.upper(),
        facility=facility,
    )  # fmt: skip


@pytest.fixture
def day(db) -> None:
    note("1", "called", "23T08:10")
    note("1", "unreached", "23T08:12")
    note("1", "called", "23T09:00", agent="b")
    note("1", "confirmed", "23T09:05", agent="b")
    note("2", "called", "23T08:20", asked="23T08:00")
    note("2", "moved", "23T08:25")
    note("2", "confirmed", "23T08:26")
    note("3", "taken-over", "23T09:30", agent="b", asked="23T09:00")
    note("3", "refused", "23T09:31", agent="b")
    note("4", "called", "22T16:00", asked="22T15:00")
    note("4", "called", "23T08:40", asked="22T15:00")
    note("5", "called", "23T08:00", facility="other")


def test_by_agent_by_hour_and_in_all(day):
    found = figures.figures("bv", first=DAY, last=DAY)
    none = dict.fromkeys(figures.OUTCOMES, 0)
    assert found.agents == [
        figures.Line("A", 3, none | {"unreached": 1, "moved": 1, "confirmed": 1}, 15),
        figures.Line("B", 2, none | {"confirmed": 1, "refused": 1}, 30),
    ]
    assert [(one.name, one.calls, one.first) for one in found.hours] == [("08", 3, 15), ("09", 2, 30)]
    assert (found.total.calls, found.total.first) == (5, 20)
    assert (
        sum(one.calls for one in found.agents) == sum(one.calls for one in found.hours) == found.total.calls
    )


def test_of_one_agent_and_of_days_without_calls(day):
    found = figures.figures("bv", first=DAY, last=DAY, agent="b")
    assert [one.name for one in found.agents] == ["B"]
    assert found.total.calls == 2
    assert figures.figures("bv", first=DAY + timedelta(days=1), last=DAY + timedelta(days=2)).agents == []


def test_the_table_is_read_back_and_no_name_is_a_formula(day):
    note("6", "called", "23T10:00", agent="=cmd")
    text = figures.as_csv(
        figures.figures("bv", first=DAY, last=DAY), head=["h"] * 9, agents="agent", hours="hour"
    )
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert rows[1] == ["agent", "A", "3", "1", "1", "0", "1", "0", "15"]
    assert ["agent", "'=CMD", "1", "0", "0", "0", "0", "0", "120"] in rows


def client(role: str) -> Client:
    account = Account.objects.create_account(f"n-{role}", role=role, facility="bv", name="Linh")
    found = Client()
    found.force_login(account)
    return found


SPAN = "?tu=23/11/2026&den=23/11/2026"


def test_the_administrator_sees_everybody_an_agent_themselves_and_a_doctor_nothing(day):
    boss = client("facility_administrator").get(f"/dat-kham/sang-loc/so-lieu{SPAN}").content.decode()
    assert ">A<" in boss
    assert ">B<" in boss
    own = client("customer_care").get(f"/dat-kham/sang-loc/so-lieu{SPAN}").content.decode()
    assert ">A<" not in own
    assert client("doctor").get(f"/dat-kham/sang-loc/so-lieu{SPAN}").status_code == 404


def test_csv_and_spans_that_are_too_long_or_turned_round(day):
    boss = client("facility_administrator")
    answer = boss.get(f"/dat-kham/sang-loc/so-lieu{SPAN}&dang=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    for span in ("?tu=01/01/2026&den=23/11/2026", "?tu=23/11/2026&den=22/11/2026", "?tu=x"):
        assert boss.get(f"/dat-kham/sang-loc/so-lieu{span}").status_code == 422
