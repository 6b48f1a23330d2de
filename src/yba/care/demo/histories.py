"""Five years of believable history for an invented person: visits, measures, diagnoses, prescriptions, stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Final

from yba.care import catalogues, identifiers
from yba.care.demo.building import HL7, at, concept, identifier, moment, of_facility, ref
from yba.care.demo.facilities import Doctor, doctors_of, exam_service, facility, room_id
from yba.care.demo.illnesses import ACUTE, BIRTH, CHILDREN, CHRONIC, PREGNANCY, STAYS, Given, Illness
from yba.care.demo.measures import Setting, body_of, laboratory, vital_signs
from yba.care.demo.people import HEROINE, Person
from yba.care.demo.prevention import allergies_of
from yba.care.diagnoses import vietnamese_names
from yba.care.medicines import allergy_conflicts, dosage_of, units_to_dispense
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.clinical_impression import ClinicalImpression
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import (
    Annotation,
    CodeableConcept,
    Coding,
    Meta,
    Period,
    Quantity,
    Reference,
    Resource,
)
from yba.fhir.r4.encounter import (
    Encounter,
    EncounterDiagnosis,
    EncounterLocation,
    EncounterParticipant,
)
from yba.fhir.r4.medication_dispense import MedicationDispense
from yba.fhir.r4.medication_request import MedicationRequest, MedicationRequestDispenseRequest

YEARS: Final = 5
_PREGNANCY_DAYS: Final = 280
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class _Event:
    """Something that brought a person to a facility on a day; ``days`` above 0 is a stay."""

    day: date
    illness: Illness
    also: tuple[Illness, ...] = ()
    days: int = 0


@dataclass(slots=True)
class _Life:
    person: Person
    today: date
    random: Random
    allergies: list[AllergyIntolerance]
    chronic: list[tuple[Illness, date]]
    closed: list[tuple[date, date]]
    height: int
    index: float

    @property
    def slug(self) -> str:
        return self.person.id.removeprefix("nb-")

    @property
    def patient(self) -> Reference:
        return ref("Patient", self.person.id, self.person.name)


def history(random: Random, person: Person, today: date, children: Sequence[Person]) -> Iterator[Resource]:
    """Everything recorded about a person, oldest first; ``children``: those the person is mother of."""
    female = person.sex == "female"
    life = _Life(
        person,
        today,
        random,
        allergies_of(random, person, today),
        _chronic_of(random, person, today),
        _pregnancies(person, today, children) if female else [],
        random.randint(148, 162) if female else random.randint(158, 174),
        random.randint(190, 270) / 10,
    )
    yield from life.allergies
    for illness, onset in life.chronic:
        yield _problem(life, illness, onset)
    events = sorted(_events(life, children), key=lambda event: event.day)
    seen: set[date] = set()
    for number, event in enumerate(events, 1):
        # One event a day, and none after yesterday.
        if event.day not in seen and event.day + timedelta(days=event.days) < today:
            seen.add(event.day)
            yield from _stay(life, event, number) if event.days else _visit(life, event, number)


def _pregnancies(person: Person, today: date, children: Sequence[Person]) -> list[tuple[date, date]]:
    """Times in which only visits about the pregnancy are invented."""
    times = [(child.birth - timedelta(days=_PREGNANCY_DAYS), child.birth) for child in children]
    if person.expecting:
        times.append((today - timedelta(days=_PREGNANCY_DAYS), today))
    return times


def _chronic_of(random: Random, person: Person, today: date) -> list[tuple[Illness, date]]:
    age = person.age(today)
    if person.id == HEROINE:
        by_code = {illness.code: illness for illness in CHRONIC}
        return [(by_code["I10"], date(2016, 5, 10)), (by_code["E11.9"], date(2019, 9, 3))]
    found: list[tuple[Illness, date]] = []
    for illness in CHRONIC:
        fits = illness.age_from <= age <= illness.age_to and illness.sex in ("", person.sex)
        if fits and random.randint(1, 100) <= illness.share and len(found) < 3 and not person.expecting:
            years = random.randint(0, min(12, age - illness.age_from))
            found.append((illness, today - timedelta(days=years * 365 + random.randint(40, 330))))
    return found


def _events(life: _Life, children: Sequence[Person]) -> Iterator[_Event]:
    random, today = life.random, life.today
    yield from _chronic_visits(life)
    acute = 2 if life.person.age(today) < 12 else random.choices((0, 1, 2), (30, 45, 25))[0]
    for _each in range(acute):
        day = today - timedelta(days=random.randint(3, YEARS * 365))
        illness = _illness_on(life, day)
        if illness:
            yield _Event(day, illness)
    if life.person.expecting:
        weeks = random.randint(14, 34)
        for month in range(min(3, (weeks - 8) // 4)):
            yield _Event(today - timedelta(days=28 * month + random.randint(5, 12)), PREGNANCY)
    for child in children:
        if (today - child.birth).days < YEARS * 365 and random.random() < 0.6:
            yield _Event(child.birth, BIRTH, (), 3)
    for illness, days in STAYS:
        age = life.person.age(today) - YEARS
        if (
            illness.age_from <= age
            and age + YEARS <= illness.age_to
            and random.randint(1, 100) <= illness.share
        ):
            day = today - timedelta(days=random.randint(20, YEARS * 365))
            if life.person.id != HEROINE and not _closed(life, day, days):
                yield _Event(day, illness, tuple(item for item, onset in life.chronic if onset < day), days)


def _chronic_visits(life: _Life) -> Iterator[_Event]:
    """Follow-up visits since the first illness began: each time one illness leads and the others are noted too."""
    if not life.chronic:
        return
    many = 7 if life.person.id == HEROINE else life.random.randint(2, 5)
    gap = life.random.randint(80, 150)
    for number in range(many):
        day = life.today - timedelta(days=12 + number * gap + life.random.randint(0, 15))
        known = [illness for illness, onset in life.chronic if onset < day]
        if known and (life.today - day).days < YEARS * 365 and not _closed(life, day, 0):
            lead = known[number % len(known)]
            yield _Event(day, lead, tuple(illness for illness in known if illness is not lead))


def _closed(life: _Life, day: date, days: int) -> bool:
    return any(start <= day + timedelta(days=days) and day <= end for start, end in life.closed)


def _illness_on(life: _Life, day: date) -> Illness | None:
    """An acute illness that fits the age and sex on a day."""
    if day <= life.person.birth + timedelta(days=45) or _closed(life, day, 0):
        return None
    age = life.person.age(day)
    fitting = [
        illness
        for illness in (CHILDREN if age < 12 else ACUTE)
        if illness.age_from <= age <= illness.age_to and illness.sex in ("", life.person.sex)
    ]
    if not fitting:
        return None
    return life.random.choices(fitting, [illness.share for illness in fitting])[0]


# Visits


@dataclass(frozen=True, slots=True)
class _Place:
    doctor: Doctor
    start: datetime

    @property
    def tag(self) -> Meta:
        return of_facility(self.doctor.facility)

    @property
    def who(self) -> Reference:
        return ref("Practitioner", self.doctor.id, self.doctor.display)

    @property
    def house(self) -> Reference:
        return ref("Organization", self.doctor.facility, facility(self.doctor.facility).name)

    @property
    def room(self) -> Reference:
        return ref("Location", room_id(facility(self.doctor.facility), self.doctor.room), self.doctor.room)


def _place(life: _Life, illness: Illness, day: date) -> _Place:
    """A doctor of the specialty, at an hour of the timetable."""
    doctors = doctors_of(illness.specialty)
    doctor = doctors[0] if life.person.id == HEROINE else life.random.choice(doctors)
    for session in doctor.times:
        days, start, _end = session.split()
        if _works(days, day):
            hour, minute = (int(part) for part in start.split(":"))
            return _Place(doctor, at(day, hour, minute) + timedelta(minutes=20 * life.random.randint(0, 7)))
    return _place(life, illness, day - timedelta(days=1))


def _works(days: str, day: date) -> bool:
    name = _DAYS[day.weekday()]
    if "-" in days:
        first, last = days.split("-")
        return _DAYS.index(first) <= day.weekday() <= _DAYS.index(last)
    return name in days.split(",")


def _visit(life: _Life, event: _Event, number: int) -> Iterator[Resource]:
    place = _place(life, event.illness, event.day)
    id = f"kb-{life.slug}-{number}"
    end = place.start + timedelta(minutes=life.random.randint(12, 28))
    setting = Setting(id, life.patient, place.who, moment(place.start), place.tag)
    illnesses = (event.illness, *event.also)
    service = exam_service(event.illness.specialty)
    yield Encounter(
        id=id,
        meta=place.tag,
        status="finished",
        class_=Coding(system=HL7 + "v3-ActCode", code="AMB", display="Khám ngoại trú"),
        type=[concept(identifiers.SERVICE_CS, service.code, service.name_vi, service.name_vi)],
        subject=life.patient,
        participant=[EncounterParticipant(individual=place.who)],
        period=Period(start=moment(place.start), end=moment(end)),
        reasonCode=[CodeableConcept(text=event.illness.complaint)],
        diagnosis=_diagnoses(id, illnesses),
        location=[EncounterLocation(location=place.room)],
        serviceProvider=place.house,
    )
    yield from _measured(life, event, setting)
    for rank, illness in enumerate(illnesses, 1):
        yield _condition(life, illness, setting, rank)
    yield _impression(life, event.illness, setting)
    yield from _prescription(life, illnesses, setting, place, end)


def _diagnoses(id: str, illnesses: Sequence[Illness]) -> list[EncounterDiagnosis]:
    return [
        EncounterDiagnosis(
            condition=ref("Condition", f"{id}-cd{rank}", vietnamese_names()[illness.code]),
            use=concept(HL7 + "diagnosis-role", "AD", text="Chẩn đoán"),
            rank=rank,
        )
        for rank, illness in enumerate(illnesses, 1)
    ]


def _measured(life: _Life, event: _Event, setting: Setting) -> Iterator[Resource]:
    day = date.fromisoformat(setting.when[:10])
    age, female = life.person.age(day), life.person.sex == "female"
    codes = {event.illness.code} | {illness.code for illness, onset in life.chronic if onset < day}
    yield from vital_signs(
        life.random,
        setting,
        age=age,
        body=body_of(age, height=life.height, index=life.index),
        hypertensive="I10" in codes,
        temperature=event.illness.temperature,
    )
    tests = dict.fromkeys(test for illness in (event.illness, *event.also) for test in illness.tests)
    for key in tests:
        # Men and children have another haemoglobin range; only pregnant women are measured here.
        if key != "hemoglobin" or female:
            yield laboratory(life.random, setting, key, frozenset(codes))


def _condition(life: _Life, illness: Illness, setting: Setting, rank: int) -> Condition:
    lasting = any(illness is known for known, _onset in life.chronic) or illness is PREGNANCY
    made = _diagnosis(life, illness, f"{setting.encounter}-cd{rank}", "encounter-diagnosis", lasting)
    made.meta = setting.tag
    made.encounter = ref("Encounter", setting.encounter)
    made.recordedDate = setting.when
    made.recorder = setting.performer
    return made


def _problem(life: _Life, illness: Illness, onset: date) -> Condition:
    """An entry of the problem list: no facility's own, it goes with the person."""
    id = f"vd-{life.slug}-{illness.code.lower().replace('.', '-')}"
    made = _diagnosis(life, illness, id, "problem-list-item", True)
    made.onsetDateTime = onset.isoformat()
    made.recordedDate = onset.isoformat()
    return made


