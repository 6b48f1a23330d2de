"""Writes at the door: the row as it was and as it is to be; what a refusal tells; what the audit keeps."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import psycopg
import pytest

from tests.builders import a_patient, an_actor, an_observation
from tests.fhir.access_house import House, coded, house, kept_by, of, sees
from tests.fhir.operation_calls import Client, client_of, put
from yba.fhir import errors
from yba.fhir.access import Actor
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.datatypes import Coding, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson
from yba.fhir.r4.service_request import ServiceRequest

__all__ = ["house"]
LAB = "http://terminology.hl7.org/CodeSystem/observation-category"


def refused_rows(house: House) -> list[tuple[Any, ...]]:
    return house.connection.execute(
        "select actor, act, type, id, patient, outcome from record.audit where act = 'refused' order by seq"
    ).fetchall()


def test_a_doctor_writes_where_the_person_is_treated(house: House) -> None:
    person, stranger = house.person(), house.person("Người Lạ")
    house.visit(person)
    doctor = house.doctor()
    made = doctor.create(an_observation(person))
    assert doctor.update(made).id == made.id
    with pytest.raises(errors.NotFound):
        doctor.create(an_observation(stranger))
    made.subject = of(stranger)
    with pytest.raises(errors.NotFound):
        doctor.update(made)
    made.subject, made.meta = of(person), kept_by("B")
    with pytest.raises(errors.Forbidden):
        doctor.update(made)
    assert house.system.read(Observation, str(made.id)).subject == of(person)


def test_nothing_is_written_without_a_person_into_no_chart(house: House) -> None:
    """A row of nobody is not a way around the relation."""
    house.visit(house.person())
    with pytest.raises(errors.Forbidden):
        house.doctor().create(Observation(status="final", code=coded("http://loinc.org", "8867-4")))


def test_when_the_visit_is_over_nothing_more_is_written(house: House) -> None:
    person = house.person()
    visit = house.visit(person)
    made = house.doctor().create(an_observation(person))
    visit.status = "cancelled"
    house.system.update(visit)
    with pytest.raises(errors.NotFound):
        house.doctor().create(an_observation(person))
    with pytest.raises(errors.NotFound):
        house.doctor().update(made)


def test_a_laboratory_writes_laboratory_results_only(house: House) -> None:
    """Criteria of a role are held against the row that is to be, and against the one that was."""
    person = house.person()
    house.visit(person)
    lab = house.by("laboratory", facility="A")
    made = lab.create(an_observation(person, category=[coded(LAB, "laboratory")]))
    for category in ([coded(LAB, "vital-signs")], []):
        with pytest.raises(errors.Forbidden):
            lab.create(an_observation(person, category=category))
    made.category = [coded(LAB, "vital-signs")]
    with pytest.raises(errors.Forbidden):
        lab.update(made)
    other = house.system.create(an_observation(person, category=[coded(LAB, "imaging")], meta=kept_by("A")))
    other.category = [coded(LAB, "laboratory")]
    with pytest.raises(errors.NotFound):
        lab.update(other)


def test_a_laboratory_answers_requests_of_its_kind(house: House) -> None:
    person = house.person()
    house.visit(person)
    lab = house.by("laboratory", facility="A")
    asked = ServiceRequest(status="active", intent="order", subject=of(person), meta=kept_by("A"),
                           category=[coded("http://snomed.info/sct", "108252007")])  # fmt: skip
    request = house.system.create(asked)
    request.status = "completed"
    assert lab.update(request).status == "completed"
    asked.category = [coded("http://snomed.info/sct", "363679005")]
    scan = house.system.create(asked)
    scan.status = "completed"
    with pytest.raises(errors.Forbidden):
        lab.update(scan)


def test_a_nurse_takes_part_in_a_visit_and_makes_none(house: House) -> None:
    person = house.person()
    visit = house.visit(person)
    nurse = house.by("nurse", facility="A")
    visit.status = "triaged"
    assert nurse.update(visit).status == "triaged"
    with pytest.raises(errors.Forbidden):
        nurse.create(Encounter(status="planned", class_=Coding(code="AMB"), subject=of(person)))
    with pytest.raises(errors.Forbidden):
        nurse.delete(Encounter, str(visit.id))


def test_a_citizen_rewrites_nothing_of_who_they_are(house: House) -> None:
    person, other = house.person(), house.person("Người Khác")
    citizen = house.citizen(person)
    own = citizen.read(Patient, person)
    own.birthDate = "2001-01-01"
    with pytest.raises(errors.Forbidden):
        citizen.update(own)
    with pytest.raises(errors.Forbidden):
        citizen.create(RelatedPerson(patient=of(other), active=True))
    with pytest.raises(errors.Forbidden):
        citizen.delete(Patient, person)
    booking = Appointment(
        status="proposed", participant=[AppointmentParticipant(status="accepted", actor=of(other))]
    )
    with pytest.raises((errors.Forbidden, errors.NotFound)):
        citizen.create(booking)


def test_a_write_never_opens_what_it_would_open_itself(house: House) -> None:
    """A care team, an episode, a booking made up by who would profit: refused before anything is stored."""
    person = house.person()
    result = house.result(person, "A")
    house.visit(person, "B")  # this doctor treats the person elsewhere
    doctor = house.doctor("A", practitioner="d1")
    with pytest.raises(errors.NotFound):
        doctor.create(Encounter(status="in-progress", class_=Coding(code="AMB"), subject=of(person)))
    assert not sees(doctor, result)
    assert house.connection.execute(
        "select count(*) from record.standing where holder = 'facility:A'"
    ).fetchone() == (0,)


def test_a_binary_is_whose_its_context_is(house: House) -> None:
    person = house.person()
    result = house.result(person, "A")
    made = house.system.create(
        Binary(contentType="text/plain", data="eA==", securityContext=Reference(reference=f"Observation/{result}"),
               meta=kept_by("A"))
    )  # fmt: skip
    assert sees(house.citizen(person), str(made.id), kind="Binary")
    assert not sees(house.doctor(), str(made.id), kind="Binary")
    house.visit(person)
    assert sees(house.doctor(), str(made.id), kind="Binary")


# -- what refusals tell ------------------------------------------------------------------------------------------


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    found.actors["clerk"] = an_actor("receptionist", facility="a")
    put(found, "Patient", "p")
    put(found, "Encounter", "hidden", facility="b", status="planned", **{"class": {"code": "AMB"}},
        identifier=[{"system": "s", "value": "7"}], subject={"reference": "Patient/p"})  # fmt: skip
    return found


def encounter(name: str | None, /, **more: Any) -> dict[str, Any]:
    made = {"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"},
            "subject": {"reference": "Patient/p"}, **more}  # fmt: skip
    return made | ({"id": name} if name else {})


def told(answer: Any, identifier: str) -> tuple[int, str]:
    return answer.status, answer.body.decode().replace(identifier, "ID")


PATCH = [{"op": "replace", "path": "/status", "value": "finished"}]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/Encounter/{}", {}),
        ("GET", "/Encounter/{}/_history", {}),
        ("GET", "/Encounter/{}/_history/1", {}),
        ("PUT", "/Encounter/{}", {}),
        ("PUT", "/Encounter/{}", {"if_match": 'W/"1"'}),
        ("PUT", "/Encounter/{}", {"if_match": 'W/"9"'}),
        ("PUT", "/Encounter/{}", {"if_none_match": "*"}),
        ("PATCH", "/Encounter/{}", {"content_type": "application/json-patch+json"}),
        ("DELETE", "/Encounter/{}", {}),
        ("DELETE", "/Encounter/{}", {"if_match": 'W/"1"'}),
        ("GET", "/Encounter/{}/$everything", {}),
        ("GET", "/Encounter/{}/$meta", {}),
        ("GET", "/Encounter?_id={}", {}),
        ("DELETE", "/Encounter?_id={}", {}),
        ("GET", "/Encounter/{}/Observation", {}),
        ("GET", "/Observation?encounter={}", {}),
        ("GET", "/Observation?encounter:Encounter.status=planned&encounter={}", {}),
    ],
)
def test_hidden_and_not_there_answer_alike(
    client: Client, method: str, path: str, headers: dict[str, str]
) -> None:
    answers = []
    for identifier in ("hidden", "absent"):
        body: Any = encounter(identifier) if method == "PUT" else PATCH if method == "PATCH" else None
        answers.append(
            told(client(method, path.format(identifier), body, token="clerk", **headers), identifier)
        )
    assert answers[0] == answers[1]
    assert client("GET", "/Encounter/hidden").json["status"] == "planned"


def test_a_condition_finds_nothing_hidden(client: Client) -> None:
    """If-None-Exist: the hidden one is no match, so a new one is made; the asker learns nothing."""
    same = {"identifier": [{"system": "s", "value": "7"}]}
    answer = client(
        "POST", "/Encounter", encounter(None, **same), token="clerk", if_none_exist="identifier=s|7"
    )
    assert answer.status == 201
    updated = client("PUT", "/Encounter?identifier=s|8", encounter("hidden"), token="clerk")
    absent = client("PUT", "/Encounter?identifier=s|8", encounter("absent"), token="clerk")
    assert told(updated, "hidden") == told(absent, "absent")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_bundles_answer_alike(client: Client, kind: str, method: str) -> None:
    answers = []
    for identifier in ("hidden", "absent"):
        patch = {
            "resourceType": "Binary",
            "contentType": "application/json-patch+json",
            "data": b64encode(json.dumps(PATCH).encode()).decode(),
        }
        sent = {"PUT": {"resource": encounter(identifier)}, "PATCH": {"resource": patch}}.get(method, {})
        entries = [{**sent, "request": {"method": method, "url": f"Encounter/{identifier}"}}]
        answer = client(
            "POST", "/", {"resourceType": "Bundle", "type": kind, "entry": entries}, token="clerk"
        )
        answers.append(told(answer, identifier))
    assert answers[0] == answers[1]
    assert client("GET", "/Encounter/hidden").json["meta"]["versionId"] == "1"


def test_only_the_system_chooses_ids(client: Client) -> None:
    assert client("PUT", "/Encounter/mine", encounter("mine"), token="clerk").status == 404
    assert client("PUT", "/Encounter/mine", encounter("mine")).status == 201
    made = client("POST", "/Encounter", encounter("chosen"), token="clerk")
    assert made.status == 201
    assert made.json["id"] != "chosen"


def test_references_to_hidden_rows_are_as_to_none(connection: psycopg.Connection[Any]) -> None:
    from yba import fhir

    house = House(connection)
    house.visit(house.person())
    stranger = house.person("Người Lạ")
    booking = str(house.booking(stranger, "B").id)
    actor = an_actor("receptionist", facility="A")
    record = fhir.open(connection, actor=actor, clock=house.clock, integrity=True)
    answers = []
    for identifier in (booking, "absent"):
        made = Encounter(status="planned", class_=Coding(code="AMB"), subject=of(stranger),
                         appointment=[Reference(reference=f"Appointment/{identifier}")])  # fmt: skip
        with pytest.raises(errors.Invalid) as refused:
            record.create(made)
        answers.append((refused.value.key, refused.value.message.replace(identifier, "ID")))
    assert answers[0] == answers[1]


# -- the audit ---------------------------------------------------------------------------------------------------


def test_refused_attempts_are_kept_with_whose_they_were(house: House) -> None:
    person = house.person()
    hidden = house.result(person, "B")
    doctor = house.doctor(user="u7")
    for work in (
        lambda: doctor.read(Observation, hidden),
        lambda: doctor.history_stored("Observation", hidden),
        lambda: doctor.vread_stored("Observation", hidden, "1"),
        lambda: doctor.read(Observation, "absent"),
    ):
        with pytest.raises(errors.NotFound):
            work()
    assert refused_rows(house) == [("u7", "refused", "Observation", hidden, person, "refused")] * 3


def test_a_role_that_is_not_written_down_may_nothing(house: House) -> None:
    nobody = house.by("superuser")
    with pytest.raises(errors.Forbidden):
        nobody.create(a_patient())
    assert nobody.find(Patient) == []
    assert Actor(user="x", role="superuser").persons == frozenset()
