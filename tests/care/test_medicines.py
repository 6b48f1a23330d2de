"""Safety of prescriptions: allergies by code and by text, duplicates, doses and quantities."""

from __future__ import annotations

from decimal import Decimal

import pytest

from yba.care import catalogues
from yba.care.identifiers import ALLERGEN_CS, ATC, DRUG_CS, INGREDIENT_CS
from yba.care.medicines import (
    allergy_conflicts,
    days_refusal,
    dosage_of,
    dosage_sentence,
    duplicate_ingredients,
    quantity_text,
    total_quantity,
    units_to_dispense,
)
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance, AllergyIntoleranceReaction
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference

DRUGS = {drug.name: drug for drug in reversed(catalogues.drugs())}


def to(text: str | None = None, *, system: str | None = None, code: str | None = None) -> AllergyIntolerance:
    coding = [Coding(system=system, code=code)] if code else []
    return AllergyIntolerance(
        patient=Reference(reference="Patient/x"), code=CodeableConcept(text=text, coding=coding)
    )


def kinds(drug: str, *allergies: AllergyIntolerance) -> list[str]:
    return [conflict.kind for conflict in allergy_conflicts(DRUGS[drug], allergies)]


PENICILLINS = [
    "Amoxicillin",
    "Augmentin 625",
    "Augmentin 250",
    "Ampicillin",
    "Unasyn",
    "Sultamicillin (Unasyn viên)",
    "Benzylpenicillin",
    "Benzathin benzylpenicillin",
    "Phenoxymethylpenicillin (Penicillin V)",
    "Oxacillin",
    "Cloxacillin",
    "Tazocin",
]


@pytest.mark.parametrize("drug", PENICILLINS)
@pytest.mark.parametrize(
    "allergy",
    [
        to(system=ALLERGEN_CS, code="A001"),
        to("Dị ứng Penicillin"),
        to("sốc phản vệ do PÊNIXILIN năm 2019"),
        to("Penicillin V"),
        to("amoxicilin"),
        to(system=INGREDIENT_CS, code="amoxicillin"),
        to(system=DRUG_CS, code=DRUGS["Augmentin 625"].code),
        to(system=ATC, code="J01CA04"),
    ],
    ids=lambda allergy: str(allergy.code.text or allergy.code.coding[0].code),
)
def test_a_penicillin_allergy_stops_every_penicillin(drug: str, allergy: AllergyIntolerance) -> None:
    assert kinds(drug, allergy) == ["stop"]


def test_no_penicillin_was_forgotten() -> None:
    stopped = {d.name for d in catalogues.drugs() if "stop" in kinds_of(d, to("penicillin"))}
    assert stopped == {d.name for d in catalogues.drugs() if d.atc.startswith("J01C")}


def kinds_of(drug: catalogues.Drug, allergy: AllergyIntolerance) -> list[str]:
    return [conflict.kind for conflict in allergy_conflicts(drug, [allergy])]


@pytest.mark.parametrize(
    ("drug", "allergy", "expected"),
    [
        ("Cefalexin", to("penicillin"), ["warn"]),
        ("Meropenem", to("penicillin"), ["warn"]),
        ("Azithromycin (Zithromax)", to("penicillin"), []),
        ("Paracetamol (Panadol)", to("penicillin"), []),
        ("Cefixim", to("cephalexin"), ["stop"]),
        ("Amoxicillin", to("cephalexin"), ["warn"]),
        ("Ibuprofen", to("Aspirin"), ["stop"]),
        ("Alaxan", to("Aspirin"), ["stop"]),
        ("DuoPlavin", to("ibuprofen"), ["stop"]),
        ("Celecoxib (Celebrex)", to("nsaid"), ["stop"]),
        ("Paracetamol (Panadol)", to("Aspirin"), []),
        ("Co-trimoxazol (Bactrim)", to("dị ứng thuốc sulfa"), ["stop"]),
        ("Celecoxib (Celebrex)", to("sulfamid"), ["stop"]),
        ("Furosemid (Lasix)", to("sulfamid"), ["warn"]),
        ("Coversyl (x)", to("x"), []),
        ("Ultracet", to("panadol"), ["stop"]),
        ("Ultracet", to("codein"), ["stop"]),
        ("Iohexol (Omnipaque)", to("thuốc cản quang"), ["stop"]),
        ("Polygynax", to("gentamycin"), ["stop"]),
        ("Amoxicillin", to("Tôm cua"), []),
        ("Glucosamin", to("hải sản"), ["warn"]),
        ("Amoxicillin", to("thuốc kháng sinh không nhớ tên"), ["warn"]),
        ("Amoxicillin", to("Không"), []),
        ("Amoxicillin", to("Chưa ghi nhận"), []),
    ],
)
def test_other_allergies(drug: str, allergy: AllergyIntolerance, expected: list[str]) -> None:
    if drug in DRUGS:
        assert kinds(drug, allergy) == expected


def test_a_reason_names_drug_ingredient_and_allergy() -> None:
    [conflict] = allergy_conflicts(DRUGS["Amoxicillin"], [to("Dị ứng amoxicillin")])
    assert conflict.reason == (
        "Amoxicillin 500 mg chứa amoxicillin, người bệnh đã dị ứng Dị ứng amoxicillin. Hãy chọn thuốc khác."
    )
    [conflict] = allergy_conflicts(DRUGS["Ampicillin"], [to("Penicillin")])
    assert conflict.refusal.key == "allergy.class"
    assert "Penicillin" in conflict.reason