def _diagnosis(life: _Life, illness: Illness, id: str, category: str, lasting: bool) -> Condition:
    name = vietnamese_names()[illness.code]
    return Condition(
        id=id,
        clinicalStatus=concept(HL7 + "condition-clinical", "active" if lasting else "resolved"),
        verificationStatus=concept(HL7 + "condition-ver-status", "confirmed"),
        category=[concept(HL7 + "condition-category", category)],
        code=concept(identifiers.ICD10, illness.code, name, name),
        subject=life.patient,
    )


def _impression(life: _Life, illness: Illness, setting: Setting) -> ClinicalImpression:
    return ClinicalImpression(
        id=f"{setting.encounter}-kham",
        meta=setting.tag,
        status="completed",
        description=illness.complaint,
        subject=life.patient,
        encounter=ref("Encounter", setting.encounter),
        effectiveDateTime=setting.when,
        date=setting.when,
        assessor=setting.performer,
        summary=illness.finding,
        note=[Annotation(text=illness.advice)],
    )


# Prescriptions


@cache
def _by_name() -> dict[str, catalogues.Drug]:
    return {drug.name: drug for drug in reversed(catalogues.drugs())}


def _safe(given: Given | None, allergies: Sequence[AllergyIntolerance]) -> Given | None:
    """The first choice that no recorded allergy stops or warns of."""
    while given and allergy_conflicts(_by_name()[given.drug], allergies):
        given = given.otherwise
    return given


