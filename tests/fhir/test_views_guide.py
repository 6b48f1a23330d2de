"""The worked examples of docs/howto/ask-with-views.md, run as they stand there."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fhir.view_engines import ENGINES, rows_of
from yba.fhir.model import tree

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "ask-with-views.md"
VIEWS = [tree.parse(text) for text in re.findall(r"```json\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)]


def pressure(code: str, value: int) -> dict[str, Any]:
    return {
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": value, "unit": "mmHg"},
    }


RESOURCES = [
    {
        "resourceType": "Patient",
        "id": "an",
        "gender": "female",
        "birthDate": "1970-01-02",
        "address": [{"use": "work", "city": "A"}, {"use": "home", "city": "B"}],
    },
    {"resourceType": "Patient", "id": "binh", "active": True},
    {"resourceType": "Patient", "id": "gone", "active": False},
    {
        "resourceType": "Observation",
        "status": "final",
        "code": {},
        "subject": {"reference": "Patient/an"},
        "effectiveDateTime": "2024-05-06T07:08:09+07:00",
        "component": [pressure("8480-6", 120), pressure("8462-4", 80)],
    },
    {"resourceType": "Observation", "status": "final", "code": {}, "valueString": "x"},
]


@pytest.mark.parametrize("engine", ENGINES)
def test_patients_by_sex_and_age(connection: psycopg.Connection[Any], engine: str) -> None:
    assert rows_of(engine, connection, VIEWS[0], RESOURCES) == [
        {"id": "an", "sex": "female", "born": "1970-01-02", "commune": "B"},
        {"id": "binh", "sex": None, "born": None, "commune": None},
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_of_blood_pressures(connection: psycopg.Connection[Any], engine: str) -> None:
    assert rows_of(engine, connection, VIEWS[1], RESOURCES) == [
        {
            "patient": "an",
            "at": "2024-05-06T07:08:09+07:00",
            "systolic": Decimal(120),
            "diastolic": Decimal(80),
        }
    ]
