"""A denial among the consents of the sharing pages: what it means in words, and that it is taken back there."""

from __future__ import annotations

import re
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
from yba.fhir.r4.practitioner_role import PractitionerRole

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
    assert "Chặn cả những lần đã cho xem. Không chặn nơi đang khám, chuyển tuyến và cấp cứu." in page
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


FIND = "/so/chia-se/khong-cho/tim"
NEW = "/so/chia-se/khong-cho?ai="


def deny(client: Client, whom: str, **data: Any) -> Any:
    return client.post(NEW + whom, {"length": "open", "once": "x", **data, "do": "give", "version": "1"})


def test_a_denial_is_seen_before_it_is_given_and_closes_just_that(village: Village, citizen: Client) -> None:
    village.by(village.hanh).create(sharing(village.own.id or "", [B], now=village.moment))
    assert village.sees(village.doctor, village.result)
    found = citizen.get(FIND, {"q": "benh vien b"}).content.decode()
    assert "/so/chia-se/khong-cho?ai=facility%3AB" in found
    form = citizen.get(NEW + "facility:B").content.decode()
    assert "checked" not in form
    assert form.index("Lời từ chối này không bao giờ chặn") < form.index('name="extent"')
    seen = citizen.post(
        NEW + "facility:B", {"extent": "part", "parts": ["results"], "length": "30", "do": "see"}
    )
    assert "Không còn xem được 1 mục" in seen.content.decode()
    assert village.sees(village.doctor, village.result)  # to look is not to close
    for _again in range(2):  # the same form twice makes one
        assert deny(citizen, "facility:B", extent="part", parts=["results"], length="30").status_code == 302
    assert not village.sees(village.doctor, village.result)
    assert village.sees(village.doctor, village.illness, "Condition")
    made = [one for one in village.record.find(Consent) if read(one).denies]
    (said,) = [read(one) for one in made]
    assert (said.parts, said.holders[0].id, said.version, said.method) == (("results",), "B", "1", "page")
    assert made[0].policy[0].uri == "https://yba.vn/consent/deny/1"
    assert [one.reference for one in made[0].performer] == [f"Patient/{village.own.id}"]
    assert "Không cho xem: Bệnh viện B" in citizen.get("/so/chia-se/").content.decode()
    assert citizen.post(f"/so/chia-se/so/{said.id}/rut").status_code == 302
    assert village.sees(village.doctor, village.result)


def test_a_practitioner_is_denied_what_their_house_may_see(village: Village, citizen: Client) -> None:
    village.by(village.hanh).create(sharing(village.own.id or "", [B], now=village.moment))
    village.record.create(
        PractitionerRole(practitioner=Reference(reference="Practitioner/d1"), organization=B, active=True)
    )
    seen = citizen.post(
        NEW + "practitioner:d1", {"extent": "all", "length": "open", "do": "see"}
    ).content.decode()
    assert "Không còn xem được 3 mục" in seen  # who, one result, one illness
    assert deny(citizen, "practitioner:d1", extent="all").status_code == 302
    assert not village.sees(village.doctor, village.result)
    (said,) = [read(one) for one in village.record.find(Consent) if read(one).denies]
    assert (said.until, said.parts) == ("", None)


def test_treatment_where_the_record_was_made_stays_open(village: Village, citizen: Client) -> None:
    made = village.observation(village.own, facility="B")
    village.visit(village.own)
    assert village.sees(village.doctor, made)
    seen = citizen.post(NEW + "facility:B", {"extent": "all", "length": "open", "do": "see"}).content.decode()
    assert "Chưa có lần chia sẻ nào phải chặn" in seen
    assert re.search(r"Vẫn xem được \d+ mục", seen)
    assert deny(citizen, "facility:B", extent="all").status_code == 302
    assert village.sees(village.doctor, made)


def test_a_share_says_when_a_denial_stands_against_it(village: Village, citizen: Client) -> None:
    share = "/so/chia-se/moi?toi=facility:B"
    terms = {"purposes": "TREAT", "extent": "all", "length": "30", "do": "see"}
    assert "Đang chặn nơi nhận này" not in citizen.post(share, terms).content.decode()
    deny(citizen, "facility:B", extent="all")
    assert "Đang chặn nơi nhận này" in citizen.post(share, terms).content.decode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Chọn cả sổ hay từng phần."),
        ({"extent": "part"}, "Đánh dấu ít nhất một phần."),
        ({"extent": "all", "length": "other"}, "Viết ngày kết thúc"),
        ({"extent": "all", "length": "other", "until": "01/01/2020"}, "Ngày này đã qua"),
    ],
)
def test_what_is_missing_is_said(village: Village, citizen: Client, data: dict[str, Any], said: str) -> None:
    answer = deny(citizen, "facility:B", **data)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert village.record.count(Consent) == 0


def test_an_old_text_is_not_agreed_to(village: Village, citizen: Client) -> None:
    terms = {"extent": "all", "length": "open", "do": "give", "version": "0"}
    assert citizen.post(NEW + "facility:B", terms).status_code == 409
    assert village.record.count(Consent) == 0


def test_a_guardian_denies_by_the_page_when_the_child_was_asked(village: Village, citizen: Client) -> None:
    village.hanh.links.create(patient_id=village.na.id, relation="con")
    whom = f"facility:B&cho={village.na.id}"
    assert deny(citizen, whom, extent="all").status_code == 409
    assert deny(citizen, whom, extent="all", assent="on").status_code == 302
    (made,) = village.record.find(Consent)
    assert [one.reference for one in made.performer] == [
        f"Patient/{one.id}" for one in (village.own, village.na)
    ]


def test_nobody_denies_in_anothers_book(village: Village, citizen: Client) -> None:
    answer = deny(citizen, f"facility:B&cho={village.hung.id}", extent="all")
    assert answer.status_code == 404
    assert deny(citizen, "facility:nowhere", extent="all").status_code == 404
    assert village.record.count(Consent) == 0
