"""Booking over FHIR: find, hold, book, reschedule, cancel, and a plain create, through the one ledger."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.db import connection

from tests.areas.booking.province import HOSPITAL, NOW, build, citizen, opened
from yba.areas.booking import actions, guards, policies, queries, rules
from yba.areas.booking.models import Seat
from yba.areas.booking.operations import OPERATIONS
from yba.areas.booking.policies import Policy
from yba.fhir import rest
from yba.fhir.access import Actor, Scope
from yba.fhir.model import codec
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.schedule import Schedule

ACTORS = {
    "p1": citizen("p1"),
    "p2": citizen("p2"),
    "desk": Actor(user="td", role="receptionist", facility=HOSPITAL, name="Trang"),
    "his": Actor(user="his", role="outside_system", facility=HOSPITAL, name="HIS", app="his"),
    "doctor": Actor(user="bs", role="doctor", facility=HOSPITAL, practitioner="bs"),
}


@dataclass
class Said:
    status: int
    body: Any


class House:
    """The record's endpoint with booking's guards and operations, on the test's own connection."""

    def __init__(self) -> None:
        connection.ensure_connection()
        build(opened(connection), people=3)
        self.application = rest.application(
            connect=lambda: connection.connection,
            authenticate=ACTORS.get,
            guards=guards.GUARDS,
            base_url="http://here/fhir",
            clock=lambda: NOW,
            operations=OPERATIONS,
        )

    def __call__(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Said:
        sent = json.dumps(body).encode() if body is not None else b""
        place, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": place, "QUERY_STRING": query, "SCRIPT_NAME": "/fhir",
            "wsgi.input": io.BytesIO(sent), "CONTENT_LENGTH": str(len(sent)), "wsgi.url_scheme": "http",
            "CONTENT_TYPE": "application/fhir+json", "HTTP_AUTHORIZATION": f"Bearer {who}", "HTTP_HOST": "here",
        } | headers  # fmt: skip
        status: list[int] = []
        answer = b"".join(self.application(environ, lambda line, _: status.append(int(line[:3]))))
        return Said(status[0], json.loads(answer) if answer else None)


