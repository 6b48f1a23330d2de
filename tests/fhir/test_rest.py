"""The record over HTTP: interactions, headers, and every bad input as an OperationOutcome."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

import psycopg
import pytest

from yba.fhir import rest
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.store.audit import Act, Doubted, Journal

BASE = "http://record.test/fhir"


class Noted:
    """A journal that keeps what it is given."""

    def __init__(self) -> None:
        self.acts: list[Act] = []

    def add(self, act: Act | Doubted) -> None:
        self.acts.append(act.act if isinstance(act, Doubted) else act)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        """The error's key; checks on the way that it is a whole OperationOutcome."""
        (issue,) = self.json["issue"]
        assert self.json["resourceType"] == "OperationOutcome"
        assert issue["severity"] == "error"
        assert issue["details"]["text"] == issue["diagnostics"]
        assert self.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
        return cast("str", issue["details"]["coding"][0]["code"])


class Client:
    """Calls the WSGI application as a server would."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.journal = Noted()
        self.actors = {
            "system": SYSTEM,
            "citizen": Actor(user="c", role="citizen", persons=frozenset({"p"}), person="p"),
        }
        self.application = rest.application(
            lambda: connection,
            self.actors.get,
            base_url=BASE,
            body_limit=100_000,
            journal=cast("Journal", self.journal),
        )

    def __call__(
        self, method: str, url: str, body: object = None, *, token: str | None = "system", **headers: str
    ) -> Answer:
        parts = urlsplit(url.removeprefix(BASE))
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/fhir",
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": headers.pop("content_type", "application/fhir+json"),
            "CONTENT_LENGTH": headers.pop("content_length", str(len(sent))),
            "wsgi.input": io.BytesIO(sent),
        }
        if token is not None:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        begun: list[Any] = []
        out = b"".join(self.application(environ, lambda status, found: begun.extend((status, found))))
        return Answer(int(begun[0][:3]), dict(begun[1]), out)


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return Client(connection)


def patient(own_id: str | None = "p", /, **rest: object) -> dict[str, object]:
    return {"resourceType": "Patient", **({"id": own_id} if own_id else {}), **rest}


def test_create_read_update_delete(client: Client) -> None:
    made = client("POST", "/Patient", patient(None, birthDate="1980-02-29"))
    assert made.status == 201
    identifier = made.json["id"]
    assert made.headers["Location"] == f"{BASE}/Patient/{identifier}/_history/1"
    assert made.headers["ETag"] == 'W/"1"'
    read = client("GET", f"/Patient/{identifier}")
    assert (read.status, read.body) == (200, made.body)
    assert read.headers["Last-Modified"].endswith(" GMT")
    assert client("GET", f"/Patient/{identifier}", if_none_match='W/"1"').status == 304
    assert client("GET", f"/Patient/{identifier}", if_none_match='W/"2"').status == 200
    since = read.headers["Last-Modified"]
    assert client("GET", f"/Patient/{identifier}", if_modified_since=since).status == 304
    head = client("HEAD", f"/Patient/{identifier}")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(read.body)))
    changed = client("PUT", f"/Patient/{identifier}", patient(identifier, active=True), if_match='W/"1"')
    assert (changed.status, changed.json["meta"]["versionId"]) == (200, "2")
    stale = client("PUT", f"/Patient/{identifier}", patient(identifier), if_match='W/"1"')
    assert (stale.status, stale.key) == (412, "store.version-changed")
    assert client("GET", f"/Patient/{identifier}/_history/1").body == made.body
    assert client("DELETE", f"/Patient/{identifier}").status == 204
    gone = client("GET", f"/Patient/{identifier}")
    assert (gone.status, gone.key) == (410, "store.gone")
    assert client("PUT", "/Patient/own", patient("own")).status == 201


def test_what_is_sent_is_what_comes_back(client: Client) -> None:
    text = (
        b'{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":80.10}}'
    )
    assert client("PUT", "/Observation/o", text).status == 201
    assert b'"value":80.10}' in client("GET", "/Observation/o").body


def test_preferences(client: Client) -> None:
    minimal = client("POST", "/Patient", patient(None), prefer="return=minimal")
    assert (minimal.status, minimal.body) == (201, b"")
    outcome = client("POST", "/Patient", patient(None), prefer="return=OperationOutcome")
    assert outcome.json["resourceType"] == "OperationOutcome"
    strict = client("GET", "/Patient?nmae=x", prefer="handling=strict")
    assert (strict.status, strict.key) == (400, "search.unknown-parameter")
    lenient = client("GET", "/Patient?nmae=x&_count=1")
    assert lenient.json["entry"][-1]["search"] == {"mode": "outcome"}
    assert lenient.json["link"][0] == {"relation": "self", "url": f"{BASE}/Patient?_count=1"}
    pretty = client("GET", "/Patient?_count=1&_pretty=true")
    assert pretty.body.startswith(b'{\n  "resourceType"')


def test_conditional_create(client: Client) -> None:
    body = patient(None, identifier=[{"system": "http://s", "value": "1"}])
    first = client("POST", "/Patient", body, if_none_exist="identifier=http://s|1")
    again = client("POST", "/Patient", body, if_none_exist="identifier=http://s|1")
    assert (first.status, again.status, again.json["id"]) == (201, 200, first.json["id"])
    client("POST", "/Patient", body)
    several = client("POST", "/Patient", body, if_none_exist="identifier=http://s|1")
    assert several.status == 412


def test_search_and_its_links(client: Client) -> None:
    for number in range(5):
        client("PUT", f"/Patient/p{number}", patient(f"p{number}", birthDate=f"198{number}-01-01"))
    page = client("GET", "/Patient?_sort=birthdate&_count=2&birthdate=gt1980-06")
    assert [entry["resource"]["id"] for entry in page.json["entry"]] == ["p1", "p2"]
    assert page.json["entry"][0]["fullUrl"] == f"{BASE}/Patient/p1"
    links = {link["relation"]: link["url"] for link in page.json["link"]}
    assert links["self"] == f"{BASE}/Patient?_sort=birthdate&_count=2&birthdate=gt1980-06"
    second = client("GET", links["next"])
    assert [entry["resource"]["id"] for entry in second.json["entry"]] == ["p3", "p4"]
    assert "next" not in [link["relation"] for link in second.json["link"]]
    posted = client(
        "POST", "/Patient/_search", b"birthdate=1984-01-01", content_type="application/x-www-form-urlencoded"
    )
    assert (posted.json["total"], posted.json["entry"][0]["resource"]["id"]) == (1, "p4")
    capped = client("GET", "/Patient?_count=2000")
    assert capped.json["link"][0]["url"] == f"{BASE}/Patient?_count=1000"
    assert client("GET", f"/Observation?subject={BASE}/Patient/p1").json["total"] == 0


def test_history(client: Client) -> None:
    for active in (True, False, True):
        client("PUT", "/Patient/p", patient(active=active))
    client("DELETE", "/Patient/p")
    versions = client("GET", "/Patient/p/_history?_count=3").json
    assert [entry["request"]["method"] for entry in versions["entry"]] == ["DELETE", "PUT", "PUT"]
    assert "resource" not in versions["entry"][0]
    rest_of = client("GET", versions["link"][1]["url"]).json
    assert [entry["resource"]["meta"]["versionId"] for entry in rest_of["entry"]] == ["1"]
    assert client("GET", "/Patient/_history").json["entry"][0]["request"]["url"] == "Patient/p"
    assert client("GET", "/_history").status == 200
    assert client("GET", "/_history", token="citizen").status == 403


def test_transaction_and_batch(client: Client) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:8d9a1f70-0000-4000-8000-000000000001",
                "resource": patient(None, name=[{"text": "Lê Đào"}]),
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "resource": {
                    "resourceType": "Observation",
                    "status": "final",
                    "code": {"text": "x"},
                    "subject": {"reference": "urn:uuid:8d9a1f70-0000-4000-8000-000000000001"},
                },
                "request": {"method": "POST", "url": "Observation"},
            },
            {"request": {"method": "GET", "url": "Patient?name=dao"}},
        ],
    }
    answer = client("POST", "/", bundle)
    assert answer.status == 200, answer.body
    made = [entry["resource"] for entry in answer.json["entry"]]
    assert made[1]["subject"]["reference"] == f"Patient/{made[0]['id']}"
    assert made[2]["total"] == 1
    bundle["entry"][1]["resource"]["status"] = "nonsense"  # type: ignore[index]
    refused = client("POST", "/", bundle)
    assert refused.status == 400
    assert client("GET", "/Patient?name=dao&_total=accurate").json["total"] == 1
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": "Patient/none"}},
            {"request": {"method": "GET", "url": f"Patient/{made[0]['id']}"}},
        ],
    }
    answer = client("POST", "/", batch)
    assert [entry["response"]["status"][:3] for entry in answer.json["entry"]] == ["404", "200"]


def test_who_asks(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    client("PUT", "/Patient/q", patient("q"))
    none = client("GET", "/Patient/p", token=None)
    assert (none.status, none.key, none.headers["WWW-Authenticate"]) == (
        401,
        "rest.login",
        'Bearer realm="yba"',
    )
    assert client("GET", "/Patient/p", token="wrong").status == 401
    assert client("GET", "/Patient/p", token="citizen").status == 200
    assert client("GET", "/Patient/q", token="citizen").status == 404
    assert client("PUT", "/Patient/q", patient("q"), token="citizen").status in (403, 404)
    acts = [(act.act, act.actor, act.id) for act in client.journal.acts if act.act == "read"]
    assert acts == [("read", "c", "p")]


@pytest.mark.parametrize(
    ("method", "url", "status", "key"),
    [
        ("GET", "/Nonsense", 404, "rest.unknown-type"),
        ("GET", "/Patient/none", 404, "store.not-found"),
        ("GET", "/Patient/" + "x" * 65, 404, "store.not-found"),
        ("GET", "/Patient/a%00b", 404, "store.not-found"),
        ("GET", "/Patient/a/b/c/d", 404, "rest.no-such-place"),
        ("GET", "/Patient/$nonsense", 404, "operation.unknown"),
        ("GET", "/Patient/p/_history/x", 404, "store.not-found"),
        ("PATCH", "/Patient", 405, "rest.method"),
        ("PUT", "/Patient", 405, "rest.method"),
        ("DELETE", "/Patient", 405, "rest.method"),
        ("PUT", "/", 405, "rest.method"),
        ("POST", "/metadata", 405, "rest.method"),
        ("GET", "/Patient?_format=ttl", 406, "rest.format"),
        ("GET", "/Patient?name=%00", 400, "search.value"),
        ("GET", "/Patient?name=%ff", 400, "rest.query"),
        ("GET", "/Patient?birthdate=2026-02-30", 400, "search.value"),
        ("GET", "/Patient?" + "&".join(["name=x"] * 1001), 400, "rest.query"),
        ("GET", "/Patient?_cursor=nonsense", 400, "search.cursor"),
        ("GET", "/Patient/_history?_cursor=nonsense", 400, "rest.cursor"),
        ("GET", "/Patient/_history?_since=soon", 400, "rest.since"),
        ("GET", "/Patient/_history?_count=-1", 400, "rest.count"),
    ],
)
def test_bad_requests(client: Client, method: str, url: str, status: int, key: str) -> None:
    answer = client(method, url)
    assert (answer.status, answer.key) == (status, key)
    assert (status == 405) == ("Allow" in answer.headers)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b'{"resourceType":"Patient"', None),
        (b'{"resourceType":"Nonsense"}', None),
        (b'{"resourceType":"Patient","name":"x"}', "Patient.name"),
        (b'{"resourceType":"Patient","birthDate":"2026-02-30"}', "Patient.birthDate"),
        (b'{"resourceType":"Patient","gender":"unheard"}', "Patient.gender"),
        (b'{"resourceType":"Patient","shoeSize":42}', "Patient"),
        (b'{"resourceType":"Patient","active":true,"active":false}', "Patient.active"),
        (b'{"resourceType":"Patient","name":[{"text":"a\\u0000b"}]}', "Patient.name[0].text"),
        (b'{"resourceType":"Patient","name":[{"text":"a\x00b"}]}', None),
        (b'{"resourceType":"Patient","name":[]}', "Patient.name"),
        (b'{"resourceType":"Patient","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}", None),
        (b"\xff\xfe", None),
    ],
)
def test_bad_bodies_store_nothing(client: Client, body: bytes, path: str | None) -> None:
    answer = client("POST", "/Patient", body)
    assert 400 <= answer.status < 500, answer.body
    assert answer.key.startswith("codec."), answer.body
    if path is not None:
        assert answer.json["issue"][0]["expression"][0].startswith(path)
    assert client("GET", "/Patient?_count=0").json["total"] == 0


def test_bad_headers(client: Client) -> None:
    assert client("POST", "/Patient", patient(None), content_type="text/turtle").key == "rest.content-type"
    assert client("POST", "/Patient", patient(None), content_type="").status == 415
    latin = client("POST", "/Patient", patient(None), content_type="application/json; charset=latin-1")
    assert (latin.status, latin.key) == (415, "rest.charset")
    assert client("GET", "/Patient", accept="text/turtle").status == 406
    for accept in ("*/*", "application/json", "text/html, application/fhir+json;q=0.5", "application/*"):
        assert client("GET", "/Patient", accept=accept).status == 200
    assert client("POST", "/Patient", patient(None), content_length="x").key == "rest.content-length"
    assert client("POST", "/Patient", patient(None), content_length="5000").key == "rest.body-short"
    large = client("POST", "/Patient", b"", content_length=str(20 * 1024 * 1024))
    assert (large.status, large.key) == (413, "rest.too-large")
    assert client("PUT", "/Patient/p", patient(), if_match="1").key == "rest.if-match"
    assert client("PUT", "/Patient/p", patient("q")).key == "rest.id-differs"
    assert client("PUT", "/Patient/p", {"resourceType": "Group"}).status == 400
    assert client("POST", "/Group", patient(None)).key == "rest.type-differs"
    assert client("POST", "/", patient(None)).key == "rest.root-type"
    assert client("POST", "/Patient", patient(None), if_none_exist="nmae=x").status == 400
    assert client("GET", "/Patient", prefer="handling=casual").key == "rest.prefer"
    assert client("GET", f"/Patient?name={quote('Đức')}").status == 200


def test_a_failure_shows_a_number_and_no_trace(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.actors = {}

    def broken() -> psycopg.Connection[Any]:
        raise KeyError("select secret from table")

    application = rest.application(
        broken, lambda token: SYSTEM, base_url=BASE, journal=cast("Journal", Noted())
    )
    client.application = application
    answer = client("GET", "/Patient/p")
    assert (answer.status, answer.key) == (500, "rest.failure")
    assert b"secret" not in answer.body
    number = answer.json["issue"][0]["diagnostics"].rstrip(".").split()[-1]
    assert number in caplog.text


def test_links_without_a_base_url_follow_the_host(connection: psycopg.Connection[Any]) -> None:
    client = Client(connection)
    client.application = rest.application(
        lambda: connection, client.actors.get, journal=cast("Journal", client.journal)
    )
    answer = client("GET", "/Patient", host="clinic.vn:8443")
    assert answer.json["link"][0]["url"] == "http://clinic.vn:8443/fhir/Patient"
    assert client("GET", "/Patient", host="a b<script>").key == "rest.host"


def test_put_if_none_match_makes_and_never_replaces(client: Client) -> None:
    assert client("PUT", "/Patient/p", patient(), if_none_match="*").status == 201
    refused = client("PUT", "/Patient/p", patient(birthDate="1980"), if_none_match="*")
    assert (refused.status, refused.key) == (412, "store.exists")
    assert client("GET", "/Patient/p").headers["ETag"] == 'W/"1"'
    client("DELETE", "/Patient/p")
    assert client("PUT", "/Patient/p", patient(), if_none_match="*").status == 201


def test_if_match_any_wants_one_that_is_there(client: Client) -> None:
    assert client("PUT", "/Patient/p", patient(), if_match="*").status == 412
    client("PUT", "/Patient/p", patient())
    assert client("PUT", "/Patient/p", patient(birthDate="1980"), if_match="*").status == 200
    assert client("DELETE", "/Patient/p", if_match="*").status == 204
    assert client("PUT", "/Patient/p", patient(), if_match="*").status == 412


def test_a_date_that_cannot_be_read_is_no_condition(client: Client) -> None:
    client("PUT", "/Patient/p", patient())
    for date in ("Mon, 99999999999999999999 Jan 2020 10:00:00 GMT", "yesterday"):
        assert client("GET", "/Patient/p", if_modified_since=date).status == 200


def test_a_reference_under_the_records_own_address_is_its_own(client: Client) -> None:
    """It stands in the chart it is about, by whatever way it comes."""
    assert client("PUT", "/Patient/own", {"resourceType": "Patient", "id": "own"}).status == 201
    person = {"reference": f"{BASE}/Patient/own"}
    other = {"reference": "https://other.example/fhir/Patient/own"}
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": person}
    made = client("POST", "/Observation", {**body, "performer": [other]})
    assert made.json["subject"] == {"reference": "Patient/own"}
    assert made.json["performer"] == [other]
    entry = {"resource": body, "request": {"method": "POST", "url": "Observation"}}
    for kind in ("transaction", "batch"):
        answer = client("POST", "/", {"resourceType": "Bundle", "type": kind, "entry": [entry]})
        assert answer.json["entry"][0]["response"]["status"] == "201 Created"
    assert client("GET", "/Observation?patient=own&_summary=count").json["total"] == 3
    assert client("GET", "/Observation?subject:Patient._id=own&_summary=count").json["total"] == 3
    assert client("GET", "/Patient/own/Observation?_summary=count").json["total"] == 3
