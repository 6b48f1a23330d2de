"""AuditEvents over FHIR: the audit read, searched and added to through the access door, and never changed."""

from __future__ import annotations

import base64
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from tests.fhir.test_rest import BASE, Answer, Client
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.model import codec
from yba.fhir.r4.audit_event import AuditEvent

DOCTOR = Actor(
    user="7",
    role="doctor",
    name="BS. Trần Đức",
    facility="bv-1",
    practitioner="bs-duc",
    purpose="TREAT",
    session="s-1",
)
AUDITOR = Actor(user="8", role="auditor", name="Kiểm tra", facility="bv-1")
CITIZEN = Actor(user="9", role="citizen", name="Lan", person="lan", persons=frozenset({"lan"}))
INTERACTION = "http://hl7.org/fhir/restful-interaction"
BALP = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"


class House(Client):
    """The application with a facility, two persons and who may ask; what is read is in the audit at once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self.connection = connection
        self.actors |= {
            "system": SYSTEM, "doctor": DOCTOR, "auditor": AUDITOR, "citizen": CITIZEN,
            "other": replace(CITIZEN, user="10", person="minh", persons=frozenset({"minh"})),
            "elsewhere": replace(AUDITOR, user="11", facility="bv-2"),
            "device": Actor(user="d-1", role="device", facility="bv-1"),
        }  # fmt: skip
        for one in ("lan", "minh"):
            self(
                "PUT",
                f"/Patient/{one}",
                {"resourceType": "Patient", "id": one, "name": [{"text": f"Nguyễn {one}"}]},
            )
            self(
                "PUT", f"/Encounter/kham-{one}",
                {
                    "resourceType": "Encounter", "id": f"kham-{one}", "status": "in-progress",
                    "meta": {"tag": [{"system": "https://yba.vn/fhir/facility", "code": "bv-1"}]},
                    "class": {"code": "AMB"}, "subject": {"reference": f"Patient/{one}"},
                },
            )  # fmt: skip

    def __call__(
        self, method: str, url: str, body: object = None, *, token: str | None = "system", **headers: str
    ) -> Answer:
        found = super().__call__(method, url, body, token=token, **headers)
        from yba.fhir.store.audit import write_acts

        write_acts(self.connection, self.journal.acts)
        self.journal.acts.clear()
        return found

    def search(self, token: str = "system", /, **params: str) -> list[dict[str, Any]]:
        """The events of all pages, oldest first."""
        query = urlencode(
            {name.replace("__", ":").replace("_dash_", "-"): value for name, value in params.items()}
        )
        found: list[dict[str, Any]] = []
        url: str | None = f"/AuditEvent?{query}"
        while url is not None:
            page = self("GET", url, token=token)
            assert page.status == 200, page.json
            found += [
                one["resource"] for one in page.json.get("entry", []) if one["search"]["mode"] == "match"
            ]
            url = next((one["url"] for one in page.json["link"] if one["relation"] == "next"), None)
        return found[::-1]


@pytest.fixture
def house(connection: psycopg.Connection[Any]) -> House:
    return House(connection)


def subtypes(events: list[dict[str, Any]]) -> list[str]:
    return [one["subtype"][-1]["code"] for one in events]


def persons(event: dict[str, Any]) -> list[str]:
    return [
        one["what"]["reference"].split("/_history")[0]
        for one in event.get("entity", [])
        if one["type"]["code"] == "1"
    ]


def test_a_read_becomes_an_event_that_tells_all_of_it(house: House) -> None:
    house("GET", "/Encounter/kham-lan", token="doctor", x_request_id="ask-1")
    (found,) = house.search(agent="Practitioner/bs-duc")
    assert codec.decode_as(json.dumps(found).encode(), AuditEvent).id == found["id"]
    assert found["id"].startswith("log-")
    assert found["type"]["code"] == "rest"
    assert [one["code"] for one in found["subtype"]] == ["read", "read"]
    assert (found["action"], found["outcome"]) == ("R", "0")
    assert found["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    doctor, server = found["agent"]
    assert doctor["who"] == {
        "reference": "Practitioner/bs-duc", "display": "BS. Trần Đức",
        "identifier": {"system": "https://yba.vn/fhir/account", "value": "7"},
    }  # fmt: skip
    assert (doctor["altId"], doctor["name"], doctor["requestor"]) == ("7", "BS. Trần Đức", True)
    assert doctor["role"][0]["coding"][0] == {"system": "https://yba.vn/fhir/role", "code": "doctor"}
    assert (server["type"]["coding"][0]["code"], server["requestor"]) == ("110152", False)
    assert found["source"]["site"] == "bv-1"
    person, visit, request = found["entity"]
    assert person["what"]["reference"] == "Patient/lan"
    assert (person["type"]["code"], person["role"]["code"]) == ("1", "1")
    assert visit["what"]["reference"] == "Encounter/kham-lan/_history/1"
    assert (visit["type"]["code"], visit["role"]["code"]) == ("2", "4")
    assert request["what"]["identifier"]["value"] == "ask-1"
    assert request["detail"] == [{"type": "session", "valueString": "s-1"}]
    assert house("GET", f"/AuditEvent/{found['id']}").json == found
    assert house("GET", f"/AuditEvent/{found['id']}/_history/1").json == found


def test_the_address_is_told_as_an_address(house: House) -> None:
    actor = replace(DOCTOR, user="17", address="2001:db8::7")
    house.actors["addressed"] = actor
    house("GET", "/Encounter/kham-lan", token="addressed")
    (found,) = house.search(altid="17")
    assert found["agent"][0]["network"] == {"address": "2001:db8::7", "type": "2"}


def test_an_event_of_ours_is_valid(house: House) -> None:
    house("GET", "/Encounter?patient=lan", token="doctor")
    house("GET", "/Encounter/kham-lan", token="doctor")
    for found in house.search(agent="Practitioner/bs-duc"):
        outcome = house("POST", "/AuditEvent/$validate", found).json
        assert [one for one in outcome["issue"] if one["severity"] in ("error", "fatal")] == []


def test_a_search_names_every_person_it_answered_and_the_question(house: House) -> None:
    house("GET", "/Encounter?class=AMB&_include=Encounter:subject", token="doctor")
    (found,) = house.search(agent="Practitioner/bs-duc")
    assert persons(found) == ["Patient/lan", "Patient/minh"]
    query = next(one for one in found["entity"] if one.get("role", {}).get("code") == "24")
    assert base64.b64decode(query["query"]).decode() == "Encounter?class=AMB&_include=Encounter:subject"
    assert query["detail"] == [{"type": "answered", "valueString": "4"}]
    assert found["action"] == "E"


def test_everything_that_gives_a_record_away_names_whose_it_was(house: House) -> None:
    calls: list[tuple[str, str]] = [
        ("GET", "/Patient/lan/$everything"),
        ("GET", "/Patient/lan"),
        ("GET", "/Patient/lan/_history"),
        ("GET", "/Patient/lan/_history/1"),
        ("GET", "/Encounter/kham-lan/$everything"),
        ("GET", "/Encounter?_id=kham-lan"),
        ("GET", "/Patient/lan/Encounter"),
        ("GET", "/Patient/lan/$summary"),
        ("GET", "/?_type=Encounter&_id=kham-lan"),
    ]
    for method, url in calls:
        before = len(house.search(patient="lan"))
        assert house(method, url).status == 200
        assert len(house.search(patient="lan")) > before, url


def test_what_is_refused_is_an_event(house: House) -> None:
    assert house("POST", "/Patient", {"resourceType": "Patient"}, token="doctor").status == 403
    (found,) = house.search(altid="7")
    assert (found["outcome"], found["type"]["code"], subtypes([found])) == ("4", "110113", ["refused"])
    assert found["outcomeDesc"].startswith("access.")


def test_the_rule_and_who_set_it_going_are_both_agents(house: House) -> None:
    from yba import fhir
    from yba.fhir.r4.patient import Patient

    fhir.open(house.connection, actor=DOCTOR).as_system().create(Patient())
    (found,) = house.search(altid="7", action="C")
    who, rule, _server = found["agent"]
    assert (who["who"]["reference"], who["requestor"], who["altId"]) == ("Practitioner/bs-duc", True, "7")
    assert (rule["altId"], rule["requestor"], rule["role"][0]["coding"][0]["code"]) == (
        "system",
        False,
        "system",
    )


# -- the door --------------------------------------------------------------------------------------------------


def test_an_auditor_sees_the_own_facility_and_nobody_else_sees_anything(house: House) -> None:
    house("GET", "/Encounter/kham-lan", token="doctor")
    (seen,) = house.search(altid="7")
    assert [one["id"] for one in house.search("auditor", altid="7")] == [seen["id"]]
    assert house("GET", f"/AuditEvent/{seen['id']}", token="auditor").status == 200
    for token in ("elsewhere", "doctor", "other"):
        assert house("GET", f"/AuditEvent/{seen['id']}", token=token).status == 404, token
        assert house("GET", "/AuditEvent?altid=7&_summary=count", token=token).json["total"] == 0, token


def test_a_person_sees_who_read_the_own_record_and_nothing_of_others(house: House) -> None:
    house("GET", "/Encounter?class=AMB", token="doctor", x_request_id="ask-2")
    (found,) = house.search("citizen", altid="7")
    assert persons(found) == ["Patient/lan"]
    assert [one["type"]["code"] for one in found["entity"]] == ["1"]
    assert "network" not in found["agent"][0]
    assert found["agent"][0]["name"] == "BS. Trần Đức"
    whole = house("GET", f"/AuditEvent/{found['id']}").json
    assert persons(whole) == ["Patient/lan", "Patient/minh"]
    assert house("GET", f"/AuditEvent/{found['id']}", token="citizen").json == found
    assert persons(house.search("other", altid="7")[0]) == ["Patient/minh"]


@pytest.mark.parametrize(
    "asked",
    [
        "patient=minh", "patient=Patient/minh", "entity=Patient/minh", "entity=minh", "address=10",
        "address:contains=0",
        "entity:identifier=ask-3", "entity-type=XrequestId", "entity-role=24", "patient:missing=true",
        "address:missing=false", "patient.name=minh",
    ],
)  # fmt: skip
def test_a_person_cannot_ask_by_what_is_not_told(house: House, asked: str) -> None:
    house.actors["doctor"] = replace(DOCTOR, address="10.0.0.7")
    house("GET", "/Encounter?class=AMB", token="doctor", x_request_id="ask-3")
    whole = house("GET", f"/AuditEvent?altid=7&{asked}")
    assert whole.status == 200
    assert whole.json["total"] == (0 if asked == "patient:missing=true" else 1), asked
    hidden = house("GET", f"/AuditEvent?altid=7&{asked}", token="citizen")
    assert (hidden.status, hidden.json.get("total")) == (200, 0)


# -- search ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("type=rest", 2), ("type=http://terminology.hl7.org/CodeSystem/audit-event-type|rest", 2), ("type=|rest", 0),
        ("type=http://other|rest", 0), ("type:not=rest", 0), ("subtype=read", 1), ("subtype=search", 1),
        (f"subtype={INTERACTION}|search", 1), (f"subtype={INTERACTION}|", 2), ("subtype=read,search", 2),
        ("subtype:not=read", 1), ("action=R", 1), ("action=E", 1), ("action=C", 0), ("outcome=0", 2), ("outcome=4", 0),
        ("outcome=8", 0), ("agent=bs-duc", 2), ("agent=Practitioner/bs-duc", 2), ("agent=Patient/bs-duc", 0),
        ("agent:Practitioner=bs-duc", 2), (f"agent={BASE}/Practitioner/bs-duc", 2),
        ("agent:identifier=https://yba.vn/fhir/account|7", 2), ("agent:identifier=8", 0),
        ("agent-name=bs. tran duc", 2),
        ("agent-name=BS. TRẦN", 2), ("agent-name=Duc", 0), ("agent-name:contains=đức", 2),
        ("agent-name:exact=BS. Trần Đức", 2), ("agent-name:exact=BS. Tran Duc", 0), ("agent-role=doctor", 2),
        ("agent-role=nurse", 0), ("agent-role=https://yba.vn/fhir/role|doctor", 2), ("altid=7", 2), ("site=bv-1", 2),
        ("site=bv-2", 0), ("patient=lan", 2), ("patient=Patient/lan", 2), ("patient=minh", 1),
        ("patient:missing=true", 0),
        ("patient:missing=false", 2), ("patient.name=nguyen lan", 2), ("patient:Patient.name=nguyen minh", 1),
        ("patient.name=nobody", 0), ("entity=Encounter/kham-lan", 1), ("entity=kham-lan", 1), ("entity=Patient/lan", 2),
        ("entity=Encounter/kham-lan/_history/1", 1), ("entity=Observation/kham-lan", 0), ("entity-type=1", 2),
        ("entity-type=2", 2), ("entity-role=24", 1), ("entity-role=4", 1), ("entity-name=x", 0), ("policy=urn:x", 0),
        ("source:identifier=record", 2), ("source=Device/1", 0), ("address=10.0", 2), ("address=11", 0),
        ("entity:identifier=r-1", 1), ("date=ge2020-01-01", 2), ("date=lt2020-01-01", 0),
        ("date=ge2020&date=le2100", 2),
        ("_lastUpdated=ge2020-01-01", 2), ("_lastUpdated=lt2020", 0), ("_id=log-0", 0), ("_id=anything", 0),
        ("type=rest&subtype=read&patient=lan&agent=bs-duc", 1),
    ],
)  # fmt: skip
def test_every_parameter_finds_what_it_means(house: House, asked: str, count: int) -> None:
    house.actors["doctor"] = replace(DOCTOR, address="10.0.0.7")
    house("GET", "/Encounter/kham-lan", token="doctor", x_request_id="r-1")
    house("GET", "/Encounter?class=AMB", token="doctor", x_request_id="r-2")
    found = house("GET", f"/AuditEvent?altid=7&{asked}")
    assert (found.status, found.json.get("total")) == (200, count)
    assert len(found.json.get("entry", [])) == count
    assert house("GET", f"/AuditEvent?altid=7&{asked}&_summary=count").json["total"] == count


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("date=yesterday", 400), ("agent=a/b/c", 400), ("agent=%20", 400), ("type=", 200), ("type=a|b|c", 400),
        ("type:exact=rest", 400), ("agent.name=x", 400), ("_sort=agent", 400), ("_has:Patient:x:y=1", 400),
        ("_filter=x", 400), ("_cursor=abc", 400), ("_include=Patient:organization", 400), ("_count=x", 400),
        ("_text=x", 400), ("patient:missing=maybe", 400), ("unknown=x", 200), ("agent:Location=1", 400),
        ("address=%00", 400),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(house: House, asked: str, status: int) -> None:
    found = house("GET", f"/AuditEvent?{asked}")
    assert found.status == status
    assert found.json["resourceType"] == ("Bundle" if status == 200 else "OperationOutcome")


def test_pages_hold_each_event_once_in_both_orders(house: House) -> None:
    for _ in range(7):
        house("GET", "/Encounter/kham-lan", token="doctor")
    down = house.search(altid="7", _count="3")
    up = house.search(altid="7", _count="3", _sort="date")[::-1]
    last = house.search(altid="7", _count="2", _sort="-_lastUpdated")
    assert len(down) == 7
    assert [one["id"] for one in down] == [one["id"] for one in up] == [one["id"] for one in last]
    assert len({one["id"] for one in down}) == 7
    page = house("GET", "/AuditEvent?altid=7&_count=3&_total=accurate").json
    assert (page["total"], len(page["entry"])) == (7, 3)
    assert "total" not in house("GET", "/AuditEvent?altid=7&_count=3&_total=none").json


def test_an_exact_moment_finds_its_event(house: House) -> None:
    house("GET", "/Encounter/kham-lan", token="doctor")
    (found,) = house.search(altid="7")
    assert [one["id"] for one in house.search(altid="7", date=found["recorded"])] == [found["id"]]


def test_what_it_points_to_comes_along_through_the_door(house: House) -> None:
    house("PUT", "/Practitioner/bs-duc", {"resourceType": "Practitioner", "id": "bs-duc"})
    house("GET", "/Encounter?class=AMB", token="doctor")
    for token, expected in (
        ("system", ["Patient/lan", "Patient/minh", "Practitioner/bs-duc"]),
        ("citizen", ["Patient/lan", "Practitioner/bs-duc"]),
        ("auditor", ["Practitioner/bs-duc"]),
    ):
        page = house(
            "GET", "/AuditEvent?altid=7&_include=AuditEvent:patient&_include=AuditEvent:agent", token=token
        )
        included = [one["resource"] for one in page.json["entry"] if one["search"]["mode"] == "include"]
        assert sorted(f"{one['resourceType']}/{one['id']}" for one in included) == expected, token


def test_the_audit_is_in_the_compartments_it_is_about(house: House) -> None:
    house("GET", "/Encounter/kham-lan", token="doctor")
    house("GET", "/Encounter/kham-minh", token="doctor")
    found = house("GET", "/Patient/lan/AuditEvent?altid=7").json
    assert [persons(one["resource"]) for one in found["entry"]] == [["Patient/lan"]]
    assert house("GET", "/Practitioner/bs-duc/AuditEvent?altid=7&_summary=count").json["total"] == 2
    assert house("GET", "/?_type=AuditEvent&altid=7&_summary=count").json["total"] == 2
    assert house("GET", "/?_type=AuditEvent,Patient").status == 400


@pytest.mark.parametrize(
    "url",
    [
        "/Patient?_has:AuditEvent:patient:agent=Practitioner/bs-duc", "/Patient?_revinclude=AuditEvent:patient",
        "/AuditEvent/_history", "/AuditEvent/log-1/_history",
    ],
)  # fmt: skip
def test_links_that_would_answer_nothing_are_refused(house: House, url: str) -> None:
    assert house("GET", url).status == 400


def test_to_look_at_the_audit_is_in_the_audit(house: House) -> None:
    house("GET", "/AuditEvent?patient=lan", token="auditor")
    (found,) = house.search(altid="8")
    assert (found["type"]["code"], subtypes([found]), persons(found)) == ("110101", ["audit"], [])


# -- what others send ------------------------------------------------------------------------------------------


def sent(**changed: object) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110103"},
        "subtype": [{"system": "http://pacs.vn", "code": "look"}],
        "action": "R", "recorded": "2026-11-20T08:00:00.5+07:00", "outcome": "0",
        "agent": [
            {
                "who": {"reference": "Practitioner/bs-duc"}, "name": "KTV Đỗ Bình", "altId": "binh", "requestor": True,
                "network": {"address": "pacs-1.bv.vn", "type": "1"}, "policy": ["urn:policy:1"],
                "role": [{"coding": [{"system": "http://pacs.vn/role", "code": "technician"}]}],
            }
        ],
        "source": {"site": "PACS", "observer": {"identifier": {"system": "http://pacs.vn", "value": "pacs-1"}}},
        "entity": [
            {"what": {"reference": "Patient/lan"}, "type": {"code": "1"}, "role": {"code": "1"}},
            {"what": {"reference": "ImagingStudy/x-1"}, "name": "Phim ngực", "type": {"code": "2"}},
        ],
        **changed,
    }  # fmt: skip


def test_an_event_that_is_sent_comes_back_as_it_came_and_is_found_by_all_it_says(house: House) -> None:
    made = house("POST", "/AuditEvent", sent())
    assert made.status == 201
    identifier = made.json["id"]
    back = house("GET", f"/AuditEvent/{identifier}").json
    assert {name: value for name, value in back.items() if name not in ("id", "meta")} == sent()
    assert back["meta"]["versionId"] == "1"
    assert house("GET", made.headers["Location"]).json == back
    for asked in (
        "type=110103", "type=http://dicom.nema.org/resources/ontology/DCM|110103", "subtype=http://pacs.vn|look",
        "subtype=http://pacs.vn|", "action=R", "outcome=0", "agent=Practitioner/bs-duc", "agent=bs-duc",
        "agent-name=ktv do", "agent-name:contains=BÌNH", "agent-role=technician", "altid=binh", "address=pacs-1",
        "policy=urn:policy:1", "site=PACS", "source:identifier=http://pacs.vn|pacs-1", "source:identifier=pacs-1",
        "patient=lan", "entity=ImagingStudy/x-1", "entity=x-1", "entity-name=phim nguc", "entity-type=2",
        "entity-role=1",
        "date=2026-11-20", "date=2026-11-20T01:00:00.5Z", "patient.name=nguyen lan", f"_id={identifier}",
        "subtype:not=read", "patient:missing=false", "policy:missing=false",
    ):  # fmt: skip
        found = house("GET", f"/AuditEvent?_count=100&date=lt2026-11-21&{asked}").json
        assert [one["resource"]["id"] for one in found.get("entry", [])] == [identifier], asked
    for asked in (
        "type=rest", "subtype=read", "agent=Patient/bs-duc", "agent-name=binh", "policy=urn:policy", "patient=minh",
        "site=bv-1", "entity-name=nguc", "date=2026-11-19", "patient:missing=true", "address=pacs-2",
    ):  # fmt: skip
        found = house("GET", f"/AuditEvent?_id={identifier}&{asked}").json
        assert found["total"] == 0, asked


def test_devices_and_systems_send_events_and_staff_do_not(house: House) -> None:
    house.actors["pacs"] = Actor(user="s-1", role="outside_system", facility="bv-1", app="pacs")
    assert house("POST", "/AuditEvent", sent(), token="device").status == 201
    assert house("POST", "/AuditEvent", sent(), token="pacs").status == 201
    for token in ("doctor", "auditor", "citizen"):
        assert house("POST", "/AuditEvent", sent(), token=token).status == 403, token
    assert len(house.search("auditor", altid="binh")) == 2


def test_the_person_sees_what_was_sent_about_them(house: House) -> None:
    identifier = house("POST", "/AuditEvent", sent()).json["id"]
    assert house("GET", f"/AuditEvent/{identifier}", token="citizen").status == 200
    assert house("GET", f"/AuditEvent/{identifier}", token="other").status == 404


@pytest.mark.parametrize("token", ["system", "doctor", "auditor", "citizen"])
@pytest.mark.parametrize(
    "method", ["PUT", "PATCH", "DELETE"],
)  # fmt: skip
def test_nobody_changes_or_deletes_one(house: House, token: str, method: str) -> None:
    identifier = house("POST", "/AuditEvent", sent()).json["id"]
    for one in (identifier, "log-1", "new-one"):
        body = {**sent(), "id": one} if method == "PUT" else [{"op": "remove", "path": "/outcome"}]
        kind = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
        found = house(method, f"/AuditEvent/{one}", body, token=token, content_type=kind)
        assert found.status == 405
        assert found.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert house(method, "/AuditEvent?altid=binh", sent(), token=token).status == 405
    bundle = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": f"AuditEvent/{identifier}"}}],
    }  # fmt: skip
    assert house("POST", "/", bundle, token=token).status in (403, 404, 405)
    assert house("GET", f"/AuditEvent/{identifier}").status == 200


def test_events_come_in_bundles_too(house: House) -> None:
    entry = {"resource": sent(), "request": {"method": "POST", "url": "AuditEvent"}}
    for kind in ("transaction", "batch"):
        found = house("POST", "/", {"resourceType": "Bundle", "type": kind, "entry": [entry, entry]})
        assert found.status == 200
        assert [one["response"]["status"][:3] for one in found.json["entry"]] == ["201", "201"]
    assert len(house.search(altid="binh")) == 4


def test_what_breaks_the_specification_or_takes_our_ids_is_refused(house: House) -> None:
    assert house("POST", "/AuditEvent", sent(agent=[])).status == 400
    assert house("POST", "/AuditEvent", sent(action="X")).status == 400
    from yba import fhir

    record = fhir.open(house.connection, actor=SYSTEM)
    event = codec.decode_as(json.dumps({**sent(), "id": "log-5"}).encode(), AuditEvent)
    (refused,) = record.put_all([event])
    assert getattr(refused, "key", None) == "audit.id"


def test_an_older_audit_is_loaded_with_its_ids_once(house: House) -> None:
    from yba import fhir

    record = fhir.open(house.connection, actor=SYSTEM)
    event = codec.decode_as(json.dumps({**sent(), "id": "old-1"}).encode(), AuditEvent)
    (stored,) = record.put_all([event])
    assert getattr(stored, "id", None) == "old-1"
    assert house("GET", "/AuditEvent/old-1").status == 200


def test_events_that_are_sent_are_sealed_with_the_others(house: House) -> None:
    identifier = house("POST", "/AuditEvent", sent()).json["id"]
    row = house.connection.execute(
        "select act, content is not null, xid is not null from record.audit where id = %s", (identifier,)
    ).fetchone()
    assert row == ("receive", True, True)


EXAMPLES = Path(__file__).resolve().parents[3] / "definitions"


def _examples() -> list[tuple[str, bytes]]:
    found = []
    for archive in EXAMPLES.rglob("*examples*.tgz"):
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                if name.startswith("AuditEvent-") and name.endswith(".json"):
                    data = tar.extractfile(member)
                    assert data is not None
                    found.append((name, data.read()))
    return found


@pytest.mark.parametrize(("name", "data"), _examples())
def test_the_published_examples_are_kept_as_they_are(house: House, name: str, data: bytes) -> None:
    made = house("POST", "/AuditEvent", data)
    assert made.status == 201, made.json
    back = house("GET", f"/AuditEvent/{made.json['id']}").json
    original = json.loads(data)
    for one in (back, original):
        one.pop("id")
        one.pop("meta", None)
    assert back == original


def test_the_statement_tells_it(house: House) -> None:
    rest = house("GET", "/metadata").json["rest"][0]
    (found,) = [one for one in rest["resource"] if one["type"] == "AuditEvent"]
    assert [one["code"] for one in found["interaction"]] == ["read", "vread", "create", "search-type"]
    assert (found["updateCreate"], found["conditionalUpdate"], found["conditionalDelete"]) == (
        False,
        False,
        "not-supported",
    )
    named = {one["name"] for one in found["searchParam"]}
    assert {
        "date",
        "patient",
        "agent",
        "entity",
        "altid",
        "address",
        "policy",
        "_id",
        "_lastUpdated",
    } <= named
    assert not {"_has", "_filter", "_text"} & named
    for name in named - {"_id", "_lastUpdated"}:
        assert house("GET", f"/AuditEvent?{name}:missing=true").status == 200, name
    others = [one for kind in rest["resource"] for one in kind.get("searchRevInclude", [])]
    assert not [one for one in others if one.startswith("AuditEvent:")]
