"""Bad input at a house that really runs: a clear sentence, nothing stored, nothing lost, and it still answers."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from html import unescape
from http.cookies import SimpleCookie
from typing import Any, cast

import psycopg
import psycopg.sql
import pytest

from tests.houses import House
from yba.ui.words import local_day

pytestmark = pytest.mark.slow

JSON = "application/fhir+json"
HOSPITAL = "bvdk-huong-giang"
CCCD = "https://yba.vn/fhir/sid/cccd"
#: What an answer must never show.
INSIDES = re.compile(
    r"traceback|psycopg|\.py\b|select .* from|insert into|record\.(resource|version)|syntax error", re.I
)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """A page's words as a reader sees them, blanks made one."""
        return " ".join(unescape(self.body.decode()).replace("\xa0", " ").split())

    @property
    def refusal(self) -> tuple[int, str, str, str | None]:
        """Status, key, sentence, path; checks that it is a whole OperationOutcome that tells nothing of our insides."""
        assert self.headers["content-type"] == "application/fhir+json; charset=utf-8"
        outcome = self.json
        (issue,) = outcome["issue"]
        assert outcome["resourceType"] == "OperationOutcome"
        assert (issue["severity"], issue["diagnostics"]) == ("error", issue["details"]["text"])
        assert not INSIDES.search(self.body.decode())
        paths = issue.get("expression", [None])
        return self.status, issue["details"]["coding"][0]["code"], issue["diagnostics"], *paths


class Caller:
    """Another system at the FHIR API."""

    def __init__(self, house: House, token: str) -> None:
        self.house = house
        self.token = token

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        said = {"Authorization": f"Bearer {self.token}", "Content-Type": JSON}
        said |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=20)
        try:
            connection.request(method, f"/fhir/{path}", sent, said)
            found = connection.getresponse()
            return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
        finally:
            connection.close()


