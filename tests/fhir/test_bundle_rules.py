"""The rules of transactions and batches, over HTTP. FHIR R4, http.html#transaction and bundle.html#references."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import psycopg
import pytest

from tests.fhir.test_rest import BASE, Client, patient
from tests.work import statements_sent
from yba.fhir import rest
from yba.fhir.store.audit import Journal

ONE, TWO = "urn:uuid:11111111-1111-4111-8111-111111111111", "urn:uuid:22222222-2222-4222-8222-222222222222"

SPACE = 'xmlns="http://www.w3.org/1999/xhtml"'


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return Client(connection)


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, **({"entry": list(entries)} if entries else {})}


def entry(
    method: str, url: str, resource: dict[str, Any] | None = None, full_url: str | None = None, **request: str
) -> dict[str, Any]:
    found: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        found["resource"] = resource
    if full_url is not None:
        found["fullUrl"] = full_url
    return found


def observation(subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": subject}, **more,
    }  # fmt: skip


def statuses(answer: Any) -> list[str]:
    return [one["response"]["status"] for one in answer.json["entry"]]


def count(client: Client, kind: str) -> int:
    return int(client("GET", f"/{kind}?_count=0").json["total"])


# -- order and answers ---------------------------------------------------------------------------------------


def test_verbs_in_order_and_answers_in_place(client: Client) -> None:
    client("PUT", "/Patient/old", patient("old"))
    client("PUT", "/Patient/p", patient("p"))
    answer = client(
        "POST", "/",
        bundle(
            entry("GET", "Patient?_summary=count"),
            entry("HEAD", "Patient/p"),
            entry("PUT", "Patient/p", patient("p", active=True)),
            entry("POST", "Patient", patient(None)),
            entry("DELETE", "Patient/old"),
            entry("DELETE", "Patient/nobody"),
        ),
    )  # fmt: skip
    assert answer.json["type"] == "transaction-response"
    assert statuses(answer) == [
        "200 OK",
        "200 OK",
        "200 OK",
        "201 Created",
        "204 No Content",
        "204 No Content",
    ]
    found, head, put, made, gone, _ = answer.json["entry"]
    assert found["resource"]["total"] == 2
    assert "resource" not in head
    assert (head["response"]["etag"], put["response"]["etag"], gone["response"]["etag"]) == (
        'W/"2"', 'W/"2"', 'W/"2"',
    )  # fmt: skip
    assert made["response"]["location"] == f"Patient/{made['resource']['id']}/_history/1"
    assert made["response"]["lastModified"] == made["resource"]["meta"]["lastUpdated"]


@pytest.mark.parametrize(("prefer", "resource", "outcome"), [
    ("return=minimal", False, False), ("return=representation", True, False), ("return=OperationOutcome", False, True),
])  # fmt: skip
def test_prefer(client: Client, prefer: str, resource: bool, outcome: bool) -> None:
    for kind in ("transaction", "batch"):
        answer = client(
            "POST", "/", bundle(entry("POST", "Patient", patient(None)), kind=kind), prefer=prefer
        )
        (one,) = answer.json["entry"]
        assert ("resource" in one, "outcome" in one["response"]) == (resource, outcome)
        assert one["response"]["status"] == "201 Created"


@pytest.mark.parametrize("kind", ["history", "searchset", "document", "collection", "message"])
def test_other_kinds_are_refused(client: Client, kind: str) -> None:
    refused = client("POST", "/", bundle(kind=kind))
    assert (refused.status, refused.key) == (400, "bundle.type")


def test_an_empty_one_is_answered_empty(client: Client) -> None:
    for kind in ("transaction", "batch"):
        assert client("POST", "/", bundle(kind=kind)).json == {
            "resourceType": "Bundle",
            "type": f"{kind}-response",
        }


def test_text_that_is_no_utf_8(client: Client) -> None:
    sent = json.dumps(bundle(entry("POST", "Patient", patient(None, language="@@")), kind="batch")).encode()
    refused = client("POST", "/", sent.replace(b"@@", b"a\xff"))
    assert refused.status == 400
    assert refused.key.startswith("codec.")


def test_a_bundle_can_be_kept(client: Client) -> None:
    kept = client("POST", "/Bundle", bundle(entry("POST", "Patient", patient(None))))
    assert kept.status == 201
    assert count(client, "Patient") == 0


# -- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "key", "at"),
    [
        ([{"resource": patient(None)}], "bundle.request-missing", 0),
        ([entry("POST", "Patient")], "bundle.resource-missing", 0),
        ([entry("POST", "Patient/x", patient("x"))], "bundle.post-id", 0),
        ([entry("POST", "Group", patient(None))], "bundle.type-differs", 0),
        ([entry("PUT", "Patient/x", patient("y"))], "bundle.id-differs", 0),
        ([entry("PUT", "Patient", patient("y"))], "bundle.put-id", 0),
        ([entry("DELETE", "Patient")], "bundle.delete-id", 0),
        ([entry("PATCH", "Patient", patient(None))], "bundle.patch-id", 0),
        ([entry("PUT", "Nonsense/x", patient("x"))], "bundle.url", 0),
        ([entry("POST", "?x", patient("x"))], "bundle.url", 0),
        ([entry("PUT", "Patient/a", patient("a")), entry("DELETE", "Patient/a")], "bundle.overlap", None),
        ([entry("PUT", "Patient/a", patient("a"))] * 2, "bundle.overlap", 1),
        (
            [entry("POST", "Patient", patient(None), ONE), entry("POST", "Patient", patient(None), ONE)],
            "bundle.full-url",
            1,
        ),
        ([entry("POST", "Observation", observation(ONE))], "bundle.unresolved", 0),
        ([entry("GET", "Patient/nobody")], "store.not-found", 0),
        ([entry("GET", "Nonsense")], "rest.unknown-type", 0),
        ([entry("PUT", "Patient/p", patient("p"), ifMatch='W/"3"')], "store.version-changed", 0),
        ([entry("DELETE", "Patient/p", ifMatch='W/"3"')], "store.version-changed", 0),
        ([entry("PUT", "Patient/p", patient("p"), ifNoneMatch="*")], "store.exists", 0),
        ([entry("PUT", "Patient/x", patient("x"), ifNoneExist="name=x")], "bundle.if-none-exist", 0),
        ([entry("POST", "Patient", patient(None, gender="none"))], "codec.unknown-code", 0),
        ([entry("DELETE", "Patient?identifier=")], "store.condition", 0),
    ],
)  # fmt: skip
def test_what_refuses_the_whole(
    client: Client, entries: list[dict[str, Any]], key: str, at: int | None
) -> None:
    client("PUT", "/Patient/p", patient())
    refused = client("POST", "/", bundle(entry("POST", "Patient", patient(None)), *entries))
    assert 400 <= refused.status < 500
    assert refused.key == key
    if at is not None:
        assert refused.json["issue"][0]["expression"][0].startswith(f"Bundle.entry[{at + 1}]")
    assert count(client, "Patient") == 1


def test_in_a_batch_each_stands_for_itself(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    answer = client(
        "POST", "/",
        bundle(
            entry("POST", "Patient", patient(None, gender="none")),
            entry("POST", "Patient", patient(None)),
            entry("GET", "Patient/nobody"),
            entry("PUT", "Patient/p", patient("p"), ifMatch='W/"7"'),
            entry("PUT", "Patient/p", patient("p"), ifMatch='W/"1"'),
            entry("GET", "Patient/p", ifNoneMatch='W/"2"'),
            entry("DELETE", "Patient/p"),
            entry("GET", "Patient/p"),
            {"resource": patient(None)},
            entry("PUT", "Patient", patient(None)),
            entry("GET", "Patient/x/y/z/w"),
            kind="batch",
        ),
    )  # fmt: skip
    assert [one[:3] for one in statuses(answer)] == [
        "400", "201", "404", "412", "200", "304", "204", "410", "400", "400", "404",
    ]  # fmt: skip
    refused = answer.json["entry"][0]["response"]["outcome"]
    assert refused["issue"][0]["expression"] == ["Bundle.entry[0].resource (Patient.gender)"]
    assert "resource" not in answer.json["entry"][5]


def test_entries_of_a_batch_do_not_know_of_each_other(client: Client) -> None:
    answer = client(
        "POST", "/",
        bundle(
            entry("POST", "Patient", patient(None), ONE),
            entry("POST", "Observation", observation(ONE), TWO),
            kind="batch",
        ),
    )  # fmt: skip
    assert [one[:3] for one in statuses(answer)] == ["201", "400"]


# -- links ---------------------------------------------------------------------------------------------------


def stored(client: Client, answer: Any, number: int) -> dict[str, Any]:
    location = answer.json["entry"][number]["response"]["location"].partition("/_history")[0]
    found: dict[str, Any] = client("GET", f"/{location}").json
    return found


def test_links_by_their_types(client: Client) -> None:
    sent = {
        "resourceType": "DocumentReference",
        "status": "current",
        "text": {
            "status": "generated",
            "div": f'<div {SPACE}><a href="{ONE}#a">x</a> {ONE} <img src=\'{ONE}\'/></div>',
        },
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": ONE}],
        "description": ONE,
        "subject": {"reference": f"{TWO}#part"},
        "content": [{"attachment": {"url": ONE, "title": ONE}}],
        "extension": [
            {"url": "http://e", "valueUri": ONE},
            {"url": "http://e", "valueUrl": ONE},
            {"url": "http://e", "valueUuid": ONE},
            {"url": "http://e", "valueCanonical": ONE},
            {"url": "http://e", "valueString": ONE},
            {"url": "http://e", "valueReference": {"reference": ONE}},
        ],
        "contained": [{"resourceType": "Group", "id": "g", "type": "person", "actual": True,
                       "member": [{"entity": {"reference": TWO}}]}],
    }  # fmt: skip
    binary = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
    answer = client(
        "POST", "/",
        bundle(
            entry("POST", "DocumentReference", sent, "urn:uuid:33333333-3333-4333-8333-333333333333"),
            entry("POST", "Binary", binary, ONE),
            entry("POST", "Patient", patient(None), TWO),
        ),
    )  # fmt: skip
    assert answer.status == 200, answer.body
    found = stored(client, answer, 0)
    data = f"Binary/{stored(client, answer, 1)['id']}"
    person = f"Patient/{stored(client, answer, 2)['id']}"
    assert found["text"]["div"] == (
        f"<div {SPACE}><a href=\"{data}#a\">x</a> {ONE} <img src='{data}'/></div>"
    )
    assert found["identifier"][0]["value"] == ONE
    assert found["description"] == ONE
    assert found["subject"]["reference"] == f"{person}#part"
    assert found["content"] == [{"attachment": {"url": data, "title": ONE}}]
    assert [next(one[key] for key in one if key != "url") for one in found["extension"]] == [
        data, data, ONE, ONE, ONE, {"reference": data},
    ]  # fmt: skip
    assert found["contained"][0]["member"][0]["entity"]["reference"] == person


def test_restful_full_urls(client: Client) -> None:
    there = "http://there.example/fhir"
    answer = client(
        "POST", "/",
        bundle(
            entry("POST", "Patient", patient("7"), f"{there}/Patient/7"),
            entry("POST", "Observation", observation("Patient/7"), f"{there}/Observation/1"),
            entry("POST", "Observation", observation(f"{there}/Patient/7"), f"{there}/Observation/2"),
            entry("POST", "Observation", observation("Patient/7"), "http://elsewhere.example/fhir/Observation/3"),
            entry("POST", "Observation", observation("http://elsewhere.example/fhir/Patient/7"), TWO),
            entry("PUT", "Organization/o", {"resourceType": "Organization", "id": "o"}, "urn:oid:1.2.3"),
            entry(
                "POST", "Location",
                {"resourceType": "Location", "managingOrganization": {"reference": "urn:oid:1.2.3"}},
            ),
        ),
    )  # fmt: skip
    assert answer.status == 200, answer.body
    person = f"Patient/{stored(client, answer, 0)['id']}"
    assert person != "Patient/7"
    assert [stored(client, answer, number)["subject"]["reference"] for number in (1, 2, 3, 4)] == [
        person, person, "Patient/7", "http://elsewhere.example/fhir/Patient/7",
    ]  # fmt: skip
    assert stored(client, answer, 6)["managingOrganization"]["reference"] == "Organization/o"


def test_version_specific_links(client: Client) -> None:
    there = "http://there.example/fhir"
    person = patient("7") | {"meta": {"versionId": "4"}}
    answer = client(
        "POST", "/",
        bundle(
            entry("POST", "Patient", person, f"{there}/Patient/7"),
            entry("POST", "Observation", observation("Patient/7/_history/4"), f"{there}/Observation/1"),
            entry("POST", "Observation", observation(f"{there}/Patient/7/_history/3"), f"{there}/Observation/2"),
        ),
    )  # fmt: skip
    identifier = stored(client, answer, 0)["id"]
    assert stored(client, answer, 1)["subject"]["reference"] == f"Patient/{identifier}/_history/1"
    assert stored(client, answer, 2)["subject"]["reference"] == f"{there}/Patient/7/_history/3"


def test_a_canonical_of_its_own_stays(client: Client) -> None:
    url = "http://there.example/fhir/ValueSet/7"
    sent = {"resourceType": "ValueSet", "url": url, "status": "active"}
    answer = client("POST", "/", bundle(entry("POST", "ValueSet", sent, url)))
    assert stored(client, answer, 0)["url"] == url


# -- conditions ----------------------------------------------------------------------------------------------


def known_as(value: str, own_id: str | None = None, /) -> dict[str, Any]:
    return dict(patient(own_id, identifier=[{"system": "http://s", "value": value}]))


def test_a_conditional_reference_may_mean_what_is_made_here(client: Client) -> None:
    answer = client(
        "POST", "/",
        bundle(
            entry("POST", "Observation", observation("Patient?identifier=http://s|1")),
            entry("POST", "Patient", known_as("1")),
        ),
    )  # fmt: skip
    assert stored(client, answer, 0)["subject"]["reference"] == f"Patient/{stored(client, answer, 1)['id']}"


def a_chain(name: str, links: int) -> dict[str, Any]:
    """Organizations each part of the next, which the one before names by a condition."""
    entries = []
    for place in range(links + 1):
        made: dict[str, Any] = {
            "resourceType": "Organization", "identifier": [{"system": "http://s", "value": f"{name}-{place}"}],
        }  # fmt: skip
        if place < links:
            made["partOf"] = {"reference": f"Organization?identifier=http://s|{name}-{place + 1}"}
        entries.append(entry("POST", "Organization", made))
    return bundle(*entries)


def test_a_long_chain_of_conditional_references_costs_the_same_for_each_link(client: Client) -> None:
    """Each link more is the same few statements more, however long the chain is already."""
    client("POST", "/", a_chain("first", 1))  # what a connection asks once, it has asked
    sent = []
    for links in (30, 60, 120):
        chain = a_chain(f"chain{links}", links)
        with statements_sent() as seen:
            answer = client("POST", "/", chain)
        assert statuses(answer) == ["201 Created"] * (links + 1)
        sent.append(len(seen))
    first, second, third = sent
    assert third - second == 2 * (second - first)


@pytest.mark.parametrize("found", [0, 2])
def test_a_conditional_reference_to_none_or_several(client: Client, found: int) -> None:
    for number in range(found):
        client("PUT", f"/Patient/p{number}", known_as("1", f"p{number}"))
    refused = client(
        "POST", "/", bundle(entry("POST", "Observation", observation("Patient?identifier=http://s|1")))
    )
    assert (refused.status, count(client, "Observation")) == (412, 0)


def test_conditional_updates_and_deletes(client: Client) -> None:
    for key, value in (("a", "1"), ("b", "2"), ("c", "2")):
        client("PUT", f"/Patient/{key}", known_as(value, key))
    answer = client(
        "POST", "/",
        bundle(
            entry("PUT", "Patient?identifier=http://s|1", known_as("1"), ONE),
            entry("PUT", "Patient?identifier=http://s|9", known_as("9")),
            entry("DELETE", "Patient?identifier=http://s|2"),
            entry("POST", "Patient", known_as("3"), ifNoneExist="identifier=http://s|3"),
            entry("POST", "Observation", observation(ONE)),
        ),
    )  # fmt: skip
    assert statuses(answer) == ["200 OK", "201 Created", "204 No Content", "201 Created", "201 Created"]
    assert stored(client, answer, 4)["subject"]["reference"] == "Patient/a"
    assert [client("GET", f"/Patient/{key}").status for key in "abc"] == [200, 410, 410]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_a_conditional_update_with_another_id(client: Client, kind: str) -> None:
    client("PUT", "/Patient/a", known_as("1", "a"))
    answer = client(
        "POST", "/", bundle(entry("PUT", "Patient?identifier=http://s|1", known_as("1", "b")), kind=kind)
    )
    if kind == "batch":
        assert statuses(answer) == ["400 Bad Request"]
    else:
        assert (answer.status, answer.key) == (400, "store.id-differs")
    assert client("GET", "/Patient/a").headers["ETag"] == 'W/"1"'


def test_conditional_delete_overlaps(client: Client) -> None:
    client("PUT", "/Patient/a", known_as("1", "a"))
    refused = client(
        "POST", "/",
        bundle(entry("DELETE", "Patient?identifier=http://s|1"), entry("PUT", "Patient/a", known_as("1", "a"))),
    )  # fmt: skip
    assert (refused.status, refused.key) == (400, "bundle.overlap")
    assert client("GET", "/Patient/a").headers["ETag"] == 'W/"1"'


# -- calls ---------------------------------------------------------------------------------------------------


def test_reads_searches_histories_and_conditions_inside(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    modified = client("GET", "/Patient/p").json["meta"]["lastUpdated"]
    answer = client(
        "POST", "/",
        bundle(
            entry("GET", f"{BASE}/Patient/p"),
            entry("GET", "/Patient/p/_history/1"),
            entry("GET", "Patient/_history"),
            entry("GET", "Patient/p", ifNoneMatch='W/"1"'),
            entry("GET", "Patient/p", ifModifiedSince=modified),
            entry("GET", "metadata"),
            entry("GET", "Patient?_id=p&_elements=id"),
        ),
    )  # fmt: skip
    assert statuses(answer) == [*["200 OK"] * 3, *["304 Not Modified"] * 2, *["200 OK"] * 2]
    kinds = [one.get("resource", {}).get("resourceType") for one in answer.json["entry"]]
    assert kinds == ["Patient", "Patient", "Bundle", None, None, "CapabilityStatement", "Bundle"]


def test_a_bundle_in_a_bundle_is_not_carried_out(client: Client) -> None:
    answer = client("POST", "/", bundle(entry("POST", "/", bundle(kind="batch")), kind="batch"))
    assert statuses(answer) == ["400 Bad Request"]


def test_an_operation_inside(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    answer = client("POST", "/", bundle(entry("GET", "Patient/p/$everything"), entry("POST", "Patient/p/$nonsense"),
                                        kind="batch"))  # fmt: skip
    assert [one[:3] for one in statuses(answer)] == ["200", "404"]
    assert answer.json["entry"][0]["resource"]["type"] == "searchset"


def test_patches_inside(client: Client) -> None:
    client("PUT", "/Patient/a", known_as("1", "a"))
    client("PUT", "/Patient/b", known_as("2", "b"))
    operations = json.dumps([{"op": "add", "path": "/active", "value": True}]).encode()
    binary = {
        "resourceType": "Binary", "contentType": "application/json-patch+json",
        "data": base64.b64encode(operations).decode(),
    }  # fmt: skip
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "add"},
                    {"name": "path", "valueString": "Patient"},
                    {"name": "name", "valueString": "active"},
                    {"name": "value", "valueBoolean": True},
                ],
            }
        ],
    }
    for kind, version in (("transaction", 2), ("batch", 3)):
        answer = client(
            "POST", "/",
            bundle(
                entry("PATCH", "Patient/a", binary),
                entry("PATCH", "Patient?identifier=http://s|2", parameters if version == 2 else binary),
                kind=kind,
            ),
        )  # fmt: skip
        assert answer.status == 200, answer.body
        assert statuses(answer) == ["200 OK", "200 OK"], answer.body
        assert [one["resource"]["active"] for one in answer.json["entry"]] == [True, True]
        assert [one["response"]["etag"] for one in answer.json["entry"]] == [f'W/"{version}"'] * 2
    refused = client("POST", "/", bundle(entry("PATCH", "Patient/a", patient("a"))))
    assert (refused.status, refused.key) == (400, "patch.body")
    overlap = client(
        "POST",
        "/",
        bundle(entry("PATCH", "Patient/a", binary), entry("PATCH", "Patient?identifier=http://s|1", binary)),
    )
    assert overlap.key == "bundle.overlap"


def test_ten_thousand_entries(connection: psycopg.Connection[Any]) -> None:
    client = Client(connection)
    client.application = rest.application(
        lambda: connection,
        client.actors.get,
        base_url=BASE,
        journal=cast("Journal", client.journal),
        body_limit=1 << 24,
    )
    entries = [
        entry("POST", "Organization", {"resourceType": "Organization", "name": f"o{n}"})
        for n in range(10_000)
    ]
    answer = client("POST", "/", bundle(*entries), prefer="return=minimal")
    assert answer.status == 200
    assert len(answer.json["entry"]) == 10_000
    assert count(client, "Organization") == 10_000
