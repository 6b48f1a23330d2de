"""What ends, ends with the very next request; what was hidden once stays hidden in the past."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.access.asking import ACTORS, Asking, secrets_in
from tests.access.facts import CODES, Row, Stand
from tests.access.world import World
from tests.builders import NOW
from yba.fhir.access import Actor

CHART = "Observation?_count=500"


def told(asking: Asking, actor: Actor, url: str = CHART) -> set[str]:
    answer = asking.by(actor, "GET", f"/{url}")
    assert answer.status == 200, answer.body
    return secrets_in(answer)


def of(world: World, patient: str, *, facility: str | None = None) -> set[str]:
    """The secrets of a person's plain results."""
    return {
        row.secret
        for row in world.of_type("Observation")
        if row.patient == patient and (facility is None or row.facility == facility) and not row.labels
    }


# Each standing that ends by itself, with somebody who sees by it alone.
ENDING = [
    ("ended", "doctor"), ("booked", "doctor"), ("team", "doctor"), ("transfer", "doctor"), ("request", "doctor"),
    ("emergency", "doctor_c1"), ("child", "guardian"),
]  # fmt: skip


@pytest.mark.parametrize(("patient", "name"), ENDING)
def test_standings_end_to_the_second(asking: Asking, world: World, patient: str, name: str) -> None:
    actor = (
        Actor(user="c1", role="doctor", facility="C", practitioner="d1")
        if name == "doctor_c1"
        else ACTORS[name]
    )
    (until,) = {
        one.until
        for one in world.stands
        if (one.patient == patient and one.basis != "visit") or one.patient == patient == "ended"
    }
    asking.now = until - timedelta(seconds=1)
    assert told(asking, actor) & of(world, patient)
    asking.now = until + timedelta(seconds=1)  # a period that ends at a second lasts through it
    assert not told(asking, actor) & of(world, patient)
    for row in world.of_type("Observation"):
        if row.patient == patient:
            assert asking.by(actor, "GET", f"/{row.name}").status == 404
    asking.now = NOW


def test_a_consent_that_begins_later_begins_then(asking: Asking, world: World) -> None:
    (one,) = {stand for stand in world.stands if stand.patient == "future" and stand.holder == "facility:A"}
    assert not told(asking, ACTORS["doctor"]) & of(world, "future")
    asking.now = one.since
    assert told(asking, ACTORS["doctor"]) & of(world, "future")


