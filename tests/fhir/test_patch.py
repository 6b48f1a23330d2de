"""JSON Patch and FHIRPath Patch: bounds, primitives' extensions, choices, and what is refused where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from yba.fhir import patch
from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.model import tree
from yba.fhir.patch import merge_patch

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "active": True,
    "name": [{"given": ["A", "B"], "_given": [None, {"id": "b"}]}],
    "identifier": [{"value": "1"}, {"value": "2"}, {"value": "3"}],
    "deceasedBoolean": False,
    "_birthDate": {"extension": [{"url": "http://x/unknown", "valueCode": "asked"}]},
    "contact": [{"name": {"text": "c"}}],
}


def operation(kind: str, path: str, **parts: Any) -> dict[str, Any]:
    """One operation; a part's value is its value[x], or a list of nested parts."""
    made = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    for name, value in parts.items():
        made.append({"name": name, **({"part": value} if isinstance(value, list) else value)})
    return {"name": "operation", "part": made}


def patched(*operations: dict[str, Any], resource: dict[str, Any] = PATIENT) -> dict[str, Any]:
    before = tree.dump(resource)
    changed: dict[str, Any] = patch.fhirpath_patch(
        resource, {"resourceType": "Parameters", "parameter": list(operations)}
    )
    assert tree.dump(resource) == before
    return changed


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in PATIENT.items() if name not in names}


@pytest.mark.parametrize(
    ("asked", "result"),
    [
        # primitives keep what is beside them
        (operation("delete", "Patient.name.given[0]"), {"name": [{"given": ["B"], "_given": [{"id": "b"}]}]}),
        (operation("delete", "Patient.name.given[1]"), {"name": [{"given": ["A"]}]}),
        (operation("move", "Patient.name.given", source={"valueInteger": 1}, destination={"valueInteger": 0}),
         {"name": [{"given": ["B", "A"], "_given": [{"id": "b"}, None]}]}),
        (operation("insert", "Patient.name.given", index={"valueInteger": 2}, value={"valueString": "C"}),
         {"name": [{"given": ["A", "B", "C"], "_given": [None, {"id": "b"}, None]}]}),
        (operation("replace", "Patient.name.given[1]", value={"valueString": "C"}), {"name": [{"given": ["A", "C"]}]}),
        (operation("add", "Patient.name[0].given[0]", name={"valueString": "id"}, value={"valueString": "a"}),
         {"name": [{"given": ["A", "B"], "_given": [{"id": "a"}, {"id": "b"}]}]}),
        (operation("replace", "Patient.birthDate", value={"valueDate": "2000"}),
         {"_birthDate": None, "birthDate": "2000"}),
        (operation("replace", "Patient.birthDate.extension.value", value={"valueString": "?"}),
         {"_birthDate": {"extension": [{"url": "http://x/unknown", "valueString": "?"}]}}),
        (operation("delete", "Patient.birthDate.extension"), {"_birthDate": None}),
        (operation("add", "Patient.active", name={"valueString": "extension"},
                   value=[{"name": "url", "valueUri": "http://x"}, {"name": "value", "valueDecimal": Decimal("1.50")}]),
         {"_active": {"extension": [{"url": "http://x", "valueDecimal": Decimal("1.50")}]}}),
        # choices take the property of their type
        (operation("replace", "Patient.deceased", value={"valueDateTime": "2020"}),
         {"deceasedBoolean": None, "deceasedDateTime": "2020"}),
        (operation("add", "Patient", name={"valueString": "multipleBirth[x]"}, value={"valueInteger": 2}),
         {"multipleBirthInteger": 2}),
        # parts, nested and repeated
        (operation("add", "Patient", name={"valueString": "contact"}, value=[
            {"name": "name", "part": [{"name": "given", "valueString": "X"}, {"name": "given", "valueString": "Y"}]},
            {"name": "gender", "valueCode": "female"}]),
         {"contact": [{"name": {"text": "c"}}, {"name": {"given": ["X", "Y"]}, "gender": "female"}]}),
        (operation("insert", "Patient.telecom", index={"valueInteger": 0}, value={"valueContactPoint": {"value": "1"}}),
         {"telecom": [{"value": "1"}]}),
        (operation("add", "Patient", name={"valueString": "contained"},
                   value={"resource": {"resourceType": "Organization", "id": "o"}}),
         {"contained": [{"resourceType": "Organization", "id": "o"}]}),
        # deleting
        (operation("delete", "Patient.identifier.where(value = '2')"),
         {"identifier": [{"value": "1"}, {"value": "3"}]}),
        (operation("delete", "Patient.photo"), {}),
        (operation("delete", "Patient.contact[0].name.text"), {"contact": None}),
    ],
)  # fmt: skip
def test_operation(asked: dict[str, Any], result: dict[str, Any]) -> None:
    expected = without(*result) | {name: value for name, value in result.items() if value is not None}
    assert patched(asked) == expected


