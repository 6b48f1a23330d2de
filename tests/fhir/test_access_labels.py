"""Sensitive labels: what marks a row, who sees marked rows, and that a mark is not lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import a_patient
from tests.fhir.access_house import ACT, House, coded, house, kept_by, of, own, sees
from yba import fhir
from yba.fhir import errors, jobs
from yba.fhir.access import SYSTEM, labels
from yba.fhir.model import codec
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Meta
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.store import parameters, reindex

__all__ = ["house"]
ICD = "http://hl7.org/fhir/sid/icd-10"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
HIV, PSY, SEX, CEL = (Coding(system=ACT, code=one) for one in ("HIV", "PSY", "SEX", "CEL"))
RESTRICTED = Coding(system=CONFIDENTIALITY, code="R")


def bits(house: House, kind: str, identifier: str | None) -> int:
    row = house.connection.execute(
        "select sensitive from record.resource where type = %s and id = %s", (kind, identifier)
    ).fetchone()
    assert row is not None
    return int(row[0])


def a_condition(patient: str, code: str, *, system: str | None = ICD, text: str | None = None) -> Condition:
    concept = CodeableConcept(coding=[Coding(system=system, code=code)], text=text)
    return Condition(subject=of(patient), code=concept, onsetDateTime="2026-01-01", meta=kept_by("A"))


@pytest.mark.parametrize(
    ("type_name", "content", "expected"),
    [
        ("Condition", {"code": {"coding": [{"system": ICD, "code": "B20"}]}}, labels.HIV),
        ("Condition", {"code": {"coding": [{"system": ICD, "code": "B23.8"}]}}, labels.HIV),
        ("Condition", {"code": {"coding": [{"system": ICD, "code": "Z21"}]}}, labels.HIV),
        ("Condition", {"code": {"coding": [{"code": "z21"}]}}, labels.HIV),
        ("Condition", {"code": {"coding": [{"system": ICD, "code": "B25"}]}}, 0),
        ("Condition", {"code": {"coding": [{"system": ICD, "code": "F32.1"}]}}, labels.MENTAL),
        ("Condition", {"code": {"coding": [{"system": ICD, "code": "F02.4"}]}}, labels.MENTAL | labels.HIV),
        ("Condition", {"code": {"coding": [{"system": "http://loinc.org", "code": "F32"}]}}, 0),
        ("Condition", {"code": {"coding": [{"system": ICD, "code": "I10"}]}}, 0),
        ("Claim", {"diagnosis": [{"diagnosisCodeableConcept": {"coding": [{"system": ICD, "code": "B24"}]}}]},
         labels.HIV),
        ("Observation", {"code": {"coding": [{"system": "http://loinc.org", "code": "75622-1"}]}}, labels.HIV),
        ("Observation", {"code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}}, 0),
        ("ServiceRequest", {"code": {"text": "Xét nghiệm HIV Ab test nhanh"}}, labels.HIV),
        ("ServiceRequest", {"code": {"text": "Xét nghiệm \"HIV\" \\\\ nhanh"}}, labels.HIV),
        ("MedicationRequest", {"medicationCodeableConcept": {"text": "Tenofovir/Lamivudin/Dolutegravir 300/300/50"}},
         labels.HIV),
        ("MedicationRequest", {"medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc",
                                                                         "code": "J05AR27"}]}}, labels.HIV),
        ("MedicationRequest", {"medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc",
                                                                         "code": "J05AF10"}]}}, 0),  # entecavir
        ("MedicationRequest", {"medicationCodeableConcept": {"text": "Lamivudin 100 mg"}}, 0),
        ("Observation", {"note": [{"text": "chiva"}], "code": {"text": "Archived"}}, 0),
        ("Observation", {"contained": [{"code": {"coding": [{"system": ICD, "code": "B20"}]}}]}, labels.HIV),
        ("Appointment", {"reasonCode": [{"coding": [{"system": ICD, "code": "B20"}]}]}, 0),
        ("Appointment", {"meta": {"security": [{"system": ACT, "code": "HIV"}]}}, labels.HIV),
        ("Observation", {"meta": {"security": [{"system": CONFIDENTIALITY, "code": "R"}]}}, labels.RESTRICTED),
        ("Observation", {"meta": {"security": [{"system": CONFIDENTIALITY, "code": "N"}]}}, 0),
        ("Observation", {"meta": {"security": [{"system": ACT, "code": "SEX"}]}}, labels.REPRODUCTIVE),
    ],
)  # fmt: skip
def test_what_marks_a_row(type_name: str, content: dict[str, Any], expected: int) -> None:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    assert labels.found_in(type_name, text).bits == expected


def test_a_marked_row_needs_its_own_right(house: House) -> None:
    person = house.person()
    plain = house.result(person)
    hiv, mental = house.result(person, "A", HIV), house.result(person, "A", PSY)
    house.visit(person)
    assert own(house.doctor()) == {plain}
    assert not sees(house.doctor(), hiv, mental)
    assert own(house.doctor(rights=frozenset({"hiv"}))) == {plain, hiv}
    assert own(house.doctor(rights=frozenset({"hiv", "mental"}))) == {plain, hiv, mental}
    assert own(house.doctor(rights=frozenset({"no-such-label"}))) == {plain}
    assert own(house.citizen(person)) == {plain, hiv, mental}


def test_a_right_opens_no_other_chart(house: House) -> None:
    person = house.person()
    hiv = house.result(person, "A", HIV)
    assert not sees(house.doctor(rights=frozenset({"hiv", "vip"})), hiv)


def test_codes_mark_what_the_doctor_writes(house: House) -> None:
    """Whoever writes a diagnosis knows it; those beside them do not see it."""
    person = house.person()
    house.visit(person)
    made = house.doctor(practitioner="d1").create(a_condition(person, "B20"))
    assert bits(house, "Condition", made.id) == labels.HIV
    assert not sees(house.doctor(practitioner="d2"), str(made.id), kind="Condition")
    assert sees(house.doctor(rights=frozenset({"hiv"})), str(made.id), kind="Condition")


def test_a_pharmacist_sees_what_they_hand_out(house: House) -> None:
    person = house.person()
    house.visit(person)
    concept = CodeableConcept(text="TLD (Tenofovir, Lamivudin, Dolutegravir)")
    made = MedicationRequest(
        status="active",
        intent="order",
        subject=of(person),
        medicationCodeableConcept=concept,
        meta=kept_by("A"),
    )
    request = str(house.system.create(made).id)
    assert bits(house, "MedicationRequest", request) == labels.HIV
    assert sees(house.by("pharmacist", facility="A"), request, kind="MedicationRequest")
    assert not sees(house.doctor(), request, kind="MedicationRequest")


def test_counts_links_and_sorting_tell_nothing(house: House) -> None:
    person = house.person()
    house.visit(person)
    plain, hiv = house.result(person), house.result(person, "A", HIV)
    doctor = house.doctor()
    assert house.system.count(Observation) == 2
    assert doctor.count(Observation) == 1
    assert [one.id for one in doctor.find(Observation, ("_sort", "-_lastUpdated"))] == [plain]
    has = ("_has:Observation:patient:_id", hiv)
    assert [one.id for one in house.system.find(Patient, has)] == [person]
    assert doctor.find(Patient, has) == []
    page = doctor.search(Patient, [("_id", person), ("_revinclude", "Observation:patient")])
    assert [one.id for one in page.included] == [plain]


# -- set by somebody -------------------------------------------------------------------------------------------


def test_a_mark_is_not_lost_by_an_update_that_leaves_it_out(house: House) -> None:
    person = house.person()
    identifier = house.result(person, "A", HIV, RESTRICTED)
    row = house.system.read(Observation, identifier)
    row.meta = kept_by("A")
    stored = house.system.update(row)
    assert stored.meta is not None
    assert [one.code for one in stored.meta.security] == ["HIV", "R"]
    assert bits(house, "Observation", identifier) == labels.HIV | labels.RESTRICTED


def test_a_mark_is_taken_away_on_purpose(house: House) -> None:
    identifier = house.result(house.person(), "A", HIV)

    def without(content: bytes) -> bytes:
        row = codec.decode(content, "Observation")
        assert row.meta is not None
        row.meta.security = []
        return codec.encode(row)

    house.system.patch(Observation, identifier, without)
    assert bits(house, "Observation", identifier) == 0


# -- minors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "expected"), [("2010-05-05", labels.REPRODUCTIVE), ("1990-05-05", 0), (None, 0), ("2008", 0)]
)
def test_reproductive_health_is_marked_of_minors(house: House, born: str | None, expected: int) -> None:
    person = house.person(birthDate=born)
    made = house.system.create(a_condition(person, "O04.9"))
    assert bits(house, "Condition", made.id) == expected


def test_a_guardian_does_not_see_marked_rows(house: House) -> None:
    mother, child = house.person(), house.person("Bé Na", birthDate="2011-05-05")
    house.relative(child, mother)
    plain = house.result(child)
    pregnancy = str(house.system.create(a_condition(child, "Z33")).id)
    sad = str(house.system.create(a_condition(child, "F32.0")).id)
    cold = str(house.system.create(a_condition(child, "J00")).id)
    assert sees(house.citizen(mother), plain)
    assert sees(house.citizen(mother), cold, kind="Condition")
    assert not sees(house.citizen(mother), pregnancy, sad, kind="Condition")
    assert sees(house.citizen(child), pregnancy, sad, cold, kind="Condition")


# -- VIP -------------------------------------------------------------------------------------------------------


def mark_person(house: House, person: str, *marks: Coding) -> None:
    def change(content: bytes) -> bytes:
        patient = codec.decode(content, "Patient")
        meta = patient.meta or Meta()
        meta.security = list(marks)
        patient.meta = meta
        return codec.encode(patient)

    house.system.patch(Patient, person, change)


def test_vip_holds_for_the_whole_chart_from_now_on(house: House) -> None:
    person = house.person()
    house.visit(person)
    before = house.result(person)
    assert sees(house.doctor(), before)
    mark_person(house, person, CEL)
    after = house.result(person)
    for one in (before, after):
        assert bits(house, "Observation", one) == labels.OF_VIP
    assert not sees(house.doctor(), before, after)
    assert not sees(house.doctor(), person, kind="Patient")
    assert house.by("receptionist", facility="A").find(Patient) == []
    assert sees(house.doctor(rights=frozenset({"vip"})), before, after)
    assert sees(house.citizen(person), before, after)
    mark_person(house, person)
    assert sees(house.doctor(), before, after)
    assert bits(house, "Observation", after) == 0


def test_a_vips_own_mark_of_a_row_stays_when_the_person_is_none(house: House) -> None:
    person = house.person()
    marked = house.result(person, "A", CEL)
    mark_person(house, person, CEL)
    assert bits(house, "Observation", marked) == labels.VIP | labels.OF_VIP
    mark_person(house, person)
    assert bits(house, "Observation", marked) == labels.VIP


def test_rows_written_together_take_the_charts_labels(house: House) -> None:
    vip = a_patient(id="vip", identifier=[], meta=Meta(security=[CEL]))
    rows = [Observation(id=f"o{n}", status="final", code=coded("http://loinc.org", "8867-4"), subject=of(who))
            for n, who in enumerate(("vip", "other"))]  # fmt: skip
    house.system.put_all([vip, a_patient("Người Khác", id="other", identifier=[]), *rows])
    assert [bits(house, "Observation", one) for one in ("o0", "o1")] == [labels.OF_VIP, 0]
    house.system.put_all([Observation(id="o2", status="final", code=rows[0].code, subject=of("vip"))])
    assert bits(house, "Observation", "o2") == labels.OF_VIP


def test_family_does_not_see_a_vips_rows(house: House) -> None:
    mother, child = house.person(), house.person("Bé", birthDate="2015-01-01")
    house.relative(child, mother)
    result = house.result(child)
    assert sees(house.citizen(mother), result)
    mark_person(house, child, CEL)
    assert not sees(house.citizen(mother), result)


# -- stores made before -----------------------------------------------------------------------------------------


def test_rows_of_an_older_store_are_hidden_until_they_were_looked_at(own_database: str) -> None:
    import psycopg

    with psycopg.connect(own_database, autocommit=True) as connection:
        house = House(connection)
        house.now = fhir.record.now()
        vip, person = house.person(), house.person("Người Thường")
        mark_person(house, vip, CEL)
        rows = {name: house.result(one) for name, one in (("vip", vip), ("plain", person))}
        rows["hiv"] = house.result(person, "A", code="75622-1")
        for one in (vip, person):
            house.visit(one)
        expected = {name: bits(house, "Observation", one) for name, one in rows.items()}
        assert expected == {"vip": labels.OF_VIP, "plain": 0, "hiv": labels.HIV}
        standing = connection.execute(
            "select patient, holder, basis from record.standing order by 1"
        ).fetchall()
        connection.execute("update record.resource set sensitive = 16384")
        connection.execute("delete from record.standing")
        connection.execute("update record.search_state set version = 2")
        assert own(house.doctor()) == set()
        assert own(house.citizen(person)) == set()
        assert reindex.due(connection, house.now) is not None
        jobs.drain(lambda: psycopg.connect(own_database), {parameters.KIND: reindex.run})
        assert {name: bits(house, "Observation", one) for name, one in rows.items()} == expected
        assert (
            connection.execute("select patient, holder, basis from record.standing order by 1").fetchall()
            == standing
        )
        assert own(house.doctor()) == {rows["plain"]}
        assert own(fhir.open(connection, actor=SYSTEM)) == set(rows.values())


def test_an_unknown_label_is_refused_at_the_start() -> None:
    with pytest.raises(KeyError):
        labels.bits_of(["secret"])


def test_a_chart_that_is_hidden_is_not_written_into(house: House) -> None:
    person = house.person()
    house.visit(person)
    mark_person(house, person, CEL)
    with pytest.raises(errors.NotFound):
        house.doctor().create(a_condition(person, "J00"))
    treating = house.doctor(practitioner="d1", rights=frozenset({"vip"}))
    assert treating.create(a_condition(person, "J00")).id