def test_stops_come_before_warnings() -> None:
    assert kinds("Amoxicillin", to("cephalexin"), to("penicillin")) == ["stop", "warn"]


def test_the_substance_of_a_reaction_counts_too() -> None:
    allergy = to("Phản ứng thuốc")
    allergy.reaction = [
        AllergyIntoleranceReaction(
            substance=CodeableConcept(text="ampicillin"), manifestation=[CodeableConcept(text="mày đay")]
        )
    ]
    assert kinds("Amoxicillin", allergy) == ["stop"]


@pytest.mark.parametrize(
    ("status", "verification", "expected"),
    [
        ("active", "confirmed", ["stop"]),
        ("active", "unconfirmed", ["stop"]),
        ("inactive", "confirmed", ["stop"]),
        ("resolved", "confirmed", []),
        ("active", "refuted", []),
        (None, "entered-in-error", []),
    ],
)
def test_what_was_refuted_or_resolved_does_not_count(
    status: str | None, verification: str, expected: list[str]
) -> None:
    allergy = to("penicillin")
    allergy.clinicalStatus = CodeableConcept(coding=[Coding(code=status)]) if status else None
    allergy.verificationStatus = CodeableConcept(coding=[Coding(code=verification)])
    assert kinds("Amoxicillin", allergy) == expected


@pytest.mark.parametrize(
    "allergy",
    [
        to(system="http://www.nlm.nih.gov/research/umls/rxnorm", code="7980"),
        AllergyIntolerance(patient=Reference(reference="Patient/x")),
    ],
)
def test_an_allergy_without_words_is_asked_about(allergy: AllergyIntolerance) -> None:
    assert kinds("Amoxicillin", allergy) == ["warn"]


def test_a_food_allergy_that_nobody_knows_does_not_disturb() -> None:
    allergy = to("quả bơ")
    allergy.category = ["food"]
    assert kinds("Amoxicillin", allergy) == []


def test_duplicates() -> None:
    found = duplicate_ingredients(DRUGS["Ultracet"], [DRUGS["Paracetamol (Panadol)"], DRUGS["Amoxicillin"]])
    assert [(item.drug.name, item.ingredients) for item in found] == [
        ("Paracetamol (Panadol)", ("paracetamol",))
    ]
    assert found[0].reason.startswith("Ultracet 325 mg + 37,5 mg trùng hoạt chất paracetamol với Paracetamol")
    assert duplicate_ingredients(DRUGS["Natri clorid 0,9%"], [DRUGS["Ringer lactat"]]) == []


def test_the_sentence_of_the_law() -> None:
    assert (
        dosage_sentence(
            Decimal(1),
            unit="viên",
            times=2,
            route="Uống",
            moments=["morning", "evening", "after-meal"],
            days=7,
        )
        == "Uống 1 viên/lần, 2 lần/ngày, sáng và tối, sau ăn, 7 ngày"
    )
    assert (
        dosage_sentence(
            Decimal("0.5"), unit="viên", times=3, route="Uống", moments=["noon", "morning", "evening"]
        )
        == "Uống nửa viên/lần, 3 lần/ngày, sáng, trưa và tối"
    )
    assert (
        dosage_sentence(Decimal("1.50"), unit="gói", times=1, route="Uống", moments=["bedtime"], days=10)
        == "Uống 1,5 gói/lần, 1 lần/ngày, trước khi ngủ, 10 ngày"
    )
    assert dosage_sentence(Decimal(10), unit="ml", times=1, route="Uống") == "Uống 10 ml/lần, 1 lần/ngày"


def test_the_dose_as_fhir() -> None:
    dose = dosage_of(DRUGS["Symbicort"], amount=Decimal(2), times=2, moments=["morning", "evening"], days=30)
    assert dose.text == "Hít 2 nhát/lần, 2 lần/ngày, sáng và tối, 30 ngày"
    assert dose.timing is not None
    repeat = dose.timing.repeat
    assert repeat is not None
    assert (repeat.frequency, repeat.period, repeat.periodUnit, repeat.when) == (
        2,
        Decimal(1),
        "d",
        ["MORN", "EVE"],
    )


def test_quantities() -> None:
    assert total_quantity(Decimal("0.5"), times=3, days=5) == 8
    assert [quantity_text(n) for n in (3, 9, 10, 120)] == ["03", "09", "10", "120"]
    assert units_to_dispense(DRUGS["Amoxicillin"], amount=Decimal(1), times=3, days=7) == 21
    assert units_to_dispense(DRUGS["Symbicort"], amount=Decimal(2), times=2, days=30) == 1


@pytest.mark.parametrize(
    ("days", "kind", "long", "refused"),
    [
        (30, "C", False, False),
        (31, "C", False, True),
        (90, "C", True, False),
        (8, "N", False, True),
        (10, "H", False, False),
        (0, "C", False, True),
    ],
)
def test_days_of_a_prescription(days: int, kind: str, long: bool, refused: bool) -> None:
    assert (days_refusal(days, kind=kind, long_term=long) is not None) == refused  # type: ignore[arg-type]


def test_half_a_measure_is_written_in_digits() -> None:
    sentence = dosage_sentence(Decimal("0.5"), unit="ml", times=2, route="Uống")
    assert sentence == "Uống 0,5 ml/lần, 2 lần/ngày"
