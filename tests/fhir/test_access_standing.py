"""Who stands how to a person: visits, bookings, teams, transfers, guardians; from when, and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fhir.access_house import House, coded, house, kept_by, of, own, ref, sees
from yba.fhir import errors
from yba.fhir.access.standing import data
from yba.fhir.r4.appointment import AppointmentParticipant
from yba.fhir.r4.care_team import CareTeam, CareTeamParticipant
from yba.fhir.r4.datatypes import Coding, Identifier, Period
from yba.fhir.r4.encounter import Encounter, EncounterHospitalization, EncounterParticipant
from yba.fhir.r4.episode_of_care import EpisodeOfCare
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.service_request import ServiceRequest

__all__ = ["house"]
SNOMED = "http://snomed.info/sct"


def test_a_visit_opens_what_the_own_facility_keeps(house: House) -> None:
    person, stranger = house.person(), house.person("Người Lạ")
    here, there, nobodys = (house.result(person, one) for one in ("A", "B", None))
    of_stranger = house.result(stranger, "A")
    assert own(house.doctor()) == set()
    house.visit(person)
    doctor = house.doctor()
    assert own(doctor) == {here, nobodys}
    assert sees(doctor, here, nobodys)
    assert not sees(doctor, there, of_stranger)
    assert doctor.read(Patient, person).id == person
    assert own(house.doctor("B")) == set()


def test_a_visit_closes_some_days_after_its_end(house: House) -> None:
    person = house.person()
    result, visit = house.result(person), house.visit(person)
    house.later(days=200)
    assert sees(house.doctor(), result)  # a long stay
    visit.status, visit.period = "finished", Period(start=house.now.isoformat(), end=house.now.isoformat())
    house.system.update(visit)
    house.later(days=data()["visit"]["days-after"], seconds=-1)
    assert sees(house.doctor(), result)
    house.later(seconds=2)
    assert not sees(house.doctor(), result)


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_what_is_called_off_opens_nothing(house: House, status: Any) -> None:
    person = house.person()
    result, visit = house.result(person), house.visit(person)
    booking = house.booking(person, "B")
    at_b = house.result(person, "B")
    assert sees(house.doctor(), result)
    assert sees(house.doctor("B"), at_b)
    visit.status = booking.status = status
    house.system.update(visit)
    house.system.update(booking)
    assert not sees(house.doctor(), result)
    assert not sees(house.doctor("B"), at_b)


def test_deleting_a_visit_closes_the_chart_and_bringing_it_back_opens_it(house: House) -> None:
    person = house.person()
    result, visit = house.result(person), house.visit(person)
    house.system.delete(Encounter, str(visit.id))
    assert not sees(house.doctor(), result)
    house.system.update(visit)
    assert sees(house.doctor(), result)


def test_a_booking_opens_from_being_made_until_days_after(house: House) -> None:
    person = house.person()
    result = house.result(person)
    house.booking(person)
    assert sees(house.doctor(), result)
    house.later(days=1 + data()["booking"]["days-after"], minutes=19)
    assert sees(house.doctor(), result)
    house.later(minutes=2)
    assert not sees(house.doctor(), result)


def test_a_booking_that_moves_to_another_person_follows(house: House) -> None:
    first, second = house.person(), house.person("Người Kia")
    one, other = house.result(first), house.result(second)
    booking = house.booking(first)
    assert own(house.doctor()) == {one}
    booking.participant[0].actor = of(second)
    house.system.update(booking)
    assert own(house.doctor()) == {other}


def test_a_past_that_is_taken_in_opens_nothing(house: House) -> None:
    person = house.person()
    result = house.result(person)
    house.visit(person, status="finished", period=Period(start="2019-01-01", end="2019-01-02"))
    assert not sees(house.doctor(), result)
    assert house.connection.execute("select count(*) from record.standing").fetchone() == (0,)


def test_who_treats_stands_in_person(house: House) -> None:
    """Those a visit or a booking names, also by their role; a label other doctors do not see is theirs to see."""
    person = house.person()
    hidden = house.result(
        person, "A", Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="HIV")
    )
    role = house.system.create(PractitionerRole(practitioner=ref("Practitioner/d2")))
    house.visit(person, participant=[EncounterParticipant(individual=ref("Practitioner/d1"))])
    house.booking(
        person,
        participant=[AppointmentParticipant(status="accepted", actor=ref(f"PractitionerRole/{role.id}"))],
    )
    assert sees(house.doctor(practitioner="d1"), hidden)
    assert sees(house.doctor(practitioner="d2"), hidden)
    assert not sees(house.doctor(practitioner="d3"), hidden)
    assert not sees(house.doctor("B", practitioner="d1"), hidden)  # as a doctor of another facility


def test_a_care_team_and_an_episode(house: House) -> None:
    person = house.person()
    result = house.result(person, "A")
    team = house.system.create(
        CareTeam(
            status="active", subject=of(person), meta=kept_by("A"),
            participant=[CareTeamParticipant(member=ref("Practitioner/d1"))],
            period=Period(start=house.now.isoformat(), end=(house.now + timedelta(days=3)).isoformat()),
        )
    )  # fmt: skip
    assert sees(house.doctor(), result)
    house.later(days=4)
    assert not sees(house.doctor(), result)
    team.status = "inactive"
    house.system.update(team)
    episode = house.system.create(
        EpisodeOfCare(status="active", patient=of(person), managingOrganization=ref("Organization/A"))
    )
    assert sees(house.doctor(), result)
    assert sees(house.by("programme_officer", programme="A", facility="A"), result)
    episode.status = "finished"
    house.system.update(episode)
    assert not sees(house.doctor(), result)


def test_a_department_sees_its_own_patients(house: House) -> None:
    """The visit names the department that gives it; a head of another department sees no labelled row."""
    person = house.person()
    label = Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="PSY")
    result = house.result(person, "A", label)
    house.visit(person, serviceProvider=ref("Organization/khoa-noi"))
    head = house.by("head_of_department", facility="A", departments=frozenset({"khoa-noi"}))
    other = house.by("head_of_department", facility="A", departments=frozenset({"khoa-ngoai"}))
    assert sees(head, result)
    assert not sees(other, result)


# -- transfers ---------------------------------------------------------------------------------------------


def test_a_transfer_opens_what_the_sending_facility_keeps(house: House) -> None:
    person = house.person()
    at_a, at_c = house.result(person, "A"), house.result(person, "C")
    house.visit(
        person,
        status="finished",
        period=Period(start=house.now.isoformat(), end=house.now.isoformat()),
        hospitalization=EncounterHospitalization(destination=ref("Organization/B")),
    )
    doctor = house.doctor("B")
    assert sees(doctor, at_a)
    assert not sees(doctor, at_c)
    house.later(days=data()["transfer"]["days"] + 1)
    assert not sees(doctor, at_a)


def test_where_somebody_came_from_opens_nothing_there(house: House) -> None:
    """The receiving facility can't open the sending one's rows by saying so."""
    person = house.person()
    at_a = house.result(person, "A")
    house.visit(person, "B", hospitalization=EncounterHospitalization(origin=ref("Organization/A")))
    assert not sees(house.doctor("B"), at_a)


def test_a_request_to_transfer(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    asked = ServiceRequest(
        status="active", intent="order", subject=of(person), meta=kept_by("A"), performer=[ref("Organization/B")],
        code=coded(SNOMED, "19712007"), authoredOn=house.now.isoformat(),
    )  # fmt: skip
    made = house.system.create(asked)
    assert sees(house.doctor("B"), at_a)
    made.status = "revoked"
    house.system.update(made)
    assert not sees(house.doctor("B"), at_a)
    asked.code = coded(SNOMED, "26604007")  # a blood count that another laboratory does
    house.system.create(asked)
    assert not sees(house.doctor("B"), at_a)


# -- family ------------------------------------------------------------------------------------------------


def test_peer_12_a_mother_sees_her_child_until_sixteen(house: House) -> None:
    mother = house.person()
    child = house.person("Bé Na", birthDate="2011-01-10")
    result = house.result(child)
    assert not sees(house.citizen(mother), result)
    house.relative(child, mother)
    assert sees(house.citizen(mother), result)
    assert own(house.citizen(mother)) == {result}
    house.now = house.now.replace(year=2027, month=1, day=9, hour=16)  # 23:00 in Vietnam
    assert sees(house.citizen(mother), result)
    house.later(hours=2)
    assert not sees(house.citizen(mother), result)
    assert sees(house.citizen(child), result)


@pytest.mark.parametrize(("code", "seen"), [("GUARD", True), ("FTH", True), ("SIB", False), ("GRMTH", False)])
def test_which_relatives_are_guardians(house: House, code: str, seen: bool) -> None:
    relative, child = house.person(), house.person("Bé Na", birthDate="2020-01-10")
    result = house.result(child)
    house.relative(child, relative, code)
    assert sees(house.citizen(relative), result) is seen


def test_a_relative_is_known_by_their_number_too(house: House) -> None:
    number = Identifier(system="https://yba.vn/fhir/sid/cccd", value="046168001234")
    mother = house.person(identifier=[number])
    child = house.person("Bé Na", birthDate="2020-01-10")
    result = house.result(child)
    related = house.relative(child, mother)
    related.extension, related.identifier = [], [number]
    house.system.update(related)
    assert sees(house.citizen(mother), result)
    house.person("Người Trùng Số", identifier=[number])
    house.system.update(related)
    assert not sees(house.citizen(mother), result)  # whose number it is, nobody can say


def test_no_guardian_of_oneself_nor_of_who_is_no_longer_one(house: House) -> None:
    mother, child = house.person(), house.person("Bé Na", birthDate="2020-01-10")
    result = house.result(child)
    related = house.relative(child, mother)
    for change in ({"active": False}, {"active": True, "period": Period(end="2026-11-01")}):
        for name, value in change.items():
            setattr(related, name, value)
        house.system.update(related)
        assert not sees(house.citizen(mother), result)
    house.relative(mother, mother)
    assert house.connection.execute("select count(*) from record.standing").fetchone() == (0,)


def test_a_birth_that_was_put_right_counts_at_once(house: House) -> None:
    mother, child = house.person(), house.person("Con", birthDate="2020-01-10")
    result = house.result(child)
    house.relative(child, mother)
    patient = house.system.read(Patient, child)
    patient.birthDate = "2002-01-10"
    house.system.update(patient)
    assert not sees(house.citizen(mother), result)
    patient = house.system.read(Patient, child)
    patient.birthDate = "2021-01-10"
    house.system.update(patient)
    assert sees(house.citizen(mother), result)


def test_peer_12_the_book_of_the_dead_is_locked(house: House) -> None:
    """For themselves (whoever holds the telephone), for guardians; not for who has to finish the record."""
    mother, child = house.person(), house.person("Bé Na", birthDate="2020-01-10")
    result = house.result(child)
    house.relative(child, mother)
    house.visit(child)
    assert sees(house.citizen(child), result)
    patient = house.system.read(Patient, child)
    patient.deceasedDateTime = "2026-11-24"
    house.system.update(patient)
    later = house.result(child)
    assert not sees(house.citizen(child), result, later)
    assert not sees(house.citizen(mother), result, later)
    assert sees(house.doctor(), result, later)
    patient = house.system.read(Patient, child)
    patient.deceasedDateTime = None
    house.system.update(patient)
    assert sees(house.citizen(child), result, later)
    assert sees(house.citizen(mother), result, later)


# -- many at once ------------------------------------------------------------------------------------------


def test_writes_together_make_the_same_rows(house: House) -> None:
    person = house.person()
    alone = house.visit(person, participant=[EncounterParticipant(individual=ref("Practitioner/d1"))])
    query = (
        "select holder, basis, since::text, until::text, types, labels, source_type from record.standing"
        " where source_id = %s order by 1"
    )
    rows = house.connection.execute(query, (alone.id,)).fetchall()
    assert [row[0] for row in rows] == ["facility:A", "practitioner:d1"]
    copies = [Encounter(id=f"v{number}", status="in-progress", class_=alone.class_, subject=alone.subject,
                        participant=alone.participant, meta=kept_by("A")) for number in range(3)]  # fmt: skip
    assert not [one for one in house.system.put_all(copies) if isinstance(one, errors.RecordError)]
    for copy in copies:
        assert house.connection.execute(query, (copy.id,)).fetchall() == rows
    for copy in copies:
        copy.status = "cancelled"
    house.system.put_all(copies)
    for copy in copies:
        assert house.connection.execute(query, (copy.id,)).fetchall() == []
