"""``$reindex``: begun by the system, followed to its end, told with what still waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.fhir.test_rest import BASE, Client
from tests.fhir.test_search_custom import added, drain
from yba.fhir.access import Actor


@pytest.fixture
def client(own_database: str) -> Iterator[Client]:
    with psycopg.connect(own_database, autocommit=True) as connection:
        made = Client(connection)
        made.actors["doctor"] = Actor(user="d", role="doctor", facility="f")
        yield made


def runs(client: Client) -> list[dict[str, Any]]:
    told = client("GET", "/$reindex").json.get("parameter", [])
    return [
        {part["name"]: next(value for key, value in part.items() if key != "name") for part in one["part"]}
        for one in told
        if one["name"] == "run"
    ]


def test_a_run_is_begun_followed_and_ended(client: Client, own_database: str) -> None:
    for number in range(3):
        client("PUT", f"/Patient/p{number}", {"resourceType": "Patient", "id": f"p{number}"})
    begun = client("POST", "/$reindex")
    assert begun.status == 202
    place = begun.headers["Content-Location"].removeprefix(BASE)
    waiting = client("GET", place)
    assert (waiting.status, waiting.headers["X-Progress"]) == (202, "waiting")
    assert drain(own_database) == 1
    assert client("GET", place).status == 200
    ((run),) = runs(client)
    assert (run["state"], run["done"], run["total"]) == ("done", 3, 3)
    ended = client("POST", "/Patient/$reindex").headers["Content-Location"].removeprefix(BASE)
    assert client("DELETE", ended).status == 202
    assert drain(own_database) == 0


def test_what_waits_is_told(client: Client, own_database: str) -> None:
    import json

    client("PUT", "/Patient/a", {"resourceType": "Patient", "id": "a", "gender": "male"})
    body = json.loads(added("mine", "mine", "token", "Patient.gender"))
    assert client("PUT", "/SearchParameter/mine", body).status == 201
    asked = client("GET", "/Patient?mine=male")
    assert (asked.status, asked.key) == (503, "search.being-indexed")
    told = client("GET", "/$reindex").json["parameter"]
    assert {"name": "indexing", "valueString": "Patient.mine"} in told
    drain(own_database)
    assert client("GET", "/Patient?mine=male").json["total"] == 1
    told = client("GET", "/$reindex").json["parameter"]
    assert [one["name"] for one in told] == ["run"]


def test_refusals(client: Client) -> None:
    assert client("POST", "/$reindex", token="doctor").status == 403
    refused = client("POST", "/$reindex?type=Nonsense")
    assert (refused.status, refused.key) == (400, "reindex.type")
