"""The door: what each role of the day may read and write, in the record's own answers."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.builders import a_patient, an_actor, an_observation
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.access.roles import roles
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.datatypes import Coding, Meta, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient

FACILITY = "https://yba.vn/fhir/facility"


class House:
    """One person with a visit at facility A and a result at A and at B; a stranger with a result at B only."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        system = fhir.open(connection, actor=SYSTEM)
        self.person = str(system.create(a_patient()).id)
        self.stranger = str(system.create(a_patient("Người Lạ")).id)
        self.visit = system.create(
            Encounter(
                status="in-progress",
                class_=Coding(code="AMB"),
                subject=Reference(reference=f"Patient/{self.person}"),
                meta=Meta(tag=[Coding(system=FACILITY, code="A")]),
            )
        )
        self.at_a = str(self.observe(system, self.person, "A").id)
        self.at_b = str(self.observe(system, self.person, "B").id)
        self.of_stranger = str(self.observe(system, self.stranger, "B").id)

    def observe(self, record: fhir.Record, patient: str, facility: str) -> Observation:
        return record.create(an_observation(patient, meta=Meta(tag=[Coding(system=FACILITY, code=facility)])))

    def by(self, role: str, **fields: Any) -> fhir.Record:
        return fhir.open(self.connection, actor=an_actor(role, **fields))


@pytest.fixture
def house(connection: psycopg.Connection[Any]) -> House:
    return House(connection)


def test_a_doctor_sees_what_the_own_facility_keeps_of_a_person_with_a_visit_here(house: House) -> None:
    """Treatment inside the facility that made a record needs no consent; another facility's needs one."""
    doctor = house.by("doctor", facility="A")
    assert [one.id for one in doctor.find(Observation, ("patient", house.person))] == [house.at_a]
    with pytest.raises(errors.NotFound):
        doctor.read(Observation, house.at_b)
    assert doctor.read(Patient, house.person).id == house.person


def test_a_doctor_sees_nothing_of_a_person_without_one(house: House) -> None:
    doctor = house.by("doctor", facility="A")
    assert doctor.find(Observation, ("patient", house.stranger)) == []
    for kind, identifier in ((Patient, house.stranger), (Observation, house.of_stranger)):
        with pytest.raises(errors.NotFound):
            doctor.read(kind, identifier)


@pytest.mark.parametrize("role", ["customer_care", "receptionist", "cashier", "wall"])
def test_desks_see_no_results(house: House, role: str) -> None:
    assert house.by(role, facility="A").find(Observation) == []
    with pytest.raises(errors.NotFound):
        house.by(role, facility="A").read(Observation, house.at_b)


def test_an_unknown_role_sees_nothing(house: House) -> None:
    nobody = house.by("anonymous")
    assert nobody.find(Patient) == []
    with pytest.raises(errors.NotFound):
        nobody.read(Patient, house.person)
    with pytest.raises(errors.Forbidden):
        nobody.create(a_patient())


def test_a_citizen_reads_but_does_not_write_results(house: House) -> None:
    citizen = house.by("citizen", persons=frozenset({house.person}))
    observation = citizen.read(Observation, house.at_b)
    with pytest.raises(errors.Forbidden):
        citizen.update(observation)
    with pytest.raises(errors.Forbidden):
        citizen.delete(Observation, house.at_b)


def test_a_write_to_a_hidden_row_is_not_found(house: House) -> None:
    system = fhir.open(house.connection, actor=SYSTEM)
    hidden = system.read(Patient, house.stranger)
    citizen = house.by("citizen", persons=frozenset({house.person}))
    with pytest.raises(errors.NotFound):
        citizen.update(hidden)
    with pytest.raises(errors.NotFound):
        citizen.delete(Patient, house.stranger)


def test_a_citizen_does_not_write_who_they_are(house: House) -> None:
    """Identity, family and cards are written by the pages' rules; a bare request may not."""
    citizen = house.by("citizen", persons=frozenset({house.person}))
    own = citizen.read(Patient, house.person)
    own.deceasedBoolean = True
    with pytest.raises(errors.Forbidden):
        citizen.update(own)
    with pytest.raises(errors.Forbidden):
        citizen.create(
            Coverage(
                status="active",
                beneficiary=Reference(reference=f"Patient/{house.person}"),
                payor=[Reference(display="Bảo hiểm xã hội Việt Nam")],
            )
        )


def test_a_citizen_cannot_move_a_booking_to_another_person(house: House) -> None:
    system = fhir.open(house.connection, actor=SYSTEM)
    booking = system.create(_booking(house.person))
    citizen = house.by("citizen", persons=frozenset({house.person}))
    booking.participant = _booking(house.stranger).participant
    with pytest.raises((errors.Forbidden, errors.NotFound)):
        citizen.update(booking)
    assert citizen.read(Appointment, str(booking.id)).participant[0].actor == Reference(
        reference=f"Patient/{house.person}"
    )


def _booking(patient: str) -> Appointment:
    return Appointment(
        status="proposed",
        participant=[
            AppointmentParticipant(status="accepted", actor=Reference(reference=f"Patient/{patient}"))
        ],
    )


def test_a_doctor_cannot_open_a_chart_by_making_up_a_visit(house: House) -> None:
    doctor = house.by("doctor", facility="A")
    for status in ("in-progress", "planned"):
        with pytest.raises(errors.NotFound):
            doctor.create(
                Encounter(
                    status=status,  # type: ignore[arg-type]
                    class_=Coding(code="AMB"),
                    subject=Reference(reference=f"Patient/{house.stranger}"),
                )
            )
    with pytest.raises(errors.NotFound):
        doctor.create(_booking(house.stranger))
    assert doctor.find(Observation, ("patient", house.stranger)) == []