@pytest.mark.parametrize(
    ("asked", "key", "at"),
    [
        (operation("delete", "Patient.identifier"), "patch.several", ".part[1]"),
        (operation("delete", "Patient"), "patch.root", ".part[1]"),
        (operation("replace", "Patient.photo", value={"valueString": "a"}), "patch.nothing", ".part[1]"),
        (operation("replace", "Patient.identifier", value={"valueString": "a"}), "patch.several", ".part[1]"),
        (operation("add", "Patient", name={"valueString": "active"}, value={"valueBoolean": True}), "patch.exists", ""),
        (operation("add", "Patient", name={"valueString": "deceased"}, value={"valueDateTime": "2020"}),
         "patch.exists", ""),
        (operation("add", "Patient", name={"valueString": "wings"}, value={"valueBoolean": True}), "patch.name", ""),
        (operation("add", "Patient", name={"valueString": "photo"}, value={"valueBoolean": True}), "patch.value", ""),
        (operation("add", "Patient", name={"valueString": "photo"}), "patch.part", ""),
        (operation("replace", "Patient.deceased", value={"valueString": "a"}), "patch.choice", ""),
        (operation("insert", "Patient.identifier", index={"valueInteger": 4}, value={"valueIdentifier": {}}),
         "patch.index", ".part[2]"),
        (operation("insert", "Patient.active", index={"valueInteger": 0}, value={"valueBoolean": True}),
         "patch.list", ".part[1]"),
        (operation("move", "Patient.identifier", source={"valueInteger": 0}, destination={"valueInteger": 3}),
         "patch.index", ".part[3]"),
        (operation("move", "Patient.identifier", source={"valueString": "0"}, destination={"valueInteger": 0}),
         "patch.part", ".part[2]"),
        (operation("delete", "Patient.("), "patch.path", ".part[1]"),
        (operation("delete", "'Patient'"), "patch.path", ".part[1]"),
        (operation("erase", "Patient.active"), "patch.type", ".part[0]"),
        ({"name": "other"}, "patch.parameter", ""),
    ],
)  # fmt: skip
def test_refused(asked: dict[str, Any], key: str, at: str) -> None:
    with pytest.raises(Invalid) as caught:
        patched(asked)
    assert (caught.value.key, caught.value.path) == (key, f"Parameters.parameter[0]{at}")


def test_nothing_is_changed_when_one_operation_fails() -> None:
    with pytest.raises(Invalid):
        patched(operation("delete", "Patient.active"), operation("delete", "Patient.identifier"))


def test_parameters_are_needed() -> None:
    with pytest.raises(Invalid, match="is a Parameters resource"):
        patch.fhirpath_patch(PATIENT, {"resourceType": "Patient"})


# -- JSON Patch ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "replace", "path": "", "value": 1}], b"1"),
        ([{"op": "add", "path": "/a/-", "value": 2}], b'{"a":[1.50,2],"~/":0}'),
        ([{"op": "copy", "from": "/a/0", "path": "/b"}], b'{"a":[1.50],"~/":0,"b":1.50}'),
        ([{"op": "move", "from": "/a/0", "path": "/b"}], b'{"a":[],"~/":0,"b":1.50}'),
        ([{"op": "remove", "path": "/~0~1"}], b'{"a":[1.50]}'),
        ([{"op": "replace", "path": "/a/0", "value": None}], b'{"a":[null],"~/":0}'),
        ([{"op": "test", "path": "/a/0", "value": Decimal("1.5")}], b'{"a":[1.50],"~/":0}'),
        ([{"op": "move", "from": "/a", "path": "/a"}], b'{"a":[1.50],"~/":0}'),
    ],
)
def test_json_patch(operations: list[Any], result: bytes) -> None:
    given = tree.parse(b'{"a":[1.50],"~/":0}')
    assert tree.dump(patch.json_patch(given, operations)) == result
    assert tree.dump(given) == b'{"a":[1.50],"~/":0}'


