"""A denial among the consents of the sharing pages: what it means in words, and that it is taken back there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.care.sharing.village import Village
from yba.care.refusal import Refusal
from yba.care.sharing import giving
from yba.care.sharing.terms import read
from yba.fhir import errors
from yba.fhir.access.consent import sharing
from yba.fhir.r4.consent import Consent, ConsentProvision, ConsentProvisionActor
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Reference

B = Reference(reference="Organization/B")
TYPES = "http://hl7.org/fhir/resource-types"


def denial(village: Village, *to: str, **terms: Any) -> Consent:
    """A Consent of the person that denies."""
    made = sharing(village.own.id or "", [], now=village.moment)
    actors = [
        ConsentProvisionActor(role=CodeableConcept(text="IRCP"), reference=Reference(reference=one))
        for one in to
    ]
    made.policyRule = CodeableConcept(coding=[Coding(code="OPTOUT")])
    made.provision = ConsentProvision(type="deny", actor=actors, **terms)
    return made


def test_it_is_shown_in_words_and_taken_back(village: Village, citizen: Client) -> None:
    own = village.by(village.hanh)
    own.create(sharing(village.own.id or "", [B], now=village.moment))
    assert village.sees(village.doctor, village.result)
    made = own.create(denial(village))
    assert not village.sees(village.doctor, village.result)
    page = citizen.get("/so/chia-se/").content.decode()
    assert "Không cho xem: Mọi nơi, mọi người khác" in page
    assert "Thắng mọi lần đã cho xem. Không chặn nơi đang khám, chuyển tuyến và cấp cứu." in page
    one = f"/so/chia-se/so/{made.id}"
    shown = citizen.get(one).content.decode()
    assert "Bỏ lời từ chối" in shown
    assert "Bắt đầu từ chối" in shown
    assert citizen.post(one + "/rut").status_code == 302
    assert village.record.read(Consent, made.id or "").status == "inactive"
    assert village.sees(village.doctor, village.result)
    assert "Đã bỏ" in citizen.get("/so/chia-se/").content.decode()


def test_its_terms_are_read(village: Village) -> None:
    inner = ConsentProvision(type="permit", actor=[])
    given = read(
        denial(
            village, "Organization/B", class_=[Coding(system=TYPES, code="Observation")], provision=[inner]
        )
    )
    assert (given.denies, given.but, given.parts, given.sensitive) == (True, True, ("results",), ())
    assert [(one.kind, one.id) for one in given.holders] == [("facility", "B")]
    assert read(denial(village)).parts is None
    assert not read(sharing("x", [B], now=village.moment, until=village.moment + timedelta(days=1))).denies


def test_whom_it_denies_does_not_take_it_back(village: Village) -> None:
    made = village.by(village.hanh).create(denial(village, f"Patient/{village.hung.id}"))
    friend = village.by(village.account("0914000333", village.hung))
    with pytest.raises(errors.NotFound):
        assert not isinstance(giving.withdraw(friend, made.id or ""), Refusal)
    assert village.record.read(Consent, made.id or "").status == "active"


def test_a_guardian_denies_for_a_child(village: Village) -> None:
    made = denial(village, f"Patient/{village.hung.id}")
    made.patient = Reference(reference=f"Patient/{village.na.id}")
    made.performer = [Reference(reference=f"Patient/{one.id}") for one in (village.own, village.na)]
    assert village.by(village.hanh).create(made).status == "active"