def test_a_doctor_writes_only_for_the_own_facility(house: House) -> None:
    doctor = house.by("doctor", facility="A")
    made = doctor.create(an_observation(house.person))
    assert made.meta is not None
    assert [(tag.system, tag.code) for tag in made.meta.tag] == [(FACILITY, "A")]
    with pytest.raises(errors.Forbidden):
        house.observe(doctor, house.person, "B")
    with pytest.raises(errors.NotFound):
        doctor.update(fhir.open(house.connection, actor=SYSTEM).read(Observation, house.at_b))


def test_a_refused_attempt_is_in_the_audit(house: House) -> None:
    citizen = house.by("citizen", user="u7", persons=frozenset({house.person}))
    with pytest.raises(errors.Forbidden):
        citizen.create(an_observation(house.person))
    found = house.connection.execute(
        "select act, type, outcome, detail from record.audit where actor = 'u7'"
    ).fetchall()
    assert found == [("refused", "Observation", "refused", "access.write")]


def test_reads_and_searches_are_in_the_audit(house: House) -> None:
    citizen = house.by("citizen", user="u8", persons=frozenset({house.person}))
    citizen.read(Observation, house.at_b)
    citizen.find(Observation, ("patient", house.person))
    found = house.connection.execute(
        "select act, type, id, patient from record.audit where actor = 'u8' order by seq"
    ).fetchall()
    assert found == [
        ("read", "Observation", house.at_b, house.person),
        ("search", "Observation", None, house.person),
    ]


def test_the_rule_that_acts_for_somebody_says_for_whom(house: House) -> None:
    citizen = house.by("citizen", user="u9", persons=frozenset({house.person}))
    citizen.as_system().create(a_patient("Con Của Người"))
    found = house.connection.execute(
        "select actor, role, origin from record.audit where origin = 'u9'"
    ).fetchall()
    assert found == [("system", "system", "u9")]


def test_include_does_not_bring_in_what_is_hidden(house: House) -> None:
    """A citizen's search that includes a patient of somebody else's does not get them."""
    system = fhir.open(house.connection, actor=SYSTEM)
    observation = an_observation(house.person)
    observation.performer = [Reference(reference=f"Patient/{house.stranger}")]
    made = system.create(observation)
    citizen = house.by("citizen", persons=frozenset({house.person}))
    page = citizen.search(
        Observation,
        [("_id", str(made.id)), ("_include", "Observation:performer"), ("_include", "Observation:subject")],
    )
    assert [one.id for one in page.matches] == [made.id]
    assert [one.id for one in page.included] == [house.person]
    assert (
        len(
            system.search(
                Observation, [("_id", str(made.id)), ("_include", "Observation:performer")]
            ).included
        )
        == 1
    )


def test_every_role_of_the_day_is_written_down() -> None:
    assert set(roles()) == {
        "receptionist", "customer_care", "nurse", "doctor", "head_of_department", "laboratory", "imaging", "pharmacist",
        "cashier", "insurance_clerk", "records_office", "facility_administrator", "programme_officer",
        "provincial_officer", "auditor", "system_administrator", "device", "outside_system", "citizen", "guardian",
        "delegate", "wall", "kiosk", "system",
    }  # fmt: skip
    assert Actor(user="x", role="doctor").persons == frozenset()


def test_a_deleted_record_stays_with_whom_it_was(house: House) -> None:
    """Bringing it back under another owner would open its history."""
    house.by("system").delete(Encounter, str(house.visit.id))
    theirs = Encounter(
        id=house.visit.id,
        status="planned",
        class_=Coding(code="AMB"),
        subject=Reference(reference=f"Patient/{house.stranger}"),
        meta=Meta(tag=[Coding(system=FACILITY, code="B")]),
    )
    with pytest.raises(errors.NotFound):
        house.by("receptionist", facility="B").update(theirs)
    house.by("receptionist", facility="A").update(house.visit)
    assert len(house.by("receptionist", facility="A").history_stored("Encounter", house.visit.id)) == 3


def test_a_version_that_was_another_patients_is_not_shown(house: House) -> None:
    system = house.by("system")
    misfiled = house.observe(system, house.stranger, "B")
    identifier = str(misfiled.id)
    misfiled.subject = Reference(reference=f"Patient/{house.person}")
    system.update(misfiled)
    citizen = house.by("citizen", persons=frozenset({house.person}))
    assert citizen.vread_stored("Observation", identifier, "2").version == 2
    with pytest.raises(errors.NotFound):
        citizen.vread_stored("Observation", identifier, "1")
    assert [one.version for _, one in citizen.history_stored("Observation", identifier)] == [2]
    assert [one.version for _, one in system.history_stored("Observation", identifier)] == [2, 1]


def test_a_condition_tells_nothing_of_what_is_hidden(house: House) -> None:
    """If-Match with the right version, with a wrong one, and on nothing at all: one answer."""
    receptionist = house.by("receptionist", facility="B")
    for identifier, version in ((house.visit.id, "1"), (house.visit.id, "7"), ("none", "1")):
        mine = Encounter(id=identifier, status="planned", class_=Coding(code="AMB"))
        with pytest.raises(errors.PreconditionFailed):
            receptionist.update(mine, if_match=version)


def test_a_person_is_deleted_by_the_system_only(house: House) -> None:
    for record in (
        house.by("citizen", persons=frozenset({house.person})),
        house.by("receptionist", facility="A"),
        house.by("customer_care", facility="B"),
    ):
        with pytest.raises(errors.Forbidden):
            record.delete(Patient, house.person)
    house.by("system").delete(Patient, house.person)
