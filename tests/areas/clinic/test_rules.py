"""The rules of the visit: vital signs, doses, allergies, doubled ingredients, follow-up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.areas.clinic.stage import drug, drug_code
from yba.areas.clinic import rules
from yba.areas.clinic.content import Content
from yba.care import catalogues
from yba.care.chart import Medicine
from yba.care.refusal import Refusal
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference

TODAY = date(2026, 11, 24)


def allergic(text: str, code: str = "") -> AllergyIntolerance:
    coding = [Coding(system="https://yba.vn/fhir/cs/allergen", code=code)] if code else []
    return AllergyIntolerance(
        code=CodeableConcept(text=text, coding=coding),
        category=["medication"],
        patient=Reference(reference="Patient/1"),
    )


def kinds(content: Content, *allergies: AllergyIntolerance, current: tuple[Medicine, ...] = ()) -> list[str]:
    return [
        one.kind for one in rules.findings(content, allergies=allergies, current=current) if not one.settled
    ]


@pytest.mark.parametrize(
    ("allergy", "ingredient", "expected"),
    [
        (allergic("Penicillin", "A001"), "amoxicillin", ["allergy"]),
        (allergic("dị ứng pênixilin, nổi mề đay"), "amoxicillin", ["allergy"]),
        (allergic("Amoxicillin", "A002"), "amoxicillin", ["allergy"]),
        (allergic("Penicillin", "A001"), "cefuroxime", ["cross"]),
        (allergic("Penicillin", "A001"), "paracetamol", []),
        (allergic("Aspirin", "A008"), "ibuprofen", ["allergy"]),
        (allergic("thuốc tây không rõ tên"), "paracetamol", ["cross"]),
        (allergic("không có dị ứng"), "amoxicillin", []),
    ],
)
def test_allergy_stops(allergy: AllergyIntolerance, ingredient: str, expected: list[str]) -> None:
    content = Content(drugs=(drug(drug_code(ingredient)),))
    assert kinds(content, allergy) == expected


def test_a_reason_settles_a_warning_but_never_a_stop() -> None:
    warned = drug(drug_code("cefuroxime"), reason="Đã dùng nhiều lần, không phản ứng")
    stopped = drug(drug_code("amoxicillin"), reason="Đã dùng nhiều lần, không phản ứng")
    allergy = allergic("Penicillin", "A001")
    assert kinds(Content(drugs=(warned,)), allergy) == []
    assert kinds(Content(drugs=(stopped,)), allergy) == ["allergy"]


def test_the_same_ingredient_twice_in_one_prescription() -> None:
    code = drug_code("paracetamol")
    content = Content(drugs=(drug(code), drug(code, "d2")))
    found = [one for one in rules.findings(content, allergies=(), current=()) if one.kind == "twice"]
    assert [one.key for one in found] == ["d2"]


@pytest.mark.parametrize("known", [True, False])
def test_a_current_medicine_is_stopped_or_the_new_one_removed(known: bool) -> None:
    code = drug_code("metformin") if known else ""
    taken = Medicine(request_id="old", name="Metformin 500 mg", drug_code=code)
    line = drug(drug_code("metformin"))
    assert kinds(Content(drugs=(line,)), current=(taken,)) == ["current"]
    settled = drug(drug_code("metformin"), stops=("old",))
    assert kinds(Content(drugs=(settled,)), current=(taken,)) == []


@pytest.mark.parametrize(
    ("said", "ingredient", "expected"),
    [
        ("Decolgen ngày 3 lần", "paracetamol", ["current"]),
        ("PANADOL extra", "paracetamol", ["current"]),
        ("Glucophage 850", "metformin", ["current"]),
        ("Glucophage 850", "paracetamol", []),
        ("Vitamin B1", "paracetamol", []),
        ("dịch truyền", "paracetamol", []),
    ],
)
def test_a_current_medicine_told_by_its_brand(said: str, ingredient: str, expected: list[str]) -> None:
    taken = Medicine(request_id="old", name=said, drug_code="")
    assert kinds(Content(drugs=(drug(drug_code(ingredient)),)), current=(taken,)) == expected


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"amount": ""}, "dose.amount"),
        ({"amount": "0"}, "dose.amount"),
        ({"amount": "một"}, "dose.amount"),
        ({"moments": ()}, "dose.times"),
        ({"times": "3"}, "dose.disagree"),
        ({"days": ""}, "dose.days"),
        ({"days": "1,5"}, "dose.days"),
        ({"days": "31"}, "medicine.days"),
        ({"days": "0"}, "medicine.days-none"),
        ({"quantity": "x"}, "dose.quantity"),
        ({"quantity": "5000"}, "dose.too-many"),
        ({"drug": "T9999"}, "dose.drug"),
    ],
)
def test_a_dose_that_lacks_something(fields: dict[str, object], key: str) -> None:
    found = rules.dose_of(drug(str(fields.pop("drug", drug_code("paracetamol"))), **fields))
    assert isinstance(found, Refusal)
    assert found.key == key


def test_the_dose_as_the_law_writes_it() -> None:
    found = rules.dose_of(
        drug(drug_code("paracetamol"), amount="0,5", moments=("morning", "evening", "after-meal"))
    )
    assert isinstance(found, rules.Dose)
    assert found.sentence == "Uống nửa viên/lần, 2 lần/ngày, sáng và tối, sau ăn, 5 ngày"
    assert (found.amount, found.times, found.quantity) == (Decimal("0.5"), 2, 5)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"temperature": "38,6"}, []),
        ({"temperature": "386"}, [("temperature", "stop", "vital.impossible")]),
        ({"temperature": "cao"}, [("temperature", "stop", "vital.number")]),
        ({"pulse": "180"}, [("pulse", "warn", "vital.unusual")]),
        ({"systolic": "120"}, [("diastolic", "stop", "vital.pair")]),
        (
            {"systolic": "80", "diastolic": "120"},
            [("diastolic", "warn", "vital.unusual"), ("diastolic", "stop", "vital.order")],
        ),
    ],
)
def test_vital_signs(typed: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    found = rules.vital_doubts(typed, adult=True)
    assert [(one.key, one.kind, one.refusal.key) for one in found] == expected


def test_a_child_is_not_warned_by_the_ranges_of_adults() -> None:
    assert rules.vital_doubts({"pulse": "140"}, adult=False) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("14", date(2026, 12, 8)),
        ("07/12/2026", date(2026, 12, 7)),
        ("7-12-2026", date(2026, 12, 7)),
    ],
)
def test_follow_up(text: str, expected: date | None) -> None:
    assert rules.follow_up_day(text, today=TODAY) == expected


@pytest.mark.parametrize("text", ["24/11/2026", "31/02/2027", "mai", "01/01/2029", "0"])
def test_a_follow_up_that_cannot_be(text: str) -> None:
    assert isinstance(rules.follow_up_day(text, today=TODAY), Refusal)


@pytest.mark.django_db
def test_a_code_that_is_none_is_refused() -> None:
    found = rules.diagnosis_refusals(("XXX",), rules.Person("male", 40, None), on=TODAY)
    assert found["XXX"].key == "diagnosis.unknown"


def test_narcotics_are_not_written_here() -> None:
    content = Content(drugs=(drug(drug_code("morphine")),))
    assert kinds(content) == ["narcotic"]


@pytest.mark.parametrize(
    ("code", "amount", "unit", "times"),
    [
        ("T0236", "0,5", "viên", "1"),  # digoxin, half a tablet a day
        ("T0152", "0,5", "viên", "3"),  # baclofen
        ("T0147", "", "giọt", "1"),  # vitamin D: drops, a range; never millilitres
        ("T0015", "", "ml", "3"),  # ibuprofen syrup by weight
        ("T0060", "", "gói", "2"),  # cefuroxime granules by weight
        ("T0001", "1", "viên", ""),  # paracetamol: "at most 8 a day" is not "once a day"
        ("T0280", "", "mg", "1"),  # liraglutide
        ("T0281", "1", "bút", "1"),  # dulaglutide, weekly
        ("T0282", "", "đơn vị", ""),  # insulin in a vial
        ("T0285", "", "đơn vị", ""),  # insulin in a pen
        ("T0423", "1", "lớp mỏng", ""),
        ("T0011", "1", "viên", "3"),
    ],
)
def test_a_fresh_line_holds_only_what_the_catalogue_says_for_certain(
    code: str, amount: str, unit: str, times: str
) -> None:
    known = catalogues.drug(code)
    assert known is not None
    line = rules.usual_line(known, days="7")
    assert (line.amount, line.unit, line.times) == (amount, unit, times)


@pytest.mark.parametrize("code", ["T0398", "T0143", "T0049", "T0388", "T0145"])
def test_what_is_taken_by_the_week_is_never_written_by_the_day(code: str) -> None:
    daily = rules.dose_of(drug(code, amount="1", times="1", moments=(), days="28"))
    assert isinstance(daily, Refusal)
    assert daily.key == "dose.not-daily"
    said = drug(
        code, amount="1", times="1", moments=(), days="1", quantity="4", note="Mỗi tuần một lần, thứ Hai"
    )
    dose = rules.dose_of(said)
    assert isinstance(dose, rules.Dose)
    assert dose.quantity == 4
    assert "ngày" not in dose.sentence
    assert dose.dosage.timing is None


def test_more_than_the_dose_needs_is_not_handed_out() -> None:
    line = drug(drug_code("amoxicillin"), amount="1", times="2", moments=(), days="7", quantity="140")
    refused = rules.dose_of(line)
    assert isinstance(refused, Refusal)
    assert refused.key == "dose.quantity-more"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("years", "weight", "lacking"), [(5, "", True), (5, "18", False), (6, "", False), (None, "", False)]
)
def test_a_small_child_is_weighed_before_a_prescription(
    years: int | None, weight: str, lacking: bool
) -> None:
    content = Content(
        complaint="Ho", diagnoses=("J20.9",), drugs=(drug(drug_code("paracetamol")),),
        vitals={"weight": weight} if weight else {},
    )  # fmt: skip
    person = rules.Person("male", years, None)
    found = rules.lacks(content, person=person, allergies=(), current=(), today=TODAY)
    assert ("vital-weight" in [one.part for one in found]) is lacking
