"""The demo province: the same twice, whole, and clinically coherent."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from yba.areas.booking import timetable
from yba.areas.booking.timetable import Opening
from yba.care import catalogues
from yba.care.demo import accounts, province
from yba.care.demo.illnesses import ACUTE, BIRTH, CHILDREN, CHRONIC, PREGNANCY, STAYS
from yba.care.diagnoses import vietnamese_names
from yba.care.identifiers import (
    Checked,
    InsuranceCard,
    check_citizen_number,
    check_insurance_card,
    check_phone,
)
from yba.care.medicines import allergy_conflicts, duplicate_ingredients
from yba.fhir.model import codec
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.datatypes import CodeableConcept, Resource
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule

TODAY = date(2026, 11, 23)
ALL = tuple(province(TODAY))
BY_ID = {(type(item).__name__, item.id): item for item in ALL}
PATIENTS = {item.id: item for item in ALL if isinstance(item, Patient)}


def of(kind: type[Resource]) -> list[Resource]:
    return [item for item in ALL if isinstance(item, kind)]


def one(concept: CodeableConcept | None) -> str:
    assert concept is not None
    return concept.coding[0].code or ""


def person(reference: str | None) -> Patient:
    assert reference is not None
    return PATIENTS[reference.removeprefix("Patient/")]


def born(patient: Patient) -> date:
    return date.fromisoformat(patient.birthDate or "")


def age(patient: Patient, day: date) -> int:
    birth = born(patient)
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def test_the_same_day_gives_the_same_bytes() -> None:
    assert [codec.encode(a) for a in ALL] == [codec.encode(b) for b in province(TODAY)]


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2027, 2, 28), date(2028, 2, 29)])
def test_any_day_will_do(day: date) -> None:
    many = list(province(day))
    assert len(many) > 8_000
    assert all(born(item) <= day for item in many if isinstance(item, Patient))


def test_counts() -> None:
    many = Counter(type(item).__name__ for item in ALL)
    assert many["Patient"] == 300
    assert many["PractitionerRole"] == many["Schedule"] == 20
    assert many["Practitioner"] == 20 + 1  # a nurse, whom nobody books by name
    assert 255 <= many["Coverage"] <= 275
    assert many["AllergyIntolerance"] >= 20
    assert many["Encounter"] >= 600
    assert many["Immunization"] >= 200
    stays = [e for e in of(Encounter) if isinstance(e, Encounter) and e.class_.code == "IMP"]
    assert len(stays) >= 8


def test_ids_are_single_readable_and_short() -> None:
    assert len(BY_ID) == len(ALL)
    assert all(re.fullmatch(r"[a-z0-9.-]{1,64}", item.id or "") for item in ALL)


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "reference" and isinstance(inner, str):
                yield inner
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_resolves_within() -> None:
    known = {f"{kind}/{id}" for kind, id in BY_ID}
    missing = {
        target
        for item in ALL
        for target in references(msgspec.json.decode(codec.encode(item)))
        if target not in known
    }
    assert missing == set()


def test_every_resource_is_read_back_equal() -> None:
    for item in ALL:
        sent = codec.encode(item)
        assert codec.encode(codec.decode(sent)) == sent


def test_people_have_numbers_of_their_sex_and_year() -> None:
    for patient in PATIENTS.values():
        number = check_citizen_number(
            patient.identifier[0].value or "", gender=patient.gender, birth_date=patient.birthDate
        )
        assert isinstance(number, Checked)
        assert number.warnings == ()
        for telecom in patient.telecom:
            assert check_phone(telecom.value or "", mobile_only=True) == Checked(telecom.value or "")
        assert patient.address[0].state == "Thành phố Huế"
        female = " Thị " in f" {patient.name[0].text} "
        assert not (female and patient.gender == "male")
    numbers = [p.identifier[0].value for p in PATIENTS.values()]
    phones = [t.value for p in PATIENTS.values() for t in p.telecom]
    assert len(set(numbers)) == len(numbers)
    assert len(set(phones)) == len(phones)


def test_cards_are_of_valid_form() -> None:
    for cover in of(Coverage):
        assert isinstance(cover, Coverage)
        card = check_insurance_card(cover.subscriberId or "")
        assert isinstance(card, InsuranceCard)
        assert card.warnings == ()
        if card.object_code == "TE":
            assert age(person(cover.beneficiary.reference), TODAY) < 6


ILLNESSES = (*CHRONIC, *ACUTE, *CHILDREN, PREGNANCY, BIRTH, *(illness for illness, _days in STAYS))


def test_illnesses_fit_age_and_sex() -> None:
    spans: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for illness in ILLNESSES:
        spans[illness.code].append((illness.sex, illness.age_from, illness.age_to))
    for item in of(Condition):
        assert isinstance(item, Condition)
        patient = person(item.subject.reference)
        years = age(patient, date.fromisoformat((item.recordedDate or "")[:10]))
        # An illness may lead back a year at most: its beginning is drawn from today's age.
        assert any(
            sex in ("", patient.gender) and low - 1 <= years <= high
            for sex, low, high in spans[one(item.code)]
        ), (item.id, one(item.code), years)
        assert one(item.code) in vietnamese_names()


def test_nothing_about_pregnancy_in_men_or_children() -> None:
    for item in of(Condition):
        assert isinstance(item, Condition)
        if one(item.code)[0] == "O" or one(item.code).startswith("Z34"):
            patient = person(item.subject.reference)
            assert patient.gender == "female"
            assert 18 <= age(patient, TODAY) <= 46


def test_nothing_before_birth_or_after_yesterday() -> None:
    for item in ALL:
        if isinstance(item, Encounter):
            assert item.period is not None
            assert item.subject is not None
            start, end = item.period.start or "", item.period.end or ""
            patient = person(item.subject.reference)
            assert patient.birthDate is not None
            assert patient.birthDate < start < end < TODAY.isoformat()
        if isinstance(item, Immunization):
            birth = person(item.patient.reference).birthDate or ""
            assert birth <= (item.occurrenceDateTime or "") < TODAY.isoformat()
        if isinstance(item, AllergyIntolerance | Condition):
            assert (item.recordedDate or "") < TODAY.isoformat()


def _prescribed() -> Iterator[tuple[MedicationRequest, catalogues.Drug]]:
    for item in of(MedicationRequest):
        assert isinstance(item, MedicationRequest)
        drug = catalogues.drug(one(item.medicationCodeableConcept))
        assert drug is not None
        yield item, drug


def test_no_medicine_against_a_recorded_allergy() -> None:
    allergies: defaultdict[str | None, list[AllergyIntolerance]] = defaultdict(list)
    for item in of(AllergyIntolerance):
        assert isinstance(item, AllergyIntolerance)
        allergies[item.patient.reference].append(item)
    stopped = [
        (request.id, drug.name)
        for request, drug in _prescribed()
        if allergy_conflicts(drug, allergies[request.subject.reference])
    ]
    assert stopped == []
    some = [r for r, _drug in _prescribed() if allergies[r.subject.reference]]
    assert len(some) >= 20


def test_no_ingredient_twice_in_a_prescription_and_doses_say_what_they_are() -> None:
    together: defaultdict[str | None, list[catalogues.Drug]] = defaultdict(list)
    for request, drug in _prescribed():
        code = request.groupIdentifier.value if request.groupIdentifier else None
        assert duplicate_ingredients(drug, together[code]) == []
        together[code].append(drug)
        text = request.dosageInstruction[0].text or ""
        assert text.startswith(f"{drug.route} ")
        assert re.search(r"/lần, [1-4] lần/ngày.*, \d+ ngày$", text), text
        assert request.dispenseRequest is not None
        assert request.dispenseRequest.quantity is not None
        assert (request.dispenseRequest.quantity.value or 0) >= 1


def test_the_times_of_day_are_as_many_as_the_doses() -> None:
    for illness in ILLNESSES:
        for given in illness.given:
            of_day = [m for m in given.moments if m in ("morning", "noon", "afternoon", "evening", "bedtime")]
            assert len(of_day) in (0, given.times), (illness.code, given.drug)


def test_children_get_paracetamol_by_weight() -> None:
    """About 10 to 15 mg a kilogram a dose for children under 12."""
    weights = {
        item.encounter.reference: item.valueQuantity.value
        for item in of(Observation)
        if isinstance(item, Observation)
        and one(item.code) == "29463-7"
        and item.encounter
        and item.valueQuantity
    }
    checked = 0
    for request, drug in _prescribed():
        day = date.fromisoformat((request.authoredOn or "")[:10])
        if age(person(request.subject.reference), day) < 12 and drug.active_ingredients == ("paracetamol",):
            strength = Decimal(drug.strength.removesuffix(" mg"))
            dose = request.dosageInstruction[0].doseAndRate[0].doseQuantity
            weight = weights[request.encounter.reference if request.encounter else None]
            assert dose is not None
            assert dose.value is not None
            assert weight is not None
            assert Decimal(9) <= strength * dose.value / weight <= Decimal(16), (request.id, weight)
            checked += 1
    assert checked >= 20


def test_diabetics_have_glucose_hba1c_and_a_medicine() -> None:
    diabetics = {
        item.subject.reference
        for item in of(Condition)
        if isinstance(item, Condition)
        and one(item.code) == "E11.9"
        and one(item.category[0]) == "problem-list-item"
    }
    assert len(diabetics) >= 10
    measured: defaultdict[str | None, set[str]] = defaultdict(set)
    for item in of(Observation):
        assert isinstance(item, Observation)
        measured[item.subject.reference if item.subject else None].add(one(item.code))
    taking: defaultdict[str | None, set[str]] = defaultdict(set)
    for request, drug in _prescribed():
        taking[request.subject.reference].update(drug.active_ingredients)
    seen = [who for who in diabetics if "14771-0" in measured[who]]
    # Somebody found ill a few weeks ago may not have come back yet.
    assert len(seen) >= len(diabetics) * 0.8
    for who in seen:
        assert "4548-4" in measured[who]
        assert "metformin" in taking[who]


def test_results_carry_their_range_and_flag() -> None:
    labs = [i for i in of(Observation) if isinstance(i, Observation) and one(i.category[0]) == "laboratory"]
    assert len(labs) >= 500
    for item in labs:
        reach, value = item.referenceRange[0], item.valueQuantity
        assert value is not None
        assert value.value is not None
        assert reach.low is not None
        assert reach.high is not None
        assert value.unit == reach.low.unit
        low, high = reach.low.value or Decimal(0), reach.high.value or Decimal(0)
        expected = "L" if value.value < low else "H" if value.value > high else "N"
        assert one(item.interpretation[0]) == expected


def test_what_a_facility_made_is_tagged() -> None:
    houses = {"bvdk-huong-giang", "ttyt-an-cuu", "pk-thien-an", "pk-song-huong", "tyt-thuy-bieu"}
    free = {"Patient", "RelatedPerson", "Coverage", "AllergyIntolerance", "Consent"}
    for item in ALL:
        tags = [tag.code for tag in item.meta.tag] if item.meta else []
        if type(item).__name__ in free or (item.id or "").startswith("vd-"):
            assert tags == []
        else:
            assert len(tags) == 1
            assert tags[0] in houses, item.id


def test_the_heroine() -> None:
    hanh = PATIENTS["nb-hanh"]
    assert (hanh.name[0].text, hanh.birthDate, hanh.gender) == ("Nguyễn Thị Hạnh", "1958-03-14", "female")
    assert age(hanh, TODAY) == 68
    allergy = BY_ID["AllergyIntolerance", "du-hanh"]
    assert isinstance(allergy, AllergyIntolerance)
    assert (one(allergy.code), (allergy.onsetDateTime or "")[:4], allergy.criticality) == (
        "A001",
        "2019",
        "high",
    )
    problems = {
        one(item.code)
        for item in of(Condition)
        if isinstance(item, Condition) and (item.id or "").startswith("vd-hanh-")
    }
    assert problems == {"I10", "E11.9"}
    visits = [item for item in of(Encounter) if (item.id or "").startswith("kb-hanh-")]
    assert len(visits) >= 5
    assert [name.text for name in PATIENTS["nb-bena"].name] == ["Lê Ngọc Bảo Na", "Bé Na"]
    assert ("RelatedPerson", "nt-bena-ba") in BY_ID
    assert ("Coverage", "bhyt-hanh") in BY_ID


def test_accounts_name_what_exists() -> None:
    found = accounts()
    roles = Counter(account.role for account in found)
    assert roles.keys() == {
        "citizen", "customer_care", "receptionist", "nurse", "doctor", "pharmacist", "cashier", "records_office",
        "facility_administrator", "auditor", "system_administrator", "wall", "kiosk",
    }  # fmt: skip
    assert roles["doctor"] >= 3
    assert len({account.login for account in found}) == len(found)
    for account in found:
        assert account.facility is None or ("Organization", account.facility) in BY_ID
        assert account.practitioner is None or ("Practitioner", account.practitioner) in BY_ID
        assert account.practitioner is not None or account.role not in ("doctor", "nurse")
        assert all(id in PATIENTS for id, _relation in account.persons)


def _khoi() -> tuple[PractitionerRole, Schedule]:
    role, schedule = BY_ID["PractitionerRole", "vt-tran-minh-khoi"], BY_ID["Schedule", "lich-tran-minh-khoi"]
    assert isinstance(role, PractitionerRole)
    assert isinstance(schedule, Schedule)
    return role, schedule


def openings(role: PractitionerRole, schedule: Schedule, day: date) -> list[Opening]:
    return timetable.openings(timetable.timetable_of(schedule, role), day, role=role)


def test_openings_of_a_day() -> None:
    role, schedule = _khoi()
    tuesday = openings(role, schedule, date(2026, 11, 24))
    assert len(tuesday) == 12
    first, last = tuesday[0], tuesday[-1]
    assert first.id_in("lich-tran-minh-khoi") == "lich-tran-minh-khoi.20261124-0730"
    assert (first.start.isoformat(), first.end.isoformat()) == (
        "2026-11-24T07:30:00+07:00",
        "2026-11-24T07:50:00+07:00",
    )
    assert last.start.isoformat() == "2026-11-24T11:10:00+07:00"
    assert len(openings(role, schedule, date(2026, 11, 25))) == 12 + 9


def test_nobody_else_works_on_sunday_and_no_room_holds_two_at_once() -> None:
    taken: Counter[tuple[str | None, str | None]] = Counter()
    for item in of(PractitionerRole):
        assert isinstance(item, PractitionerRole)
        schedule = BY_ID["Schedule", (item.id or "").replace("vt-", "lich-")]
        assert isinstance(schedule, Schedule)
        if item.id != "vt-tran-minh-khoi":
            assert openings(item, schedule, date(2026, 11, 29)) == []
        for days in range(6):
            for slot in openings(item, schedule, TODAY + timedelta(days=days)):
                taken[item.location[0].reference, slot.start] += 1
    assert len(taken) > 1_000
    assert max(taken.values()) == 1
