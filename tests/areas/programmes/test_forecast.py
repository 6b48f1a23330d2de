"""``$immds-forecast``: of a person of the record behind the door, and of what is sent."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from django.db import connection

from tests.areas.clinic.stage import HOUSE, put, tagged
from tests.areas.programmes.stage import BIRTH, CHILD, HOSPITAL, MOTHER, injected, shares, stage, visits
from tests.builders import NOW
from yba.areas.programmes.operations import OPERATIONS
from yba.care.identifiers import ICD10
from yba.fhir import rest
from yba.fhir.access import Actor
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference
from yba.fhir.record import Record

if TYPE_CHECKING:
    from yba.fhir.store.audit import Journal

ACTORS = {
    "nurse": Actor(user="dd", role="nurse", facility=HOUSE, name="Thu"),
    "elsewhere": Actor(user="dx", role="nurse", facility="noi-khac", name="Xa"),
    "desk": Actor(user="td", role="receptionist", facility=HOUSE, name="Trang"),
    "mother": Actor(user="me", role="citizen", person=MOTHER, persons=frozenset({MOTHER, CHILD}), name="Mẹ"),
    "stranger": Actor(user="la", role="citizen", person="nb-la", persons=frozenset({"nb-la"}), name="Lạ"),
}


class Silent:
    """Reads are noted elsewhere: here the connection is the test's own."""

    def add(self, act: object) -> None:
        """Nothing is kept."""


PATH = f"/Patient/{CHILD}/$immds-forecast"


def call(who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    application = rest.application(
        connect=lambda: connection.connection, authenticate=ACTORS.get, base_url="http://here/fhir",
        clock=lambda: NOW, operations=OPERATIONS, journal=cast("Journal", Silent()),
    )  # fmt: skip
    sent = json.dumps(body).encode() if body is not None else b""
    place, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": place, "QUERY_STRING": query, "SCRIPT_NAME": "/fhir",
        "wsgi.input": io.BytesIO(sent), "CONTENT_LENGTH": str(len(sent)), "wsgi.url_scheme": "http",
        "CONTENT_TYPE": "application/fhir+json", "HTTP_AUTHORIZATION": f"Bearer {who}", "HTTP_HOST": "here",
    }  # fmt: skip
    status: list[int] = []
    answer = b"".join(application(environ, lambda line, _: status.append(int(line[:3]))))
    return status[0], json.loads(answer)


def parts(body: Any, name: str) -> list[Any]:
    return [one["resource"] for one in body["parameter"] if one["name"] == name]


def of(recommendation: Any, series: str) -> Any:
    return next(one for one in recommendation["recommendation"] if one["series"] == series)


def dates(found: Any) -> dict[str, str]:
    return {one["code"]["coding"][0]["code"]: one["value"] for one in found.get("dateCriterion", [])}


def status(found: Any) -> str:
    return str(found["forecastStatus"]["coding"][0]["code"])


@pytest.fixture
def child(record: Record) -> Record:
    stage(record)
    visits(record)
    injected(record, "BCG", "2026-01-16")
    injected(record, "DPT1", "2026-04-12T09:00:00+07:00")
    injected(record, "5TRONG1", "2026-05-09T23:30:00+07:00", facility=HOUSE)
    return record


