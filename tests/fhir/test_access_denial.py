"""What a person denies stands against what their other consents permit, and against nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fhir.access_house import ACT, House, coded, house, of, own, ref, sees
from tests.fhir.test_access_consent import TYPES, B, give
from yba.fhir.access import consent
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.consent import Consent, ConsentProvision, ConsentProvisionActor, ConsentProvisionData
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Identifier, Period, Reference

__all__ = ["house"]
HIV = Coding(system=ACT, code="HIV")
IRCP = CodeableConcept(text="IRCP")


def to(*names: str) -> list[ConsentProvisionActor]:
    return [ConsentProvisionActor(role=IRCP, reference=ref(one)) for one in names]


def deny(house: House, patient: str, policy: str | None = None, **terms: Any) -> Consent:
    """A consent whose root denies, with its further terms."""
    return house.system.create(
        Consent(
            status="active", scope=coded(consent.SCOPE, "patient-privacy"), patient=of(patient),
            category=[coded(ACT, "IDSCL")], policyRule=coded(ACT, policy or "OPTOUT"),
            provision=ConsentProvision(**{"type": "deny", **terms}),
        )
    )  # fmt: skip


def test_a_denial_overrules_what_was_permitted_before_and_after(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    give(house, person, B)
    assert sees(house.doctor("B"), at_a)
    denial = deny(
        house, person, "OPTIN"
    )  # what it is called counts for nothing where it lets nothing through
    assert not sees(house.doctor("B"), at_a)
    give(house, person, B)
    assert not sees(house.doctor("B"), at_a)
    denial.status = "inactive"
    house.system.update(denial)
    assert sees(house.doctor("B"), at_a)


def test_it_closes_neither_treatment_nor_transfer_nor_emergency(house: House) -> None:
    person = house.person()
    at_a, at_b = house.result(person, "A"), house.result(person, "B")
    house.visit(person, "B", participant=[])
    deny(house, person)
    give(house, person, B)
    assert own(house.doctor("B")) == {at_b}
    doctor = house.doctor("B", practitioner="d7")
    doctor.as_system().create(
        consent.emergency(doctor.actor, person, reason="Hôn mê, không nói được", now=house.now)
    )
    assert sees(doctor, at_a)
    assert not sees(house.doctor("B", practitioner="d8"), at_a)


@pytest.mark.parametrize("root", [{"type": None}, None], ids=["no type", "no provision"])
def test_in_r4_the_policy_says_what_the_root_does(house: House, root: Any) -> None:
    """consent-definitions: type is not permitted in the root; policyRule says the base."""
    person = house.person()
    at_a = house.result(person, "A")
    give(house, person, B)
    made = deny(house, person)
    made.provision = None if root is None else ConsentProvision(period=Period(start="2020-01-01"))
    house.system.update(made)
    assert not sees(house.doctor("B"), at_a)
    made.policyRule = coded(ACT, "OPTIN")
    house.system.update(made)
    assert sees(house.doctor("B"), at_a)


def test_who_is_denied(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    for one in (B, ref("Organization/C"), ref("Practitioner/d5")):
        give(house, person, one)
    seen = [house.doctor("B"), house.doctor("C"), house.doctor("C", practitioner="d5"),
            house.doctor("B", practitioner="d5")]  # fmt: skip
    assert [sees(one, at_a) for one in seen] == [True] * 4
    denial = deny(house, person, actor=to("Organization/B"))
    assert [sees(one, at_a) for one in seen] == [False, True, True, False]
    denial.provision = ConsentProvision(type="deny", actor=to("Practitioner/d5"))
    house.system.update(denial)
    assert [sees(one, at_a) for one in seen] == [True, True, False, False]
    unknown = ConsentProvisionActor(
        role=IRCP, reference=Reference(identifier=Identifier(system="urn:x", value="1"))
    )
    denial.provision = ConsentProvision(type="deny", actor=[*to("Practitioner/d5"), unknown])
    house.system.update(denial)  # whoever that is, it may be any of them
    assert [sees(one, at_a) for one in seen] == [False] * 4


@pytest.mark.parametrize(
    ("terms", "left"),
    [
        ({"class_": [Coding(system=TYPES, code="Observation")]}, {"disease"}),
        ({"class_": [Coding(system="urn:other", code="what")]}, set()),
        ({"securityLabel": [HIV]}, {"old", "new", "disease"}),
        ({"securityLabel": [HIV, Coding(system="urn:x", code="y")]}, set()),
        ({"purpose": [Coding(system=consent.REASON, code="TREAT")]}, set()),
        ({"purpose": [Coding(system=consent.REASON, code="HRESCH")]}, {"old", "new", "hiv", "disease"}),
        ({"dataPeriod": Period(end="2020-12-31")}, {"new", "hiv"}),  # a row without a day may be of then
        ({"code": [CodeableConcept(text="mọi xét nghiệm")]}, set()),
        ({"action": [coded("http://terminology.hl7.org/CodeSystem/consentaction", "correct")]},
         {"old", "new", "hiv", "disease"}),
        ({"action": [coded("http://terminology.hl7.org/CodeSystem/consentaction", "disclose")]}, set()),
        ({"period": Period(end="2020-01-01")}, {"old", "new", "hiv", "disease"}),
        ({"actor": [ConsentProvisionActor(
            role=coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "CST"),
            reference=ref("Organization/C"))]}, {"old", "new", "hiv", "disease"}),
        ({"actor": [ConsentProvisionActor(
            role=coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "CST"),
            reference=ref("Organization/A"))]}, set()),
        ({"provision": [ConsentProvision(type="permit", actor=to("Organization/B"),
                                         class_=[Coding(system=TYPES, code="Condition")])]}, {"disease"}),
    ],
)  # fmt: skip
def test_what_is_denied(house: House, terms: dict[str, Any], left: set[str]) -> None:
    person = house.person()
    rows = {
        "old": house.result(person, "A", effectiveDateTime="2019-05-05"),
        "new": house.result(person, "A", effectiveDateTime="2025-05-05"),
        "hiv": house.result(person, "A", HIV, effectiveDateTime="2025-05-05"),
    }
    disease = house.system.create(
        Condition(subject=of(person), meta=house.system.read("Observation", rows["old"]).meta)
    )
    give(house, person, B, securityLabel=[HIV])
    doctor = house.doctor("B")

    def seen() -> set[str]:
        found = {name for name, one in rows.items() if sees(doctor, one)}
        return found | ({"disease"} if sees(doctor, disease.id or "", kind="Condition") else set())

    assert seen() == {"old", "new", "hiv", "disease"}
    deny(house, person, **terms)
    assert seen() == left


def test_a_row_is_denied_by_name(house: House) -> None:
    person = house.person()
    first, second = house.result(person, "A"), house.result(person, "A")
    give(house, person, B)
    deny(
        house, person, data=[ConsentProvisionData(meaning="instance", reference=ref(f"Observation/{first}"))]
    )
    assert own(house.doctor("B")) == {second}


def test_exceptions_are_those_of_their_own_consent(house: House) -> None:
    """A denial inside a permission narrows that one; a wider consent beside it is as wide as it says."""
    person = house.person()
    at_a = house.result(person, "A")
    inner = ConsentProvision(type="deny", class_=[Coding(system=TYPES, code="Observation")])
    give(house, person, B, provision=[inner])
    assert not sees(house.doctor("B"), at_a)
    give(house, person, B)
    assert sees(house.doctor("B"), at_a)


def test_a_share_that_opts_in_closes_no_other(house: House) -> None:
    """The pages write a share of some days as a root that denies with what it lets through."""
    person = house.person()
    at_a = house.result(person, "A", effectiveDateTime="2025-05-05")
    give(house, person, ref("Organization/C"))
    days = ConsentProvision(type="permit", actor=to("Organization/B"), dataPeriod=Period(start="2026-01-01"))
    deny(house, person, "OPTIN", provision=[days])
    assert sees(house.doctor("C"), at_a)
    assert not sees(house.doctor("B"), at_a)


def test_who_acts_for_a_person_is_denied_too(house: House) -> None:
    person, friend = house.person(), house.person("Bạn")
    at_a = house.result(person, "A")
    give(house, person, of(friend), purpose=[])
    assert sees(house.citizen(friend), at_a)
    deny(house, person)
    assert not sees(house.citizen(friend), at_a)
    assert sees(house.citizen(person), at_a)


def test_a_denial_ends_by_the_clock(house: House) -> None:
    person = house.person()
    at_a = house.result(person, "A")
    give(house, person, B, period=None)
    deny(house, person, period=Period(end=(house.now + timedelta(days=2)).isoformat()))
    assert not sees(house.doctor("B"), at_a)
    house.later(days=3)
    assert sees(house.doctor("B"), at_a)


def test_an_emergency_opens_the_book_of_a_person_who_is_vip(house: House) -> None:
    person = house.person(meta=None)
    at_a = house.result(person, "A")
    patient = house.system.read("Patient", person)
    assert patient.meta is not None
    patient.meta.security = [Coding(system=ACT, code="CEL")]
    house.system.update(patient)
    doctor = house.doctor("B", practitioner="d7")
    assert not sees(doctor, at_a)
    doctor.as_system().create(
        consent.emergency(doctor.actor, person, reason="Hôn mê, không nói được", now=house.now)
    )
    assert sees(doctor, at_a)