def given(**values: str) -> dict[str, Any]:
    """A Parameters resource; an underscore in a name is a hyphen."""
    parts = [{"name": name.replace("_", "-"), "valueString": value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": parts}


@pytest.fixture
def house(db: None) -> House:
    return House()


def found(house: House, who: str = "p1", **asked: str) -> list[Any]:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    said = house(who, "GET", f"/Appointment/$find?{query}")
    assert said.status == 200, said.body
    return [one["resource"] for one in said.body.get("entry", [])]


def slots(house: House, **asked: str) -> list[str]:
    return [one["slot"][0]["reference"].removeprefix("Slot/") for one in found(house, **asked)]


def key_of(said: Said) -> str:
    return str(said.body["issue"][0]["details"]["coding"][0]["code"])


def test_find_tells_the_times_that_can_be_had_and_stores_nothing(house: House) -> None:
    times = found(
        house, specialty="tim-mach", organization=HOSPITAL, practitioner="bs", count="3", patient="p1"
    )
    assert [one["start"][11:16] for one in times] == ["07:30", "07:50", "08:10"]
    assert {one["status"] for one in times} == {"proposed"}
    assert times[0]["participant"][0]["actor"]["reference"] == "Patient/p1"
    assert found(house, specialty="da-lieu") == []
    assert opened(connection).find(Appointment) == []


def test_a_held_time_is_found_by_its_holder_alone_and_becomes_the_booking(house: House) -> None:
    slot = slots(house, count="1")[0]
    held = house("p1", "POST", "/Appointment/$hold", given(slot=f"Slot/{slot}"))
    assert held.status == 200
    assert held.body["extension"][0]["valueInstant"] == "2026-11-23T06:10:00+07:00"
    assert house("p1", "POST", "/Appointment/$hold", given(slot=slot)).body == held.body
    assert found(house, "p2", count="1")[0]["slot"][0]["reference"] != f"Slot/{slot}"
    assert slots(house, count="1") == [slot]
    other = house(
        "p2", "POST", "/Appointment/$book", given(slot=slot, patient="Patient/p2", phone="0905123456")
    )
    assert (other.status, key_of(other)) == (409, "booking.slot-taken")
    hold = held.body["identifier"][0]["value"]
    stolen = house("p2", "POST", "/Appointment/$book", given(hold=hold, patient="p2"))
    assert (stolen.status, key_of(stolen)) == (410, "booking.hold-over")
    made = house("p1", "POST", "/Appointment/$book", given(hold=hold, patient="p1", reason="Ho"))
    assert (made.status, made.body["status"]) == (200, "pending")
    assert list(Seat.objects.values_list("kind", "holder")) == [("booking", made.body["id"])]


def test_the_same_key_books_once_whichever_way_it_is_sent(house: House) -> None:
    one, two = slots(house, count="2")
    first = house("p1", "POST", "/Appointment/$book", given(slot=one, patient="p1", key="k1"))
    again = house(
        "p1", "POST", "/Appointment/$book", given(slot=one, patient="p1"), HTTP_IDEMPOTENCY_KEY="k1"
    )
    assert first.body["id"] == again.body["id"]
    other = house("p2", "POST", "/Appointment/$book", given(slot=two, patient="p2", key="k1"))
    assert other.body["id"] != first.body["id"], "a key is its account's own"
    assert Seat.objects.count() == 2


def test_the_desk_books_at_once_with_a_code(house: House) -> None:
    made = house(
        "desk", "POST", "/Appointment/$book", given(slot=slots(house)[0], patient="p1", phone="0905123456")
    )
    assert made.body["status"] == "booked"
    assert any(one["system"].endswith("registration-code") for one in made.body["identifier"])


def test_a_hospital_system_books_for_whom_the_facility_knows_and_for_nobody_else(house: House) -> None:
    first, second = slots(house, count="2")
    stranger = house("his", "POST", "/Appointment/$book", given(slot=first, patient="p1"))
    assert stranger.status == 404
    house("desk", "POST", "/Appointment/$book", given(slot=first, patient="p1", phone="0905123456"))
    made = house("his", "POST", "/Appointment/$book", given(slot=second, patient="p1", key="his-7"))
    assert (made.status, made.body["status"]) == (200, "booked")
    assert Seat.objects.get(holder=made.body["id"]).channel == "his"


def test_reschedule_and_cancel_hold_to_the_rules_of_the_timetable(house: House) -> None:
    one, two, three = slots(house, count="3")
    made = house("p1", "POST", "/Appointment/$book", given(slot=one, patient="p1")).body["id"]
    record = opened(connection)
    schedule = record.find(Schedule)[0]
    schedule.extension = [policies.policy_extension(Policy(most_moves=1))]
    record.update(schedule)
    moved = house("p1", "POST", f"/Appointment/{made}/$reschedule", given(slot=two))
    assert (moved.status, moved.body["start"]) == (200, "2026-11-23T07:50:00+07:00")
    again = house("p1", "POST", f"/Appointment/{made}/$reschedule", given(slot=three))
    assert (again.status, key_of(again)) == (409, "booking.moves-used")
    assert house("p2", "POST", f"/Appointment/{made}/$cancel").status == 404
    off = house("p1", "POST", f"/Appointment/{made}/$cancel", given(reason="Bận"))
    assert (off.body["status"], off.body["cancelationReason"]["text"]) == ("cancelled", "Bận")
    assert house("p1", "POST", f"/Appointment/{made}/$cancel").body["status"] == "cancelled"
    late = house("p1", "POST", f"/Appointment/{made}/$reschedule", given(slot=three))
    assert (late.status, key_of(late)) == (409, "booking.over")
    assert Seat.objects.count() == 0


def test_a_plain_create_takes_the_same_seat_and_is_idempotent_by_its_condition(house: House) -> None:
    wanted = found(house, count="1", patient="p1")[0]
    wanted |= {"status": "pending", "identifier": [{"system": "urn:his", "value": "7"}]}
    wanted["participant"][0]["status"] = "accepted"
    condition = {"HTTP_IF_NONE_EXIST": "identifier=urn:his|7"}
    assert house("p1", "POST", "/Appointment", wanted, **condition).status == 201
    assert house("p1", "POST", "/Appointment", wanted, **condition).status == 200
    assert key_of(house("p1", "POST", "/Appointment", wanted)) == "booking.slot-taken"
    assert Seat.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/Appointment/$hold", given(), 400),
        ("/Appointment/$hold", given(slot="Patient/p1"), 400),
        ("/Appointment/$hold", given(slot="none"), 400),
        ("/Appointment/$book", given(slot="none"), 400),
        ("/Appointment/$hold", given(slots="x"), 400),
        ("/Appointment/none/$cancel", given(), 404),
    ],
)
def test_what_makes_no_sense_is_refused(house: House, path: str, body: Any, status: int) -> None:
    assert house("p1", "POST", path, body).status == status


def test_other_roles_book_nothing_and_reading_is_no_way_to_change(house: House) -> None:
    assert house("doctor", "GET", "/Appointment/$find").status == 403
    assert house("p1", "GET", "/Appointment/$hold?slot=x").status == 405


def test_the_capability_statement_names_them(house: House) -> None:
    said = house("p1", "GET", "/metadata").body["rest"][0]["resource"]
    offered = next(one for one in said if one["type"] == "Appointment")["operation"]
    names = {one["name"]: one["definition"] for one in offered}
    assert names["book"] == "https://yba.vn/fhir/OperationDefinition/Appointment-book"
    assert {"find", "hold", "book", "reschedule", "cancel"} <= set(names)


