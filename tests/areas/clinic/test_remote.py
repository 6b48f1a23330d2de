"""Signing a visit at a distance: what the law does not let a doctor prescribe there is refused."""

from __future__ import annotations

import pytest

from tests.areas.clinic.stage import Stage, drug, drug_code, stage
from yba.areas.clinic.signing import Signed
from yba.care.remote.mode import VIRTUAL
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.record import Record


@pytest.fixture
def remote(record: Record) -> Stage:
    """The visit of the stage, turned into one by video."""
    found = stage(record)
    visit = record.read(Encounter, found.visit_id)
    visit.class_ = VIRTUAL
    record.update(visit)
    return found


def lines(record: Record) -> int:
    return len(record.find(MedicationRequest, ("patient", "Patient/nb-thu")))


def test_a_listed_condition_is_prescribed_for(record: Record, remote: Stage) -> None:
    remote.write(diagnoses=("I10",), drugs=(drug(drug_code("amlodipine")),))
    assert isinstance(remote.finish(), Signed)
    assert lines(record) == 1


def test_another_condition_gets_advice_alone(record: Record, remote: Stage) -> None:
    remote.write(diagnoses=("I10", "J20.9"), drugs=(drug(drug_code("amlodipine")),))
    (lack,) = remote.finish()
    assert (lack.part, lack.refusal.key, lack.refusal.params) == (
        "orders",
        "remote.condition",
        {"code": "J20.9"},
    )
    assert lines(record) == 0
    remote.write(diagnoses=("I10", "J20.9"), drugs=())
    assert isinstance(remote.finish(), Signed)


def test_a_controlled_medicine_is_refused_at_a_distance_alone(record: Record, remote: Stage) -> None:
    remote.write(diagnoses=("I10",), drugs=(drug(drug_code("diazepam")),))
    (lack,) = remote.finish()
    assert (lack.part, lack.refusal.key) == ("orders", "remote.medicine")
    visit = record.read(Encounter, remote.visit_id)
    visit.class_ = VIRTUAL.__class__(system=VIRTUAL.system, code="AMB")
    record.update(visit)
    assert isinstance(remote.finish(), Signed)
