"""The copy of a book on paper: each line says how it stands, in the reader's words and never in codes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.utils import translation

from yba.areas.citizen.privacy import book
from yba.fhir.model import codec

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


def line(tree: dict[str, Any]) -> tuple[str, str]:
    found = book._line(codec.decode(msgspec.json.encode(tree)))
    return found["title"], found["note"]


def condition(clinical: str = "", verified: str = "") -> dict[str, Any]:
    tree: dict[str, Any] = {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/x"},
        "code": {"text": "Tăng huyết áp"},
    }
    if clinical:
        tree["clinicalStatus"] = {"coding": [{"system": CLINICAL, "code": clinical}]}
    if verified:
        tree["verificationStatus"] = {"coding": [{"system": VERIFIED, "code": verified}]}
    return tree


@pytest.mark.parametrize(
    ("clinical", "verified", "note"),
    [
        ("active", "confirmed", ""),
        ("resolved", "confirmed", "đã khỏi"),
        ("recurrence", "", "tái phát"),
        ("", "entered-in-error", "ghi nhầm"),
        ("active", "provisional", "chẩn đoán sơ bộ"),
        ("", "", ""),
    ],
)
def test_a_diagnosis_says_how_it_stands(clinical: str, verified: str, note: str) -> None:
    assert line(condition(clinical, verified)) == ("Tăng huyết áp", note)


def test_a_vaccination_that_was_not_given_says_so() -> None:
    tree = {
        "resourceType": "Immunization",
        "status": "not-done",
        "patient": {"reference": "Patient/x"},
        "vaccineCode": {"text": "Sởi"},
        "occurrenceDateTime": "2026-01-05",
    }
    assert line(tree) == ("Sởi", "không làm")
    assert line({**tree, "status": "completed", "lotNumber": "L1"}) == ("Sởi", "L1")


def test_a_medicine_that_was_stopped_says_so_before_how_to_take_it() -> None:
    tree = {
        "resourceType": "MedicationRequest",
        "status": "stopped",
        "intent": "order",
        "subject": {"reference": "Patient/x"},
        "medicationCodeableConcept": {"text": "Amlodipin 5 mg"},
        "dosageInstruction": [{"text": "Uống 1 viên"}],
    }
    assert line(tree) == ("Amlodipin 5 mg", "đã ngừng; Uống 1 viên")


def test_a_line_without_words_of_its_own_is_named_in_vietnamese() -> None:
    with translation.override("en"):
        tree = {"resourceType": "QuestionnaireResponse", "id": "q1", "status": "completed"}
        assert line(tree) == ("Phiếu hỏi", "mã q1")
        assert line({"resourceType": "Basic", "id": "b1", "code": {"coding": [{"code": "x"}]}}) == (
            "Mục khác",
            "mã b1",
        )