def test_a_citizen_s_app_with_scopes_of_the_patient_alone_holds_and_books_for_its_person(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``patient/`` scopes reach the person of the launch and what is nobody's; a child beside them they do not."""
    wide = {"Appointment": "cruds", "Patient": "r", "Slot": "rs"} | dict.fromkeys(
        ("Schedule", "PractitionerRole", "Practitioner", "Location", "Organization", "HealthcareService"),
        "rs",
    )
    scopes = tuple(Scope("patient", kind, frozenset(said)) for kind, said in wide.items())
    own = replace(citizen("p1", "p2"), app="app-1", scopes=scopes, launched="p1")
    monkeypatch.setitem(ACTORS, "app", own)
    monkeypatch.setitem(
        ACTORS, "reader", replace(own, scopes=(*scopes[1:], Scope("patient", "Appointment", frozenset("rs"))))
    )
    times = found(house, "app", count="2")
    slot, other = (one["slot"][0]["reference"].removeprefix("Slot/") for one in times)
    held = house("app", "POST", "/Appointment/$hold", given(slot=slot))
    assert held.status == 200, held.body
    made = house(
        "app", "POST", "/Appointment/$book", given(slot=slot, patient="Patient/p1", reason="Ho", key="a")
    )
    assert (made.status, made.body["status"]) == (200, "pending"), made.body
    bare = Appointment(
        status="pending", participant=[actions.participant_of(opened(connection).read("Patient", "p1"))]
    )
    actions.place(bare, *queries.slot_and_post(opened(connection), other))
    created = house("app", "POST", "/Appointment", json.loads(codec.encode(bare)))
    assert created.status == 201, created.body
    child = house("app", "POST", "/Appointment/$book", given(slot=other, patient="Patient/p2", key="b"))
    assert child.status in (403, 404)
    for path, said in (("$hold", {"slot": other}), ("$book", {"slot": other, "patient": "Patient/p1"})):
        assert house("reader", "POST", f"/Appointment/{path}", given(**said)).status == 403
    off = house("app", "POST", f"/Appointment/{made.body['id']}/$cancel", given(reason="Bận"))
    assert (off.status, off.body["status"]) == (200, "cancelled"), off.body


def test_a_series_is_found_booked_moved_and_called_off_as_one_act(house: House) -> None:
    schedule = opened(connection).find(Schedule, ("actor", "PractitionerRole/vt"))[0].id
    rhythm = (f"/Appointment/$find?schedule=Schedule/{schedule}&start=2026-11-24T07:50:00%2B07:00&series-count=4"
              "&series-weekday=tue&series-weekday=thu")  # fmt: skip
    proposed = [one["resource"] for one in house("desk", "GET", rhythm).body["entry"]]
    starts = [one["start"][:16] for one in proposed]
    assert starts == ["2026-11-24T07:50", "2026-11-26T07:50", "2026-12-01T07:50", "2026-12-03T07:50"]
    times = [one["slot"][0]["reference"] for one in proposed]
    asked = given(patient="Patient/p1", reason="Thay băng", phone="0905123456", key="s1")
    asked["parameter"] += [{"name": "slot", "valueReference": {"reference": one}} for one in times]
    first, again = (house("desk", "POST", "/Appointment/$book", asked) for _ in range(2))
    assert (first.status, first.body["type"]) == (200, "collection")
    ids = [one["resource"]["id"] for one in first.body["entry"]]
    assert [one["resource"]["id"] for one in again.body["entry"]] == ids
    joined = {value["value"] for one in first.body["entry"] for value in one["resource"]["identifier"]
              if value["system"] == rules.SERIES}  # fmt: skip
    assert (len(ids), len(joined)) == (4, 1)
    # Somebody else gets none of them, and is told which went.
    others = [one for one in asked["parameter"] if one["name"] != "key"]
    body = {"resourceType": "Parameters", "parameter": [*others, *given(key="s2")["parameter"]]}
    taken = house("desk", "POST", "/Appointment/$book", body)
    assert (taken.status, key_of(taken)) == (409, "booking.series-taken")
    # Two of them move, or none.
    later = house("desk", "GET", rhythm.replace("T07:50", "T10:10").replace("count=4", "count=2")).body[
        "entry"
    ]
    visits = [
        {"name": "visit", "part": [{"name": "appointment", "valueString": key},
                                   {"name": "slot", "valueString": one["resource"]["slot"][0]["reference"]}]}
        for key, one in zip(ids, later, strict=False)
    ]  # fmt: skip
    moved = house(
        "desk",
        "POST",
        f"/Appointment/{ids[0]}/$reschedule",
        {"resourceType": "Parameters", "parameter": visits},
    )
    assert [one["resource"]["start"][:16] for one in moved.body["entry"]] == [
        "2026-11-24T10:10",
        "2026-11-26T10:10",
    ]
    # From the third on, then all.
    after = ["booked", "booked", "cancelled", "cancelled"]
    for at, series, left in ((2, "following", after), (0, "all", ["cancelled"] * 4)):
        off = house("p1", "POST", f"/Appointment/{ids[at]}/$cancel", given(series=series))
        assert (off.status, [one["resource"]["status"] for one in off.body["entry"]]) == (200, left)
    assert house("p1", "POST", f"/Appointment/{ids[0]}/$cancel", given(series="x")).status == 400
