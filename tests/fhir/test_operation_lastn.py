"""Observation/$lastn: groups by code, ties, order, access."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fhir.operation_calls import BASE, Client, client_of, names, put
from yba.fhir.rest.operations.lastn import groups

VITAL = [{"coding": [{"system": "cat", "code": "vital-signs"}]}]


def observation(client: Client, identifier: str, code: object, when: object, **fields: Any) -> None:
    fields = {"status": "final", "category": VITAL, "subject": {"reference": "Patient/p"}, **fields}
    codes = (
        code
        if isinstance(code, dict)
        else {"coding": [{"system": "l", "code": one} for one in str(code).split()]}
    )
    effective = {} if when is None else when if isinstance(when, dict) else {"effectiveDateTime": when}
    put(client, "Observation", identifier, code=codes, **effective, **fields)


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Patient", "p")
    put(found, "Patient", "q")
    for number in range(1, 6):
        observation(found, f"a{number}", "a", f"2024-01-0{number}")
        observation(found, f"b{number}", "b", f"2024-02-0{number}")
    observation(found, "of-q", "a", "2025-01-01", subject={"reference": "Patient/q"})
    observation(found, "lab", "a", "2025-01-01", category=[{"coding": [{"code": "laboratory"}]}])
    return found


def test_one_of_each_without_max(client: Client) -> None:
    answer = client("GET", "/Observation/$lastn?patient=p&category=vital-signs")
    assert names(answer) == ["Observation/b5", "Observation/a5"]
    assert (answer.json["type"], answer.json["total"]) == ("searchset", 2)
    assert answer.json["link"][0]["url"] == f"{BASE}/Observation/$lastn?patient=p&category=vital-signs"


def test_max_and_order(client: Client) -> None:
    found = names(client("GET", "/Observation/$lastn?max=2&subject=Patient/p&category=vital-signs"))
    assert found == ["Observation/b5", "Observation/b4", "Observation/a5", "Observation/a4"]
    of_code = names(client("GET", f"/Observation/$lastn?max=99&patient={BASE}/Patient/p&code=l|a"))
    assert of_code == ["Observation/lab", "Observation/a5", "Observation/a4", "Observation/a3", "Observation/a2",
                       "Observation/a1"]  # fmt: skip
    before = names(client("GET", "/Observation/$lastn?patient=p&category=vital-signs&date=lt2024-02-01"))
    assert before == ["Observation/a5"]


def test_ties_are_all_given(client: Client) -> None:
    observation(client, "tie1", "a", "2024-01-03")
    observation(client, "tie2", "a", {"effectivePeriod": {"start": "2024-01-03", "end": "2024-01-09"}})
    found = names(client("GET", "/Observation/$lastn?max=3&patient=p&code=l|a&category=vital-signs"))
    assert sorted(found[2:]) == ["Observation/a3", "Observation/tie1", "Observation/tie2"]
    assert len(found) == 5


def test_without_a_time_is_oldest_and_no_tie(client: Client) -> None:
    observation(client, "none1", "c", None)
    observation(client, "none2", "c", None)
    observation(client, "issued", "c", {"issued": "2020-01-01T00:00:00Z"})
    assert names(client("GET", "/Observation/$lastn?max=2&patient=p&code=c")) == [
        "Observation/issued", "Observation/none2"]  # fmt: skip


def test_translations_join_groups(client: Client) -> None:
    """a | b | a,b: one group. Codes of another system, and texts, are others."""
    observation(client, "both", "a b", "2023-01-01")
    observation(client, "foreign", {"coding": [{"system": "other", "code": "a"}]}, "2023-01-01")
    for text in ("textM", "Text", "t e x t"):
        observation(client, f"text{len(text)}{text[0]}", {"text": text}, "2023-01-01")
    found = names(client("GET", "/Observation/$lastn?patient=p&category=vital-signs"))
    assert sorted(found) == ["Observation/b5", "Observation/foreign", "Observation/text4T", "Observation/text5t",
                             "Observation/text7t"]  # fmt: skip


def test_status(client: Client) -> None:
    observation(client, "wrong", "a", "2026-01-01", status="entered-in-error")
    asked = "/Observation/$lastn?patient=p&code=l|a"
    assert names(client("GET", asked)) == ["Observation/wrong"]
    assert names(client("GET", asked + "&status=final")) == ["Observation/lab"]


def test_access(client: Client) -> None:
    assert names(client("GET", "/Observation/$lastn?patient=p&category=vital-signs", token="stranger")) == []
    own = names(client("GET", "/Observation/$lastn?patient=p&category=vital-signs", token="citizen"))
    assert own == ["Observation/b5", "Observation/a5"]
    assert names(client("GET", "/Observation/$lastn?patient=p&code=a", token="doctor-a")) == []


def test_posted(client: Client) -> None:
    sent = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "max", "valuePositiveInt": 1},
            {"name": "patient", "valueString": "p"},
            {"name": "category", "valueString": "vital-signs"},
        ],
    }
    assert names(client("POST", "/Observation/$lastn", sent)) == ["Observation/b5", "Observation/a5"]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("category=vital-signs", "lastn.subject"),
        ("patient=p", "lastn.code"),
        ("patient=p&status=final", "lastn.code"),
        ("patient=p&code=a&max=0", "lastn.max"),
        ("patient=p&code=a&max=x", "operation.value"),
        ("patient=p&code=a&_count=3", "lastn.parameter"),
        ("patient=p&code=a&nothing=3", "search.unknown-parameter"),
    ],
)
def test_refused(client: Client, query: str, key: str) -> None:
    answer = client("GET", f"/Observation/$lastn?{query}")
    assert (answer.status, answer.key) == (400, key)


@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=3), max_size=12))
def test_groups_are_those_that_share(rows: list[list[int]]) -> None:
    """Each row once; rows that share a key are together; no group could be parted."""
    found = groups(rows)
    assert sorted(at for group in found for at in group) == list(range(len(rows)))
    keys = [{key for at in group for key in rows[at]} for group in found]
    for at, one in enumerate(keys):
        assert not any(one & other for other in keys[at + 1 :])
    for group in found:
        reached, left = set(rows[group[0]]), group[1:]
        while touching := [at for at in left if reached & set(rows[at])]:
            reached |= {key for at in touching for key in rows[at]}
            left = [at for at in left if at not in touching]
        assert not left
