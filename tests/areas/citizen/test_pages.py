"""The citizen's pages by the browser's way in: first profile, child, card, other people's books."""

from __future__ import annotations

import pytest

from yba.care import people
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.related_person import RelatedPerson
from yba.site.accounts.models import Account

QR = "046158001234||NGUYỄN THỊ HẠNH|05091958|Nữ|12 Bến Nghé Mới, Phường Thuận Hóa, Thành phố Huế|01012022"
PROFILE = {
    "name": "Nguyễn Thị Hạnh", "birth_date": "05/09/1958", "sex": "female", "citizen_number": "046158001234",
    "address": "12 Bến Nghé Mới", "commune_text": "Phường Thuận Hóa, Thành phố Huế",
}  # fmt: skip


@pytest.fixture
def account(db):
    return Account.objects.create_account("0905123456", role="citizen")


@pytest.fixture
def browser(client, account):
    client.force_login(account)
    return client


def test_who_has_no_profile_is_asked_for_one(browser):
    assert browser.get("/so/").headers["Location"] == "/so/ho-so/"


def test_the_qr_text_fills_the_form_and_stores_nothing(browser, record):
    answer = browser.post("/so/ho-so/", {"qr": QR, "fill": "1"})
    assert 'value="Nguyễn Thị Hạnh"' in answer.content.decode()
    assert record.count(Patient) == 0


def test_a_wrong_qr_text_is_refused_in_place(browser):
    answer = browser.post("/so/ho-so/", {"qr": "abc|def", "fill": "1", "name": "Hạnh"})
    assert answer.status_code == 422
    assert "7 phần" in answer.content.decode()
    assert 'value="Hạnh"' in answer.content.decode()