def _prescription(
    life: _Life, illnesses: Sequence[Illness], setting: Setting, place: _Place, end: datetime
) -> Iterator[MedicationRequest | MedicationDispense]:
    lines: dict[str, tuple[Given, Illness, int]] = {}
    taken: set[str] = set()
    for rank, illness in enumerate(illnesses, 1):
        for wanted in illness.given:
            given = _safe(wanted, life.allergies)
            if given and not taken.intersection(_by_name()[given.drug].active_ingredients):
                taken.update(_by_name()[given.drug].active_ingredients)
                lines[given.drug] = (given, illness, rank)
    if not lines:
        return
    house = facility(place.doctor.facility)
    code = identifiers.new_prescription_code(house.code, "C", choose=life.random.choice)
    for number, (given, illness, rank) in enumerate(lines.values(), 1):
        drug = _by_name()[given.drug]
        condition = ref("Condition", f"{setting.encounter}-cd{rank}", vietnamese_names()[illness.code])
        units = units_to_dispense(drug, amount=given.amount, times=given.times, days=given.days)
        request = MedicationRequest(
            id=f"{setting.encounter}-th{number}",
            meta=setting.tag,
            status="active" if end.date() + timedelta(days=given.days) >= life.today else "completed",
            intent="order",
            category=[concept(HL7 + "medicationrequest-category", "outpatient")],
            medicationCodeableConcept=concept(identifiers.DRUG_CS, drug.code, drug.label, drug.label),
            subject=life.patient,
            encounter=ref("Encounter", setting.encounter),
            authoredOn=moment(end),
            requester=setting.performer,
            reasonReference=[condition],
            groupIdentifier=identifier(identifiers.PRESCRIPTION, code),
            dosageInstruction=[
                dosage_of(
                    drug, amount=given.amount, times=given.times, moments=given.moments, days=given.days
                )
            ],
            dispenseRequest=MedicationRequestDispenseRequest(
                quantity=Quantity(value=Decimal(units), unit=drug.unit)
            ),
        )
        yield request
        if request.status == "active":
            # What people still take has been handed out, so that no pharmacy finds it waiting.
            yield _handed_out(request, drug, units, end)


