"""Stock: first to expire first, never below zero, nothing twice, nothing expired."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests.areas.clinic.stage import HOUSE, Stage, allergy, as_role, drug, drug_code, stage, tagged
from tests.builders import a_patient
from yba.areas.pharmacy import actions, queries, rules
from yba.areas.pharmacy.models import Handover, Lot, Movement
from yba.care.refusal import Refusal
from yba.fhir.r4.datatypes import Coding, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.invoice import Invoice
from yba.fhir.r4.medication_dispense import MedicationDispense
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.record import Record

TODAY = date(2026, 11, 24)


def lot(balance: int, *, days: int = 100, number: str = "L1", code: str = "", facility: str = HOUSE) -> Lot:
    return Lot.objects.create(
        facility=facility, drug=code or drug_code("paracetamol", "500 mg"), number=number,
        expiry=TODAY + timedelta(days=days), balance=balance,
    )  # fmt: skip


def counter(record: Record, **more: Any) -> Record:
    return as_role(record, "pharmacist", **more)


@pytest.fixture
def room(record: Record) -> Stage:
    return stage(record)


def prescribe(room: Stage, *codes: str) -> tuple[str, list[str]]:
    """Ten of each; the code and the ids of the lines."""
    wanted = codes or (drug_code("paracetamol", "500 mg"),)
    room.write(drugs=tuple(drug(code, f"d{at}") for at, code in enumerate(wanted, 1)))
    code = room.finish().prescription
    return code, [str(one.id) for one in queries.lines_of(counter(room.record), code)]


def test_first_to_expire_first_out_and_expired_never() -> None:
    lots = [
        Lot(number="late", expiry=TODAY + timedelta(days=90), balance=50),
        Lot(number="gone", expiry=TODAY - timedelta(days=1), balance=50),
        Lot(number="soon", expiry=TODAY, balance=3),
        Lot(number="none", expiry=TODAY, balance=0),
    ]
    chosen = [(one.lot.number, one.quantity) for one in rules.picks(lots, 10, today=TODAY)]
    assert chosen == [("soon", 3), ("late", 7)]
    assert sum(one.quantity for one in rules.picks(lots, 100, today=TODAY)) == 53


def test_a_handover_writes_dispense_ledger_balance_and_bill(room: Stage) -> None:
    code, (line,) = prescribe(room)
    first, second = lot(4, days=10, number="A"), lot(50, days=90, number="B")
    lot(50, days=-1, number="Z")
    own = counter(room.record)
    assert [(one.code, one.left) for one in queries.waiting(own)] == [(code, 1)]
    done = actions.dispense(own, code=code, quantities={line: 10}, key="k1")
    assert isinstance(done, actions.Dispensed)
    made = own.find(MedicationDispense)
    assert [(one.status, one.quantity and one.quantity.value, one.note[0].text) for one in made] == [
        ("completed", Decimal(10), "Lô A: 4, B: 6")
    ]
    assert made[0].authorizingPrescription[0].reference == f"MedicationRequest/{line}"
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.balance, second.balance) == (0, 44)
    assert sorted(Movement.objects.values_list("lot__number", "quantity", "reason")) == [
        ("A", -4, "dispense"), ("B", -6, "dispense"),
    ]  # fmt: skip
    bills = room.record.find(Invoice)
    assert [(one.status, one.totalGross and one.totalGross.value) for one in bills] == [
        ("issued", Decimal(12000))
    ]
    assert queries.waiting(own) == []


def test_a_second_click_hands_over_nothing_more(room: Stage) -> None:
    code, (line,) = prescribe(room)
    shelf = lot(100)
    own = counter(room.record)
    actions.dispense(own, code=code, quantities={line: 4}, key="k1")
    again = actions.dispense(own, code=code, quantities={line: 4}, key="k1")
    assert isinstance(again, actions.Dispensed)
    assert again.again
    shelf.refresh_from_db()
    assert (shelf.balance, Handover.objects.count()) == (96, 1)
    rest = actions.dispense(own, code=code, quantities={line: 6}, key="k2")
    assert isinstance(rest, actions.Dispensed)
    more = actions.dispense(own, code=code, quantities={line: 1}, key="k3")
    assert isinstance(more, Refusal)
    assert more.key == "dispense.more"


def test_too_little_stock_writes_nothing_and_the_part_stays_owed(room: Stage) -> None:
    codes = drug_code("paracetamol", "500 mg"), drug_code("metformin")
    code, lines = prescribe(room, *codes)
    lot(100, code=codes[0])
    lot(3, code=codes[1])
    own = counter(room.record)
    short = actions.dispense(own, code=code, quantities={lines[0]: 10, lines[1]: 10}, key="k1")
    assert isinstance(short, Refusal)
    assert short.key == "dispense.short"
    assert (own.find(MedicationDispense), Movement.objects.count()) == ([], 0)
    actions.dispense(own, code=code, quantities={lines[0]: 10, lines[1]: 3}, key="k2")
    found = queries.prescription_of(own, code)
    assert found is not None
    assert [(one.left, one.there) for one in found.lines] == [(0, 90), (7, 0)]
    assert [one.left for one in queries.waiting(own)] == [1]


def test_an_allergy_recorded_since_stops_the_counter(record: Record, room: Stage) -> None:
    code, (line,) = prescribe(room, drug_code("amoxicillin"))
    lot(100, code=drug_code("amoxicillin"))
    allergy(record, "penicilin")
    stopped = actions.dispense(counter(record), code=code, quantities={line: 1}, key="k")
    assert isinstance(stopped, Refusal)
    assert stopped.key == "allergy.class"
    assert Handover.objects.count() == 0


def test_old_and_stopped_lines_are_not_handed_over(record: Record, room: Stage) -> None:
    code, (line,) = prescribe(room)
    request = record.read(MedicationRequest, line)
    assert rules.line_refusal(request, allergies=(), today=TODAY + timedelta(days=4)) is None
    late = rules.line_refusal(request, allergies=(), today=TODAY + timedelta(days=5))
    assert late is not None
    assert late.key == "dispense.late"
    request.status = "stopped"
    record.update(request)
    lot(100)
    stopped = actions.dispense(counter(record), code=code, quantities={line: 1}, key="k")
    assert isinstance(stopped, Refusal)
    assert stopped.key == "dispense.stopped"


def test_a_code_on_two_people_hands_out_nothing(record: Record, room: Stage) -> None:
    code, (line,) = prescribe(room)
    lot(100)
    other = record.create(a_patient())
    record.create(
        Encounter(
            status="in-progress", class_=Coding(code="AMB"), subject=Reference(reference=f"Patient/{other.id}"),
            meta=tagged(),
        )
    )  # fmt: skip
    strange = record.read(MedicationRequest, line)
    strange.id = None
    strange.subject = Reference(reference=f"Patient/{other.id}")
    second = record.create(strange)
    both = {line: 1, str(second.id): 1}
    gone = actions.dispense(counter(record), code=code, quantities=both, key="k")
    assert isinstance(gone, Refusal)
    assert queries.prescription_of(counter(record), code) is None


def test_a_prescription_of_the_small_hours_is_of_today(record: Record, room: Stage) -> None:
    code, (line,) = prescribe(room)
    request = record.read(MedicationRequest, line)
    request.authoredOn = "2026-11-24T00:30:00+07:00"
    record.update(request)
    assert [one.code for one in queries.waiting(counter(record))] == [code]


def test_another_house_has_neither_the_prescription_nor_the_stock(record: Record, room: Stage) -> None:
    code, (line,) = prescribe(room)
    lot(100, facility="pk-khac")
    elsewhere = counter(record, facility="pk-khac")
    assert queries.lines_of(elsewhere, code) == []
    gone = actions.dispense(elsewhere, code=code, quantities={line: 1}, key="k")
    assert isinstance(gone, Refusal)
    assert gone.key == "dispense.gone"
    short = actions.dispense(counter(record), code=code, quantities={line: 1}, key="k")
    assert isinstance(short, Refusal)
    assert short.key == "dispense.short"


@pytest.mark.parametrize("words", ["nguyen thi hanh", "HANH", "B001", "b 001", "0905 123 456", "{code}"])
def test_a_prescription_is_found_by_what_people_bring(room: Stage, words: str) -> None:
    code, _lines = prescribe(room)
    found = queries.found_by(counter(room.record), words.format(code=code.upper()))
    assert [one.code for one in found] == [code]
    assert queries.found_by(counter(room.record), "tran van khong co") == []


def test_goods_are_received_once_a_page(record: Record) -> None:
    own = counter(record)
    code = drug_code("paracetamol", "500 mg")
    goods = {"drug": code, "number": "l24", "expiry": TODAY + timedelta(days=9), "quantity": 30}
    for key in ("k1", "k1", "k2"):
        received = actions.receive(own, key=key, **goods)  # type: ignore[arg-type]
        assert isinstance(received, Lot)
    assert (received.number, received.balance, Movement.objects.count()) == ("L24", 60, 2)
    for wrong, key in (
        ({"expiry": TODAY - timedelta(days=1)}, "receipt.expired"),
        ({"quantity": 0}, "receipt.quantity"),
    ):
        refused = actions.receive(own, key="k3", **{**goods, **wrong})  # type: ignore[arg-type]
        assert isinstance(refused, Refusal)
        assert refused.key == key


def test_the_database_itself_holds_balance_and_ledger(db: None) -> None:
    shelf = lot(5)
    with pytest.raises(IntegrityError), transaction.atomic():
        Lot.objects.filter(pk=shelf.pk).update(balance=-1)
    moved = Movement.objects.create(
        lot=shelf, quantity=5, reason="receipt", reference="r", by="u", at="2026-11-24T00:00Z"
    )
    with (
        pytest.raises(DatabaseError, match="only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("update pharmacy_movement set quantity = 6 where id = %s", [moved.pk])
    with (
        pytest.raises(DatabaseError, match="only grows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("delete from pharmacy_movement where id = %s", [moved.pk])


def test_demo_stock_is_seeded_once(record: Record) -> None:
    made = actions.seed_stock(record, HOUSE)
    assert made > 600
    assert actions.seed_stock(record, HOUSE) == 0
    assert Movement.objects.count() == made


def test_thirty_windows_over_ten_units(committed: str) -> None:
    """Thirty submits of one unit each, of one line of ten, with ten on the shelf: ten get one, nothing below zero."""
    from django.db import connections

    from yba.site.opening import system_record

    scene = stage(system_record())
    code, (line,) = prescribe(scene)
    shelf = lot(6, number="A")
    other = lot(4, days=200, number="B")
    answers: list[Any] = []
    start = threading.Barrier(30)

    def one(number: int) -> None:
        try:
            own = counter(system_record())
            start.wait()
            answers.append(actions.dispense(own, code=code, quantities={line: 1}, key=f"k{number}"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given = [one for one in answers if isinstance(one, actions.Dispensed)]
    assert (len(answers), len(given)) == (30, 10)
    shelf.refresh_from_db()
    other.refresh_from_db()
    assert (shelf.balance, other.balance) == (0, 0)
    assert sum(Movement.objects.values_list("quantity", flat=True)) == -10


def test_thirty_people_over_ten_units(committed: str) -> None:
    """Thirty prescriptions of ten each, ten units on the shelf: one person gets them, nobody half."""
    from django.db import connections

    from tests.areas.clinic.stage import admit, put
    from tests.builders import a_patient
    from yba.site.opening import system_record

    system = system_record()
    scenes = [stage(system)]
    for number in range(29):
        put(system, a_patient(f"Trần Văn {number}", identifier=[]), f"nb-{number}")
        scenes.append(admit(system, f"nb-{number}"))
    wanted = [prescribe(scene) for scene in scenes]
    shelf = lot(10)
    answers: list[Any] = []
    start = threading.Barrier(30)

    def one(code: str, lines: list[str]) -> None:
        try:
            own = counter(system_record())
            start.wait()
            answers.append(actions.dispense(own, code=code, quantities={lines[0]: 10}, key="k"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=row) for row in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shelf.refresh_from_db()
    assert shelf.balance == 0
    assert sorted(type(one).__name__ for one in answers) == ["Dispensed"] + ["Refusal"] * 29
