"""The terminology operations over HTTP: parameters, languages, paging, refusals, and who may ask."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.test_rest import Client

Tree = Any
URL = "https://example.org/fhir/cs/animals"
VS = "https://example.org/fhir/vs/"
ANIMALS = {
    "resourceType": "CodeSystem", "id": "animals", "url": URL, "version": "2", "name": "Animals",
    "language": "en", "status": "active", "content": "complete", "caseSensitive": False,
    "property": [
        {"code": "legs", "type": "integer"},
        {"code": "hidden", "uri": "http://hl7.org/fhir/concept-properties#notSelectable", "type": "boolean"},
        {"code": "status", "uri": "http://hl7.org/fhir/concept-properties#status", "type": "code"},
    ],
    "concept": [
        {
            "code": "mammal", "display": "Mammal", "property": [{"code": "hidden", "valueBoolean": True}],
            "designation": [{"language": "vi", "value": "Thú"}],
            "concept": [
                {
                    "code": "dog", "display": "Dog", "property": [{"code": "legs", "valueInteger": 4}],
                    "designation": [{"language": "vi", "value": "Chó"}, {"language": "de", "value": "Hund"}],
                },
                {
                    "code": "whale", "display": "Whale",
                    "designation": [
                        {"language": "vi", "value": "Cá voi"},
                        {"use": {"system": "http://example.org/use", "code": "old"}, "value": "Leviathan"},
                    ],
                },
            ],
        },
        {"code": "bird", "display": "Bird", "property": [{"code": "legs", "valueInteger": 2}]},
        {"code": "dodo", "display": "Dodo", "property": [{"code": "status", "valueCode": "retired"}]},
    ],
}  # fmt: skip


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = Client(connection)
    assert found("PUT", "/CodeSystem/animals", ANIMALS).status == 201
    return found


def expand(client: Client, compose: Tree, **asked: Tree) -> Tree:
    """The expansion of a definition, or the outcome."""
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
    rows: list[Tree] = [
        {"name": name.replace("_", "-"), kinds[type(value)]: value} for name, value in asked.items()
    ]
    value_set = {"resourceType": "ValueSet", "status": "active", "compose": compose}
    rows.append({"name": "valueSet", "resource": value_set})
    answer = client("POST", "/ValueSet/$expand", {"resourceType": "Parameters", "parameter": rows})
    return answer.json.get("expansion", answer.json)


def codes(expansion: Tree) -> list[str]:
    found = []
    for line in expansion.get("contains", ()):
        found.append(line["code"])
        found += codes(line)
    return found


WHOLE = {"include": [{"system": URL}]}


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (("concept", "is-a", "mammal"), ["mammal", "dog", "whale"]),
        (("concept", "descendent-of", "mammal"), ["dog", "whale"]),
        (("concept", "is-not-a", "mammal"), ["bird", "dodo"]),
        (("concept", "generalizes", "dog"), ["mammal", "dog"]),
        (("concept", "in", "dog, bird,none"), ["dog", "bird"]),
        (("concept", "not-in", "dog,bird"), ["mammal", "whale", "dodo"]),
        (("code", "regex", "d.*"), ["dog", "dodo"]),
        (("display", "regex", "[A-D].*"), ["dog", "bird", "dodo"]),
        (("legs", "=", "4"), ["dog"]),
        (("legs", "exists", "true"), ["dog", "bird"]),
        (("legs", "exists", "false"), ["mammal", "whale", "dodo"]),
        (("legs", "in", "2,4"), ["dog", "bird"]),
        (("parent", "=", "mammal"), ["dog", "whale"]),
        (("child", "exists", "true"), ["mammal"]),
        (("inactive", "=", "true"), ["dodo"]),
        (("hidden", "=", "true"), ["mammal"]),
        (("code", "child-of", "mammal"), ["dog", "whale"]),
    ],
)
def test_filters(client: Client, filter_: tuple[str, str, str], expected: list[str]) -> None:
    name, op, value = filter_
    found = expand(
        client, {"include": [{"system": URL, "filter": [{"property": name, "op": op, "value": value}]}]}
    )
    assert sorted(codes(found)) == sorted(expected)
    assert found["total"] == len(expected)


@pytest.mark.parametrize(
    "filter_",
    [("wings", "=", "2"), ("legs", "is-a", "mammal"), ("code", "regex", "("), ("code", "like", "x")],
)
def test_a_filter_that_is_not_understood_is_refused(client: Client, filter_: tuple[str, str, str]) -> None:
    name, op, value = filter_
    found = expand(
        client, {"include": [{"system": URL, "filter": [{"property": name, "op": op, "value": value}]}]}
    )
    (issue,) = found["issue"]
    assert (issue["code"], issue["details"]["coding"][0]["code"]) == ("not-supported", "vs-invalid")


def test_a_pattern_made_to_take_forever_does_not(client: Client) -> None:
    pattern = {"property": "display", "op": "regex", "value": "(a+)+$"}
    assert expand(client, {"include": [{"system": URL, "filter": [pattern]}]})["total"] == 0


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["mammal", "dog", "whale", "bird", "dodo"]),
        ({"activeOnly": True}, ["mammal", "dog", "whale", "bird"]),
        ({"excludeNotForUI": True}, ["dog", "whale", "bird", "dodo"]),
        ({"filter": "ca vo"}, ["whale"]),
        ({"filter": "Hun"}, ["dog"]),
        ({"filter": "oi"}, []),
        ({"count": 2}, ["mammal", "dog"]),
        ({"count": 2, "offset": 4}, ["dodo"]),
        ({"offset": 9}, []),
        ({"exclude-system": URL}, []),
    ],
)
def test_what_is_asked_for(client: Client, asked: Tree, expected: list[str]) -> None:
    assert codes(expand(client, WHOLE, **asked)) == expected


def test_paging_and_nesting(client: Client) -> None:
    nested = expand(client, WHOLE)
    assert [line["code"] for line in nested["contains"]] == ["mammal", "bird", "dodo"]
    flat = expand(client, WHOLE, excludeNested=True)
    assert [line["code"] for line in flat["contains"]] == ["mammal", "dog", "whale", "bird", "dodo"]
    page = expand(client, WHOLE, count=2, offset=1)
    assert [line["code"] for line in page["contains"]] == ["dog", "whale"]
    assert (page["total"], page["offset"]) == (5, 1)
    assert {"name": "count", "valueInteger": 2} in page["parameter"]


def test_what_was_asked_is_told_back_in_its_parameter_s_type(client: Client) -> None:
    """The fuzz found a decimal given as text, told back as a decimal that is text."""
    rows = [
        {"name": "valueSet", "resource": {"resourceType": "ValueSet", "compose": WHOLE}},
        {"name": "filter", "valueDecimal": "1.5"},
        {"name": "count", "valueString": "2"},
        {"name": "excludeNested", "valueCode": "true"},
    ]
    answer = client("POST", "/ValueSet/$expand", {"resourceType": "Parameters", "parameter": rows})
    assert answer.status == 200, answer.body
    told = [
        one
        for one in answer.json["expansion"]["parameter"]
        if one["name"] in ("filter", "count", "excludeNested")
    ]
    assert told == [
        {"name": "filter", "valueString": "1.5"},
        {"name": "count", "valueInteger": 2},
        {"name": "excludeNested", "valueBoolean": True},
    ]


def test_languages(client: Client) -> None:
    def shown(**asked: Tree) -> list[str | None]:
        found = expand(client, WHOLE, excludeNested=True, **asked)["contains"]
        return [line.get("display") for line in found]

    assert shown(displayLanguage="vi") == ["Thú", "Chó", "Cá voi", "Bird", "Dodo"]
    assert shown(displayLanguage="de,vi;q=0.5") == ["Thú", "Hund", "Cá voi", "Bird", "Dodo"]
    assert shown(displayLanguage="de, *;q=0") == [None, "Hund", None, None, None]
    assert shown(displayLanguage="en-GB") == ["Mammal", "Dog", "Whale", "Bird", "Dodo"]
    answer = client("GET", f"/ValueSet/$expand?url={URL}?fhir_vs&filter=dog", accept_language="vi")
    assert answer.json["expansion"]["contains"][0]["display"] == "Chó"


def test_designations(client: Client) -> None:
    one = {"include": [{"system": URL, "concept": [{"code": "whale"}]}]}

    def texts(**asked: Tree) -> list[str]:
        (line,) = expand(client, one, **asked)["contains"]
        return [designation["value"] for designation in line.get("designation", ())]

    assert texts() == []
    assert texts(includeDesignations=True) == ["Cá voi", "Leviathan"]
    assert texts(includeDesignations=True, displayLanguage="vi") == ["Whale", "Leviathan"]
    assert texts(designation="vi") == ["Cá voi"]
    assert texts(designation="urn:ietf:bcp:47|vi-VN") == ["Cá voi"]
    assert texts(designation="http://example.org/use|old") == ["Leviathan"]


def test_imports_intersect_and_rings_are_refused(client: Client) -> None:
    def kept(name: str, compose: Tree) -> None:
        value_set = {"resourceType": "ValueSet", "id": name, "url": VS + name, "status": "active"}
        assert client("PUT", f"/ValueSet/{name}", {**value_set, "compose": compose}).status == 201

    kept("two", {"include": [{"system": URL, "concept": [{"code": "dog"}, {"code": "bird"}]}]})
    kept("ring", {"include": [{"valueSet": [VS + "ring2"]}]})
    kept("ring2", {"include": [{"valueSet": [VS + "ring"]}]})
    mammals = {"system": URL, "filter": [{"property": "concept", "op": "is-a", "value": "mammal"}]}
    assert codes(expand(client, {"include": [{**mammals, "valueSet": [VS + "two"]}]})) == ["dog"]
    assert codes(expand(client, {"include": [mammals], "exclude": [{"valueSet": [VS + "two"]}]})) == [
        "mammal", "whale",
    ]  # fmt: skip
    found = client("GET", f"/ValueSet/$expand?url={VS}ring")
    assert (found.status, found.json["issue"][0]["details"]["coding"][0]["code"]) == (400, "vs-invalid")
    missing = expand(client, {"include": [{"valueSet": [VS + "none"]}]})
    assert missing["issue"][0]["code"] == "not-found"
    unknown = expand(client, {"include": [{"system": "https://example.org/none"}]})
    assert unknown["issue"][0]["details"]["text"].startswith(
        "A definition for CodeSystem 'https://example.org"
    )


@pytest.mark.parametrize(("deep", "ring", "tops"), [(80, False, 1), (1200, False, 1200), (5, True, 5)])
def test_a_hierarchy_too_deep_or_in_a_ring_is_told_flat(
    client: Client, deep: int, ring: bool, tops: int
) -> None:
    parent = "http://hl7.org/fhir/concept-properties#parent"
    concepts: list[Tree] = [
        {"code": f"c{at}", "property": [{"code": "above", "valueCode": f"c{at - 1}"}]} for at in range(deep)
    ]
    concepts[0]["property"][0]["valueCode"] = f"c{deep - 1}" if ring else "none"
    system = {
        "resourceType": "CodeSystem", "id": "deep", "url": URL + "/deep", "status": "active", "content": "complete",
        "property": [{"code": "above", "uri": parent, "type": "code"}], "concept": concepts,
    }  # fmt: skip
    assert client("PUT", "/CodeSystem/deep", system).status == 201
    compose = {"include": [{"system": URL + "/deep"}]}
    value_set = {"resourceType": "ValueSet", "id": "deep", "status": "active", "compose": compose}
    assert client("PUT", "/ValueSet/deep", value_set).status == 201
    told = client("GET", "/ValueSet/deep/$expand")
    assert told.status == 200
    expansion = told.json["expansion"]
    assert (expansion["total"], len(expansion["contains"])) == (deep, tops)


def test_two_versions_of_a_system(client: Client) -> None:
    older = {
        "resourceType": "CodeSystem", "url": URL, "version": "1", "status": "active", "content": "complete",
        "concept": [{"code": "dog", "display": "Hound"}, {"code": "bird", "display": "Fowl"}],
    }  # fmt: skip
    assert client("POST", "/CodeSystem", older).status == 201
    dog = [{"code": "dog"}]
    both = {"include": [{"system": URL, "version": one, "concept": dog} for one in ("1", "2")]}
    assert expand(client, both)["contains"] == [
        {"system": URL, "version": "1", "code": "dog", "display": "Hound"},
        {"system": URL, "version": "2", "code": "dog", "display": "Dog"},
    ]
    for exclude, left in (
        ({"system": URL, "concept": dog}, []),
        ({"system": URL, "version": "1", "concept": dog}, ["2"]),
    ):
        found = expand(client, {**both, "exclude": [exclude]})
        assert [line["version"] for line in found.get("contains", ())] == left
    assert codes(expand(client, WHOLE, **{"system-version": f"{URL}|1"})) == ["dog", "bird"]
    assert codes(expand(client, {"include": [{"system": URL, "version": "x"}]}, count=1)) == ["mammal"]


def test_an_instance_and_a_url(client: Client) -> None:
    value_set = {
        "resourceType": "ValueSet", "id": "w", "url": VS + "w", "version": "3", "status": "active", "compose": WHOLE,
    }  # fmt: skip
    assert client("PUT", "/ValueSet/w", value_set).status == 201
    assert client("GET", "/ValueSet/w/$expand").json["expansion"]["total"] == 5
    assert client("GET", f"/ValueSet/$expand?url={VS}w|3").json["expansion"]["total"] == 5
    assert client("GET", f"/ValueSet/$expand?url={VS}w|4").status == 404
    assert client("GET", f"/ValueSet/$expand?url={VS}w&valueSetVersion=4").status == 404
    assert client("GET", "/ValueSet/$expand").status == 400
    assert client("GET", f"/ValueSet/$expand?url={VS}w&colour=red").status == 400
    whole = client("GET", f"/ValueSet/$expand?url={VS}w&includeDefinition=true").json
    assert whole["compose"] == WHOLE
    assert client("GET", f"/ValueSet/$expand?url={VS}w&check-system-version={URL}|1").status == 404
    assert client("GET", f"/ValueSet/$expand?url={VS}w&force-system-version={URL}|1").status == 404


def test_what_cannot_be_listed_is_refused_whole(client: Client) -> None:
    for system in ("http://loinc.org", "http://unitsofmeasure.org"):
        found = expand(client, {"include": [{"system": system}]})
        assert found["issue"][0]["code"] == "too-costly"
    many = {"include": [{"system": "http://hl7.org/fhir/sid/icd-10"}]}
    assert expand(client, many)["issue"][0]["code"] == "too-costly"
    assert len(expand(client, many, count=10)["contains"]) == 10


def validated(client: Client, path: str, *rows: Tree) -> Tree:
    answer = client("POST", f"{path}/$validate-code", {"resourceType": "Parameters", "parameter": list(rows)})
    assert answer.status == 200, answer.body
    return {
        one["name"]: next((value for key, value in one.items() if key != "name"), None)
        for one in answer.json["parameter"]
    }


def coding(**rest: str) -> Tree:
    return {"name": "coding", "valueCoding": {"system": URL, **rest}}


@pytest.mark.parametrize(
    ("rows", "result", "kinds"),
    [
        ([coding(code="dog")], True, []),
        ([coding(code="dog", display="dog")], True, []),
        ([coding(code="dog", display="Chó")], True, []),
        ([coding(code="dog", display="Cat")], False, ["invalid-display"]),
        (
            [coding(code="dog", display="Cat"), {"name": "lenient-display-validation", "valueBoolean": True}],
            True,
            ["invalid-display"],
        ),
        (
            [coding(code="dog", display="Dog"), {"name": "displayLanguage", "valueCode": "vi"}],
            False,
            ["invalid-display"],
        ),
        ([coding(code="DOG")], True, ["code-rule"]),
        ([coding(code="cat")], False, ["invalid-code", "not-in-vs"]),
        ([coding(code="dodo")], True, ["code-comment"]),
        ([coding(code="mammal")], True, []),
        ([coding(code="mammal"), {"name": "abstract", "valueBoolean": False}], False, ["code-rule"]),
        ([coding(code="dog", version="1")], False, ["not-found"]),
        ([{"name": "coding", "valueCoding": {"system": "urn:x", "code": "y"}}], False, ["not-found", "not-in-vs"]),
        ([{"name": "coding", "valueCoding": {"code": "dog"}}], False, ["invalid-data", "not-in-vs"]),
        ([{"name": "code", "valueCode": "dog"}, {"name": "inferSystem", "valueBoolean": True}], True, []),
        ([{"name": "code", "valueCode": "cat"}], False, ["cannot-infer", "not-in-vs"]),
        ([{"name": "code", "valueCode": "dog"}, {"name": "system", "valueUri": URL}], True, []),
    ],
)  # fmt: skip
def test_validate_in_a_value_set(client: Client, rows: list[Tree], result: bool, kinds: list[str]) -> None:
    found = validated(client, "/ValueSet", {"name": "url", "valueUri": f"{URL}?fhir_vs"}, *rows)
    assert found["result"] is result
    issues = found.get("issues", {"issue": []})["issue"]
    assert [one["details"]["coding"][0]["code"] for one in issues] == kinds
    assert ("message" in found) is any(one["severity"] != "information" for one in issues)


def test_a_name_that_is_no_longer_used_and_a_version_that_is_needed(client: Client) -> None:
    standing = {
        "url": "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status",
        "valueCode": "withdrawn",
    }
    sent = {
        "resourceType": "CodeSystem", "url": "urn:old", "version": "1", "status": "active", "content": "complete",
        "versionNeeded": True,
        "concept": [
            {"code": "a", "display": "New", "designation": [{"value": "Old", "extension": [standing]}]},
        ],
    }  # fmt: skip

    def judged(**rest: str) -> Tree:
        given = {"name": "coding", "valueCoding": {"system": "urn:old", "code": "a", **rest}}
        return validated(client, "/CodeSystem", {"name": "codeSystem", "resource": sent}, given)

    old = judged(version="1", display="Old")
    assert (old["result"], old["message"]) == (
        True,
        "'Old' is no longer considered a correct display for code 'a' (status = withdrawn). "
        "The correct display is 'New'",
    )
    assert judged(version="1", display="New") == {
        "result": True, "code": "a", "system": "urn:old", "version": "1", "display": "New",
    }  # fmt: skip
    assert judged()["result"] is False


def test_validate_tells_what_it_judged_by(client: Client) -> None:
    found = validated(client, "/ValueSet", {"name": "url", "valueUri": f"{URL}?fhir_vs"}, coding(code="DODO"))
    assert (found["code"], found["normalized-code"], found["system"], found["version"]) == (
        "DODO", "dodo", URL, "2",
    )  # fmt: skip
    assert (found["display"], found["inactive"], found["status"]) == ("Dodo", True, "retired")


def test_validate_a_concept(client: Client) -> None:
    birds = {
        "resourceType": "ValueSet", "url": VS + "birds", "version": "1", "status": "active",
        "compose": {"include": [{"system": URL, "concept": [{"code": "bird"}]}]},
    }  # fmt: skip

    def judged(*names: str) -> Tree:
        concept = {"coding": [{"system": URL, "code": name} for name in names], "text": "x"}
        return validated(
            client,
            "/ValueSet",
            {"name": "valueSet", "resource": birds},
            {"name": "codeableConcept", "valueCodeableConcept": concept},
        )

    good = judged("dog", "bird")
    assert (good["result"], good["code"]) == (True, "bird")
    concept = {"coding": [{"system": "urn:x", "code": "y"}, {"system": URL, "code": "bird"}]}
    beside = validated(
        client,
        "/ValueSet",
        {"name": "valueSet", "resource": birds},
        {"name": "codeableConcept", "valueCodeableConcept": concept},
    )
    assert (beside["result"], beside["code"], beside["x-caused-by-unknown-system"]) == (True, "bird", "urn:x")
    bad = judged("dog")
    assert bad["result"] is False
    assert bad["message"] == f"No valid coding was found for the value set '{VS}birds|1'"
    assert [one["expression"] for one in bad["issues"]["issue"][1:]] == [["CodeableConcept.coding[0].code"]]


def test_validate_in_a_code_system(client: Client) -> None:
    rows = [{"name": "url", "valueUri": URL}, {"name": "code", "valueCode": "whale"}]
    found = validated(client, "/CodeSystem", *rows)
    assert (found["result"], found["display"]) == (True, "Whale")
    assert validated(client, "/CodeSystem/animals", rows[1])["result"] is True
    assert validated(client, "/CodeSystem", rows[0], {"name": "code", "valueCode": "x"})["message"] == (
        f"Unknown code 'x' in the CodeSystem '{URL}' version '2'"
    )
    answer = client("GET", f"/CodeSystem/$validate-code?url={URL}&code=dog&display=Hund")
    assert answer.json["parameter"][0] == {"name": "result", "valueBoolean": True}
    assert client("GET", f"/CodeSystem/$validate-code?url={URL}").status == 400
    ucum = client("GET", "/CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mmol/L")
    assert ucum.json["parameter"][0]["valueBoolean"] is True


def test_lookup(client: Client) -> None:
    def told(query: str) -> Tree:
        answer = client("GET", f"/CodeSystem/$lookup?system={URL}&{query}")
        assert answer.status == 200, answer.body
        rows = answer.json["parameter"]
        properties = {
            row["part"][0]["valueCode"]: [
                value
                for part in row["part"][1:]
                for key, value in part.items()
                if key.startswith("value") and part["name"] == "value"
            ]
            for row in rows
            if row["name"] == "property"
        }
        plain = {row["name"]: row for row in rows if row["name"] not in ("property", "designation")}
        return plain, properties

    plain, properties = told("code=dog")
    assert plain["display"]["valueString"] == "Dog"
    assert plain["version"]["valueString"] == "2"
    assert properties == {"inactive": [False], "legs": [4], "parent": ["mammal"]}
    assert told("code=dog&property=legs")[1] == {"inactive": [False], "legs": [4]}
    assert told("code=dog&displayLanguage=vi")[0]["display"]["valueString"] == "Chó"
    missing = client("GET", f"/CodeSystem/$lookup?system={URL}&code=cat")
    assert (missing.status, missing.json["issue"][0]["code"]) == (404, "not-found")
    assert client("GET", f"/CodeSystem/$lookup?system={URL}&code=dog&version=1").status == 404
    assert client("GET", "/CodeSystem/$lookup?code=dog").status == 400


def test_subsumes(client: Client) -> None:
    def outcome(a: str, b: str) -> str:
        answer = client("GET", f"/CodeSystem/$subsumes?system={URL}&codeA={a}&codeB={b}").json
        return str(answer["parameter"][0]["valueCode"])

    assert outcome("mammal", "dog") == "subsumes"
    assert outcome("dog", "mammal") == "subsumed-by"
    assert outcome("dog", "DOG") == "equivalent"
    assert outcome("dog", "bird") == "not-subsumed"
    assert client("GET", f"/CodeSystem/$subsumes?system={URL}&codeA=dog&codeB=cat").status == 404
    rows = [
        {"name": f"coding{letter}", "valueCoding": {"system": URL, "code": code}}
        for letter, code in (("A", "mammal"), ("B", "whale"))
    ]
    body = {"resourceType": "Parameters", "parameter": rows}
    for path in ("/CodeSystem", "/CodeSystem/animals"):
        assert client("POST", f"{path}/$subsumes", body).json["parameter"][0]["valueCode"] == "subsumes"


def test_another_name_of_a_system(client: Client) -> None:
    naming = {
        "resourceType": "NamingSystem", "name": "Animals", "status": "active", "kind": "codesystem",
        "date": "2026-01-01",
        "uniqueId": [
            {"type": "oid", "value": "1.2.3.4.5"},
            {"type": "uri", "value": URL, "preferred": True},
        ],
    }  # fmt: skip
    assert client("POST", "/NamingSystem", naming).status == 201
    assert client("GET", "/CodeSystem/$lookup?system=urn:oid:1.2.3.4.5&code=dog").status == 200
    assert client("GET", "/CodeSystem/$lookup?system=urn:oid:1.2.3.4.6&code=dog").status == 404


MAP = {
    "resourceType": "ConceptMap", "id": "legs", "url": "https://example.org/fhir/map/legs", "version": "1",
    "status": "active", "sourceUri": VS + "animals", "targetUri": VS + "legs",
    "group": [
        {
            "source": URL, "target": "urn:legs",
            "element": [
                {"code": "dog", "target": [{"code": "four", "display": "Four", "equivalence": "wider"}]},
                {
                    "code": "bird",
                    "target": [
                        {
                            "code": "two", "equivalence": "equivalent",
                            "dependsOn": [{"property": "urn:state", "system": "urn:s", "value": "healthy"}],
                            "product": [{"property": "urn:wings", "system": "urn:w", "value": "2"}],
                        },
                        {
                            "code": "one", "equivalence": "inexact",
                            "dependsOn": [{"property": "urn:state", "system": "urn:s", "value": "hurt"}],
                        },
                    ],
                },
                {"code": "whale", "target": [{"equivalence": "unmatched", "comment": "it swims"}]},
            ],
            "unmapped": {"mode": "fixed", "code": "unknown", "display": "Unknown"},
        }
    ],
}  # fmt: skip


def translated(client: Client, path: str, *rows: Tree) -> tuple[bool, list[tuple[str, str | None]]]:
    answer = client("POST", path, {"resourceType": "Parameters", "parameter": list(rows)})
    assert answer.status == 200, answer.body
    found = answer.json["parameter"]
    matches = []
    for row in found:
        if row["name"] == "match":
            parts = {part["name"]: part for part in row["part"]}
            matches.append(
                (
                    parts["equivalence"]["valueCode"],
                    parts.get("concept", {}).get("valueCoding", {}).get("code"),
                )
            )
    return found[0]["valueBoolean"], matches


def test_translate(client: Client) -> None:
    assert client("PUT", "/ConceptMap/legs", MAP).status == 201
    instance = "/ConceptMap/legs/$translate"
    assert translated(client, instance, coding(code="dog")) == (True, [("wider", "four")])
    assert translated(client, instance, coding(code="dodo")) == (True, [("inexact", "unknown")])
    assert translated(client, instance, coding(code="whale")) == (False, [("unmatched", None)])
    assert translated(client, instance, coding(code="bird")) == (False, [])
    state = {
        "name": "dependency",
        "part": [
            {"name": "element", "valueUri": "urn:state"},
            {"name": "concept", "valueCodeableConcept": {"coding": [{"system": "urn:s", "code": "healthy"}]}},
        ],
    }
    assert translated(client, instance, coding(code="bird"), state) == (True, [("equivalent", "two")])
    back = [
        {"name": "coding", "valueCoding": {"system": "urn:legs", "code": "four"}},
        {"name": "reverse", "valueBoolean": True},
    ]
    assert translated(client, instance, *back) == (True, [("narrower", "dog")])
    answer = client("GET", f"/ConceptMap/$translate?system={URL}&code=dog&targetsystem=urn:legs")
    match = answer.json["parameter"][1]["part"]
    assert match == [
        {"name": "equivalence", "valueCode": "wider"},
        {"name": "concept", "valueCoding": {"system": "urn:legs", "code": "four", "display": "Four"}},
        {"name": "source", "valueUri": "https://example.org/fhir/map/legs|1"},
    ]
    other = client("GET", f"/ConceptMap/$translate?system={URL}&code=dog&targetsystem=urn:arms").json
    assert other["parameter"][0]["valueBoolean"] is False
    named = f"/ConceptMap/$translate?url={MAP['url']}&system={URL}&code=dog"
    assert client("GET", named).json["parameter"][0]["valueBoolean"] is True
    assert client("GET", f"/ConceptMap/$translate?url=urn:none&system={URL}&code=dog").status == 404
    assert client("GET", "/ConceptMap/$translate?code=dog").status == 400


def test_translate_by_a_published_map(client: Client) -> None:
    answer = client(
        "GET",
        "/ConceptMap/$translate?system=http://hl7.org/fhir/administrative-gender&code=male"
        "&targetsystem=http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender",
    )
    concept = next(part for part in answer.json["parameter"][1]["part"] if part["name"] == "concept")
    assert concept["valueCoding"] == {
        "system": "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender", "code": "M", "display": "Male",
    }  # fmt: skip


def test_who_may_ask(client: Client) -> None:
    assert client("GET", f"/CodeSystem/$lookup?system={URL}&code=dog", token="citizen").status == 200
    assert client("GET", f"/ValueSet/$expand?url={URL}?fhir_vs", token="citizen").status == 200
    assert client("GET", f"/ValueSet/$expand?url={URL}?fhir_vs", token=None).status == 401
