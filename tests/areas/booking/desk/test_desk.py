"""Claims, filters and outcomes of the desk, in the right order and the wrong one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from tests.areas.booking.province import HOSPITAL, NOW, agent, build, citizen, first_slot, opened
from yba.areas.booking import actions, rules
from yba.areas.booking.desk import actions as desk
from yba.areas.booking.desk import claims, queries
from yba.areas.booking.desk import rules as figures
from yba.areas.booking.desk.queries import Wanted
from yba.areas.booking.models import Claim, Contact, Progress
from yba.care.messages.models import Message
from yba.fhir.access import Actor
from yba.fhir.errors import Invalid
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.slot import Slot

NO_ANSWER = figures.book().reasons["unreachable"]["no-answer"]


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), people=3)


def ask(person: str, *, phone: str = "", reason: str = "Ho", skip: int = 0) -> Appointment:
    record = opened(connection, citizen(person))
    return actions.book_appointment(
        record, slot_id=first_slot(record, skip=skip), patient_id=person, reason=reason, phone=phone
    )


def mine(name: str = "Mai Linh", minutes: int = 0):
    return opened(connection, agent(name), at=lambda: NOW + timedelta(minutes=minutes))


def test_two_agents_do_not_hold_the_same_request(house):
    asked = ask("p1")
    assert claims.take(mine(), asked).mine
    other = claims.take(mine("Thu Hiền"), asked)
    assert (other.mine, other.claim.agent_name) == (False, "Mai Linh")
    claims.let_go(mine(), asked.id)
    assert claims.take(mine("Thu Hiền"), asked).mine


def test_who_holds_a_person_or_a_number_holds_their_other_requests_too(house):
    first, second = ask("p1", phone="0912345678"), ask("p1", phone="0987654321")
    child, stranger = ask("p2", phone="0912345678"), ask("p3", phone="0911111111")
    assert claims.take(mine(), first).mine
    assert not claims.take(mine("Thu Hiền"), second).mine, "the same person under another number"
    assert not claims.take(mine("Thu Hiền"), child).mine, "the same number for another person"
    assert claims.take(mine("Thu Hiền"), stranger).mine
    assert claims.take(mine(), child).mine


def test_a_claim_runs_out_is_lengthened_by_work_and_taking_over_is_said(house):
    asked = ask("p1")
    assert claims.take(mine(minutes=0), asked).before is None
    assert claims.take(mine(minutes=8), asked).mine
    assert not claims.take(mine("Thu Hiền", minutes=17), asked).mine
    over = claims.take(mine("Thu Hiền", minutes=18), asked)
    assert over.mine
    assert over.before.agent_name == "Mai Linh"
    assert list(Contact.objects.values_list("kind", "agent_name", "note").order_by("id")) == [
        ("called", "Mai Linh", ""), ("taken-over", "Thu Hiền", "Mai Linh"),
    ]  # fmt: skip
    assert not claims.take(mine(minutes=18), asked).mine


def test_the_list_has_the_facilitys_requests_and_nobody_elses(house):
    asked = ask("p1")
    assert [one.booking.id for one in queries.waiting_list(mine(), now=NOW)] == [asked.id]
    other = opened(connection, Actor(user="x", role="customer_care", name="X", facility="other"))
    assert queries.waiting_list(other, now=NOW) == []


def test_filters_leave_what_they_say(house):
    first, second = ask("p1"), ask("p2")
    claims.take(mine(), first)
    later = NOW + timedelta(hours=4)
    rows = queries.waiting_list(mine(minutes=2), now=NOW + timedelta(minutes=2))
    assert {one.channel for one in rows} == {"app"}
    assert {one.specialty_code for one in rows} == {"tim-mach"}
    assert {one.department for one in rows} == {"204"}
    assert [one.booking.id for one in rows if Wanted(mine=True).fits(one)] == [first.id]
    assert not any(one.late for one in rows)
    assert [Wanted(late=True).fits(one) for one in queries.waiting_list(mine(), now=later)] == [True, True]
    for wanted in (Wanted("tim-mach"), Wanted(channel="app"), Wanted(department="204")):
        assert [wanted.fits(one) for one in rows] == [True, True]
    for wanted in (Wanted("mat"), Wanted(channel="his"), Wanted(department="205")):
        assert [wanted.fits(one) for one in rows] == [False, False]
    assert second.id in {one.booking.id for one in rows}


def test_the_list_costs_the_same_at_one_and_at_thirty(house, monkeypatch):
    from yba.fhir.record import Record

    asked: list[str] = []
    search = Record.find
    monkeypatch.setattr(
        Record, "find", lambda self, kind, *more: asked.append(str(kind)) or search(self, kind, *more)
    )
    ask("p1")
    asked.clear()
    queries.waiting_list(mine(), now=NOW)
    one = len(asked)
    for _ in range(7):
        ask("p1")
    for _ in range(8):
        ask("p2")
    asked.clear()
    assert len(queries.waiting_list(mine(), now=NOW)) == 16
    assert len(asked) == one


def test_nobody_answers_by_plan_until_the_person_is_told_and_the_seat_is_free(house):
    asked = ask("p1", phone="0912345678", skip=10)
    slot = rules.slot_id_of(asked)
    early, minutes = NOW + timedelta(hours=1, minutes=30), 90
    claims.take(mine(minutes=minutes), asked)
    tried = desk.unreached(mine(minutes=minutes), asked.id, reason=NO_ANSWER)
    assert (tried.attempts, tried.next_at) == (1, early + timedelta(minutes=30))
    assert not Claim.objects.exists()
    resting = queries.waiting_list(mine(), now=early)[0]
    assert (resting.late, resting.attempts, resting.next_at) == (False, 1, early + timedelta(minutes=30))
    assert queries.waiting_list(mine(), now=early + timedelta(minutes=31))[0].late
    tried = desk.unreached(mine(minutes=minutes + 30), asked.id, reason=NO_ANSWER)
    visit = rules.moment(asked.start)
    assert tried.next_at == visit - timedelta(minutes=60), "two hours later would be too near to the visit"
    tried = desk.unreached(mine(minutes=150), asked.id, reason=NO_ANSWER)
    assert (tried.attempts, tried.next_at) == (3, None)
    kept = mine().read(Appointment, asked.id)
    assert kept.status == "cancelled"
    assert kept.cancelationReason.text.startswith("Đã gọi 3 lần không gặp.")
    assert opened(connection).read(Slot, slot).status == "free"
    told = Message.objects.get()
    assert (told.kind, told.to_phone) == ("booking.unreached", "0912345678")
    assert not Progress.objects.exists()
    assert desk.unreached(mine(), asked.id, reason=NO_ANSWER).outcome.result == "already"
    assert Contact.objects.filter(kind="unreached").count() == 3
    assert Contact.objects.filter(kind="ended").count() == 1


def test_asked_for_twice_one_goes_and_one_stays(house):
    first, second, other = ask("p1", phone="0912345678"), ask("p1", phone="0912345678"), ask("p2")
    from yba.areas.booking.queries import booking_of

    assert [one.id for one in queries.other_requests(mine(), booking_of(first))] == [second.id]
    for kept in (other.id, first.id):
        with pytest.raises(Invalid, match="same person"):
            desk.same_as(mine(), first.id, kept=kept)
    assert desk.same_as(mine(), first.id, kept=second.id).result == "done"
    assert desk.same_as(mine(), first.id, kept=second.id).result == "already"
    gone = mine().read(Appointment, first.id)
    assert gone.status == "cancelled"
    assert next(one for one in gone.extension if one.url == desk.DUPLICATE_OF).valueReference.reference == (
        f"Appointment/{second.id}"
    )
    assert mine().read(Appointment, second.id).status == "pending"
    assert [one.kind for one in Message.objects.all()] == ["booking.duplicate"]
    with pytest.raises(Invalid):
        desk.same_as(mine(), second.id, kept=first.id)


def test_a_refusal_keeps_its_code_and_its_words(house):
    asked = ask("p1")
    reason = figures.book().reasons["refuse"]["doctor-away"]
    assert desk.refuse(mine(), asked.id, reason=reason, added="Mời đặt lại từ thứ Hai").result == "done"
    kept = mine().read(Appointment, asked.id).cancelationReason
    assert kept.text == "Bác sĩ nghỉ, không có người thay. Mời đặt lại từ thứ Hai"
    assert [(one.system, one.code) for one in kept.coding] == [(desk.REASON_CS, "prov-pers")]
    noted = Contact.objects.get(kind="refused")
    assert (noted.reason, noted.agent, noted.facility) == ("doctor-away", "a-Mai Linh", HOSPITAL)


def test_another_time_and_its_confirmation_are_one_act(house):
    asked = ask("p1", phone="0912345678")
    new = first_slot(opened(connection), skip=3)
    outcome = desk.move_and_confirm(mine(), asked.id, slot_id=new, reason="wish", confirmed=True)
    assert (outcome.result, outcome.appointment.status) == ("done", "booked")
    assert rules.slot_id_of(outcome.appointment) == new
    assert [one.kind for one in Message.objects.all()] == ["booking.confirmed"]
    assert Contact.objects.get(kind="moved").reason == "wish"
    again = desk.move_and_confirm(mine(), asked.id, slot_id=new, reason="wish", confirmed=True)
    assert again.result == "already"
    assert Message.objects.count() == 1


def test_what_the_person_called_off_is_nobodys_call_any_more(house):
    asked = ask("p1")
    claims.take(mine(), asked)
    desk.unreached(mine(), asked.id, reason=NO_ANSWER)
    actions.cancel_appointment(opened(connection, citizen("p1")), asked.id)
    assert not Claim.objects.exists()
    assert not Progress.objects.exists()
    assert queries.waiting_list(mine(), now=NOW) == []
