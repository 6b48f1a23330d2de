"""Visits nobody came to: marked, excused, what follows by the facility's rule, and the appeal against it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.areas.booking.province import HOSPITAL, NOW, TAG, agent, build, citizen, opened
from yba.areas.booking import actions, misses, policies, queries, waiting
from yba.areas.booking.desk import claims, closing
from yba.areas.booking.models import Appeal, Contact, Seat
from yba.areas.booking.policies import MissedRule, Standing
from yba.care.messages.models import Message
from yba.fhir.access import Actor
from yba.fhir.errors import Conflict, Forbidden, Invalid, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Coding, Period, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.slot import Slot
from yba.site.accounts.models import Account

DESK = Actor(user="td", role="receptionist", facility=HOSPITAL, name="Trang")
HEAD = Actor(user="qt", role="facility_administrator", facility=HOSPITAL, name="Quản trị")
FAMILY = citizen("p1", "p2")
#: Monday evening of 23 November 2026, after the day's last visit.
EVENING = datetime(2026, 11, 23, 16, 45, tzinfo=UTC)
RULE = MissedRule(
    within=90, telephone_after=1, telephone_days=30, closed_after=2, closed_days=60, day_end=True
)


@pytest.fixture
def house(db):
    connection.ensure_connection()
    build(opened(connection), days=4, people=3)
    misses.set_rule(opened(connection, HEAD), RULE)
    return connection


def at(house, actor=None, now=EVENING):
    return opened(house, *([actor] if actor else []), at=lambda: now)


def slots(house):
    return [one.id for one in opened(house).find(Slot, ("_sort", "start"))]


def booked(house, person="p1", slot=0):
    made = actions.book_for_caller(
        opened(house, DESK), slot_id=slots(house)[slot], patient_id=person, reason="Ho", phone="0905123456",
        channel="desk", once=f"{person}{slot}",
    )  # fmt: skip
    return made.id


def missed_twice(house, person="p1"):
    keys = [booked(house, person, 0), booked(house, person, 1)]
    for key in keys:
        assert misses.mark(at(house, DESK), key).result == "done"
    return keys


def ask(house, person="p1", *, actor=FAMILY, reason="Ho", now=EVENING, slot=20):
    return actions.book_appointment(
        at(house, actor, now), slot_id=slots(house)[slot], patient_id=person, reason=reason
    )


DAYS = st.lists(st.integers(0, 200), max_size=12)


@settings(suppress_health_check=[HealthCheck.too_slow])  # of a machine that does much else
@given(DAYS, st.integers(1, 5), st.integers(1, 120), st.integers(1, 90), st.integers(0, 320))
def test_what_follows_is_what_any_count_of_the_days_gives(days, after, within, lasts, today):
    first = datetime(2026, 1, 1, 2, tzinfo=UTC)
    rule = MissedRule(within=within, closed_after=after, closed_days=lasts)
    moments = [first + timedelta(days=one) for one in days]
    found = policies.standing(moments, rule, now=first + timedelta(days=today))
    ends = [
        one + lasts for one in days
        if sum(one - within <= other <= one for other in days) >= after
    ]  # fmt: skip
    last = max(ends, default=None)
    expected = None
    if last is not None and last > today:
        expected = Standing("closed", first + timedelta(days=last), after, within)
    assert found == expected


def test_the_rule_is_kept_as_it_was_set_and_by_nobody_else(house):
    assert misses.rule_of(opened(house), HOSPITAL) == RULE
    assert misses.rule_of(opened(house), "khac") == MissedRule()
    with pytest.raises(Forbidden):
        misses.set_rule(opened(house, DESK), MissedRule())


def test_a_person_marks_and_excuses_with_a_reason_that_is_kept(house):
    key = booked(house)
    with pytest.raises(Conflict) as refused:
        misses.mark(at(house, DESK, NOW), key)
    assert refused.value.key == "booking.not-begun"
    assert misses.mark(at(house, DESK), key).result == "done"
    assert misses.mark(at(house, DESK), key).result == "already"
    assert Seat.objects.count() == 0
    assert Message.objects.filter(kind="booking.missed").count() == 1
    assert misses.standing_of(at(house), "p1", HOSPITAL).kind == "telephone"
    with pytest.raises(Invalid):
        misses.excuse(at(house, DESK), key, reason=" ")
    assert misses.excuse(at(house, DESK), key, reason="Xe hỏng, đã gọi báo").result == "done"
    assert misses.excuse(at(house, DESK), key, reason="x").result == "already"
    stored = opened(house).read(Appointment, key)
    assert (stored.status, misses.excuse_of(stored)) == ("noshow", "Xe hỏng, đã gọi báo")
    noted = Contact.objects.get(appointment_id=key, kind="excused")
    assert (noted.agent_name, noted.note) == ("Trang", "Xe hỏng, đã gọi báo")
    assert misses.standing_of(at(house), "p1", HOSPITAL) is None
    with pytest.raises(Forbidden):
        misses.excuse(at(house, FAMILY), key, reason="Tôi có đến")


def test_the_day_s_end_marks_only_who_did_not_come_where_somebody_was_received(house):
    over, here, later = booked(house, "p1", 0), booked(house, "p2", 1), booked(house, "p3", 30)
    assert misses.close_days(at(house)) == 0, "nobody was received that day: nobody is called absent"
    came = opened(house).read(Appointment, here)
    came.status = "arrived"
    opened(house).update(came)
    assert misses.close_days(at(house, now=NOW)) == 0, "the day is not over"
    misses.set_rule(opened(house, HEAD), MissedRule(day_end=False))
    assert misses.close_days(at(house)) == 0
    misses.set_rule(opened(house, HEAD), RULE)
    assert misses.close_days(at(house)) == 1
    assert misses.close_days(at(house)) == 0
    found = {key: opened(house).read(Appointment, key).status for key in (over, here, later)}
    assert found == {over: "noshow", here: "arrived", later: "booked"}


def test_a_block_stops_the_app_alone_and_this_person_alone(house):
    missed_twice(house)
    with pytest.raises(Conflict) as refused:
        ask(house)
    assert (refused.value.key, refused.value.params["count"]) == ("booking.blocked", 2)
    assert refused.value.params["until"].startswith("2027-01-22T07:50")
    wish = {"first": NOW.date(), "last": NOW.date() + timedelta(days=9), "reason": "Ho", "phone": ""}
    with pytest.raises(Conflict) as refused:
        waiting.join(at(house, FAMILY), role_id="vt", patient_id="p1", **wish)
    assert refused.value.key == "booking.blocked"
    bare = Appointment(
        status="pending", participant=[actions.participant_of(opened(house).read("Patient", "p1"))]
    )
    actions.place(bare, *queries.slot_and_post(opened(house), slots(house)[20]))
    with pytest.raises(Conflict):
        at(house, FAMILY).create(bare)
    child = Actor(user=FAMILY.user, role="citizen", persons=frozenset({"p2"}), person="p2")
    assert ask(house, "p2", slot=21, actor=child).status == "pending", "the same account asks for another"
    assert ask(house, reason="Đau ngực, khó thở", slot=22).status == "pending", (
        "an emergency reaches the desk"
    )
    for slot, staff in ((23, DESK), (24, agent())):
        assert ask(house, actor=staff, slot=slot).status == "pending"
    assert ask(house, now=EVENING + timedelta(hours=30), slot=40, actor=citizen("p3"), person="p3")
    assert misses.standing_of(at(house, now=EVENING + timedelta(days=61)), "p1", HOSPITAL) is None


def test_an_appeal_is_made_once_decided_with_a_reason_and_told(house):
    keys = missed_twice(house)
    with pytest.raises(NotFound):
        misses.appeal(at(house, citizen("p3")), patient_id="p1", facility=HOSPITAL, text="Tôi có đến")
    with pytest.raises(Invalid):
        misses.appeal(at(house, FAMILY), patient_id="p2", facility=HOSPITAL, text="Tôi có đến")
    made = misses.appeal(
        at(house, FAMILY), patient_id="p1", facility=HOSPITAL, text="Cả hai lần đều nằm viện"
    )
    assert misses.appeal(at(house, FAMILY), patient_id="p1", facility=HOSPITAL, text="Nữa").pk == made.pk
    elsewhere = Actor(user="x", role="receptionist", facility="khac", name="Lan")
    with pytest.raises(NotFound):
        misses.decide(at(house, elsewhere), made.pk, granted=True, reason="x")
    assert [one.pk for one in misses.open_appeals(at(house, DESK))] == [made.pk]
    done = misses.decide(at(house, DESK), made.pk, granted=False, reason="Không có giấy ra viện")
    assert (done.outcome, done.decided_by) == ("refused", "Trang")
    assert Message.objects.filter(kind="booking.appeal").count() == 1
    with pytest.raises(Conflict):
        ask(house)
    again = misses.appeal(at(house, FAMILY), patient_id="p1", facility=HOSPITAL, text="Gửi kèm giấy")
    misses.decide(at(house, DESK), again.pk, granted=True, reason="Đã có giấy ra viện")
    assert [misses.excuse_of(opened(house).read(Appointment, key)) for key in keys] == [
        "Đã có giấy ra viện"
    ] * 2
    assert ask(house).status == "pending"
    assert misses.decide(at(house, DESK), again.pk, granted=False, reason="x").outcome == "granted"
    assert Appeal.objects.count() == 2


# -- pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(house, monkeypatch):
    monkeypatch.setattr("yba.ui.requests.now", lambda: EVENING)

    def of(login, role, **more):
        account = Account.objects.create_account(login, role=role, **more)
        for number in (1, 2) if role == "citizen" else ():
            account.links.create(patient_id=f"p{number}", relation="ban-than" if number == 1 else "con")
        client = Client()
        client.force_login(account)
        return client

    return of


def test_from_the_desk_s_mark_to_the_citizen_s_appeal_and_back(house, browser):
    keys = [booked(house, "p1", 0), booked(house, "p1", 1)]
    desk = browser("nv-td", "receptionist", facility=HOSPITAL, name="Trang")
    page = desk.get(reverse("booking:missed")).content.decode()
    assert all(reverse("booking:mark_missed", args=[key]) in page for key in keys)
    for key in keys:
        marked = desk.post(reverse("booking:mark_missed", args=[key]), follow=True).content.decode()
        assert "không đến, và đã nhắn." in marked
    hanh = browser("0905123456", "citizen")
    assert reverse("booking:own_missed") in hanh.get(reverse("booking:mine")).content.decode()
    sent = {"patient": "p1", "reason": "Ho", "phone": "0905123456", "once": "k", "slot": slots(house)[20]}
    answer = hanh.post(reverse("booking:book", args=["vt"]), sent)
    assert answer.status_code == 409
    assert "đã lỡ 2 lượt trong 90 ngày nên cơ sở chưa nhận đặt qua ứng dụng đến" in answer.content.decode()
    own = reverse("booking:own_missed")
    page = hanh.get(own).content.decode()
    assert "Lỡ 2 lượt trong 90 ngày: chưa đặt qua ứng dụng được đến 7:50, thứ Sáu 22/01." in page
    assert "gọi 115 hoặc đến thẳng" in page
    assert hanh.post(own, {"nguoi": "p1", "noi": HOSPITAL, "vi-sao": ""}).status_code == 422
    assert hanh.post(own, {"nguoi": "p3", "noi": HOSPITAL, "vi-sao": "x"}).status_code == 404
    said = {"nguoi": "p1", "noi": HOSPITAL, "vi-sao": "Hai lần đều nằm viện"}
    assert "Đã khiếu nại, chờ cơ sở trả lời." in hanh.post(own, said, follow=True).content.decode()
    made = Appeal.objects.get()
    shown = desk.get(reverse("booking:missed")).content.decode()
    assert "Hai lần đều nằm viện" in shown
    assert "Lượt đang tính là lỡ: 7:30" in shown
    url = reverse("booking:decide_appeal", args=[made.pk])
    assert "người bệnh sẽ đọc" in desk.post(url, {"tra-loi": "co", "ly-do": ""}, follow=True).content.decode()
    desk.post(url, {"tra-loi": "co", "ly-do": "Đã có giấy ra viện"})
    page = hanh.get(own).content.decode()
    assert "Được chấp nhận" in page
    assert "Đã có giấy ra viện" in page
    assert "Không có gì bị hạn chế" in page
    assert hanh.post(reverse("booking:book", args=["vt"]), sent).status_code == 302
    assert hanh.get(reverse("booking:missed")).status_code == 404


def test_the_administrator_sets_the_rule_and_a_request_is_confirmed_once_spoken_to(house, browser):
    head = browser("nv-qt", "facility_administrator", facility=HOSPITAL, name="Quản trị")
    url = reverse("booking:missed_rule")
    said = {
        "within": "30",
        "telephone_after": "1",
        "telephone_days": "20",
        "closed_after": "0",
        "closed_days": "0",
    }
    assert head.post(url, said).status_code == 302
    assert misses.rule_of(opened(house), HOSPITAL) == MissedRule(30, 1, 20)
    assert head.post(url, said | {"within": "0"}).status_code == 422
    misses.mark(at(house, DESK), booked(house))
    made = ask(house)
    care = browser("nv-cs", "customer_care", facility=HOSPITAL, name="Mai Linh")
    request, confirm = reverse("booking:request", args=[made.id]), reverse("booking:confirm", args=[made.id])
    assert "Lỡ 1 lượt trong 30 ngày" in care.get(request).content.decode()
    assert "Đã nói chuyện với người bệnh thì mới xác nhận" in care.post(confirm, follow=True).content.decode()
    assert opened(house).read(Appointment, made.id).status == "pending"
    care.post(confirm, {"da-noi": "1"})
    assert opened(house).read(Appointment, made.id).status == "booked"


def test_every_answer_to_an_appeal_is_told_also_the_second_and_when_nothing_counts_any_more(house):
    keys = missed_twice(house)
    for words in ("Nằm viện", "Gửi kèm giấy"):
        made = misses.appeal(at(house, FAMILY), patient_id="p1", facility=HOSPITAL, text=words)
        misses.decide(at(house, DESK), made.pk, granted=False, reason="Không có giấy")
    assert Message.objects.filter(kind="booking.appeal").count() == 2, "the second refusal is told too"
    last = misses.appeal(at(house, FAMILY), patient_id="p1", facility=HOSPITAL, text="Lần nữa")
    for key in keys:
        misses.excuse(at(house, DESK), key, reason="Đã gọi báo")
    misses.decide(at(house, DESK), last.pk, granted=True, reason="Đã bỏ qua cả hai lượt")
    assert Message.objects.filter(kind="booking.appeal").count() == 3


def test_who_was_received_without_the_booking_is_not_called_absent_by_the_day_s_end(house):
    """Reception took the person as a walk-in: the visit is theirs though the booking was not checked in."""
    absent, walked_in, here = booked(house, "p1", 0), booked(house, "p3", 2), booked(house, "p2", 1)
    came = opened(house).read(Appointment, here)
    came.status = "arrived"
    opened(house).update(came)
    opened(house).update(
        Encounter(
            id="kham-p3", status="in-progress", meta=TAG, subject=Reference(reference="Patient/p3"),
            class_=Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="AMB"),
            period=Period(start="2026-11-23T09:10:00+07:00"),
            serviceProvider=Reference(reference=f"Organization/{HOSPITAL}"),
        )
    )  # fmt: skip
    assert misses.close_days(at(house)) == 1
    assert {key: opened(house).read(Appointment, key).status for key in (absent, walked_in)} == {
        absent: "noshow", walked_in: "booked",
    }  # fmt: skip


def test_the_pages_say_what_became_of_an_appeal_and_keep_what_was_typed(house, browser):
    keys = missed_twice(house)
    hanh, desk = (
        browser("0905123456", "citizen"),
        browser("nv-td", "receptionist", facility=HOSPITAL, name="Trang"),
    )
    own = reverse("booking:own_missed")
    said = {"nguoi": "p1", "noi": HOSPITAL, "vi-sao": "Hai lần đều nằm viện"}
    hanh.post(own, said)
    url = reverse("booking:decide_appeal", args=[Appeal.objects.get().pk])
    desk.post(url, {"tra-loi": "khong", "ly-do": "Không có giấy"})
    second = desk.post(url, {"tra-loi": "co", "ly-do": "Có giấy"}, follow=True).content.decode()
    assert "Khiếu nại này đã có người trả lời: Không được chấp nhận." in second
    kept = hanh.post(own, said | {"vi-sao": "x" * 1001})
    assert (kept.status_code, "x" * 1001 in kept.content.decode()) == (422, True)
    assert "Viết ngắn hơn: nhiều nhất 1000 chữ." in kept.content.decode()
    for key in keys:
        misses.excuse(at(house, DESK), key, reason="Đã gọi báo")
    late = hanh.post(own, said, follow=True).content.decode()
    assert "Không còn lượt nào bị tính là lỡ ở đây." in late
    assert Appeal.objects.count() == 1


def test_a_request_nobody_called_about_is_ended_at_the_day_s_end_and_the_person_is_told(house):
    """It would leave the desk's list on the second day, and the person would wait for a call that does not come."""
    over, held, later = (
        ask(house, one, actor=citizen(one), slot=slot, now=NOW).id
        for one, slot in (("p1", 0), ("p2", 1), ("p3", 30))
    )
    claims.take(at(house, agent()), opened(house).read(Appointment, held))
    assert closing.close_unanswered(at(house, now=NOW)) == 0, "its time is not over"
    assert Seat.objects.filter(holder=over).count() == 1
    assert closing.close_unanswered(at(house)) == 1
    assert closing.close_unanswered(at(house)) == 0
    found = {key: opened(house).read(Appointment, key).status for key in (over, held, later)}
    assert found == {over: "cancelled", held: "pending", later: "pending"}, "one an agent is at is left"
    message = Message.objects.get(kind="booking.unanswered")
    assert message.subject == over
    assert Contact.objects.get(appointment_id=over).kind == "ended"
    assert Seat.objects.filter(holder=over).count() == 0
    day_after = EVENING + timedelta(hours=24)
    assert closing.close_unanswered(at(house, now=day_after)) == 1, "the claim has run out by then"
