"""Apps: what SMART scopes leave of a role; never more than the role, never another chart than the launch's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, Asking, count, secrets_in
from tests.access.questions import questions
from tests.access.test_matrix_reading import chosen, missing_and_leaked
from tests.access.test_noninterference import leaves_no_mark
from tests.access.world import World
from yba.fhir.access import Actor
from yba.site.oauth import scopes

LAB = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
SETS = {
    "none": "openid fhirUser launch/patient",
    "v1 all read": "patient/*.read",
    "v1 one read": "patient/Observation.read",
    "v1 all": "user/*.*",
    "v1 write": "patient/Appointment.write",
    "v2 chart": "patient/*.rs",
    "v2 read only": "patient/Observation.r patient/Patient.r",
    "v2 search only": "patient/Observation.s patient/Patient.s",
    "v2 criteria": f"patient/Observation.rs?category={LAB} patient/Patient.rs",
    "v2 two criteria": f"patient/Observation.rs?category={LAB}&status=registered",
    "v2 user": "user/Observation.rs user/Encounter.rs patient/Condition.rs",
    "v2 papers": "patient/Binary.rs patient/Task.rs patient/Provenance.rs patient/Group.rs patient/Questionnaire.rs",
    "system": "system/Patient.rs system/Observation.rs",
}
LAUNCHES = {
    "citizen": (ACTORS["citizen"], "me"),
    "citizen for her child": (ACTORS["citizen"], "child"),
    "citizen for a stranger": (ACTORS["citizen"], "stranger"),
    "doctor": (ACTORS["doctor"], "treat"),
    "doctor, nobody's": (ACTORS["doctor"], None),
    "laboratory": (ACTORS["laboratory"], "visit"),
    "outside": (ACTORS["outside_system"], "app"),
}
TYPES = (
    "Patient", "Observation", "Encounter", "Condition", "Appointment", "Binary", "Task", "Provenance", "Group",
    "Consent",
    "Questionnaire", "Organization", "Claim", "Device", "DocumentReference", "GuidanceResponse", "Schedule", "Person",
)  # fmt: skip


def an_app(launch: str, scoped: str) -> Actor:
    actor, person = LAUNCHES[launch]
    return replace(
        actor, app=actor.app or "app-9", scopes=tuple(scopes.resources(SETS[scoped].split())), launched=person
    )


@pytest.mark.parametrize("launch", LAUNCHES)
@pytest.mark.parametrize("scoped", SETS)
def test_what_scopes_leave(asking: Asking, world: World, launch: str, scoped: str) -> None:
    actor = an_app(launch, scoped)
    wrong: dict[Any, Any] = {}
    for type_name in TYPES:
        rows = world.of_type(type_name)
        for way, letter, url in (("search", "search", ""), ("history of all", "search", "/_history")):
            expected = [row for row in rows if oracle.allowed(world, actor, row, letter)]
            answer = asking.by(actor, "GET", f"/{type_name}{url}?_count=500")
            missing, leaked = missing_and_leaked(expected, secrets_in(answer))
            count("scoped " + way)
            if leaked or missing:
                wrong[type_name, way] = (
                    answer.status,
                    missing[:5],
                    sorted(r.name for r in rows if r.secret in leaked)[:5],
                )
        for row in rows:
            for end in ("", "/_history", "/_history/1"):
                if not chosen(launch, scoped, row.name, end, every=29):
                    continue
                answer = asking.by(actor, "GET", f"/{row.name}{end}")
                count("scoped read")
                may = oracle.allowed(world, actor, row, "history" if end == "/_history" else "read")
                if (answer.status == 200) is not may or bool(secrets_in(answer)) is not may:
                    wrong[row.name, end] = answer.status, may
    assert wrong == {}


@pytest.mark.parametrize(
    ("launch", "scoped"),
    [("citizen for her child", "v2 chart"), ("doctor", "v2 criteria"), ("doctor", "v2 read only"), ("doctor",
        "v2 user"),
     ("outside", "system"), ("citizen", "v2 search only"), ("laboratory", "v2 papers")],
)  # fmt: skip
def test_apps_learn_nothing_beside(asking: Asking, world: World, launch: str, scoped: str) -> None:
    """As in test_noninterference: what is out of scope leaves no mark. A row in either reach may be told."""
    actor = an_app(launch, scoped)
    seen = {
        row.secret
        for row in world.rows
        if any(oracle.allowed(world, actor, row, way) for way in ("read", "search"))
    }
    asked = [one for one in questions() if chosen(launch, scoped, one, every=9)]
    leaves_no_mark(asking, world, seen, lambda one: asking.by(actor, "GET", f"/{one}"), asked)


@pytest.mark.parametrize("scoped", ["v1 write", "v1 all read", "v1 all", "v2 chart"])
def test_what_apps_write(asking: Asking, world: World, scoped: str) -> None:
    """A booking for oneself: only where a scope has the letter, and only in the chart of the launch."""
    for person, launch in (("me", "citizen"), ("child", "citizen"), ("me", "citizen for her child")):
        actor = an_app(launch, scoped)
        body = {"resourceType": "Appointment", "status": "proposed",
                "participant": [{"status": "accepted", "actor": {"reference": f"Patient/{person}"}}]}  # fmt: skip
        with asking.undone():
            answer = asking.by(actor, "POST", "/Appointment", body)
        row = replace(world.of_type("Appointment")[0], patient=person, facility=None, labels=frozenset())
        patient = next(one for one in world.rows if one.name == f"Patient/{person}")
        may = oracle.allowed(world, actor, row, "create")
        sees = oracle.allowed(world, actor, patient, "read")
        assert (answer.status == 201) is (may and sees), (scoped, launch, person, answer.body)
