"""Check-in is one transaction, repeatable, and leaves nothing half stored."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, connection

from tests.areas.booking.queue import desk
from yba.areas.booking.queue import actions, panels, queries
from yba.areas.booking.queue.actions import CheckedIn, NewPerson
from yba.care import coverages
from yba.care.line.models import Counter, Ticket
from yba.care.money import queries as money
from yba.care.money import rules as money_rules
from yba.care.money.models import Receipt
from yba.care.refusal import Refusal
from yba.fhir.errors import Conflict
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner_role import PractitionerRole

NEW = NewPerson("Trần Gia Bảo", date(2023, 5, 2), "male", "0905777888", "046223000111", "Tổ 4, Huế")


def done(found: CheckedIn | Refusal) -> CheckedIn:
    assert isinstance(found, CheckedIn), found
    return found


@pytest.mark.django_db
def test_a_booked_person_gets_number_visit_and_invoice() -> None:
    system = desk.build()
    booking = desk.booked(system)
    record = desk.at_desk()
    wish = desk.wish(record, card=desk.a_card(), method="cash")
    checked = done(actions.check_in_booking(record, appointment_id=str(booking.id), wish=wish))
    assert checked.ticket.code == "A 001"
    assert checked.ticket.priority == "booked"
    assert system.read(Appointment, str(booking.id)).status == "arrived"
    visit = system.read(Encounter, checked.ticket.encounter_id)
    assert (visit.status, visit.class_.code) == ("arrived", "AMB")
    assert visit.identifier[0].value == "A 001"
    assert visit.appointment[0].reference == f"Appointment/{booking.id}"
    assert visit.location[0].location.reference == "Location/p-204"
    assert visit.participant[0].individual is not None
    assert visit.participant[0].individual.reference == "Practitioner/bs"
    assert visit.serviceProvider is not None
    assert visit.serviceProvider.reference == "Organization/bv"
    assert checked.receipt is not None
    assert checked.receipt.amount == desk.FEE
    (invoice,) = money.invoices_of(record, encounter=str(visit.id))
    assert (invoice.status, money_rules.sum_of(invoice), money_rules.ticket_of(invoice)) == (
        "balanced",
        desk.FEE,
        "A 001",
    )
    coverage = coverages.coverage_of(record, "p1", date(2026, 11, 23))
    assert coverage is not None
    assert coverages.card_of(coverage) == "HT3464612345678"


@pytest.mark.django_db
def test_checking_in_twice_shows_the_same_number() -> None:
    system = desk.build()
    booking = desk.booked(system)
    record = desk.at_desk()
    first = done(actions.check_in_booking(record, appointment_id=str(booking.id), wish=desk.wish(record)))
    again = done(
        actions.check_in_booking(record, appointment_id=str(booking.id), wish=desk.wish(record, key="other"))
    )
    assert again.ticket.pk == first.ticket.pk
    assert (Ticket.objects.count(), system.count(Encounter)) == (1, 1)


@pytest.mark.django_db
def test_what_breaks_on_the_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    system = desk.build()
    booking = desk.booked(system)
    record = desk.at_desk()
    wish = desk.wish(record)

    def lost(*_args: object, **_kwargs: object) -> None:
        raise ConnectionError("the line went dead")

    monkeypatch.setattr("yba.areas.booking.queue.actions.money.charge", lost)
    with pytest.raises(ConnectionError):
        actions.check_in_booking(record, appointment_id=str(booking.id), wish=wish)
    monkeypatch.undo()
    assert system.read(Appointment, str(booking.id)).status == "booked"
    assert (Ticket.objects.count(), Counter.objects.count(), system.count(Encounter)) == (0, 0, 0)
    assert (
        done(actions.check_in_booking(record, appointment_id=str(booking.id), wish=wish)).ticket.code
        == "A 001"
    )


@pytest.mark.django_db
def test_a_walk_in_is_entered_and_numbered_in_one_step() -> None:
    system = desk.build()
    record = desk.at_desk()
    first = done(actions.check_in_walk_in(record, wish=desk.wish(record), person=NEW))
    again = done(actions.check_in_walk_in(record, wish=desk.wish(record), person=NEW))
    assert again.ticket.pk == first.ticket.pk
    assert first.ticket.priority == "under_6"
    assert system.read(Patient, first.ticket.patient_id).birthDate == "2023-05-02"
    with pytest.raises(Conflict) as known:
        actions.check_in_walk_in(record, wish=desk.wish(record, key="k2"), person=NEW)
    assert known.value.params["patient"] == first.ticket.patient_id
    waiting = actions.check_in_walk_in(
        record, wish=desk.wish(record, key="k3"), patient_id=first.ticket.patient_id
    )
    assert isinstance(waiting, Refusal)
    assert waiting.message == "Người này đã có số A 001 của phòng này hôm nay."


@pytest.mark.parametrize("kind", ["booking", "walk-in"])
def test_many_submits_at_once_make_one_number(committed: str, django_db_blocker: Any, kind: str) -> None:
    with django_db_blocker.unblock():
        system = desk.build()
        booking = desk.booked(system)
        found: list[CheckedIn | Refusal | Exception] = []
        gate = threading.Barrier(8)

        def press() -> None:
            try:
                record = desk.at_desk()
                wish = desk.wish(record, method="cash")
                gate.wait()
                if kind == "booking":
                    found.append(actions.check_in_booking(record, appointment_id=str(booking.id), wish=wish))
                else:
                    found.append(actions.check_in_walk_in(record, wish=wish, person=NEW))
            except (IntegrityError, Conflict) as error:
                found.append(error)
            finally:
                connection.close()

        hands = [threading.Thread(target=press) for _ in range(8)]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        assert {one.ticket.pk for one in found if isinstance(one, CheckedIn)} == {Ticket.objects.get().pk}
        assert len([one for one in found if isinstance(one, CheckedIn)]) == 8
        assert Receipt.objects.count() == 1
        assert Counter.objects.get().last == 1


@pytest.mark.django_db
def test_cancelling_a_check_in_puts_everything_back_unless_paid() -> None:
    system = desk.build()
    booking, other = desk.booked(system), desk.booked(system, "p2", skip=1)
    record = desk.at_desk()
    checked = done(actions.check_in_booking(record, appointment_id=str(booking.id), wish=desk.wish(record)))
    for _ in range(2):
        assert isinstance(actions.cancel_check_in(record, ticket=checked.ticket), Ticket)
    assert system.read(Appointment, str(booking.id)).status == "booked"
    assert system.read(Encounter, checked.ticket.encounter_id).status == "cancelled"
    assert [one.status for one in money.invoices_of(record, encounter=checked.ticket.encounter_id)] == [
        "cancelled"
    ]
    again = done(actions.check_in_booking(record, appointment_id=str(booking.id), wish=desk.wish(record)))
    assert again.ticket.code == "A 002"
    paid = done(
        actions.check_in_booking(record, appointment_id=str(other.id), wish=desk.wish(record, method="cash"))
    )
    with pytest.raises(actions.Paid):
        actions.cancel_check_in(record, ticket=paid.ticket)
    assert Ticket.objects.get(pk=paid.ticket.pk).status == "waiting"


@pytest.mark.django_db
def test_the_card_on_file_keeps_its_days() -> None:
    system = desk.build()
    patient = system.read(Patient, "p1")
    coverages.add_coverage(
        system, patient, card="HT3464612345678", start=date(2026, 1, 1), end=date(2026, 12, 31)
    )
    booking = desk.booked(system)
    record = desk.at_desk()
    posts = queries.posts_of(record, facility="bv")
    data = {"post": "vt", "card": "HT 3 46 4612345678", "card_end": "31/12/2026", "seen": "on"}
    panel = panels.of_booking(record, booking, posts=posts, data=data)
    assert panel.form.is_valid(), panel.form.errors
    assert panel.form.wish(key="k").card is None
    changed = panels.of_booking(record, booking, posts=posts, data={**data, "card_end": "31/12/2027"})
    assert changed.form.is_valid()
    assert changed.form.wish(key="k").card == actions.Card("HT3464612345678", end=date(2027, 12, 31))


@pytest.mark.django_db
def test_a_room_of_two_doctors_keeps_each_ticket_its_own() -> None:
    system = desk.build()
    role = system.read(PractitionerRole, "vt")
    role.id, role.practitioner = "vt2", Reference(reference="Practitioner/bs2", display="BS. Lê Hà")
    role.specialty = [
        CodeableConcept(coding=[Coding(system="https://yba.vn/fhir/cs/specialty", code="noi-tiet")])
    ]
    system.update(role)
    record = desk.at_desk()
    posts = queries.posts_of(record, facility="bv")
    assert {one.role_id for one in posts} == {"vt", "vt2"}
    second = next(one for one in posts if one.role_id == "vt2")
    checked = done(actions.check_in_walk_in(record, wish=desk.wish(record, post=second), patient_id="p1"))
    assert checked.ticket.doctor == "BS. Lê Hà"
    page = panels.issued(record, checked.ticket, link=str)
    assert page.doctor == "BS. Lê Hà"
    (state,) = queries.rooms_of(record, facility="bv", posts=posts)
    assert "Tim mạch" in state.specialty
    assert state.doctor == ""