def test_the_profile_is_kept_and_tied_to_the_account(browser, account, record):
    answer = browser.post("/so/ho-so/", PROFILE)
    assert answer.status_code == 302
    (patient,) = record.find(Patient)
    assert (people.name_of(patient), patient.birthDate, patient.name[0].family) == (
        "Nguyễn Thị Hạnh", "1958-09-05", "Nguyễn",
    )  # fmt: skip
    assert account.persons == {patient.id}
    assert browser.get("/so/").status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("citizen_number", "04615800123", "Mới có 11 chữ số"),
        ("birth_date", "05/09/2099", "phía trước"),
        ("birth_date", "31/02/1958", "không có ngày 31"),
        ("commune_text", "Xã Không Có", "danh sách"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(browser, record, field, value, said):
    answer = browser.post("/so/ho-so/", PROFILE | {field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert record.count(Patient) == 0


def test_a_known_number_is_not_joined_without_its_phone(browser, account, record):
    record.create(people.new_patient(
        name="Nguyễn Thị Hạnh", birth_date="1958-09-05", sex="female", phone="0999999999",
        citizen_number="046158001234",
    ))  # fmt: skip
    theirs = record.first(Patient).id
    answer = browser.post("/so/ho-so/", PROFILE)
    assert answer.status_code == 302
    assert len(account.persons) == 1
    assert theirs not in account.persons


def test_a_known_number_is_joined_by_the_phone_just_proved(browser, account, record):
    known = record.create(people.new_patient(
        name="Nguyễn Thị Hạnh", birth_date="1958-09-05", sex="female", phone="0905123456",
        citizen_number="046158001234",
    ))  # fmt: skip
    assert browser.post("/so/ho-so/", PROFILE).status_code == 302
    assert account.persons == {known.id}


def test_a_child_is_entered_with_who_answers_for_it(browser, account, record):
    browser.post("/so/ho-so/", PROFILE)
    child = PROFILE | {
        "name": "Lê An Na",
        "birth_date": "01/09/2022",
        "citizen_number": "",
        "relation": "con",
    }
    assert browser.post("/so/gia-dinh/them", child).status_code == 302
    (related,) = record.find(RelatedPerson)
    assert people.name_of(related) == "Nguyễn Thị Hạnh"
    assert related.relationship[0].coding[0].code == "PRN"
    assert len(account.persons) == 2


def test_a_card_is_checked_and_kept(browser, account, record):
    browser.post("/so/ho-so/", PROFILE)
    (patient,) = account.persons
    wrong = browser.post(f"/so/the-bhyt/{patient}/", {"card": "HT3994612345678"})
    assert wrong.status_code == 422
    assert "99" in wrong.content.decode()
    kept = browser.post(f"/so/the-bhyt/{patient}/", {"card": "HT3464612345678", "end": "31/12/2099"})
    assert kept.status_code == 302
    (coverage,) = record.find(Coverage)
    assert (coverage.subscriberId, coverage.period.end) == ("HT3464612345678", "2099-12-31")


def test_other_peoples_books_are_not_there(browser, record):
    stranger = record.create(people.new_patient(name="Trần Văn Xa", birth_date="1980-01-01", sex="male"))
    browser.post("/so/ho-so/", PROFILE)
    assert browser.get(f"/so/nguoi/{stranger.id}/").status_code == 404
    assert browser.get(f"/so/the-bhyt/{stranger.id}/").status_code == 404


def test_staff_have_no_book(client, db):
    client.force_login(Account.objects.create_account("bs", role="doctor", facility="bv"))
    assert client.get("/so/").status_code == 404


def thick(record, patient, visits):
    """A record of this many visits, each with a diagnosis, a medicine and a report."""
    from yba.fhir.r4.condition import Condition
    from yba.fhir.r4.datatypes import CodeableConcept, Coding, Period, Reference
    from yba.fhir.r4.diagnostic_report import DiagnosticReport
    from yba.fhir.r4.encounter import Encounter
    from yba.fhir.r4.medication_request import MedicationRequest

    who = Reference(reference=f"Patient/{patient}")
    for number in range(visits):
        day = f"{2026 - number // 12}-{12 - number % 12:02}-01"
        one = record.create(
            Encounter(
                status="finished",
                class_=Coding(code="AMB"),
                subject=who,
                period=Period(start=f"{day}T08:00:00+07:00"),
            )
        )
        seen = Reference(reference=f"Encounter/{one.id}")
        record.create(Condition(subject=who, encounter=seen, code=CodeableConcept(text=f"Bệnh {number}")))
        record.create(
            MedicationRequest(
                status="completed", intent="order", subject=who, encounter=seen,
                medicationCodeableConcept=CodeableConcept(text="Thuốc"),
            )
        )  # fmt: skip
        record.create(
            DiagnosticReport(
                status="final",
                subject=who,
                encounter=seen,
                effectiveDateTime=day,
                code=CodeableConcept(text=f"XN {number}"),
            )
        )


def test_the_book_shows_every_visit_once_over_its_pages(browser, account, record):
    browser.post("/so/ho-so/", PROFILE)
    (patient,) = account.persons
    thick(record, patient, 120)
    seen, address, pages = [], "/so/trang/", 0
    while address:
        text = browser.get(address).content.decode()
        seen += [number for number in range(120) if f">XN {number}<" in text or f"Bệnh {number}<" in text]
        found = text.split('class="after-list"><a class="button" href="')
        address = "/so/trang/" + found[1].split('"')[0].replace("&amp;", "&") if len(found) > 1 else ""
        pages += 1
    assert pages == 3
    assert seen == sorted(set(seen))
    assert len(seen) == 120


def test_a_thick_book_costs_the_same_queries_as_a_thin_one(browser, account, record):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser.post("/so/ho-so/", PROFILE)
    (patient,) = account.persons
    counts = []
    for visits in (1, 40):
        thick(record, patient, visits)
        with CaptureQueriesContext(connection) as asked:
            browser.get("/so/trang/")
        counts.append(len(asked))
    assert counts[0] == counts[1]