def caller(house: House, role: str, *words: str) -> Caller:
    done = house.command("token", "--role", role, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return Caller(house, done.stdout.strip())


@pytest.fixture(scope="module")
def api(house: House) -> Caller:
    return caller(house, "system")


@pytest.fixture(scope="module")
def database(house: House) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(house.conninfo, autocommit=True) as found:
        yield found


def stored(database: psycopg.Connection[tuple[Any, ...]]) -> tuple[Any, ...]:
    """How much the record holds: rows, the sum of their versions, versions."""
    found = database.execute(
        "select (select count(*) from record.resource), (select sum(version) from record.resource),"
        " (select count(*) from record.version)"
    ).fetchone()
    assert found is not None
    return found


@pytest.fixture
def nothing_stored(api: Caller, database: psycopg.Connection[tuple[Any, ...]]) -> Iterator[None]:
    """The record is the same afterwards, and the server answers."""
    before = stored(database)
    yield
    assert stored(database) == before
    assert api("GET", "Patient/nb-hanh").status == 200


def resource(kind: str, inside: bytes) -> bytes:
    return b'{"resourceType":"%b",%b}' % (kind.encode(), inside)


def patient(inside: bytes) -> bytes:
    return resource("Patient", inside)


def observation(inside: bytes) -> bytes:
    return resource("Observation", b'"code":{"text":"x"},' + inside)


def measured(number: bytes) -> bytes:
    return observation(b'"status":"final","valueQuantity":{"value":%b}' % number)


DATE = "is not a date that exists, written YYYY-MM-DD, YYYY-MM or YYYY."
MOMENT = (
    "is not a moment that exists, written YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone."
)
COMPARE = "Compare it with the card and send it again."
NUMBER_SIZE = "the number is too long or too large to be a measure."
STATUSES = "registered, preliminary, final, amended, corrected, cancelled, entered-in-error, unknown"
# fmt: off
BODIES: dict[str, tuple[bytes, str, str, str | None]] = {
    "empty": (b"", "no-body", "The body is empty; expected a resource in JSON.", None),
    "malformed": (
        b'{"resourceType":"Patient",\n "active": tru}', "malformed",
        "The JSON is malformed at line 2, column 16: invalid character.", "Patient"),
    "cut off": (
        b'{"resourceType":"Patient","active":true', "malformed",
        "The JSON is malformed at line 1, column 40: it ends too early.", "Patient"),
    "more behind": (
        b'{"resourceType":"Patient"} x', "malformed",
        "The JSON is malformed at line 1, column 29: trailing characters.", "Patient"),
    "an array": (
        b"[]", "not-an-object", "The body: expected a resource, an object, found an array.", None),
    "null": (b"null", "not-an-object", "The body: expected a resource, an object, found null.", None),
    "no type": (b'{"active":true}', "no-type", "The resource has no resourceType.", None),
    "type is a number": (b'{"resourceType":5}', "no-type", "resourceType must be text.", None),
    "unknown type": (
        b'{"resourceType":"Nonsense"}', "unknown-type",
        "resourceType: Nonsense is not a resource type of FHIR R4.", None),
    "text for a list": (
        patient(b'"name":"x"'), "wrong-type", "Patient.name: expected an array, found text.", "Patient.name"),
    "text for a yes": (
        patient(b'"active":"true"'), "wrong-type", "Patient.active: expected true or false, found text.",
        "Patient.active"),
    "number for text": (
        patient(b'"name":[{"text":5}]'), "wrong-type",
        "Patient.name[0].text: expected text, found a number.", "Patient.name[0].text"),
    "text for a number": (
        measured(b'"80"'), "wrong-type", "Observation.valueQuantity.value: expected a number, found text.",
        "Observation.valueQuantity.value"),
    "30 February": (
        patient(b'"birthDate":"2026-02-30"'), "bad-value", f"Patient.birthDate {DATE}", "Patient.birthDate"),
    "29 February of a common year": (
        patient(b'"birthDate":"2025-02-29"'), "bad-value", f"Patient.birthDate {DATE}", "Patient.birthDate"),
    "a moment on 30 February": (
        observation(b'"status":"final","effectiveDateTime":"2026-02-30T10:00:00+07:00"'), "bad-value",
        f"Observation.effectiveDateTime {MOMENT}", "Observation.effectiveDateTime"),
    "a moment without zone": (
        observation(b'"status":"final","effectiveDateTime":"2026-02-20T10:00:00"'), "bad-value",
        f"Observation.effectiveDateTime {MOMENT}", "Observation.effectiveDateTime"),
    "10,000 deep": (
        patient(b'"extension":' + b'[{"url":"http://x","extension":' * 10_000 + b"[]" + b"}]" * 10_000),
        "depth", "Patient is nested deeper than 100 levels.", "Patient"),
    "10,000 deep where nothing belongs": (
        patient(b'"x":' + b"[" * 10_000 + b"]" * 10_000), "unknown-element",
        "Patient.x is not an element of Patient.", "Patient.x"),
    "key twice": (
        patient(b'"active":true,"active":false'), "duplicate", "Patient.active is given twice.",
        "Patient.active"),
    "key twice inside": (
        patient(b'"name":[{"text":"a","text":"b"}]'), "duplicate", "Patient.name[0].text is given twice.",
        "Patient.name[0].text"),
    "raw NUL": (
        patient(b'"name":[{"text":"a\x00b"}]'), "malformed",
        "The JSON is malformed at line 1, column 45: invalid character.", "Patient"),
    "escaped NUL": (
        patient(b'"name":[{"text":"a\\u0000b"}]'), "control-character",
        "Patient.name[0].text: the control character U+0000 is not allowed.", "Patient.name[0].text"),
    "unknown code": (
        patient(b'"gender":"unheard"'), "unknown-code",
        "Patient.gender: 'unheard' is not one of the codes male, female, other, unknown.", "Patient.gender"),
    "unknown status": (
        observation(b'"status":"done"'), "unknown-code",
        f"Observation.status: 'done' is not one of the codes {STATUSES}.", "Observation.status"),
    "required missing": (
        observation(b'"valueString":"x"'), "missing", "Observation.status is required.",
        "Observation.status"),
    "two values": (
        observation(b'"status":"final","valueString":"a","valueBoolean":true'), "choice",
        "Observation.value[x]: only one may be given, found valueString, valueBoolean.",
        "Observation.value[x]"),
    "unknown element": (
        patient(b'"shoeSize":42'), "unknown-element", "Patient.shoeSize is not an element of Patient.",
        "Patient.shoeSize"),
    "unknown element inside": (
        patient(b'"name":[{"txt":"x"}]'), "unknown-element",
        "Patient.name[0].txt is not an element of HumanName.", "Patient.name[0].txt"),
    "unknown element of a contained one": (
        patient(b'"contained":[{"resourceType":"Group","shoe":1}]'), "unknown-element",
        "Patient.contained[0].shoe is not an element of Group.", "Patient.contained[0].shoe"),
    "null value": (
        patient(b'"active":null'), "null", "Patient.active: null is not a value; leave the element out.",
        "Patient.active"),
    "empty list": (
        patient(b'"name":[]'), "empty", "Patient.name: an array must not be empty.", "Patient.name"),
    "empty object": (
        patient(b'"name":[{}]'), "empty", "Patient.name[0]: an object must not be empty.",
        "Patient.name[0]"),
    "not UTF-8": (
        patient(b'"name":[{"text":"\xff\xfe"}]'), "encoding",
        "The JSON is not valid UTF-8 at line 1, column 44.", "Patient"),
    "UTF-16": (
        '{"resourceType":"Patient"}'.encode("utf-16"), "bom",
        "The body starts with a byte order mark; send UTF-8 without it.", None),
    "half a pair": (
        patient(b'"name":[{"text":"\\ud800"}]'), "surrogate",
        "Patient: half a surrogate pair is not a character.", "Patient"),
    "half a pair as bytes": (
        patient(b'"name":[{"text":"\xed\xa0\x80"}]'), "encoding",
        "The JSON is not valid UTF-8 at line 1, column 44.", "Patient"),
    "huge whole number": (
        patient(b'"multipleBirthInteger":99999999999999999999'), "bad-value",
        "Patient.multipleBirthInteger is not a whole number from -2147483648 to 2147483647.",
        "Patient.multipleBirthInteger"),
    "fraction of a birth": (
        patient(b'"multipleBirthInteger":1.5'), "wrong-type",
        "Patient.multipleBirthInteger: expected a whole number, found a number with a fraction or exponent.",
        "Patient.multipleBirthInteger"),
    "huge exponent": (
        measured(b"1e999999999"), "number-size", f"Observation.valueQuantity.value: {NUMBER_SIZE}",
        "Observation.valueQuantity.value"),
    "100,000 digits": (
        measured(b"9" * 100_000), "number-size", f"Observation.valueQuantity.value: {NUMBER_SIZE}",
        "Observation.valueQuantity.value"),
    "not a number": (
        measured(b"NaN"), "malformed", "The JSON is malformed at line 1, column 93: invalid character.",
        "Observation"),
    "bad id": (
        patient(b'"id":"a b"'), "bad-value", "Patient.id is not an id: 1 to 64 letters, digits, '-' and '.'.",
        "Patient.id"),
}
# fmt: on


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("name", list(BODIES))
def test_a_bad_body(api: Caller, name: str) -> None:
    body, key, sentence, path = BODIES[name]
    kind = "Observation" if b'"Observation"' in body[:40] else "Patient"
    assert api("POST", kind, body).refusal == (400, f"codec.{key}", sentence, path)


def coverage(number: str) -> dict[str, object]:
    return {
        "resourceType": "Coverage", "status": "active", "type": {"text": "BHYT"}, "subscriberId": number,
        "beneficiary": {"reference": "Patient/nb-hanh"}, "payor": [{"display": "BHXH"}],
    }  # fmt: skip


@pytest.mark.usefixtures("nothing_stored")
def test_a_birth_in_the_future(api: Caller) -> None:
    born = (date.today() + timedelta(days=400)).isoformat()  # noqa: DTZ011 - far enough from any midnight
    status, key, sentence, path = api("POST", "Patient", patient(b'"birthDate":"%b"' % born.encode())).refusal
    assert (status, key, path) == (400, "people.birth-in-future", "Patient.birthDate")
    assert re.fullmatch(
        rf"Patient\.birthDate: {born} lies in the future; today is [0-9-]{{10}}\. "
        r"Correct the date and send it again\.",
        sentence,
    )


@pytest.mark.usefixtures("nothing_stored")
def test_numbers_of_people_and_cards(api: Caller) -> None:
    eleven = {"resourceType": "Patient", "identifier": [{"system": CCCD, "value": "04615800123"}]}
    assert api("POST", "Patient", eleven).refusal == (
        400, "citizen.length",
        f"Patient.identifier[0].value: the citizen number must have 12 digits, this one has 11. {COMPARE}",
        "Patient.identifier[0].value",
    )  # fmt: skip
    taken = {"resourceType": "Patient", "identifier": [{"system": CCCD, "value": "046158001234"}]}
    assert api("POST", "Patient", taken).refusal == (
        409, "people.known",
        "Patient.identifier[0].value: another person of the record carries this citizen number. "
        "Find them by the number and decide whether it is the same person; nothing was merged.",
        "Patient.identifier[0].value",
    )  # fmt: skip
    assert api("POST", "Coverage", coverage("HT3994612345678")).refusal == (
        400, "insurance.province",
        "Coverage.subscriberId: the insurance number has '99' as its province (characters 4 and 5), "
        f"which is not one of the insurer's. {COMPARE}",
        "Coverage.subscriberId",
    )  # fmt: skip


@pytest.mark.usefixtures("nothing_stored")
def test_one_bad_entry_stops_a_whole_transaction(api: Caller) -> None:
    entries = [
        {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for one in ({"resourceType": "Patient"}, coverage("HT3994612345678"))
    ]
    status, key, _, path = api(
        "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    ).refusal
    assert (status, key) == (400, "insurance.province")
    assert str(path).endswith("Coverage.subscriberId") or str(path).startswith("Bundle.entry[1]")


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("chunked", "pieces"),
    [
        pytest.param(False, 320, id="all-of-it"),
        pytest.param(True, 320, id="all-of-it-in-chunks"),
        pytest.param(True, 257, id="a-chunk-past-the-limit"),
    ],
)
def test_20_megabytes(api: Caller, chunked: bool, pieces: int) -> None:
    """The client is told, in chunks as soon as the limit is passed; one that goes on sending is cut off."""
    head = f"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nContent-Type: {JSON}\r\n"
    head += "Transfer-Encoding: chunked\r\n\r\n" if chunked else f"Content-Length: {20 * 2**20}\r\n\r\n"
    piece = b"x" * 65536
    answer = b""
    with socket.create_connection(("127.0.0.1", api.house.port), timeout=20) as line:
        try:
            line.sendall(head.encode())
            for _ in range(pieces):
                line.sendall(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
            if chunked and pieces == 320:
                line.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # cut off: the answer is there to be read
        while b"]}" not in answer and (more := line.recv(65536)):
            answer += more
    head_of, _, body = answer.partition(b"\r\n\r\n")
    assert head_of.startswith(b"HTTP/1.1 413 ")
    headers = {"content-type": "application/fhir+json; charset=utf-8"}
    assert Answer(413, headers, body).refusal == (
        413, "rest.too-large", "The body is larger than 16,777,216 bytes. Send a bundle in parts.", None
    )  # fmt: skip


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("sent", [b"", b'{"resourceType":"Pat'])
def test_a_client_that_goes_away_in_the_middle_of_its_body(api: Caller, sent: bytes) -> None:
    head = f"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.token}\r\nContent-Type: {JSON}\r\n"
    for _ in range(8):  # more than there are threads: none may be left waiting
        with socket.create_connection(("127.0.0.1", api.house.port), timeout=20) as line:
            line.sendall(head.encode() + b"Content-Length: 1000\r\n\r\n" + sent)
    time.sleep(0.3)


# fmt: off
HEADERS: list[tuple[str, str, dict[str, str], int, str, str]] = [
    ("POST", "Patient", {"content_type": "application/fhir+xml"}, 400, "xml.syntax",
     "The XML cannot be read at line 1, column 1: not well-formed (invalid token)."),
    ("POST", "Patient", {"content_type": ""}, 415, "rest.content-type",
     "Send FHIR as application/fhir+json or application/fhir+xml, not as 'nothing'."),
    ("POST", "Patient", {"content_type": "application/json; charset=latin-1"}, 415, "rest.charset",
     "Send FHIR in UTF-8, not in 'latin-1'."),
    ("POST", "Patient", {"accept": "text/turtle"}, 406, "rest.accept",
     "The record answers in application/fhir+json or application/fhir+xml, not 'text/turtle'."),
    ("POST", "Patient", {"if_none_exist": "nmae=x"}, 400, "search.unknown-parameter",
     "Patient has no search parameter 'nmae'. Did you mean name?"),
    ("POST", "Patient", {"if_none_exist": "identifier=%00"}, 400, "search.value",
     "A condition holds a NUL character."),
    ("PUT", "Patient/nb-hanh", {"if_match": "1"}, 400, "rest.if-match",
     "If-Match takes W/\"version\", not '1'."),
    ("PUT", "Patient/nb-hanh", {"if_match": 'W/"99999999999999999999"'}, 412, "store.version-changed",
     "Patient/nb-hanh is no longer at version 99999999999999999999. Read it again and repeat the change."),
    ("PUT", "Patient/nb-hung", {}, 400, "rest.id-differs",
     "The resource has the id 'nb-hanh', the URL says 'nb-hung'."),
    ("PUT", "Patient/a%20b", {}, 404, "store.not-found", "There is no Patient with such an id: 'a b'."),
    ("PUT", "Patient/" + "x" * 65, {}, 404, "store.not-found",
     f"There is no Patient with such an id: '{'x' * 65}'."),
    ("POST", "Group", {}, 400, "rest.type-differs", "The body is a Patient, the URL says Group."),
    ("POST", "Nonsense", {}, 404, "rest.unknown-type", "'Nonsense' is not a resource type of FHIR R4."),
    ("PATCH", "Patient/nb-hanh", {}, 400, "patch.body",
     "A patch in FHIR is a Parameters, not a Patient."),
    ("DELETE", "Patient", {}, 405, "rest.method",
     "DELETE is not offered here; GET, POST, HEAD, OPTIONS is. With a condition ('?identifier=...') it is."),
]
# fmt: on


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(("method", "path", "headers", "status", "key", "sentence"), HEADERS)
def test_bad_headers_and_addresses(
    api: Caller, method: str, path: str, headers: dict[str, str], status: int, key: str, sentence: str
) -> None:
    answer = api(method, path, {"resourceType": "Patient", "id": "nb-hanh"}, **headers)
    assert answer.refusal[:3] == (status, key, sentence)


NEEDED = "A bearer token is needed: 'Authorization: Bearer ...'."
UNKNOWN = "This bearer token is not known here, or has ended. Ask for a new one."


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("said", "key", "sentence"),
    [
        ("", "rest.login", NEEDED),
        ("Bearer", "rest.login", NEEDED),
        ("Bearer nonsense", "rest.token", UNKNOWN),
        ("Bearer " + "x" * 5000, "rest.token", UNKNOWN),
        ("Bearer \xe4\xbd", "rest.login", NEEDED),
    ],
    ids=["none", "empty", "unknown", "long", "not text"],
)
def test_a_token_that_is_none(api: Caller, said: str, key: str, sentence: str) -> None:
    for answer in (
        api("POST", "Patient", {"resourceType": "Patient"}, authorization=said),
        api("GET", "Patient/nb-hanh", authorization=said),
    ):
        assert answer.refusal == (401, key, sentence, None)
        assert answer.headers["www-authenticate"] == 'Bearer realm="yba"'


WHOLE = "'_count' takes a whole number from 0, not"
DATES = "takes a date such as 2026, 2026-11, 2026-11-22 or 2026-11-22T08:30:00+07:00, not"
QUANTITY = "takes a quantity such as 5.4, 'gt5.4|http://unitsofmeasure.org|mmol/L' or '5.4||mmol/L', not"
# fmt: off
QUESTIONS: list[tuple[str, int, str, str]] = [
    ("Patient?_count=-1", 400, "search.count", f"{WHOLE} '-1'."),
    ("Patient?_count=99999999999999999999", 400, "search.count", f"{WHOLE} '99999999999999999999'."),
    ("Patient?birthdate=2026-02-30", 400, "search.value", f"The search parameter 'birthdate' {DATES} '2026-02-30'."),
    ("Patient?_lastUpdated=yesterday", 400, "search.value",
     f"The search parameter '_lastUpdated' {DATES} 'yesterday'."),
    ("Observation?value-quantity=1e999999999", 400, "search.value",
     f"The search parameter 'value-quantity' {QUANTITY} '1e999999999'."),
    ("Patient?identifier=%7C%7C%7C", 400, "search.value",
     "The search parameter 'identifier' takes a code, 'system|code', '|code' or 'system|', not '|||'."),
    ("Patient?organization=Nonsense/1", 400, "search.value",
     "The search parameter 'organization' takes an id, 'Type/id' or a URL, not 'Nonsense/1'."),
    ("Patient?name=%00", 400, "search.value", "The search parameter 'name' holds a NUL character."),
    ("Patient?" + "&".join(["name=x"] * 900), 403, "search.too-many-conditions",
     "A search may have 30 conditions; several alternatives can stand in one, with commas. Ask with fewer."),
    ("Patient?name=%ff", 400, "rest.query", "The parameters are not UTF-8 text."),
    ("Patient?name:nonsense=x", 400, "search.modifier",
     "The modifier ':nonsense' is not supported on 'name', a string parameter."),
    ("Patient?_sort=nonsense", 400, "search.sort",
     "Patient cannot be sorted by 'nonsense'. Sort by one of its search parameters."),
    ("Patient?_include=nonsense", 400, "search.include",
     "'_include' takes '*', 'Type:*', 'Type:parameter' or 'Type:parameter:Target', not 'nonsense'."),
    ("Patient?_cursor=nonsense", 400, "search.cursor",
     "'_cursor' is not from a page of this search. Start again at the first page."),
    ("Patient?" + "&".join(["name=x"] * 1001), 400, "rest.query", "There are more than 1,000 parameters."),
    ("Patient/..%2f..", 404, "rest.no-such-place", "There is nothing at '/Patient/../..'."),
    ("Patient/';drop", 404, "store.not-found", "There is no Patient with such an id: \"';drop\"."),
]
# fmt: on


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(("path", "status", "key", "sentence"), QUESTIONS)
def test_bad_questions(api: Caller, path: str, status: int, key: str, sentence: str) -> None:
    assert api("GET", path).refusal == (status, key, sentence, None)


@pytest.mark.usefixtures("nothing_stored")
def test_absurdly_long_questions(api: Caller) -> None:
    """A long value is a value nobody has; an address nobody writes is refused before it is read."""
    for long in ("x" * 50_000, ",".join(["'; drop table record.resource --"] * 1000)):
        answer = api("GET", "Patient?gender=" + urllib.parse.quote(long))
        assert (answer.status, answer.json["total"]) == (200, 0)
    assert api("GET", "Patient?name=" + "x" * 200_000).status == 414


# -- appointments ---------------------------------------------------------------------------------------

#: One has passed; the other is within what may be asked for, far enough from any midnight.
SLOTS = {
    "past": "2020-03-02T08:00:00+07:00",
    "taken": f"{local_day(datetime.now(UTC)) + timedelta(days=5)}T08:00:00+07:00",
}


def appointment(slot: str, person: str) -> dict[str, object]:
    start = SLOTS[slot]
    return {
        "resourceType": "Appointment", "status": "pending", "slot": [{"reference": f"Slot/xau-{slot}"}],
        "start": start, "end": start.replace("08:00", "08:20"), "reasonCode": [{"text": "Đau đầu"}],
        "participant": [{"actor": {"reference": f"Patient/{person}"}, "status": "accepted"}],
        "meta": {"tag": [{"system": "https://yba.vn/fhir/facility", "code": HOSPITAL}]},
    }  # fmt: skip


@pytest.fixture(scope="module")
def people(house: House, api: Caller) -> dict[str, Caller]:
    """Two citizens with tokens; of two slots of a room one has passed and the first citizen has the other."""
    tag = {"tag": [{"system": "https://yba.vn/fhir/facility", "code": HOSPITAL}]}
    room = {"resourceType": "Schedule", "id": "xau", "meta": tag, "actor": [{"reference": "Location/p-204"}]}
    assert api("PUT", "Schedule/xau", room).status == 201
    for name, start in SLOTS.items():
        slot = {
            "resourceType": "Slot", "id": f"xau-{name}", "meta": tag, "schedule": {"reference": "Schedule/xau"},
            "status": "free", "start": start, "end": start.replace("08:00", "08:20"),
        }  # fmt: skip
        assert api("PUT", f"Slot/xau-{name}", slot).status == 201
    found = {name: caller(house, "citizen", "--person", name) for name in ("nb-hanh", "nb-mai")}
    made = found["nb-hanh"]("POST", "Appointment", appointment("taken", "nb-hanh"))
    assert made.status == 201, made.body
    return found


def test_a_slot_in_the_past_and_one_that_is_taken(
    people: dict[str, Caller], api: Caller, database: psycopg.Connection[tuple[Any, ...]]
) -> None:
    before = stored(database)
    for who in people:
        assert people[who]("POST", "Appointment", appointment("past", who)).refusal == (
            400, "booking.slot-past", "The slot lies in the past. Choose a later one.", "Appointment.slot"
        )  # fmt: skip
        assert people[who]("POST", "Appointment", appointment("taken", who)).refusal == (
            409, "booking.slot-taken",
            f"The slot at {SLOTS['taken']} has just been taken. Search for free slots and choose another.",
            "Appointment.slot",
        )  # fmt: skip
    assert stored(database) == before
    assert api("GET", "Slot/xau-past").json["status"] == "free"


# -- pages ----------------------------------------------------------------------------------------------


class Browser:
    """A browser without scripts: keeps cookies, sends forms back with what they hide."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None)

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        return self._ask("POST", path, urllib.parse.urlencode(fields).encode())

    def form(self, path: str, mark: str = "") -> dict[str, str]:
        """The hidden fields of the form that holds ``mark``."""
        page = self.get(path)
        assert page.status == 200, (path, page.status)
        forms = re.findall(r"<form.*?</form>", page.body.decode(), re.S)
        inside = next(one for one in forms if 'method="post"' in one and mark in one)
        pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', inside)
        return {name: unescape(value) for name, value in pairs}

    def head(self, path: str, fields: dict[str, str]) -> bytes:
        """The same request as bytes, for a line that is cut."""
        body = urllib.parse.urlencode(fields).encode()
        lines = [
            f"POST {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.house.port}",
            f"Content-Length: {len(body)}",
        ]
        lines += [f"{name}: {value}" for name, value in self._headers().items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def _headers(self) -> dict[str, str]:
        return {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=30)
        try:
            connection.request(method, path, body, self._headers())
            found = connection.getresponse()
            answer = Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
            for line in found.msg.get_all("Set-Cookie") or []:
                self.cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
            return answer
        finally:
            connection.close()


def staff(house: House, login: str) -> Browser:
    browser = Browser(house)
    fields = browser.form("/vao/nhan-vien") | {"login": login, "password": "yba-demo"}
    assert browser.post("/vao/nhan-vien", fields).status == 302
    shown = re.search(r"data-demo-code>(\d{6})<", browser.get("/vao/hai-lop").body.decode())
    if shown is not None:
        second = browser.form("/vao/hai-lop") | {"code": shown[1]}
        assert browser.post("/vao/hai-lop", second).status == 302
    return browser


def signed_up(house: House) -> Browser:
    browser, phone = Browser(house), f"09{secrets.randbelow(10**8):08d}"
    assert browser.post("/vao", browser.form("/vao") | {"phone": phone}).status == 302
    sent = browser.get(f"/demo/messages?phone={phone}&format=json").json["messages"]
    code = re.search(r"\b(\d{6})\b", sent[0]["text"])
    assert code is not None
    assert browser.post("/vao/ma", browser.form("/vao/ma") | {"code": code[1]}).status == 302
    return browser


@pytest.fixture(scope="module")
def newcomer(house: House) -> Browser:
    """Somebody who has just signed up and has no profile yet."""
    return signed_up(house)


@pytest.fixture(scope="module")
def resident(house: House) -> Browser:
    """Somebody with a profile."""
    browser = signed_up(house)
    own = PROFILE | {"citizen_number": f"046190{secrets.randbelow(10**6):06d}"}
    assert browser.post("/so/ho-so/", browser.form("/so/ho-so/", "ho-so") | own).status == 302
    return browser


PROFILE = {
    "name": "Đặng Thị Ngọc Ẩn", "birth_date": "05/09/1990", "sex": "female", "citizen_number": "046 190 777 123",
    "address": "12 Nguyễn Huệ", "commune": "", "commune_text": "",
}  # fmt: skip
NEXT_YEAR = f"1/1/{date.today().year + 2}"  # noqa: DTZ011 - far enough from any midnight


def values(answer: Answer) -> set[str]:
    """What the fields of a page hold."""
    return {
        unescape(one).strip()
        for pair in re.findall(r'value="([^"]*)"|<textarea[^>]*>([^<]*)<', answer.body.decode())
        for one in pair
    }


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"citizen_number": "04619077712"}, "Mới có 11 chữ số, cần 12."),
        ({"citizen_number": "0461907771234"}, "Có 13 chữ số, chỉ cần 12."),
        ({"birth_date": NEXT_YEAR}, "Ngày này còn ở phía trước."),
        ({"birth_date": "30/02/2020"}, "Tháng 2 năm 2020 không có ngày 30."),
        ({"birth_date": "hôm qua"}, "Viết đủ ngày/tháng/năm, ví dụ 05/09/1958."),
        ({"name": ""}, "Viết họ tên như trên căn cước."),
        ({"name": "Ẩn 2"}, "Họ tên không có chữ số."),
        ({"commune_text": "Không đâu cả"}, "Chọn một xã, phường trong danh sách, ví dụ “Vỹ Dạ, Huế”."),
        ({"address": "Huế \x00"}, "Có 1 chỗ cần sửa"),
        ({"fill": "1", "qr": "không phải | mã QR"}, "Mã QR căn cước phải có 7 phần, mã vừa quét có 2."),
        ({"fill": "1", "qr": "\x01\x02"}, "Nội dung này không phải mã QR của thẻ."),
        (
            {"fill": "1", "qr": "04619077712||Đặng Thị Ẩn|05091990|Nữ|Huế|01012022"},
            "Số căn cước phải có 12 chữ số, số vừa nhập có 11.",
        ),
    ],
)
def test_a_bad_profile(newcomer: Browser, fields: dict[str, str], sentence: str) -> None:
    sent = PROFILE | fields
    answer = newcomer.post("/so/ho-so/", newcomer.form("/so/ho-so/", "ho-so") | sent)
    assert answer.status == 422
    assert sentence in answer.text
    typed = {name: value for name, value in sent.items() if not re.search(r"[\x00-\x1f]", value)}
    assert lost(answer, typed | {"fill": ""}) == []
    assert not INSIDES.search(answer.text)


def lost(answer: Answer, sent: dict[str, str]) -> list[str]:
    """The names of fields whose typed value the page has lost."""
    there = plain(values(answer))
    return [name for name, value in sent.items() if not plain({value}) <= there]


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"citizen_number": "04622077712"}, "Mới có 11 chữ số, cần 12."),
        ({"birth_date": NEXT_YEAR}, "Ngày này còn ở phía trước."),
        ({"relation": "hang-xom"}, "Có 1 chỗ cần sửa"),
    ],
)
def test_a_bad_child(resident: Browser, fields: dict[str, str], sentence: str) -> None:
    child = {"name": "Lê Đức Anh", "birth_date": "02/03/2020", "sex": "male", "relation": "con"} | fields
    answer = resident.post("/so/gia-dinh/them", resident.form("/so/gia-dinh/them", "birth_date") | child)
    assert answer.status == 422
    assert sentence in answer.text
    child.pop("relation")
    assert lost(answer, child) == []


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"card": "HT3994612345678"},
            "Mã tỉnh “99” (ký tự thứ 4 và 5) không có trong danh mục mã tỉnh của BHXH. Hãy đối chiếu với thẻ.",
        ),
        ({"card": "HT346461234567"}, "Mới có 14 ký tự, cần 15. Ví dụ HT 3 46 4612345678."),
        ({"end": "31/12/2020"}, "Thẻ bảo hiểm y tế đã hết hạn từ ngày 31/12/2020."),
        ({"end": "30/02/2030"}, "Tháng 2 năm 2030 không có ngày 30."),
    ],
)
def test_a_bad_card(resident: Browser, fields: dict[str, str], sentence: str) -> None:
    card = {"card": "HT3464612345678", "start": "01/01/2020", "end": "31/12/2099"} | fields
    path = resident.get("/so/the-bhyt/").headers["location"]
    answer = resident.post(path, resident.form(path, 'name="card"') | card)
    assert answer.status == 422
    assert sentence in answer.text
    assert lost(answer, card) == []


def plain(texts: set[str]) -> set[str]:
    """Without the blanks that a mask puts in."""
    return {re.sub(r"\s", "", one) for one in texts}


@pytest.fixture(scope="module")
def desk(house: House) -> Browser:
    return staff(house, "tiepdon")


@pytest.fixture
def person(api: Caller) -> str:
    """Somebody new whom reception finds."""
    made = api(
        "POST", "Patient", {"resourceType": "Patient", "name": [{"text": "Lê Thị Thử"}], "birthDate": "1980"}
    )
    return cast("str", made.json["id"])


def walk_in(desk: Browser, person: str, **fields: str) -> tuple[str, dict[str, str]]:
    """Address and fields of a check-in, for a room where nobody else is tested."""
    path = f"/dat-kham/tiep-nhan/nguoi/{person}"
    posts = re.findall(r'<option value="(vt-[^"]+)"', desk.get(path).body.decode())
    form = desk.form(path, 'name="post"') | {"post": posts[-1], "seen": "on", "method": "later"}
    return path, form | fields


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"card": "HT3994612345678"},
            "Mã tỉnh “99” (ký tự thứ 4 và 5) không có trong danh mục mã tỉnh của BHXH.",
        ),
        (
            {"card": "HT346461234567"},
            "Mã thẻ bảo hiểm y tế có 15 ký tự (hoặc 10 chữ số mã số BHXH), mã vừa nhập có 14.",
        ),
        ({"card": "ZZ3464612345678"}, "Hai chữ đầu “ZZ” không phải mã đối tượng tham gia bảo hiểm y tế."),
        ({"card": "HT3464612345678", "card_end": "30/02/2027"}, "Tháng 2 năm 2027 không có ngày 30."),
        ({"post": "khong-co"}, "Có 1 chỗ cần sửa"),
    ],
)
def test_a_bad_card_at_reception(
    desk: Browser, person: str, database: psycopg.Connection[tuple[Any, ...]],
    fields: dict[str, str], sentence: str,
) -> None:  # fmt: skip
    before = stored(database)
    path, sent = walk_in(desk, person, reason="Ho ba ngày", **fields)
    answer = desk.post(path, sent)
    assert answer.status == 422
    assert sentence in answer.text
    typed = {value for name, value in fields.items() if name != "post"} | {"Ho ba ngày"}
    assert plain(typed) <= plain(values(answer))
    assert stored(database) == before


def rows(database: psycopg.Connection[tuple[Any, ...]], person: str) -> dict[str, int]:
    """What a person has: visits, invoices, tickets, receipts."""
    from yba.care.line.models import Ticket
    from yba.care.money.models import Receipt

    found = {}
    for kind in ("Encounter", "Invoice"):
        row = database.execute(
            "select count(*) from record.resource where type = %s and patient = %s", (kind, person)
        ).fetchone()
        found[kind] = int(row[0]) if row else -1
    for model in (Ticket, Receipt):
        table = psycopg.sql.Identifier(model._meta.db_table)
        query = psycopg.sql.SQL("select count(*) from {} where patient_id = %s").format(table)
        row = database.execute(query, (person,)).fetchone()
        found[model.__name__] = int(row[0]) if row else -1
    return found


def test_a_connection_lost_in_the_middle_of_check_in(
    house: House, desk: Browser, person: str, database: psycopg.Connection[tuple[Any, ...]]
) -> None:
    """Half a form does nothing; a whole one whose answer is lost, sent again, gives the one number it made."""
    path, sent = walk_in(desk, person, method="cash")
    whole = desk.head(path, sent)
    none = {"Encounter": 0, "Invoice": 0, "Ticket": 0, "Receipt": 0}
    with socket.create_connection(("127.0.0.1", house.port), timeout=20) as line:
        line.sendall(whole[:-20])
    time.sleep(0.5)
    assert rows(database, person) == none
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", house.port), timeout=20) as line:
            line.sendall(whole)
    answers = [desk.post(path, sent) for _ in range(2)]
    assert [one.status for one in answers] == [302, 302]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert rows(database, person) == dict.fromkeys(none, 1)
    assert desk.get(answers[0].headers["location"]).status == 200


def test_a_double_click_on_pay(
    house: House, desk: Browser, person: str, api: Caller, database: psycopg.Connection[tuple[Any, ...]]
) -> None:
    path, sent = walk_in(desk, person)
    assert desk.post(path, sent).status == 302
    (entry,) = api("GET", f"Invoice?subject=Patient/{person}").json["entry"]
    invoice, till = entry["resource"]["id"], staff(house, "thungan")
    page = f"/billing/hoa-don/{invoice}"
    other = till.form(page, 'name="amount"') | {"method": "card"}
    fields = till.form(page, 'name="amount"') | {"method": "cash"}
    assert other["once"] != fields["once"]
    gate, found = threading.Barrier(4), list[Answer]()

    def press() -> None:
        gate.wait()
        found.append(till.post(page, fields))

    hands = [threading.Thread(target=press) for _ in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert [(one.status, one.headers.get("location")) for one in found] == [(302, page)] * 4
    assert rows(database, person)["Receipt"] == 1
    assert api("GET", f"Invoice/{invoice}").json["meta"]["versionId"] == "2"
    late = till.post(page, other)
    assert late.status == 409
    assert "đã thu tiền rồi" in late.text
    assert rows(database, person)["Receipt"] == 1


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("wrong", ["%00", "khong-co", "..%2f", "x" * 300, "%27%3B--"])
def test_addresses_of_nothing(house: House, resident: Browser, desk: Browser, wrong: str) -> None:
    """What is not there is a page that says so, never a failure."""
    for browser, path in (
        (resident, "/so/lan-kham/{}/"), (resident, "/so/nguoi/{}/"), (resident, "/dat-kham/phieu/{}/"),
        (desk, "/dat-kham/tiep-nhan/nguoi/{}"), (desk, "/dat-kham/tiep-nhan/hen/{}"), (desk, "/dat-kham/bang/{}"),
    ):  # fmt: skip
        answer = browser.get(path.format(wrong))
        assert answer.status == 404, path
        assert not INSIDES.search(answer.text)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize("typed", ["%00", "%ff", "x" * 20_000, "%27%3B+drop+table+x%3B--", "1" * 5000])
def test_strange_things_looked_for(resident: Browser, desk: Browser, typed: str) -> None:
    for browser, path in (
        (resident, "/dat-kham/?q="), (resident, "/so/xa-phuong?q="), (desk, "/dat-kham/tiep-nhan?q="),
        (desk, "/dat-kham/tiep-nhan/moi?q="),
    ):  # fmt: skip
        answer = browser.get(path + typed)
        assert answer.status in (200, 400), path
        assert not INSIDES.search(answer.text)
