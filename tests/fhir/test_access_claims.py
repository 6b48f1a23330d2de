"""Who writes themselves into a visit, a team or a role gains no sensitive label by it; whom others name does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fhir.access_house import ACT, House, house, kept_by, of, ref, sees
from yba import fhir
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.care_team import CareTeam, CareTeamParticipant
from yba.fhir.r4.datatypes import Coding, Period
from yba.fhir.r4.encounter import Encounter, EncounterParticipant
from yba.fhir.r4.episode_of_care import EpisodeOfCare
from yba.fhir.r4.practitioner_role import PractitionerRole

__all__ = ["house"]
HIV = Coding(system=ACT, code="HIV")
PSY = Coding(system=ACT, code="PSY")
ME = "Practitioner/d1"


class Case:
    """A person with a visit at A, a plain result and one marked as HIV; doctors d1 and d2 of A."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.person = house.person()
        self.plain = house.result(self.person)
        self.marked = house.result(self.person, "A", HIV)
        self.visit = house.visit(self.person)
        self.d1 = house.doctor(practitioner="d1")
        self.d2 = house.doctor(practitioner="d2")
        assert sees(self.d1, self.plain)
        assert not sees(self.d1, self.marked)

    def labels(self) -> bool:
        """Whether d1 sees the marked result now; the plain one they see whatever happens."""
        assert sees(self.d1, self.plain)
        return sees(self.d1, self.marked)

    def put(self, record: fhir.Record, resource: Any = None, **changes: Any) -> Any:
        now = record.as_system().read(type(resource or self.visit), (resource or self.visit).id or "")
        for name, value in changes.items():
            setattr(now, name, value)
        return record.update(now)


@pytest.fixture
def case(house: House) -> Case:
    return Case(house)


def me(name: str = ME) -> list[EncounterParticipant]:
    return [EncounterParticipant(individual=ref(name))]


def team(person: str, *members: str, **fields: Any) -> CareTeam:
    known: dict[str, Any] = {"status": "active", "subject": of(person), "meta": kept_by("A")}
    return CareTeam(participant=[CareTeamParticipant(member=ref(one)) for one in members], **known | fields)


def patched(case: Case) -> None:
    def change(content: bytes) -> bytes:
        tree = json.loads(content)
        tree["participant"] = [{"individual": {"reference": ME}}]
        return json.dumps(tree).encode()

    case.d1.patch(Encounter, case.visit.id or "", change)


def booked(case: Case) -> None:
    who = [AppointmentParticipant(status="accepted", actor=one) for one in (of(case.person), ref(ME))]
    start = case.house.now.isoformat()
    case.d1.create(Appointment(status="booked", participant=who, start=start, end=start))


@pytest.mark.parametrize(
    "act",
    [
        lambda case: case.put(case.d1, participant=me()),
        patched,
        lambda case: case.d1.create(Encounter(status="in-progress", class_=Coding(code="AMB"), subject=of(case.person),
                                              participant=me())),
        lambda case: case.d1.create(team(case.person, ME)),
        lambda case: case.d1.put_all([team(case.person, ME)]),
        booked,
        lambda case: case.d1.create(EpisodeOfCare(status="active", patient=of(case.person), careManager=ref(ME))),
    ],
    ids=["put", "patch", "own-visit", "team", "many", "booking", "episode"],
)  # fmt: skip
def test_who_writes_themselves_in_sees_no_label(case: Case, act: Callable[[Case], Any]) -> None:
    act(case)
    assert not case.labels()


def test_whom_another_names_sees_labels(case: Case) -> None:
    case.put(case.d2, participant=me())
    assert case.labels()
    case.put(case.d1, participant=me())  # their own later write changes nothing
    assert case.labels()
    end = case.house.now.isoformat()
    case.put(case.d1, status="finished", period=Period(start=end, end=end))
    assert case.labels()
    case.house.later(days=40)
    case.put(case.house.system, resource=case.house.visit(case.person))
    assert not sees(case.d1, case.marked)
    case.put(case.d1, status="in-progress", period=Period(start=end))  # opened again by the one it favours
    assert not case.labels()


def test_a_rule_of_the_house_names_whom_it_will(case: Case) -> None:
    case.put(case.d1.as_system(), participant=me())
    assert case.labels()


def test_what_others_write_later_is_no_consent_to_it(case: Case) -> None:
    case.put(case.d1, participant=me())
    case.put(case.d2, length=None)
    case.put(case.house.system, serviceProvider=ref("Organization/A"))
    assert not case.labels()
    case.put(case.d2, participant=[])
    case.put(case.d2, participant=me())  # another clinician's own hand is one
    assert case.labels()


def test_it_is_remembered_while_nothing_is_open(case: Case) -> None:
    case.put(case.house.system, status="cancelled")
    other = case.house.visit(case.person)
    case.put(case.d1, participant=me())
    case.put(case.d2, status="cancelled")
    case.put(case.d2, status="in-progress")
    assert not case.labels()
    assert other.id


def test_a_visit_that_is_put_to_another_person_is_new_to_them(case: Case) -> None:
    case.put(case.d2, participant=me())
    assert case.labels()
    other = case.house.person("Người Khác")
    marked = case.house.result(other, "A", HIV)
    case.house.visit(other)
    case.put(case.d1, subject=of(other))
    assert not sees(case.d1, marked)


def test_a_team_or_role_joined_by_oneself_leads_to_no_label(case: Case) -> None:
    system = case.house.system
    ward = system.create(team(case.person, meta=kept_by("A"), subject=None))
    own = system.create(team(case.person, "Practitioner/d9", status="inactive"))
    role = system.create(PractitionerRole(practitioner=ref("Practitioner/d9"), meta=kept_by("A")))
    head = case.house.by(
        "head_of_department", facility="A", practitioner="d1", departments=frozenset({"khoa"})
    )
    case.put(case.d1, own, participant=[CareTeamParticipant(member=ref(ME))])
    case.put(head, role, practitioner=ref(ME))
    system.update(system.read(CareTeam, ward.id or ""))
    episode = EpisodeOfCare(status="active", patient=of(case.person), team=[ref(f"CareTeam/{own.id}")])
    case.d2.create(episode)
    case.put(case.d2, participant=me(f"PractitionerRole/{role.id}"))
    assert not case.labels()
    case.put(system, role, practitioner=ref("Practitioner/d9"))
    case.put(system, role, practitioner=ref(ME))  # given by somebody else
    case.put(case.d2, participant=me("Practitioner/d9"))
    case.put(case.d2, participant=me(f"PractitionerRole/{role.id}"))
    assert case.labels()


def test_a_department_takes_no_labels_by_its_own_hand(case: Case) -> None:
    marked = case.house.result(case.person, "A", PSY)
    nurse = case.house.by("nurse", facility="A", practitioner="n1", departments=frozenset({"khoa"}))
    case.put(nurse, serviceProvider=ref("Organization/khoa"))
    assert sees(nurse, case.plain)
    assert not sees(nurse, marked)
    case.put(case.d2, serviceProvider=None)
    case.put(case.d2, serviceProvider=ref("Organization/khoa"))
    assert sees(nurse, marked)


def test_rights_of_the_account_are_not_touched(case: Case) -> None:
    case.put(case.d1, participant=me())
    right = case.house.doctor(practitioner="d1", rights=frozenset({"hiv"}))
    assert sees(right, case.marked)
