"""What a Consent lets through: to whom, how far, for what, until when; and the opening in an emergency."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fhir.access_house import ACT, House, coded, house, kept_by, of, own, ref, sees
from yba.fhir import errors
from yba.fhir.access import consent
from yba.fhir.access.consent import CATEGORY, EMERGENCY, sharing
from yba.fhir.access.standing import APP
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.consent import Consent, ConsentProvision, ConsentProvisionActor, ConsentProvisionData
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Period, Reference
from yba.fhir.r4.patient import Patient

__all__ = ["house"]
TYPES = "http://hl7.org/fhir/resource-types"
HIV = Coding(system=ACT, code="HIV")
B = ref("Organization/B")


def give(house: House, patient: str, *to: Reference, **terms: Any) -> Consent:
    """A consent with further terms of its root provision."""
    made = sharing(patient, list(to), now=house.now - timedelta(days=1))
    assert made.provision is not None
    for name, value in terms.items():
        setattr(made.provision, name, value)
    return house.system.create(made)


def test_across_facilities_a_consent_is_needed_and_ends(house: House) -> None:
    person, stranger = house.person(), house.person("Người Lạ")
    at_a, of_stranger = house.result(person, "A"), house.result(stranger, "A")
    house.visit(person, "B")
    assert not sees(house.doctor("B"), at_a)
    given = give(house, person, B, period=Period(end=(house.now + timedelta(days=2)).isoformat()))
    assert sees(house.doctor("B"), at_a)
    assert house.doctor("B").read(Patient, person).id == person
    assert not sees(house.doctor("B"), of_stranger)
    assert not sees(house.doctor("C"), at_a)
    house.later(days=3)
    assert not sees(house.doctor("B"), at_a)
    house.later(days=-3)
    given.status = "inactive"  # withdrawn
    house.system.update(given)
    assert not sees(house.doctor("B"), at_a)


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "inactive", "entered-in-error"])
def test_only_an_active_one_counts(house: House, status: Any) -> None:
    person = house.person()
    at_a, given = house.result(person, "A"), give(house, person, B)
    assert sees(house.doctor("B"), at_a)
    given.status = status
    house.system.update(given)
    assert not sees(house.doctor("B"), at_a)


def test_only_one_for_privacy_that_permits(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    for change in ("scope", "type", "none", "action"):
        made = sharing(person, [B], now=house.now)
        assert made.provision is not None
        if change == "scope":
            made.scope = coded(consent.SCOPE, "research")
        elif change == "type":
            made.provision.type = None
        elif change == "none":
            made.provision = None
        else:
            made.provision.action = [coded("http://terminology.hl7.org/CodeSystem/consentaction", "collect")]
        house.system.create(made)
        assert not sees(house.doctor("B"), at_a), change


def test_to_whom(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    give(house, person, ref("Practitioner/d1"))
    assert sees(house.doctor("C", practitioner="d1"), at_a)
    assert not sees(house.doctor("C", practitioner="d2"), at_a)
    give(house, person, ref("Organization/tiem-chung"))
    assert sees(house.by("programme_officer", programme="tiem-chung", facility="P", purpose="TREAT"), at_a)
    assert not sees(house.by("programme_officer", programme="lao", facility="P", purpose="TREAT"), at_a)
    give(house, person, Reference(identifier=Identifier(system=APP, value="app-1")))
    assert sees(house.by("outside_system", app="app-1"), at_a)
    assert not sees(house.by("outside_system", app="app-2"), at_a)
    assert not sees(house.by("outside_system"), at_a)


def test_roles_that_are_no_part_of_it_see_nothing_by_it(house: House) -> None:
    """A consent to the hospital opens no chart to its till."""
    person = house.person()
    at_a = house.result(person, "A")
    give(house, person, B)
    assert sees(house.doctor("B"), at_a)
    for role in ("receptionist", "customer_care", "cashier", "facility_administrator", "auditor", "wall"):
        assert not sees(house.by(role, facility="B"), at_a), role


def test_by_part(house: House) -> None:
    person = house.person()
    result = house.result(person, "A")
    problem = str(
        house.system.create(
            Condition(subject=of(person), code=CodeableConcept(text="x"), meta=kept_by("A"))
        ).id
    )
    give(house, person, B, class_=[Coding(system=TYPES, code="Observation")])
    doctor = house.doctor("B")
    assert sees(doctor, result)
    assert not sees(doctor, problem, kind="Condition")
    with pytest.raises(errors.NotFound):
        doctor.read(Patient, person)


def test_what_is_not_understood_is_not_read_widely(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    give(house, person, B, class_=[Coding(system="urn:ietf:bcp:13", code="application/hl7-cda+xml")])
    give(house, person, B, code=[coded("http://loinc.org", "8867-4")])
    assert not sees(house.doctor("B"), at_a)


def test_by_the_time_of_what_happened(house: House) -> None:
    person = house.person()
    old = house.result(person, "A", effectiveDateTime="2020-06-01")
    new = house.result(person, "A", effectiveDateTime="2026-06-01")
    give(house, person, B, dataPeriod=Period(start="2026-01-01", end="2026-12-31"))
    assert sees(house.doctor("B"), new)
    assert not sees(house.doctor("B"), old)


def test_by_row(house: House) -> None:
    person = house.person()
    one, other = house.result(person, "A"), house.result(person, "A")
    give(
        house, person, B, data=[ConsentProvisionData(meaning="instance", reference=ref(f"Observation/{one}"))]
    )
    assert own(house.doctor("B")) == {one}
    assert not sees(house.doctor("B"), other)


def test_of_one_custodian(house: House) -> None:
    person = house.person()
    at_a, at_c = house.result(person, "A"), house.result(person, "C")
    made = sharing(person, [B], now=house.now)
    assert made.provision is not None
    role = coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "CST")
    made.provision.actor.append(ConsentProvisionActor(role=role, reference=ref("Organization/A")))
    house.system.create(made)
    assert own(house.doctor("B")) == {at_a}
    assert not sees(house.doctor("A"), at_c)  # the custodian gives, and is given nothing


def test_for_a_purpose(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    give(house, person, B, purpose=[Coding(system=consent.REASON, code="HRESCH")])
    assert not sees(house.doctor("B"), at_a)
    assert sees(house.doctor("B", purpose="HRESCH"), at_a)
    give(house, person, B, purpose=[Coding(system=consent.REASON, code="TREAT")])
    assert sees(house.doctor("B"), at_a)
    assert sees(house.doctor("B", purpose="ETREAT"), at_a)


def test_hiv_is_never_shared_by_default(house: House) -> None:
    person = house.person()
    plain, hiv = house.result(person, "A"), house.result(person, "A", HIV)
    given = give(house, person, B)
    assert sees(house.doctor("B"), plain)
    assert not sees(house.doctor("B"), hiv)
    assert given.provision is not None
    given.provision.securityLabel = [HIV]
    house.system.update(given)
    assert sees(house.doctor("B"), plain, hiv)


@pytest.mark.parametrize(
    ("terms", "left"),
    [
        ({"class_": [Coding(system=TYPES, code="Observation")]}, {"problem"}),
        ({"class_": [Coding(system=TYPES, code="Condition")]}, {"new", "old"}),
        ({"securityLabel": [HIV]}, {"new", "old", "problem"}),
        ({"dataPeriod": Period(start="2020-01-01", end="2020-12-31")}, {"new", "problem"}),
        ({"code": [coded("http://loinc.org", "8867-4")]}, set()),
        ({"period": Period(start="2026-11-01", end="2026-12-01")}, set()),
        ({"period": Period(start="2020-01-01", end="2020-12-01")}, {"new", "old", "problem"}),
        ({"purpose": [Coding(system=consent.REASON, code="TREAT")]}, set()),
    ],
)
def test_what_is_denied_inside(house: House, terms: dict[str, Any], left: set[str]) -> None:
    person = house.person()
    made = Condition(
        subject=of(person), code=CodeableConcept(text="x"), onsetDateTime="2026-01-01", meta=kept_by("A")
    )
    named = {
        house.result(person, "A", effectiveDateTime="2026-06-01"): "new",
        house.result(person, "A", effectiveDateTime="2020-06-01"): "old",
        house.result(person, "A", HIV): "hiv",
        str(house.system.create(made).id): "problem",
    }
    give(house, person, B, securityLabel=[HIV])
    doctor = house.doctor("B")
    assert {named[one] for one in own(doctor)} == {"new", "old", "hiv"}
    house.connection.execute("delete from record.standing")
    give(house, person, B, provision=[ConsentProvision(type="deny", **terms)])
    found = own(doctor) | {str(one.id) for one in doctor.find(Condition)}
    assert {named[one] for one in found} == left


def test_who_is_denied_inside(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    role = coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP")
    but = ConsentProvision(
        type="deny", actor=[ConsentProvisionActor(role=role, reference=ref("Practitioner/d1"))]
    )
    give(house, person, ref("Practitioner/d1"), ref("Practitioner/d2"), provision=[but])
    assert sees(house.doctor("C", practitioner="d2"), at_a)
    assert not sees(house.doctor("C", practitioner="d1"), at_a)


def test_what_is_permitted_inside_a_denial(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    inner = sharing(person, [B], now=house.now).provision
    assert inner is not None
    give(house, person, type="deny", purpose=[], provision=[inner])
    assert sees(house.doctor("B"), at_a)
    assert not sees(house.doctor("C"), at_a)


# -- somebody acts for an adult --------------------------------------------------------------------------------


def test_an_adult_lets_somebody_act_for_them(house: House) -> None:
    person, daughter = house.person(), house.person("Con Gái")
    plain, hiv = house.result(person, "A"), house.result(person, "A", HIV)
    mine = house.result(daughter, "A")
    assert own(house.citizen(daughter)) == {mine}
    given = give(house, person, of(daughter), purpose=[])
    assert own(house.citizen(daughter)) == {mine, plain}
    assert not sees(house.citizen(daughter), hiv)
    assert own(house.citizen(person)) == {plain, hiv}
    given.status = "inactive"
    house.system.update(given)
    assert own(house.citizen(daughter)) == {mine}


def test_who_may_book_sees_no_results(house: House) -> None:
    person, son = house.person(), house.person("Con Trai")
    result, booking = house.result(person, "A"), house.booking(person)
    give(house, person, of(son), purpose=[], class_=[Coding(system=TYPES, code="Appointment")])
    assert sees(house.citizen(son), str(booking.id), kind="Appointment")
    assert not sees(house.citizen(son), result)


def test_a_delegation_ends_with_the_person(house: House) -> None:
    person, son = house.person(), house.person("Con Trai")
    result = house.result(person, "A")
    give(house, person, of(son), purpose=[])
    give(house, person, B)
    assert sees(house.citizen(son), result)
    patient = house.system.read(Patient, person)
    patient.deceasedBoolean = True
    house.system.update(patient)
    assert not sees(house.citizen(son), result)
    assert sees(house.doctor("B"), result)


# -- who makes one ------------------------------------------------------------------------------------------------


def test_citizens_give_consent_for_themselves_only(house: House) -> None:
    person, other = house.person(), house.person("Người Khác")
    at_a = house.result(person, "A")
    citizen = house.citizen(person)
    made = citizen.create(sharing(person, [B], now=house.now))
    assert sees(house.doctor("B"), at_a)
    made.status = "inactive"
    citizen.update(made)
    assert not sees(house.doctor("B"), at_a)
    with pytest.raises(errors.NotFound):
        citizen.create(sharing(other, [B], now=house.now))
    for role in ("doctor", "nurse", "receptionist", "facility_administrator"):
        with pytest.raises((errors.Forbidden, errors.NotFound)):
            house.by(role, facility="B").create(sharing(person, [B], now=house.now))


def test_a_guardian_shares_a_childs_book(house: House) -> None:
    mother, child = house.person(), house.person("Bé Na", birthDate="2020-01-10")
    at_a = house.result(child, "A")
    for person in (mother, house.person("Người Lạ")):
        with pytest.raises(errors.NotFound):
            house.citizen(person).create(sharing(child, [B], now=house.now))
    assert not sees(house.doctor("B"), at_a)
    house.relative(child, mother)
    house.citizen(mother).create(sharing(child, [B], now=house.now))
    assert sees(house.doctor("B"), at_a)


def test_an_emergency_opens_for_three_hours(house: House) -> None:
    person = house.person()
    plain, hiv = house.result(person, "A"), house.result(person, "A", HIV)
    doctor = house.doctor("B", practitioner="d1")
    assert not sees(doctor, plain, hiv)
    made = consent.emergency(doctor.actor, person, reason="Hôn mê, không rõ tiền sử", now=house.now)
    doctor.as_system().create(made)
    assert sees(doctor, plain, hiv)
    assert not sees(house.doctor("B", practitioner="d2"), plain, hiv)
    house.later(hours=2, minutes=59)
    assert sees(doctor, plain, hiv)
    house.later(minutes=2)
    assert not sees(doctor, plain, hiv)


def test_an_emergency_is_made_by_the_rule_only(house: House) -> None:
    person = house.person()
    citizen = house.citizen(person)
    doctor = house.doctor("B", practitioner="d1")
    made = consent.emergency(doctor.actor, person, reason="x", now=house.now)
    for record in (citizen, doctor, house.by("records_office", facility="B")):
        with pytest.raises((errors.Forbidden, errors.NotFound)):
            record.create(made)
    assert made.category[0].coding[0] == Coding(system=CATEGORY, code=EMERGENCY)
    for actor, reason in ((doctor.actor, " "), (citizen.actor, "x")):
        with pytest.raises(ValueError, match="reason"):
            consent.emergency(actor, person, reason=reason, now=house.now)