def _handed_out(
    request: MedicationRequest, drug: catalogues.Drug, units: int, end: datetime
) -> MedicationDispense:
    return MedicationDispense(
        id=f"{request.id}-cap",
        meta=request.meta,
        status="completed",
        medicationCodeableConcept=request.medicationCodeableConcept,
        subject=request.subject,
        context=request.encounter,
        authorizingPrescription=[ref("MedicationRequest", request.id or "")],
        quantity=Quantity(value=Decimal(units), unit=drug.unit),
        whenHandedOver=moment(end + timedelta(minutes=25)),
        dosageInstruction=request.dosageInstruction,
    )


# Stays


def _stay(life: _Life, event: _Event, number: int) -> Iterator[Resource]:
    """A stay in the provincial hospital, with what was measured on admission."""
    doctors = [item for item in doctors_of(event.illness.specialty) if item.facility == "bvdk-huong-giang"]
    start = at(event.day, life.random.randint(6, 20), 15)
    place = _Place(doctors[0], start)
    end = at(event.day + timedelta(days=event.days), 10)
    id = f"nv-{life.slug}-{number}"
    setting = Setting(id, life.patient, place.who, moment(start), place.tag)
    illnesses = (event.illness, *event.also)
    yield Encounter(
        id=id,
        meta=place.tag,
        status="finished",
        class_=Coding(system=HL7 + "v3-ActCode", code="IMP", display="Điều trị nội trú"),
        subject=life.patient,
        participant=[EncounterParticipant(individual=place.who)],
        period=Period(start=moment(start), end=moment(end)),
        reasonCode=[CodeableConcept(text=event.illness.complaint)],
        diagnosis=_diagnoses(id, illnesses),
        serviceProvider=place.house,
    )
    yield from _measured(life, event, setting)
    for rank, illness in enumerate(illnesses, 1):
        yield _condition(life, illness, setting, rank)
    yield _impression(life, event.illness, setting)
