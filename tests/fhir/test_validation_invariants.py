"""Invariants of our own say what their FHIRPath says; snapshots made are those published."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fhir.validating import element, faults, patient, profile
from tests.spec.published import folder
from yba.fhir.model import tree
from yba.fhir.model.structures import structure
from yba.fhir.terminology import Terminology
from yba.fhir.validation import Definitions, state, validate
from yba.fhir.validation import invariants as subject
from yba.fhir.validation.native import NATIVE
from yba.fhir.validation.snapshot import generate
from yba.fhir.validation.state import Scope, State

FILES = sorted(folder("fhir-r4-examples").glob("*.json")) + sorted(
    (folder("validation") / "cases").glob("*.json")
)


def resources() -> Iterator[Any]:
    for path in FILES:
        try:
            yield tree.parse(path.read_bytes())
        except Exception:  # noqa: BLE001  # some published cases are not JSON
            continue
    for path in sorted(folder("synthea-r4").glob("*.json.gz"))[:2]:
        for entry in tree.parse(gzip.decompress(path.read_bytes()))["entry"][:200]:
            yield entry["resource"]
    yield from MADE


P, O = "Patient", "Observation"  # noqa: E741
MADE: list[Any] = [
    {"resourceType": P, "contained": [{"resourceType": P, "id": "x", "meta": {"versionId": "1"}}]},
    {"resourceType": P, "contained": [{"resourceType": P, "id": "x", "contained": [{"resourceType": P, "id": "y"}]}]},
    {"resourceType": P, "contained": [{"resourceType": P, "id": "x", "meta": {"security": [{"code": "a"}]}}]},
    {"resourceType": P, "contained": [{"resourceType": O, "id": "x", "subject": {"reference": "#"}}]},
    *({"resourceType": "Encounter", "period": {"start": start, "end": end}} for start, end in (
        ("2020", "2019"), ("2020", "2020-01"), ("2020-02", "2020-01-05"), ("2020-01-01", "2020-01-01T00:00:00Z"),
        ("2020-01-02T00:00:00+07:00", "2020-01-01T20:00:00Z"), ("2020-01-01T20:00:00Z", "2020-01-02T00:00:00+07:00"),
        ("2020-01-02T00:00:00Z", "2020-01-02"), ("2021", "2020-12-31"),
    )),
    {"resourceType": O, "valueString": "x", "dataAbsentReason": {"text": "y"}, "referenceRange": [{"age": {}}]},
    {"resourceType": O, "_valueString": {"id": "z"}, "dataAbsentReason": {"text": "y"}},
    {"resourceType": O, "valueString": "x", "code": {"coding": [{"code": "a"}]},
     "component": [{"code": {"coding": [{"code": "b"}, {"code": "a"}]}}]},
    {"resourceType": "Organization", "telecom": [{"value": "1", "use": "home"}], "address": [{"use": "home"}]},
    {"resourceType": P, "telecom": [{"value": "1"}], "photo": [{"data": "YQ=="}], "contact": [{"gender": "male"}]},
    {"resourceType": O, "valueRatio": {"numerator": {"value": 1, "code": "g"}}},
    {"resourceType": O, "valueRatio": {"extension": [{"url": "http://a.b", "valueCode": "x"}]}},
    {"resourceType": "ServiceRequest", "occurrenceTiming": {"repeat": {"duration": 1, "period": 2}}},
    {"resourceType": "Bundle", "type": "batch", "entry": [{"fullUrl": "http://a/Patient/1/_history/2"}]},
]  # fmt: skip


def test_native_rules_agree_with_their_fhirpath(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, set[bool]] = {}

    def holds(self: subject.Rule, state: State, value: Any, extra: Any, scope: Scope) -> bool:
        by_path = self.evaluate(state, value, extra, scope)
        if self.native is not None:
            assert self.native(value, scope) == by_path, (self.key, value)
            asked.setdefault(self.key, set()).add(by_path)
        return by_path

    monkeypatch.setattr(subject.Rule, "holds", holds)
    terminology = Terminology()
    for one in resources():
        validate(one, structures=Definitions(), terminology=terminology)
    assert {key for key, _ in NATIVE} == asked.keys()
    never_broken = {key for key, answers in asked.items() if False not in answers}
    assert never_broken == set()


def test_a_day_and_a_moment_of_the_next_day_are_in_order() -> None:
    """FHIRPath cannot tell, for the day may lie in another zone; nobody would call such a period wrong."""
    sent = {
        "resourceType": "Patient",
        "name": [{"period": {"start": "2020-01-01", "end": "2020-01-02T00:00:00Z"}}],
    }
    assert [one for one in validate(sent) if one.is_fault] == []


def test_native_rules_are_those_of_the_definitions() -> None:
    known = {
        (rule["key"], rule.get("expression"))
        for path in (Path(subject.__file__).parents[1] / "r4" / "structures").glob("*.json")
        for element in json.loads(path.read_text())["snapshot"]["element"]
        for rule in element.get("constraint", ())
    }
    assert set(NATIVE) <= known


PROFILES = [
    path
    for path in sorted(folder("fhir-r4-examples").glob("StructureDefinition-*.json"))
    if json.loads(path.read_text()).get("derivation") == "constraint"
]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_snapshot_is_the_one_published(path: Path) -> None:
    definition = tree.parse(path.read_bytes())
    base = Definitions().tree(definition["baseDefinition"])
    assert base is not None
    made = generate(definition, base, Definitions().tree)["snapshot"]["element"]
    told = definition["snapshot"]["element"]
    assert [one["id"] for one in made] == [one["id"] for one in told]
    for one, wanted in zip(made, told, strict=True):
        for key in ("min", "max"):
            assert one.get(key, {"min": 0, "max": "*"}[key]) == wanted[key], (one["id"], key)
        fixed = {key: value for key, value in wanted.items() if key.startswith(("fixed", "pattern"))}
        assert {key: value for key, value in one.items() if key.startswith(("fixed", "pattern"))} == fixed


def test_every_published_definition_can_be_read() -> None:
    index = json.loads((Path(subject.__file__).parents[1] / "r4" / "profiles" / "index.json").read_text())
    definitions = Definitions()
    for url in index:
        profile = definitions.profile(url)
        assert profile is not None
        assert profile.url == url
        assert structure(profile.structure.type) is not None


def test_invariants_share_their_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be judged to the end is no verdict: it is said, not passed over."""
    rules = [
        {
            "key": f"x-{number}",
            "severity": "error",
            "human": "x",
            "expression": "name.given.select($this).count() >= 0",
        }
        for number in range(10)
    ]
    strict = profile("costly", "Patient", element("Patient", constraint=rules))
    tree = patient(name=[{"given": ["a"] * 100}])
    assert faults(tree, strict) == []
    monkeypatch.setattr(state, "MOST_STEPS", 500)
    assert faults(tree, strict) == [("", "fhirpath.too-costly")]
