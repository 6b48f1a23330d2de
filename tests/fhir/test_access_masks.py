"""Masks: elements that are in no answer to a role, and that nothing it may ask tells of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import an_actor
from tests.fhir.access_house import House, coded, house, of
from tests.fhir.operation_calls import Client, a_visit, client_of, put
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import masks, policy
from yba.fhir.r4.datatypes import Narrative
from yba.fhir.r4.encounter import Encounter, EncounterDiagnosis
from yba.fhir.r4.patient import Patient

__all__ = ["house"]
REASON = coded("http://hl7.org/fhir/sid/icd-10", "J00")


def a_visit_for(house: House, person: str) -> str:
    made = house.visit(person, reasonCode=[REASON], diagnosis=[EncounterDiagnosis(condition=of(person))])
    made.text = Narrative(status="generated", div='<div xmlns="http://www.w3.org/1999/xhtml">J00</div>')
    return str(house.system.update(made).id)


def test_masked_elements_are_in_no_answer(house: House) -> None:
    person = house.person()
    visit = a_visit_for(house, person)
    cashier = house.by("cashier", facility="A")
    whole = house.system.read(Encounter, visit)
    assert (whole.reasonCode, len(whole.diagnosis), whole.text is None) == ([REASON], 1, False)
    answers = [
        cashier.read(Encounter, visit),
        cashier.search(Encounter, [("_id", visit)]).matches[0],
        cashier.search(Patient, [("_id", person), ("_revinclude", "Encounter:patient")]).included[0],
        cashier.lock(Encounter, visit),
    ]
    stored = [
        cashier.vread_stored("Encounter", visit, "2"),
        cashier.history_stored("Encounter", visit)[0][1],
        cashier.history_stored("Encounter")[0][1],
    ]
    answers += [fhir.model.codec.decode(one.content or b"", "Encounter") for one in stored]
    for answer in answers:
        assert isinstance(answer, Encounter)
        assert (answer.reasonCode, answer.diagnosis, answer.text) == ([], [], None)
        assert (answer.status, answer.subject, answer.period) == (whole.status, whole.subject, whole.period)
        assert answer.meta is not None
        assert [one.code for one in answer.meta.tag] == ["A", "SUBSETTED"]


def test_a_masked_row_looks_the_same_with_and_without_the_element(house: House) -> None:
    """The tag says that there is a mask, not that something was masked."""
    person = house.person()
    bare = str(house.visit(person).id)
    cashier = house.by("cashier", facility="A")
    tags = cashier.read(Encounter, bare).meta
    assert tags is not None
    assert [one.code for one in tags.tag] == ["A", "SUBSETTED"]


@pytest.mark.parametrize(
    "params",
    [
        [("reason-code", "J00")],
        [("reason-code:missing", "false")],
        [("diagnosis", "Patient/x")],
        [("diagnosis:Condition.code", "J00")],
        [("_text", "J00")],
        [("_content", "J00")],
        [("_filter", "reason-code eq J00")],
    ],
)
def test_what_is_masked_cannot_be_asked(house: House, params: list[tuple[str, str]]) -> None:
    a_visit_for(house, house.person())
    cashier = house.by("cashier", facility="A")
    with pytest.raises(errors.RecordError) as refused:
        cashier.search(Encounter, params)
    assert refused.value.key in ("search.unknown-parameter", "search.filter")
    if not params[0][0].startswith("_filter"):
        assert cashier.search(Encounter, params, strict=False).unknown == [params[0][0]]


def test_nor_by_links_sorting_or_includes(house: House) -> None:
    person = house.person()
    visit = a_visit_for(house, person)
    cashier = house.by("cashier", facility="A")
    has = ("_has:Encounter:patient:reason-code", "J00")
    assert [one.id for one in house.system.find(Patient, has)] == [person]
    for params in ([has], [("_sort", "-reason-code")], [("_include", "Encounter:diagnosis")]):
        kind = "Patient" if params[0][0].startswith("_has") else "Encounter"
        with pytest.raises(errors.RecordError):
            cashier.search(kind, params)
    page = cashier.search(Encounter, [("_id", visit), ("_include", "*")])
    assert [one.id for one in page.included] == [person]  # by its subject


def test_who_is_not_masked_asks_as_before(house: House) -> None:
    """What one search leaves out is there for the next."""
    person = house.person()
    visit = a_visit_for(house, person)
    cashier = house.by("cashier", facility="A")
    with pytest.raises(errors.RecordError):
        cashier.search(Encounter, [("reason-code", "J00")])
    found = house.doctor().search(Encounter, [("reason-code", "J00")])
    assert [one.id for one in found.matches] == [visit]


def test_what_is_seen_in_part_is_not_written(house: House) -> None:
    visit = a_visit_for(house, house.person())
    for role in ("cashier", "customer_care"):
        record = house.by(role, facility="A")
        part = record.read(Encounter, visit)
        with pytest.raises((errors.Forbidden, errors.Invalid)):
            record.update(part)
    receptionist = house.by("receptionist", facility="A")
    part = house.by("cashier", facility="A").read(Encounter, visit)
    with pytest.raises(errors.Invalid) as refused:
        receptionist.update(part)
    assert refused.value.key == "store.subsetted"
    assert house.system.read(Encounter, visit).reasonCode == [REASON]


def test_a_device_knows_its_persons_by_number(house: House) -> None:
    person = house.person()
    house.visit(person)
    device = house.by("device", facility="A")
    seen = device.read(Patient, person)
    assert (seen.id, seen.name, seen.telecom, seen.birthDate) == (person, [], [], "1968-03-12")
    for name in ("name", "phone", "given", "phonetic", "telecom", "family"):
        assert device.search(Patient, [(name, "x")], strict=False).unknown == [name]


def test_contained_resources_go_with_the_element_that_pointed_to_them() -> None:
    mask = masks.mask_of("Encounter", frozenset({"reasonReference"}))
    content = {
        "resourceType": "Encounter", "id": "e", "status": "planned",
        "contained": [{"resourceType": "Condition", "id": "c"}, {"resourceType": "Location", "id": "l"}],
        "reasonReference": [{"reference": "#c"}], "location": [{"location": {"reference": "#l"}}],
        "_reasonReference": [{"id": "x"}], "class": {"code": "AMB"},
    }  # fmt: skip
    masked = json.loads(mask.applied(json.dumps(content, separators=(",", ":")).encode()))
    assert masked["contained"] == [{"resourceType": "Location", "id": "l"}]
    assert masked["class"] == {"code": "AMB"}
    assert not {"reasonReference", "_reasonReference"} & masked.keys()


def test_which_parameters_tell_of_an_element() -> None:
    mask = policy.mask(an_actor("cashier"), "Encounter")
    assert mask is not None
    assert mask.codes >= {
        "reason-code",
        "reason-reference",
        "diagnosis",
        "special-arrangement",
        "_text",
        "_content",
    }
    assert not mask.codes & {"status", "date", "patient", "subject", "class", "_id", "_lastUpdated"}
    assert policy.mask(an_actor("doctor"), "Encounter") is None
    assert policy.mask(an_actor("anonymous"), "Encounter") is None


# -- over HTTP --------------------------------------------------------------------------------------------------


@pytest.fixture
def client(connection: Any) -> Client:
    found = client_of(connection)
    found.actors["till"] = an_actor("cashier", facility="a")
    found.actors["office"] = an_actor("records_office", facility="a")
    put(found, "Patient", "p")
    a_visit(found, "p", "a")
    put(
        found, "Encounter", "e", facility="a", status="in-progress", **{"class": {"code": "AMB"}},
        subject={"reference": "Patient/p"}, reasonCode=[{"text": "đau ngực"}],
    )  # fmt: skip
    return found


@pytest.mark.parametrize(
    "place",
    ["/Encounter/e", "/Encounter/e/_history/1", "/Encounter/e/_history", "/Encounter?_id=e", "/Encounter/_history",
     "/?_type=Encounter", "/Patient/p/Encounter", "/Patient/p/$everything", "/Encounter/e/$everything",
     "/Encounter?_id=e&_elements=reasonCode", "/Encounter/e?_elements=reasonCode"],
)  # fmt: skip
def test_no_answer_holds_it(client: Client, place: str) -> None:
    assert "đau ngực" in client("GET", place).body.decode()
    answer = client("GET", place, token="till")
    assert answer.status == 200
    assert "đau ngực" not in answer.body.decode()
    assert "SUBSETTED" in answer.body.decode()


def test_who_sees_persons_in_part_matches_nobody(client: Client) -> None:
    client.actors["device"] = an_actor("device", facility="a")
    who: dict[str, Any] = {
        "name": [{"text": "Trần Thị Hoa", "family": "Trần", "given": ["Thị", "Hoa"]}],
        "birthDate": "1980-05-05",
        "gender": "female",
        "identifier": [{"system": "https://yba.vn/fhir/sid/cccd", "value": "046180001234"}],
    }
    put(client, "Patient", "p", **who)
    body = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": {"resourceType": "Patient", **who}}],
    }
    assert client("POST", "/Patient/$match", body).json["total"] == 1
    refused = client("POST", "/Patient/$match", body, token="device")
    assert (refused.status, refused.key) == (403, "access.match")


def test_etags_are_those_of_the_version(client: Client) -> None:
    whole, part = client("GET", "/Encounter/e"), client("GET", "/Encounter/e", token="till")
    assert whole.headers["ETag"] == part.headers["ETag"]
    assert whole.body != part.body
    again = client("GET", "/Encounter/e", token="till", if_none_match=part.headers["ETag"])
    assert again.status == 304


def test_a_bundle_holds_masked_rows(client: Client) -> None:
    bundle = {
        "resourceType": "Bundle", "type": "batch",
        "entry": [{"request": {"method": "GET", "url": one}} for one in ("Encounter/e", "Encounter?_id=e")],
    }  # fmt: skip
    assert client("POST", "/", bundle).body.decode().count("đau ngực") == 2
    answer = client("POST", "/", bundle, token="till")
    assert (answer.status, answer.body.decode().count("đau ngực")) == (200, 0)
    assert answer.body.decode().count("SUBSETTED") == 2


def test_a_view_is_made_of_what_is_left(client: Client) -> None:
    view = {
        "resourceType": "ViewDefinition", "resource": "Encounter", "status": "active", "name": "v",
        "select": [{"column": [{"name": "id", "path": "id"}, {"name": "why", "path": "reasonCode.text.first()"}]}],
        "where": [{"path": "id = 'e'"}],
    }  # fmt: skip
    body = {"resourceType": "Parameters", "parameter": [{"name": "viewResource", "resource": view}]}
    place = "/ViewDefinition/$viewdefinition-run?_format=json"
    assert client("POST", place, body).json == [{"id": "e", "why": "đau ngực"}]
    assert client("POST", place, body, token="till").json == [{"id": "e", "why": None}]


def test_a_mask_needs_no_decoding_of_what_it_leaves() -> None:
    content = b'{"resourceType":"Encounter","id":"e","length":{"value":80.10},"meta":{"versionId":"1"}}'
    assert b'"value":80.10' in masks.mask_of("Encounter", frozenset({"diagnosis"})).applied(content)