def _source(world: World, kind: str, patient: str) -> Row:
    return next(
        row for row in world.of_type(kind)
        if row.patient == patient and row.content.get("status") in ("active", "in-progress", "booked")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "patient", "status", "way"),
    [
        ("Consent", "consented", "inactive", "PUT"), ("Consent", "consented", "inactive", "PATCH"),
        ("Consent", "consented", "", "DELETE"), ("Encounter", "visit", "cancelled", "PUT"),
        ("Appointment", "booked", "cancelled", "PATCH"), ("CareTeam", "team", "inactive", "PUT"),
        ("ServiceRequest", "request", "revoked", "PATCH"), ("Consent", "mum", "inactive", "PATCH"),
        ("RelatedPerson", "child", "", "DELETE"), ("Consent", "consented", "inactive", "transaction"),
    ],
)  # fmt: skip
def test_what_is_withdrawn_is_closed_at_once(
    asking: Asking, world: World, kind: str, patient: str, status: str, way: str
) -> None:
    actor = ACTORS["citizen" if patient in ("mum", "child") else "doctor"]
    row = world.rows[0]
    row = (
        next(r for r in world.of_type(kind) if r.patient == patient)
        if kind == "RelatedPerson"
        else _source(world, kind, patient)
    )
    assert told(asking, actor) & of(world, patient)
    body: Any = row.content | {"status": status}
    if way == "transaction":
        entry = {"resource": body, "request": {"method": "PUT", "url": row.name}}
        answer = asking("POST", "/", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    elif way == "PATCH":
        change = [{"op": "replace", "path": "/status", "value": status}]
        answer = asking("PATCH", f"/{row.name}", change, content_type="application/json-patch+json")
    else:
        answer = asking(way, f"/{row.name}", body if way == "PUT" else None)
    assert answer.status in (200, 204), answer.body
    left = told(asking, actor) & of(world, patient)
    assert left == set()


def test_a_person_becomes_a_vip_and_dies(asking: Asking, world: World) -> None:
    """The whole chart follows in the same write: for staff without the right, and for who holds the account."""
    doctor, me = ACTORS["doctor_a2"], ACTORS["citizen"]
    assert told(asking, doctor) >= of(world, "visit", facility="A") != set()
    person = next(row for row in world.rows if row.name == "Patient/visit").content
    system, code = CODES["vip"]
    vip = person | {"meta": {"security": [{"system": system, "code": code}]}}
    assert asking("PUT", "/Patient/visit", vip).status == 200
    assert not told(asking, doctor) & of(world, "visit")
    assert asking.by(doctor, "GET", "/Patient/visit").status == 404
    assert told(asking, me) >= of(world, "me") != set()
    mine = next(row for row in world.rows if row.name == "Patient/me").content
    assert asking("PUT", "/Patient/me", mine | {"deceasedBoolean": True}).status == 200
    assert told(asking, me) & of(world, "me") == set()


@pytest.mark.parametrize("way", ["label", "code"])
def test_a_label_that_is_gone_stays_on_what_it_was(asking: Asking, way: str) -> None:
    """A result called HIV, and later put right: the version that says HIV is for who may see it."""
    base = {
        "resourceType": "Condition", "id": "once", "subject": {"reference": "Patient/visit"},
        "meta": {"tag": [{"system": "https://yba.vn/fhir/facility", "code": "A"}]},
    }  # fmt: skip
    hiv = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "B20.1"}], "text": "bimat99999"}
    first = base | {"code": hiv if way == "code" else {"text": "bimat99999"}}
    if way == "label":
        first = first | {"meta": base["meta"] | {"security": [{"system": CODES["hiv"][0], "code": "HIV"}]}}  # type: ignore[operator]
    assert asking("PUT", "/Condition/once", first).status == 201
    doctor = ACTORS["doctor_a2"]
    assert asking.by(doctor, "GET", "/Condition/once").status == 404
    assert asking("PUT", "/Condition/once", base | {"code": {"text": "đã sửa"}}).status == 200
    if way == "label":
        body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [
            {"system": CODES["hiv"][0], "code": "HIV"}]}}]}  # fmt: skip
        assert asking("POST", "/Condition/once/$meta-delete", body).status == 200
    assert asking.by(doctor, "GET", "/Condition/once").status == 200
    for url in ("/Condition/once/_history", "/Condition/once/_history/1", "/Condition/_history?_count=200",
        "/Condition/once/$diff",
                "/$diff?from=Condition/once/_history/1&to=Condition/once", "/Condition/once/_history/1/$meta",
                "/Observation?_revinclude=*:*&_count=1", "/Condition?_id=once"):  # fmt: skip
        answer = asking.by(doctor, "GET", url)
        assert "bimat99999" not in secrets_in(answer), url
        if "?" not in url:  # others have been shown by a consent what is marked as HIV
            assert "HIV" not in answer.body.decode(), url
            assert "B20" not in answer.body.decode(), url


def test_stands_are_told_apart() -> None:
    """The facts these tests rest on: two standings are one only when all of them is the same."""
    assert Stand("a", "facility:A", "visit") == Stand("a", "facility:A", "visit")


def test_deleting_opens_nothing(asking: Asking, world: World) -> None:
    """A labelled result that is deleted stays as hidden as it was, with all its versions."""
    row = next(
        one for one in world.of_type("Condition")
        if one.patient == "visit" and one.labels == {"hiv"} and one.facility == "A"
    )  # fmt: skip
    doctor = ACTORS["doctor_a2"]
    assert asking.by(doctor, "GET", f"/{row.name}").status == 404
    assert asking("DELETE", f"/{row.name}").status == 204
    for url in (f"/{row.name}/_history", f"/{row.name}/_history/1", "/Condition/_history?_count=500"):
        assert row.secret not in secrets_in(asking.by(doctor, "GET", url)), url
