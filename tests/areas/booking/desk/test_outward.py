"""What a hospital's own system is told: every change once it counts, in order, again until it is taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from tests.areas.booking.province import HOSPITAL, NOW, agent, build, citizen, first_slot, opened
from yba.areas.booking import actions, outward
from yba.areas.booking.models import Outward
from yba.care.hospital_systems import Failed, News, Refused
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.r4.appointment import Appointment


class Hospital:
    """A system that notes what it is told, and may be out of order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.problem: Exception | None = None
        self.meanwhile: Any = None

    def tell(self, news: News) -> str:
        if self.problem is not None:
            raise self.problem
        self.heard.append((news.kind, news.id.partition(".")[2]))
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        return "taken"


HIS = Hospital()


def system_of(facility: str) -> Hospital | None:
    return HIS if facility == HOSPITAL else None


@pytest.fixture
def his(db, settings) -> Hospital:
    settings.YBA_HOSPITAL_SYSTEMS = f"{__name__}.system_of"
    HIS.__init__()  # type: ignore[misc]  # one for the module, as the setting names it
    connection.ensure_connection()
    build(opened(connection))
    return HIS


def ask() -> Appointment:
    record = opened(connection, citizen("p1"))
    return actions.book_appointment(record, slot_id=first_slot(record), patient_id="p1", reason="Ho")


def desk():
    return opened(connection, agent())


def send(minutes: int = 0) -> int:
    record = opened(connection, SYSTEM, at=lambda: NOW + timedelta(minutes=minutes))
    return outward.send_due(record, system_of=system_of)


def test_a_visit_is_told_when_it_is_confirmed_moved_and_called_off(his):
    asked = ask()
    assert (send(), his.heard) == (0, []), "a request is nobody's visit yet"
    actions.confirm_request(desk(), asked.id)
    assert (send(), send()) == (1, 0)
    actions.move_request(desk(), asked.id, slot_id=first_slot(opened(connection), skip=2))
    assert send() == 1
    actions.cancel_appointment(opened(connection, citizen("p1")), asked.id)
    assert send() == 1
    assert [kind for kind, _version in his.heard] == ["booked", "moved", "cancelled"]
    row = outward.of(asked.id)
    assert (row.state, row.receipt, row.known) == ("told", "taken", "cancelled")


def test_what_does_not_change_the_visit_is_not_told(his):
    asked = ask()
    actions.confirm_request(desk(), asked.id)
    send()
    actions.correct_request(desk(), asked.id, name="", phone="0912345678", reason="Ho khan", symptoms="")
    assert send() == 0
    assert len(his.heard) == 1


def test_two_changes_before_it_could_be_told_are_told_as_one(his):
    asked = ask()
    his.problem = Failed("no answer")
    actions.confirm_request(desk(), asked.id)
    assert send() == 0
    actions.move_request(desk(), asked.id, slot_id=first_slot(opened(connection), skip=2))
    his.problem = None
    assert send(minutes=1) == 1
    assert [kind for kind, _version in his.heard] == ["booked"]


def test_what_was_called_off_before_it_was_told_is_not_told(his):
    asked = ask()
    his.problem = Failed("no answer")
    actions.confirm_request(desk(), asked.id)
    send()
    actions.cancel_appointment(opened(connection, citizen("p1")), asked.id)
    his.problem = None
    assert send(minutes=1) == 0
    assert (his.heard, outward.of(asked.id).state) == ([], "told")


def test_without_an_answer_the_same_message_is_sent_again_and_again_later(his):
    asked = ask()
    actions.confirm_request(desk(), asked.id)
    his.problem = Failed("no answer")
    tried = []
    for minute in range(140):
        before = Outward.objects.get().tries
        send(minutes=minute)
        if Outward.objects.get().tries != before:
            tried.append(minute)
    assert tried == [0, 1, 3, 8, 18, 38, 78, 138]
    assert Outward.objects.get().problem == "no answer"
    his.problem = None
    assert send(minutes=198) == 1
    assert his.heard == [("booked", "1")]


def test_a_refusal_waits_for_a_person(his):
    asked = ask()
    actions.confirm_request(desk(), asked.id)
    his.problem = Refused("AR no such doctor")
    send()
    his.problem = None
    assert send(minutes=600) == 0
    assert (outward.of(asked.id).state, outward.of(asked.id).problem) == ("refused", "AR no such doctor")
    assert outward.again(HOSPITAL, now=NOW) == 1
    assert send() == 1


def test_what_changes_while_it_is_told_is_told_after(his):
    asked = ask()
    actions.confirm_request(desk(), asked.id)
    his.meanwhile = lambda: actions.cancel_appointment(opened(connection, citizen("p1")), asked.id)
    assert send() == 2
    assert [kind for kind, _version in his.heard] == ["booked", "cancelled"]


def test_a_sender_that_died_is_followed_by_another_with_the_same_message(his):
    asked = ask()
    actions.confirm_request(desk(), asked.id)
    record = opened(connection, SYSTEM)
    claim = outward._claimed(record)
    assert claim.news.id.endswith(".1")
    assert send(minutes=2) == 0, "the first still has it"
    assert send(minutes=3) == 1
    assert his.heard == [("booked", "1")]


def test_what_the_hospitals_system_wrote_itself_it_is_not_told(his):
    slot = first_slot(opened(connection))
    from yba.areas.booking import queries

    wanted = Appointment(
        status="booked", participant=[actions.participant_of(opened(connection).read("Patient", "p1"))]
    )
    actions.place(wanted, *queries.slot_and_post(opened(connection), slot))
    own = Actor(user="his", role="outside_system", name="HIS", facility=HOSPITAL)
    wanted.id = "a-his"
    outward.note_change(opened(connection, own), None, wanted)
    assert send() == 0
    assert outward.of("a-his").state == "told"


def test_a_visit_that_was_deleted_is_called_off(his):
    asked = ask()
    actions.confirm_request(desk(), asked.id)
    send()
    opened(connection).delete(Appointment, asked.id)
    assert send() == 1
    assert his.heard[-1][0] == "cancelled"


def test_a_facility_without_a_system_keeps_its_list_here(his):
    assert system_of("other") is None
    one = ask()
    one.status = "booked"
    next(tag for tag in one.meta.tag if tag.system.endswith("/facility")).code = "other"
    outward.note_change(desk(), None, one)
    assert not Outward.objects.exists()
