"""$diff: a FHIRPath Patch that leads from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fhir.operation_calls import BASE, Client, client_of, put
from yba.fhir.patch import fhirpath_patch
from yba.fhir.rest.operations.diff import difference

# -- the property ------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b", "ơ", "x y"])
EXTENSIONS = st.lists(
    st.builds(lambda url, text: {"url": url, "valueString": text}, st.sampled_from(["http://e/1", "http://e"]), WORDS),
    min_size=1, max_size=2,
)  # fmt: skip
EXTRA = st.builds(lambda found: {"extension": found}, EXTENSIONS)


def some(draw: st.DrawFn, **fields: st.SearchStrategy[Any]) -> dict[str, Any]:
    """An object with some of these; never empty."""
    found = {name: draw(value) for name, value in fields.items() if draw(st.booleans())}
    first = next(iter(fields))
    return found or {first: draw(fields[first])}


CODING = st.composite(lambda draw: some(draw, code=WORDS, system=st.just("http://s"), display=WORDS))()
CONCEPT = st.composite(
    lambda draw: some(draw, text=WORDS, coding=st.lists(CODING, min_size=1, max_size=3), extension=EXTENSIONS)
)()
QUANTITY = st.composite(
    lambda draw: some(draw, value=st.sampled_from([Decimal("1.0"), Decimal("1.50"), 2]), unit=WORDS)
)()
COMPONENT = st.composite(
    lambda draw: (
        {"code": draw(CONCEPT)}
        | some(draw, valueQuantity=QUANTITY, interpretation=st.lists(CONCEPT, min_size=1, max_size=2))
    )
)()
REFERENCE = st.builds(lambda one: {"reference": f"Patient/{one}"}, st.sampled_from("pq"))


@st.composite
def observations(draw: st.DrawFn) -> dict[str, Any]:
    found = {"resourceType": "Observation", "id": "o", "status": draw(st.sampled_from(["final", "amended"]))}
    found |= {"code": draw(CONCEPT)}
    found |= some(
        draw, subject=REFERENCE, category=st.lists(CONCEPT, min_size=1, max_size=3),
        component=st.lists(COMPONENT, min_size=1, max_size=3), note=st.lists(
            st.builds(lambda text: {"text": text}, WORDS), min_size=1, max_size=3),
        text=st.just({"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}),
        contained=st.lists(st.builds(lambda one: {"resourceType": "Basic", "id": one, "code": {"text": "x"}},
                                     st.sampled_from("ab")), min_size=1, max_size=2),
        modifierExtension=EXTENSIONS, _status=EXTRA,
    )  # fmt: skip
    choice = draw(st.sampled_from(["valueQuantity", "valueString", "valueCodeableConcept", None]))
    if choice:
        kinds = {"valueQuantity": QUANTITY, "valueString": WORDS, "valueCodeableConcept": CONCEPT}
        found[choice] = draw(kinds[choice])
    return found


@st.composite
def patients(draw: st.DrawFn) -> dict[str, Any]:
    def name(draw: st.DrawFn) -> dict[str, Any]:
        found = some(draw, family=WORDS, text=WORDS, period=st.composite(lambda d: some(d, start=st.just("2020"),
                     end=st.just("2021")))())  # fmt: skip
        given = draw(st.lists(st.one_of(WORDS, st.none()), max_size=3))
        if given:
            extras = [draw(EXTRA) if one is None or draw(st.booleans()) else None for one in given]
            if any(one is not None for one in given):
                found["given"] = given
            if any(one is not None for one in extras):
                found["_given"] = extras
        return found

    found: dict[str, Any] = {"resourceType": "Patient", "id": "p"}
    contact = st.composite(lambda d: some(d, relationship=st.lists(CONCEPT, min_size=1, max_size=2),
                           gender=st.just("male"), name=st.composite(name)()))()  # fmt: skip
    found |= some(
        draw, name=st.lists(st.composite(name)(), min_size=1, max_size=3), birthDate=st.sampled_from(["1980", "1990"]),
        _birthDate=EXTRA, contact=st.lists(contact, min_size=1, max_size=3), generalPractitioner=st.lists(
            REFERENCE, min_size=1, max_size=2), link=st.lists(st.builds(
                lambda one: {"other": one, "type": "seealso"}, REFERENCE), min_size=1, max_size=2),
    )  # fmt: skip
    deceased = draw(st.sampled_from([{}, {"deceasedBoolean": True}, {"deceasedDateTime": "2020"}]))
    return found | deceased


@pytest.mark.parametrize("kind", [observations, patients])
@given(data=st.data())
def test_a_patch_gives_the_other(
    kind: Callable[[], st.SearchStrategy[dict[str, Any]]], data: st.DataObject
) -> None:
    one, other = data.draw(kind()), data.draw(kind())
    assert fhirpath_patch(one, difference(one, other)) == other


@given(patients())
def test_nothing_differs_from_itself(one: dict[str, Any]) -> None:
    assert difference(one, one) == {"resourceType": "Parameters"}


# -- the operation -------------------------------------------------------------------------------------------------


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Patient", "p", gender="male", name=[{"text": "A"}])
    put(found, "Patient", "p", gender="female", name=[{"text": "A"}])
    put(found, "Patient", "p", gender="female", name=[{"text": "A"}, {"text": "B"}])
    put(found, "Patient", "other", gender="unknown")
    return found


def operation(kind: str, path: str, **parts: Any) -> dict[str, Any]:
    listed = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    return {"name": "operation", "part": [*listed, *({"name": name, **one} for name, one in parts.items())]}


FEMALE = operation("replace", "Patient.gender", value={"valueCode": "female"})
SECOND = operation(
    "insert", "Patient.name", index={"valueInteger": 1}, value={"valueHumanName": {"text": "B"}}
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [SECOND]),
        ("?from=1", [SECOND, FEMALE]),
        ("?fromVersion=1", [SECOND, FEMALE]),
        ("?from=1&to=2", [FEMALE]),
        ("?to=2", [FEMALE]),
        ("?from=3&to=2", [operation("delete", "Patient.name[1]")]),
    ],
)
def test_versions(client: Client, query: str, found: list[Any]) -> None:
    answer = client("GET", f"/Patient/p/$diff{query}")
    assert answer.status == 200
    assert answer.json == {"resourceType": "Parameters", "parameter": found}


def test_two_resources(client: Client) -> None:
    wanted = [operation("replace", "Patient.gender", value={"valueCode": "unknown"}),
              operation("delete", "Patient.name[1]"), operation("delete", "Patient.name[0]")]  # fmt: skip
    for url in ("/$diff?from=Patient/p&to=Patient/other", "/Patient/$diff?from=Patient/p&to=Patient/other/_history/1",
                f"/$diff?from={BASE}/Patient/p&to={BASE}/Patient/other"):  # fmt: skip
        assert client("GET", url).json["parameter"] == wanted
    assert client("GET", "/$diff?from=Patient/p&to=Patient/p").json == {"resourceType": "Parameters"}


def test_meta(client: Client) -> None:
    paths = [
        one["part"][1]["valueString"]
        for one in client("GET", "/Patient/p/$diff?from=1&to=2&includeMeta=true").json["parameter"]
    ]
    assert set(paths) <= {"Patient.meta.versionId", "Patient.meta.lastUpdated", "Patient.gender"}
    assert "Patient.meta.versionId" in paths


def test_access(client: Client) -> None:
    assert client("GET", "/Patient/p/$diff", token="citizen").status == 200
    assert client("GET", "/Patient/p/$diff", token="stranger").status == 404
    assert client("GET", "/$diff?from=Patient/p&to=Patient/other", token="citizen").status == 404


@pytest.mark.parametrize(
    ("url", "status", "key"),
    [
        ("/Patient/other/$diff", 400, "diff.first"),
        ("/Patient/p/$diff?from=9", 404, "store.version-not-found"),
        ("/$diff?from=Patient/p", 400, "operation.missing"),
        ("/$diff?from=p&to=q", 400, "operation.value"),
        ("/Observation/$diff?from=Patient/p&to=Patient/p", 400, "operation.value"),
        ("/$diff?from=http://x/Patient/1&to=Patient/p", 400, "operation.value"),
    ],
)
def test_refused(client: Client, url: str, status: int, key: str) -> None:
    answer = client("GET", url)
    assert (answer.status, answer.key) == (status, key)