def test_peer_10_forecast_of_the_record(child: Record) -> None:
    shares(child)
    code, body = call("nurse", "GET", PATH)
    assert code == 200, body
    (recommendation,) = parts(body, "recommendation")
    assert (recommendation["patient"], recommendation["date"]) == (
        {"reference": f"Patient/{CHILD}"},
        "2026-11-24",
    )
    assert status(of(recommendation, "Lao")) == "complete"
    pertussis = of(recommendation, "Bạch hầu, ho gà, uốn ván")
    assert (status(pertussis), pertussis["doseNumberPositiveInt"], pertussis["seriesDosesPositiveInt"]) == (
        "overdue", 2, 4,
    )  # fmt: skip
    # 9 May is 27 days after 12 April: not counted, and the next is measured from it.
    assert dates(pertussis) == {
        "30981-5": "2026-06-06", "30980-7": "2026-06-09", "59778-1": "2026-07-09", "59777-3": "2033-01-14",
    }  # fmt: skip
    assert pertussis["vaccineCode"][0]["coding"] == [
        {"system": "https://yba.vn/fhir/cs/vaccine", "code": "5TRONG1", "display": "DPT-VGB-Hib (5 trong 1)"},
        {"system": "http://hl7.org/fhir/sid/cvx", "code": "102"},
    ]
    assert "từ 3 mũi ghi trong sổ" in pertussis["description"]
    assert "59778-1" not in dates(of(recommendation, "Phế cầu"))
    found = [
        (one["doseStatus"]["coding"][0]["code"], one["doseStatusReason"][0]["coding"][0]["code"])
        for one in parts(body, "evaluation")
        if one["series"] == "Hib"
    ]
    assert found == [("valid", "counted"), ("notvalid", "too-close")]
    # Of another day, and a disease that forbids live vaccines.
    earlier = parts(call("nurse", "GET", f"{PATH}?assessmentDate=2026-03-01")[1], "recommendation")[0]
    assert status(of(earlier, "Hib")) == "notComplete"
    concept = CodeableConcept(coding=[Coding(system=ICD10, code="D81.1")])
    put(
        child, Condition(meta=tagged(), code=concept, subject=Reference(reference=f"Patient/{CHILD}")), "scid"
    )
    measles = of(parts(call("nurse", "GET", PATH)[1], "recommendation")[0], "Sởi")
    assert (status(measles), dates(measles), measles.get("vaccineCode")) == ("contraindicated", {}, None)
    assert measles["supportingPatientInformation"] == [{"reference": "Condition/scid"}]
    assert [one["coding"][0]["code"] for one in measles["contraindicatedVaccineCode"]] == ["SOI", "MR", "MMR"]


def test_peer_10_forecast_is_held_to_the_door(child: Record) -> None:
    """Who may not see every vaccination gets no advice: from a part of them it would be wrong."""
    assert call("mother", "GET", PATH)[0] == 200
    assert call("desk", "GET", PATH)[0] == 403
    assert [call(one, "GET", PATH)[0] for one in ("elsewhere", "stranger")] == [404, 404]
    assert call("nurse", "GET", f"/Patient/{MOTHER}/$immds-forecast")[0] == 404
    # What another house injected is seen by the nurse whom the child has come to once the family shares it.
    assert call("nurse", "GET", PATH)[0] == 403
    assert call("nurse", "GET", f"/Immunization?patient={CHILD}")[1]["total"] == 1
    shares(child)
    assert call("nurse", "GET", PATH)[0] == 200
    code, body = call("nurse", "GET", f"/Immunization?patient={CHILD}")
    assert (code, body["total"]) == (200, 3)
    assert {one["resource"]["meta"]["tag"][0]["code"] for one in body["entry"]} == {HOUSE, HOSPITAL}


def test_peer_10_forecast_of_what_is_sent(child: Record) -> None:
    patient = {"resourceType": "Patient", "id": "x", "birthDate": BIRTH, "gender": "male"}
    given = {
        "resourceType": "Immunization", "id": "i1", "status": "completed", "occurrenceDateTime": "2026-03-20",
        "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "146"}]},
        "patient": {"reference": "Patient/x"},
    }  # fmt: skip
    sent = [
        {"name": "assessmentDate", "valueDate": "2026-11-24"}, {"name": "patient", "resource": patient},
        {"name": "immunization", "resource": given},
    ]  # fmt: skip
    code, body = call(
        "stranger", "POST", "/$immds-forecast", {"resourceType": "Parameters", "parameter": sent}
    )
    assert code == 200, body
    (recommendation,) = parts(body, "recommendation")
    hib = of(recommendation, "Hib")
    assert (status(hib), hib["supportingImmunization"]) == ("overdue", [{"reference": "Immunization/i1"}])
    # Without a birth date nothing is due and nothing complete.
    del patient["birthDate"]
    body = call("stranger", "POST", "/$immds-forecast", {"resourceType": "Parameters", "parameter": sent})[1]
    assert {status(one) for one in parts(body, "recommendation")[0]["recommendation"]} == {"notComplete"}
    for wrong in (sent[1:], [sent[0]], [sent[0], {"name": "patient", "resource": given}],
                  [{"name": "assessmentDate", "valueDate": "2026-11"}, sent[1]]):  # fmt: skip
        assert (
            call("stranger", "POST", "/$immds-forecast", {"resourceType": "Parameters", "parameter": wrong})[
                0
            ]
            == 400
        )
