"""What an access token opens of the record: asked over the record's own WSGI face, with rows that a leak would show."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.builders import an_observation
from tests.site.oauth.steps import FHIR, Steps, own
from yba.fhir import rest
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference
from yba.site.accounts.models import Account
from yba.site.oauth.bearer import actor_of_bearer
from yba.site.oauth.models import Connection

LAB = "http://terminology.hl7.org/CodeSystem/observation-category"


class Unwritten:
    """The audit of reads is another's subject, and its thread has no business on the test's connection."""

    def add(self, act: Any) -> None:
        """Nothing."""


class Door:
    """The record's endpoint on the test's own connection."""

    def __init__(self) -> None:
        from django.db import connection

        connection.ensure_connection()
        plain: Any = connection.connection
        journal: Any = Unwritten()
        self.application = rest.application(lambda: plain, actor_of_bearer, base_url=FHIR, journal=journal)

    def ask(self, token: str, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        told: list[str] = []
        name, _, query = path.partition("?")
        sent = json.dumps(body).encode() if body is not None else b""
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": f"/{name}", "QUERY_STRING": query, "SCRIPT_NAME": "/fhir",
            "HTTP_AUTHORIZATION": f"Bearer {token}", "wsgi.input": io.BytesIO(sent), "CONTENT_LENGTH": str(len(sent)),
            "CONTENT_TYPE": "application/fhir+json", "SERVER_NAME": "t", "SERVER_PORT": "80", "wsgi.url_scheme": "http",
        }  # fmt: skip
        answer = b"".join(self.application(environ, lambda status, headers, *_: told.append(status)))
        return int(told[0].split()[0]), json.loads(answer or b"null")

    def ids(self, token: str, path: str) -> set[str]:
        status, found = self.ask(token, path)
        assert status == 200, found
        return {
            entry["resource"]["id"]
            for entry in found.get("entry", [])
            if entry.get("search", {}).get("mode") != "outcome"
        }


@pytest.fixture
def door(db: None) -> Door:
    return Door()


def a_result(
    record: Any, person: str, code: str = "8867-4", category: str = "vital-signs", **fields: Any
) -> str:
    return record.create(
        an_observation(
            person,
            code=code,
            category=[CodeableConcept(coding=[Coding(system=LAB, code=category)])],
            **fields,
        )
    ).id


def a_condition(record: Any, person: str, code: str = "I10") -> str:
    return record.create(
        Condition(
            subject=Reference(reference=f"Patient/{person}"),
            code=CodeableConcept(coding=[Coding(system="http://hl7.org/fhir/sid/icd-10", code=code)]),
        )
    ).id


def test_only_the_types_and_acts_that_were_given(door: Door, steps: Steps, record: Any, person: str) -> None:
    pulse, condition = a_result(record, person), a_condition(record, person)
    token = steps.tokens(scope="launch/patient patient/Observation.rs patient/Patient.r")["access_token"]
    assert door.ask(token, f"Observation/{pulse}")[0] == 200
    assert door.ids(token, "Observation") == {pulse}
    assert door.ask(token, f"Patient/{person}")[0] == 200
    assert door.ids(token, "Patient") == set()  # read, not search
    assert door.ask(token, f"Condition/{condition}")[0] == 404
    assert door.ids(token, "Condition") == set()
    assert door.ids(token, f"Observation?_id={pulse}&_include=Observation:subject") <= {pulse, person}
    assert condition not in door.ids(token, f"Patient/{person}/$everything")
    body = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{person}"},
    }  # fmt: skip
    assert door.ask(token, "Observation", "POST", body)[0] == 403
    assert door.ask(token, f"Observation/{pulse}", "DELETE")[0] in (403, 404)
    assert door.ids(token, "Observation") == {pulse}


def test_criteria_of_a_scope_hold_for_every_row(door: Door, steps: Steps, record: Any, person: str) -> None:
    pulse = a_result(record, person)
    sugar = a_result(record, person, "2345-7", "laboratory")
    token = steps.tokens(scope=f"launch/patient patient/Observation.rs?category={LAB}|laboratory")[
        "access_token"
    ]
    assert door.ids(token, "Observation") == {sugar}
    assert door.ask(token, f"Observation/{pulse}")[0] == 404
    assert door.ask(token, f"Observation/{pulse}/_history")[0] == 404
    assert door.ask(token, "Observation?_summary=count")[1]["total"] == 1


def test_only_the_person_of_the_launch(
    door: Door, steps: Steps, citizen: Account, record: Any, person: str, child: str
) -> None:
    own(citizen, child, "con")
    hers, childs = a_result(record, person), a_result(record, child)
    token = steps.tokens(scope="launch/patient patient/*.rs", nguoi=person)["access_token"]
    assert door.ids(token, "Observation") == {hers}
    assert door.ask(token, f"Observation/{childs}")[0] == 404
    assert door.ask(token, f"Patient/{child}")[0] == 404
    assert door.ids(token, "Patient") == {person}


def test_sensitive_parts_need_their_own_tick(door: Door, steps: Steps, record: Any, person: str) -> None:
    plain, hidden = a_condition(record, person), a_condition(record, person, "B20")
    pulse, test = a_result(record, person), a_result(record, person, "75622-1", "laboratory")
    scope = "launch/patient patient/*.rs offline_access"
    without = steps.tokens(scope=scope)["access_token"]
    assert door.ids(without, "Condition") == {plain}
    assert door.ids(without, "Observation") == {pulse}
    assert door.ask(without, f"Condition/{hidden}")[0] == 404
    assert {hidden, test}.isdisjoint(door.ids(without, f"Patient/{person}/$everything"))
    assert door.ask(without, "Condition?_summary=count")[1]["total"] == 1
    given = steps.tokens(scope=scope, nhay_cam="1")["access_token"]
    assert Connection.objects.get().sensitive is True
    assert door.ids(given, "Condition") == {plain, hidden}
    assert door.ids(given, "Observation") == {pulse, test}
    steps.tokens(scope=scope)  # a later answer without the tick takes it back from all
    assert door.ids(given, "Condition") == {plain}


def test_a_token_that_ended_is_refused(door: Door, steps: Steps) -> None:
    token = steps.tokens()["access_token"]
    assert door.ask(token, "Observation")[0] == 200
    steps.browser.post(f"/ung-dung/{Connection.objects.get().pk}/ngung")
    status, outcome = door.ask(token, "Observation")
    assert (status, outcome["issue"][0]["code"]) == (401, "login")
    assert door.ask("ybo_made-up", "Observation")[0] == 401


def test_a_wide_scope_is_no_wider_than_the_account(
    door: Door, steps: Steps, record: Any, person: str, child: str
) -> None:
    theirs = a_result(record, child)
    hers = a_result(record, person)
    token = steps.tokens(scope="user/*.rs patient/*.cruds launch/patient")["access_token"]
    assert door.ids(token, "Observation") == {hers}
    assert door.ask(token, f"Observation/{theirs}")[0] == 404
    change = {"resourceType": "Patient", "id": person, "name": [{"text": "Khác"}]}
    assert door.ask(token, f"Patient/{person}", "PUT", change)[0] == 403  # no citizen may, by no app