@pytest.mark.parametrize(
    ("operation", "key", "at"),
    [
        ({"op": "add", "path": "/a/2", "value": 1}, "patch.target", "[0].path"),
        ({"op": "add", "path": "/a/01", "value": 1}, "patch.target", "[0].path"),
        ({"op": "add", "path": "/x/y", "value": 1}, "patch.target", "[0].path"),
        ({"op": "add", "path": "a", "value": 1}, "patch.pointer", "[0].path"),
        ({"op": "add", "path": "/a~2", "value": 1}, "patch.pointer", "[0].path"),
        ({"op": "add", "path": "/b"}, "patch.value", "[0].value"),
        ({"op": "remove", "path": "/b"}, "patch.target", "[0].path"),
        ({"op": "remove", "path": "/a/-"}, "patch.target", "[0].path"),
        ({"op": "remove", "path": ""}, "patch.root", "[0].path"),
        ({"op": "replace", "path": "/b", "value": 1}, "patch.target", "[0].path"),
        ({"op": "move", "from": "/a", "path": "/a/0"}, "patch.move", "[0].path"),
        ({"op": "copy", "path": "/b"}, "patch.pointer", "[0].from"),
        ({"op": "test", "path": "/a/0", "value": True}, "patch.test", "[0]"),
        ({"op": "test", "path": "/a/0", "value": "1"}, "patch.test", "[0]"),
        ({"op": "spam", "path": "/a"}, "patch.op", "[0].op"),
        ("add", "patch.operation", "[0]"),
    ],
)
def test_json_patch_refused(operation: Any, key: str, at: str) -> None:
    with pytest.raises(Invalid) as caught:
        patch.json_patch({"a": [1]}, [operation])
    assert (caught.value.key, caught.value.path) == (key, at)


def test_copies_of_copies_are_too_costly() -> None:
    with pytest.raises(TooCostly) as caught:
        patch.json_patch({"a": list(range(100))}, [{"op": "copy", "from": "/a", "path": "/a/-"}] * 40)
    assert caught.value.key == "patch.copies"
    with pytest.raises(TooCostly):
        patch.json_patch({"a": "x" * 1_000_000}, [{"op": "copy", "from": "/a", "path": "/b"}] * 11)


def test_paths_that_find_too_much_together_are_too_costly() -> None:
    insert = {
        "name": "operation",
        "part": [
            {"name": "type", "valueCode": "insert"},
            {"name": "path", "valueString": "Patient.identifier"},
            {"name": "index", "valueInteger": 0},
            {"name": "value", "valueIdentifier": {"value": "x"}},
        ],
    }
    resource = {"resourceType": "Patient", "identifier": [{"value": str(n)} for n in range(2000)]}
    with pytest.raises(TooCostly) as caught:
        patch.fhirpath_patch(resource, {"resourceType": "Parameters", "parameter": [insert] * 1000})
    assert caught.value.key == "patch.too-costly"


def test_the_paths_of_a_patch_share_their_steps() -> None:
    """Each alone is within the limit of one evaluation; a thousand of them would take minutes."""
    costly = "Patient.name.where(" + "given.where($this.length() > 0).count() > 0 and " * 3 + "family = 'x')"
    delete = {
        "name": "operation",
        "part": [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": costly}],
    }
    resource = {"resourceType": "Patient", "name": [{"given": ["a"] * 20}] * 200}
    one = {"resourceType": "Parameters", "parameter": [delete]}
    assert patch.fhirpath_patch(resource, one) == resource
    with pytest.raises(TooCostly) as caught:
        patch.fhirpath_patch(resource, {"resourceType": "Parameters", "parameter": [delete] * 1000})
    assert caught.value.key == "fhirpath.too-costly"


def test_a_json_patch_goes_no_deeper_than_a_tree() -> None:
    deep = [{"op": "add", "path": "/a" * level, "value": {}} for level in range(1, 2000)]
    with pytest.raises(Invalid) as caught:
        patch.json_patch({}, deep)
    assert (caught.value.key, caught.value.path) == ("patch.pointer", "[100].path")
    nested: dict[str, Any] = {}
    for _ in range(2000):
        nested = {"a": nested}
    with pytest.raises(Invalid, match="deeper than 100 levels"):
        tree.dump(nested)


def test_half_a_letter_is_not_written() -> None:
    with pytest.raises(Invalid, match="half a letter"):
        tree.dump(patch.json_patch({}, [{"op": "add", "path": "/a", "value": "\ud800"}]))


def test_a_json_patch_is_a_list() -> None:
    with pytest.raises(Invalid, match="list of operations"):
        patch.json_patch({}, {"op": "add"})


@pytest.mark.parametrize(
    ("patch", "wanted"),
    [
        ({"a": 1, "b": None}, {"a": 1, "c": {"d": [1]}}),
        ({"c": {"e": "x"}}, {"b": 2, "c": {"d": [1], "e": "x"}}),
        ({"c": {"d": [2, {"f": None}]}}, {"b": 2, "c": {"d": [2, {"f": None}]}}),
        ({"b": {"g": {"h": None}}}, {"b": {"g": {}}, "c": {"d": [1]}}),
    ],
)
def test_a_merge_patch_is_laid_over(patch: object, wanted: object) -> None:
    tree = {"b": 2, "c": {"d": [1]}}
    assert merge_patch(tree, patch) == wanted
    assert tree == {"b": 2, "c": {"d": [1]}}
