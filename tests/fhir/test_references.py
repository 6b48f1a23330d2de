from __future__ import annotations

import pytest

from yba.fhir.model.references import Target, parse, reference, target
from yba.fhir.r4.datatypes import Identifier, Reference
from yba.fhir.r4.patient import Patient


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Patient/1", Target("", "Patient", "1")),
        ("Patient/1/_history/2", Target("", "Patient", "1", "2")),
        ("https://a.vn/fhir/Patient/1", Target("https://a.vn/fhir/", "Patient", "1")),
        ("#p", None),
        ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", None),
        ("Foo/1", None),
        ("Patient/", None),
        ("Patient/a b", None),
        ("Patient?identifier=1", None),
        ("Patient/1\n", None),
    ],
)
def test_parse(text: str, found: Target | None) -> None:
    assert parse(text) == found


def test_target() -> None:
    assert target(Reference(reference="Patient/1")) == ("Patient", "1")
    assert target(Reference(reference="https://a.vn/fhir/Patient/1")) is None
    assert target(Reference(identifier=Identifier(value="1"))) is None
    assert target(None) is None


def test_reference() -> None:
    assert reference(Patient(id="1"), display="Đức") == Reference(reference="Patient/1", display="Đức")
    assert reference("Patient", "1") == Reference(reference="Patient/1")
    with pytest.raises(ValueError):
        reference(Patient())
