"""Interactions under a condition: create, read, update and delete. FHIR R4, http.html#cond-update and its kin."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest

from tests.fhir.test_rest import BASE, Client, patient
from yba.fhir import rest
from yba.fhir.store.audit import Journal


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return Client(connection)


def known_as(value: str, own_id: str | None = None, /, **more: object) -> dict[str, object]:
    return patient(own_id, identifier=[{"system": "http://s", "value": value}], **more)


WHERE = "identifier=http://s|1"


def count(client: Client) -> int:
    return int(client("GET", "/Patient?_count=0").json["total"])


# -- create --------------------------------------------------------------------------------------------------


def test_create_none_one_several(client: Client) -> None:
    first = client("POST", "/Patient", known_as("1"), if_none_exist=WHERE)
    assert (first.status, first.headers["ETag"]) == (201, 'W/"1"')
    again = client("POST", "/Patient", known_as("1"), if_none_exist=WHERE)
    assert (again.status, again.headers["Location"]) == (200, first.headers["Location"])
    assert again.body == first.body
    client("POST", "/Patient", known_as("1"))
    several = client("POST", "/Patient", known_as("1"), if_none_exist=WHERE)
    assert (several.status, several.key) == (412, "store.several-match")
    assert count(client) == 2


@pytest.mark.parametrize(
    "condition", ["?", "identifier=", "nmae=x", "_count=1", "_sort=name", "identifier=%00"]
)
def test_a_condition_that_asks_nothing_is_refused(client: Client, condition: str) -> None:
    assert client("POST", "/Patient", known_as("1"), if_none_exist=condition).status == 400
    assert count(client) == 0


# -- read ----------------------------------------------------------------------------------------------------


def test_read_if_none_match_and_if_modified_since(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    read = client("GET", "/Patient/p")
    for tag in ('W/"1"', '"1"', 'W/"7", W/"1"', "*"):
        found = client("GET", "/Patient/p", if_none_match=tag)
        assert (found.status, found.body, found.headers["ETag"]) == (304, b"", 'W/"1"')
    assert client("GET", "/Patient/p", if_none_match='W/"11"').status == 200
    assert client("GET", "/Patient/p", if_modified_since=read.headers["Last-Modified"]).status == 304
    assert client("GET", "/Patient/p", if_modified_since="Thu, 01 Jan 1970 00:00:00 GMT").status == 200
    # If-None-Match is the stronger of the two (RFC 9110, 13.1.3).
    both = client("GET", "/Patient/p", if_none_match='W/"2"', if_modified_since=read.headers["Last-Modified"])
    assert both.status == 200


# -- update --------------------------------------------------------------------------------------------------


def test_update_none_makes_a_new_one(client: Client) -> None:
    made = client("PUT", f"/Patient?{WHERE}", known_as("1"))
    assert made.status == 201
    assert made.headers["Location"] == f"{BASE}/Patient/{made.json['id']}/_history/1"
    assert (
        client("GET", f"/Patient/{made.json['id']}/_history").json["entry"][0]["request"]["method"] == "PUT"
    )


def test_update_none_with_an_id_makes_it_under_that_id(client: Client) -> None:
    made = client("PUT", f"/Patient?{WHERE}", known_as("1", "own"))
    assert (made.status, made.json["id"]) == (201, "own")


def test_update_none_never_replaces_one_that_does_not_match(client: Client) -> None:
    client("PUT", "/Patient/own", known_as("2", "own"))
    refused = client("PUT", f"/Patient?{WHERE}", known_as("1", "own"))
    assert (refused.status, refused.key) == (409, "store.id-taken")
    assert client("GET", "/Patient/own").headers["ETag"] == 'W/"1"'


def test_update_one(client: Client) -> None:
    client("PUT", "/Patient/own", known_as("1", "own"))
    for body in (known_as("1", active=True), known_as("1", "own", active=False)):
        changed = client("PUT", f"/Patient?{WHERE}", body)
        assert (changed.status, changed.json["id"]) == (200, "own")
    assert client("GET", "/Patient/own").headers["ETag"] == 'W/"3"'
    other = client("PUT", f"/Patient?{WHERE}", known_as("1", "other"))
    assert (other.status, other.key) == (400, "store.id-differs")
    stale = client("PUT", f"/Patient?{WHERE}", known_as("1"), if_match='W/"1"')
    assert (stale.status, stale.key) == (412, "store.version-changed")
    assert client("PUT", f"/Patient?{WHERE}", known_as("1"), if_match='W/"3"').status == 200


def test_update_several(client: Client) -> None:
    for key in ("a", "b"):
        client("PUT", f"/Patient/{key}", known_as("1", key))
    refused = client("PUT", f"/Patient?{WHERE}", known_as("1"))
    assert (refused.status, refused.key) == (412, "store.several-match")


def test_parameters_of_the_answer_are_no_condition(client: Client) -> None:
    assert client("PUT", "/Patient?_format=json&_pretty=true", known_as("1")).status == 405
    made = client("PUT", f"/Patient?{WHERE}&_format=json", known_as("1"))
    assert made.status == 201


# -- delete --------------------------------------------------------------------------------------------------


def test_delete_is_the_same_twice_and_of_nothing(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    first = client("DELETE", "/Patient/p")
    assert (first.status, first.body, first.headers["ETag"]) == (204, b"", 'W/"2"')
    assert client("DELETE", "/Patient/p").status == 204
    assert client("DELETE", "/Patient/nobody").status == 204
    assert len(client("GET", "/Patient/p/_history").json["entry"]) == 2
    assert client("GET", "/Patient/p/_history/2").status == 410
    assert client("GET", "/Patient/p/_history/1").status == 200
    told = client("DELETE", "/Patient/p", prefer="return=OperationOutcome")
    assert (told.status, told.json["issue"][0]["severity"]) == (200, "information")


def test_delete_if_match(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    stale = client("DELETE", "/Patient/p", if_match='W/"9"')
    assert (stale.status, stale.key) == (412, "store.version-changed")
    assert client("GET", "/Patient/p").status == 200
    assert client("DELETE", "/Patient/p", if_match='W/"1"').status == 204
    assert client("DELETE", "/Patient/p", if_match='W/"1"').status == 412


def test_delete_where_none_one_several(client: Client) -> None:
    assert client("DELETE", f"/Patient?{WHERE}").status == 204
    for key, value in (("a", "1"), ("b", "1"), ("c", "2")):
        client("PUT", f"/Patient/{key}", known_as(value, key))
    assert client("DELETE", f"/Patient?{WHERE}").status == 204
    assert [client("GET", f"/Patient/{key}").status for key in "abc"] == [410, 410, 200]
    assert client("DELETE", "/Patient?identifier=http://s|2").status == 204
    assert client("GET", "/Patient/c").status == 410


def test_delete_where_too_many_deletes_nothing(connection: psycopg.Connection[Any]) -> None:
    client = Client(connection)
    client.application = rest.application(
        lambda: connection,
        client.actors.get,
        base_url=BASE,
        journal=cast("Journal", client.journal),
        most_deleted=2,
    )
    for key in "abc":
        client("PUT", f"/Patient/{key}", known_as("1", key))
    refused = client("DELETE", f"/Patient?{WHERE}")
    assert (refused.status, refused.key) == (412, "store.too-many-match")
    assert refused.json["issue"][0]["code"] == "too-costly"
    assert count(client) == 3


@pytest.mark.parametrize("query", ["", "?", "?_format=json"])
def test_delete_without_a_condition_is_not_offered(client: Client, query: str) -> None:
    client("PUT", "/Patient/p", patient())
    refused = client("DELETE", f"/Patient{query}")
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, POST, HEAD, OPTIONS")
    assert client("GET", "/Patient/p").status == 200


@pytest.mark.parametrize("query", ["?identifier=", "?_count=5", "?nmae=x"])
def test_delete_where_nothing_is_asked_deletes_nothing(client: Client, query: str) -> None:
    client("PUT", "/Patient/p", patient())
    assert client("DELETE", f"/Patient{query}").status == 400
    assert client("GET", "/Patient/p").status == 200


def test_a_condition_sees_what_the_actor_sees(client: Client) -> None:
    client("PUT", "/Appointment/a", appointment("p"))
    client("PUT", "/Appointment/b", appointment("q"))
    for key in "pq":
        client("PUT", f"/Patient/{key}", patient(key))
    assert client("DELETE", "/Appointment?status=booked", token="citizen").status == 204
    assert [client("GET", f"/Appointment/{key}").status for key in "ab"] == [410, 200]
    assert client("DELETE", "/Appointment/b", token="citizen").status == 204  # as for one that is not there
    assert client("GET", "/Appointment/b").status == 200


def appointment(person: str) -> dict[str, object]:
    return {
        "resourceType": "Appointment",
        "id": {"p": "a", "q": "b"}[person],
        "status": "booked",
        "participant": [{"actor": {"reference": f"Patient/{person}"}, "status": "accepted"}],
    }
