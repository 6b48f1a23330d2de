"""What the operator says of profiles, as the record takes it."""

from __future__ import annotations

import pytest

from yba.site.profiles import enforced

BMI = "http://hl7.org/fhir/StructureDefinition/bmi"


def test_types_and_named_profiles() -> None:
    found = enforced(("Observation=http://x/a", "Observation=http://x/b", BMI, "*"))
    assert found is not None
    assert found.profiles == {"Observation": ("http://x/a", "http://x/b")}
    assert found.named == {BMI, "*"}
    assert enforced(()) is None


def test_an_unknown_type_is_told() -> None:
    with pytest.raises(SystemExit, match="YBA_PROFILES: not resource types: Observations"):
        enforced(("Observations=http://x/a",))
