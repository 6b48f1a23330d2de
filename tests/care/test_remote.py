"""What the law lets at a distance: the two lists as data, and the short links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yba.care import catalogues
from yba.care.diagnoses import diagnosis
from yba.care.remote import law, links, mode
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept


@pytest.mark.parametrize(
    "code",
    [
        "I10",
        "E11.9",
        "E03.9",
        "J45.9",
        "L20.8",
        "K29.7",
        "A97.0",
        "J10.1",
        "B18.1",
        "U07.1",
        "M17.0",
        "E66.0",
        "G43",
    ],
)
def test_on_the_list(code: str) -> None:
    assert law.is_listed(code)


@pytest.mark.parametrize(
    "code",
    ["I21.9", "J18.9", "E11.2", "E08", "J20.9", "A97.1", "N18.5", "C50.9", "M05.9", "I100", "K58", "B18.2"],
)
def test_not_on_the_list(code: str) -> None:
    assert not law.is_listed(code)


def test_tuberculosis_only_to_renew_a_prescription() -> None:
    assert not law.is_listed("A15.0", ["A15.0"])
    assert law.is_listed("A15.0", ["A15.0", "Z76.0"])
    assert law.is_listed("A19.9", ["Z76.0", "A19.9"])


@given(st.from_regex(r"[A-Z][0-9]{2}(\.[0-9]{1,2})?", fullmatch=True))
def test_what_lies_below_a_listed_code_is_listed(code: str) -> None:
    if law.is_listed(code):
        below = f"{code}0" if "." in code else f"{code}.1"
        assert law.is_listed(below)


def test_every_line_names_codes_of_the_catalogue(db: None) -> None:
    for line in law.conditions():
        assert line.codes or line.ranges
        for code in line.codes:
            assert diagnosis(code) or diagnosis(f"{code}.0") or diagnosis(f"{code}.9"), f"{line.name}: {code}"


def drug(ingredient: str) -> catalogues.Drug:
    return next(one for one in catalogues.drugs() if ingredient in one.active_ingredients)


@pytest.mark.parametrize(
    ("ingredient", "group"),
    [("morphine", "narcotic"), ("tramadol", "narcotic"), ("codeine", "narcotic"), ("diazepam", "psychotropic"),
     ("phenobarbital", "psychotropic")],
)  # fmt: skip
def test_controlled_medicines_are_refused(ingredient: str, group: str) -> None:
    found = law.group_of(drug(ingredient))
    assert found is not None
    assert found.key == group
    (refusal,) = law.prescription_refusals(["I10"], [drug(ingredient)])
    assert refusal.key == "remote.medicine"
    assert drug(ingredient).label in refusal.message


def test_a_prescription_needs_every_diagnosis_on_the_list() -> None:
    usual = drug("amlodipine")
    assert law.prescription_refusals(["I10", "E78.5"], [usual]) == []
    (refusal,) = law.prescription_refusals(["I10", "I21.9"], [usual])
    assert (refusal.key, refusal.params) == ("remote.condition", {"code": "I21.9"})
    assert law.prescription_refusals(["I21.9"], []) == []  # advice alone is always possible


def test_a_visit_is_marked_and_unmarked_and_keeps_its_other_services() -> None:
    other = CodeableConcept(text="Tái khám")
    visit = Appointment(status="booked", participant=[], serviceType=[other])
    assert not mode.is_video(visit)
    assert mode.is_video(mode.set_video(visit, True))
    mode.set_video(visit, True)
    assert len(visit.serviceType) == 2
    assert mode.set_video(visit, False).serviceType == [other]


def test_a_proof_belongs_to_one_visit() -> None:
    proof = links.proof_of("7K2M9Q", "a1")
    assert (len(proof), proof.lower()) == (12, proof)
    assert links.is_proof(proof.upper(), "7K2M9Q", "a1")
    assert not links.is_proof(proof, "7K2M9Q", "a2")
    assert not links.is_proof(proof, "7K2M9R", "a1")
    assert links.address(Appointment(id="a1", status="pending", participant=[])) == ""
