"""What an app may: the scopes it was given, within what the account's role may, in reads and in writes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import an_actor, an_observation
from tests.fhir.access_house import House, coded, house, own, sees
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import Scope, policy
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient

__all__ = ["house"]
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LABORATORY = (("category", f"{CATEGORY}|laboratory"),)


def scope(context: str, kind: str, letters: str, criteria: tuple[tuple[str, str], ...] = ()) -> Scope:
    return Scope(context, kind, frozenset(letters), criteria)


def app(house: House, role: str, *scopes: Scope, **fields: Any) -> fhir.Record:
    return house.by(role, app="app", scopes=scopes, **fields)


def results(house: House, person: str) -> tuple[str, str]:
    laboratory, vital = (
        house.result(person, "A", category=[coded(CATEGORY, one)]) for one in ("laboratory", "vital-signs")
    )
    return laboratory, vital


def test_a_scope_never_gives_more_than_the_role(house: House) -> None:
    person, stranger = house.person(), house.person("Người Lạ")
    mine, theirs = house.result(person), house.result(stranger)
    wide = app(house, "citizen", scope("user", "*", "cruds"), person=person)
    assert sees(wide, mine)
    assert not sees(wide, theirs)
    assert wide.read(Patient, person).id == person
    with pytest.raises(errors.Forbidden):
        wide.create(an_observation(person))


def test_nothing_scoped_is_nothing_seen(house: House) -> None:
    person = house.person()
    mine = house.result(person)
    for scopes in ((), (scope("user", "Condition", "rs"),), (scope("patient", "Observation", "rs"),),
                   (scope("nobody", "Observation", "rs"),)):  # fmt: skip
        assert not sees(app(house, "citizen", *scopes, person=person), mine), scopes


def test_interactions(house: House) -> None:
    person = house.person()
    house.visit(person)
    row = house.result(person)
    reader = app(
        house, "doctor", scope("user", "Observation", "r"), scope("user", "Patient", "rs"), facility="A"
    )
    assert reader.read(Observation, row).id == row
    assert reader.history_stored("Observation", row)
    assert reader.find(Observation) == []
    assert reader.history_stored("Observation") == []
    seeker = app(house, "doctor", scope("user", "Observation", "s"), facility="A")
    assert own(seeker) == {row}
    assert len(seeker.history_stored("Observation")) == 1
    with pytest.raises(errors.NotFound):
        seeker.read(Observation, row)
    with pytest.raises(errors.Forbidden):
        reader.create(an_observation(person))
    writer = app(
        house, "doctor", scope("user", "Observation", "crs"), scope("user", "Patient", "r"), facility="A"
    )
    made = writer.create(an_observation(person))
    with pytest.raises(errors.Forbidden):
        writer.update(made)
    with pytest.raises(errors.Forbidden):
        writer.delete(Observation, str(made.id))


def test_the_person_of_the_launch(house: House) -> None:
    first, second = house.person(), house.person("Người Kia")
    rows = [house.result(one) for one in (first, second)]
    for one in (first, second):
        house.visit(one)
    asked = (scope("patient", "*", "cruds"),)
    assert own(app(house, "doctor", *asked, facility="A")) == set()
    launched = app(house, "doctor", *asked, facility="A", launched=first)
    assert own(launched) == {rows[0]}
    assert not sees(launched, rows[1])
    assert [one.id for one in launched.find(Patient)] == [first]
    assert launched.create(an_observation(first)).id
    with pytest.raises(errors.NotFound):
        launched.create(an_observation(second))
    house.system.create(Organization(name="x"))
    assert len(launched.find(Organization)) == 1  # in nobody's chart


def test_criteria(house: House) -> None:
    person = house.person()
    laboratory, vital = results(house, person)
    asked = scope("patient", "Observation", "crus", LABORATORY)
    citizen = app(house, "citizen", asked, person=person, launched=person)
    assert sees(citizen, laboratory)
    assert not sees(citizen, vital)
    assert citizen.count(Observation) == 1
    both = app(house, "citizen", asked, scope("patient", "Observation", "rs", (("category", "vital-signs"),)),
               person=person, launched=person)  # fmt: skip
    assert own(both) == {laboratory, vital}


def test_criteria_hold_for_what_is_written(house: House) -> None:
    person = house.person()
    house.visit(person)
    asked = (scope("user", "Observation", "cru", LABORATORY), scope("user", "Patient", "r"))
    doctor = app(house, "doctor", *asked, facility="A")
    made = doctor.create(an_observation(person, category=[coded(CATEGORY, "laboratory")]))
    with pytest.raises(errors.Forbidden):
        doctor.create(an_observation(person, category=[coded(CATEGORY, "vital-signs")]))
    made.category = [coded(CATEGORY, "vital-signs")]
    with pytest.raises(errors.Forbidden):
        doctor.update(made)
    _, vital = results(house, person)
    other = house.system.read(Observation, vital)
    other.category = [coded(CATEGORY, "laboratory")]
    with pytest.raises(errors.NotFound):
        doctor.update(other)


@pytest.mark.parametrize(
    "criteria",
    [(("subject.name", "x"),), (("_has:Provenance:target:agent", "x"),), (("nonsense", "x"),), (("_text", "x"),),
     (("category:in", "http://x"),), (("category", ""),), (("date", "soon"),)],
)  # fmt: skip
def test_criteria_that_are_not_understood_open_nothing(
    house: House, criteria: tuple[tuple[str, str], ...]
) -> None:
    person = house.person()
    mine = house.result(person)
    assert sees(app(house, "citizen", scope("user", "Observation", "rs"), person=person), mine)
    assert not sees(app(house, "citizen", scope("user", "Observation", "rs", criteria), person=person), mine)


def test_links_are_held_to_scopes_too(house: House) -> None:
    person = house.person()
    house.visit(person)
    row = house.result(person)
    house.system.create(Condition(subject=fhir.r4.datatypes.Reference(reference=f"Patient/{person}"),
                                  code=CodeableConcept(text="x")))  # fmt: skip
    narrow = app(house, "doctor", scope("user", "Observation", "rs"), facility="A")
    assert [one.id for one in house.doctor().find(Observation, ("patient.gender", "female"))] == [row]
    assert narrow.find(Observation, ("patient.gender", "female")) == []
    page = narrow.search(Observation, [("_include", "Observation:patient")])
    assert ([one.id for one in page.matches], page.included) == ([row], [])


def test_operations_of_the_house_need_a_wide_scope() -> None:
    office = {"facility": "A", "app": "x"}
    assert policy.may_call(an_actor("records_office", **office), "export")
    assert policy.may_call(
        an_actor("records_office", **office, scopes=(scope("system", "Patient", "rs"),)), "export"
    )
    assert not policy.may_call(
        an_actor("records_office", **office, scopes=(scope("patient", "*", "rs"),)), "export"
    )
    assert not policy.may_call(an_actor("records_office", **office, scopes=()), "export")
    assert not policy.may_call(an_actor("doctor", facility="A"), "export")
    assert policy.may_call(an_actor("system"), "import")
    assert not policy.may_call(an_actor("system", scopes=(scope("system", "*", "rs"),)), "import")
    assert policy.may_call(an_actor("system_administrator"), "reindex")
