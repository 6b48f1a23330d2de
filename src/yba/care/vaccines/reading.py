"""Out of the record into the evaluator's values: history, facts, the person. Every row through the reader's door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from yba.care.chart import codes_of, is_none_known, text_of
from yba.care.chart.problems import WRONG
from yba.care.identifiers import ALLERGEN_CS, ICD10, LOINC, VACCINE_CS
from yba.care.vaccines.forecasting import advise
from yba.care.vaccines.schedule import Product, Schedule, schedule
from yba.care.vaccines.values import Advice, Fact, Given, Person
from yba.fhir.access.writing import Given as Made
from yba.fhir.access.writing import may_store
from yba.fhir.model import references
from yba.fhir.model.dates import period_of
from yba.fhir.r4.adverse_event import AdverseEvent
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, find_of, one_person
from yba.fhir.store.identity import shard_of
from yba.ui.words import HANOI, local_day

CVX: Final = "http://hl7.org/fhir/sid/cvx"
PREGNANCY_STATUS: Final = "82810-3"
_PREGNANT: Final = frozenset({"77386006", "LA15173-0"})
_NOT_PREGNANT: Final = frozenset({"60001007", "LA26683-5"})
_OVER: Final = frozenset({"inactive", "remission", "resolved"})
#: A pregnancy that was noted longer ago is over.
_TERM: Final = timedelta(days=300)


@dataclass(frozen=True, slots=True)
class Chart:
    """What advice about a person stands on."""

    patient: Patient
    person: Person
    history: tuple[Given, ...]
    rows: tuple[Immunization, ...]
    facts: tuple[Fact, ...]
    asked_allergies: bool
    sees_all: bool

    def row(self, identifier: str) -> Immunization | None:
        return next((one for one in self.rows if one.id == identifier), None)


def chart_of(record: Record, patient_id: str, *, on: date | None = None) -> Chart:
    """What the reader may see of what the schedule is asked with; five searches. Raises NotFound."""
    made, today = schedule(), on or local_day(record.clock())
    patient = record.read(Patient, patient_id)
    who = one_person(record, patient_id)
    rows = find_of(record, Immunization, who)
    allergies = find_of(record, AllergyIntolerance, who)
    conditions = find_of(record, Condition, who)
    events = record.find(AdverseEvent, ("subject", f"Patient/{patient_id}"))
    said = record.find(
        Observation, ("patient", f"Patient/{patient_id}"), ("code", f"{LOINC}|{PREGNANCY_STATUS}")
    )
    history = tuple(given(made, one) for one in rows)
    return Chart(
        patient=patient,
        person=Person(whole_day(patient.birthDate), patient.gender or "", _pregnant(said, conditions, today)),
        history=history,
        rows=tuple(rows),
        facts=(
            *_of_conditions(conditions),
            *_of_allergies(made, allergies),
            *_of_events(events, rows, history),
        ),
        asked_allergies=bool(allergies),
        sees_all=sees_all(record, patient_id),
    )


def sees_all(record: Record, patient_id: str) -> bool:
    """Whether the reader sees the vaccinations of every house: their own, or shared with them.

    Asked of the reader's rights over a vaccination there could be, so the answer tells nothing of those there are.
    """
    row = Made(
        type="Immunization", id="any", shard=shard_of(patient_id), patient=patient_id, facility="elsewhere",
        occurred=None, updated=record.clock(), index=lambda _table: "[]",
    )  # fmt: skip
    return may_store(lambda: record.connection, record.actor, "read", row)


def advice_of(record: Record, patient_id: str, *, on: date | None = None) -> tuple[Chart, Advice]:
    """What the schedule says of a person by what the reader sees of them (``Advice.partial``). Raises NotFound."""
    today = on or local_day(record.clock())
    chart = chart_of(record, patient_id, on=today)
    found = advise(schedule(), chart.person, chart.history, chart.facts, on=today)
    return chart, replace(found, partial=not chart.sees_all)


def whole_day(text: str | None) -> date | None:
    """A date that names its day; None for a year or a month alone."""
    try:
        return date.fromisoformat(text) if text and len(text) == 10 else None
    except ValueError:
        return None


# -- vaccinations ------------------------------------------------------------------------------------------


def product_of(made: Schedule, concept: CodeableConcept | None) -> Product | None:
    """The vaccine a concept codes, by the house's list or by CVX."""
    coding = concept.coding if concept is not None else []
    return made.product_of(
        own=[one.code for one in coding if one.system == VACCINE_CS and one.code],
        cvx=[one.code for one in coding if one.system == CVX and one.code],
    )


def given(made: Schedule, row: Immunization) -> Given:
    """A vaccination as it is recorded."""
    first, last = _days(row.occurrenceDateTime)
    expired = whole_day(row.expirationDate)
    spoilt = "subpotent" if row.isSubpotent else ""
    if expired is not None and first is not None and first > expired:
        spoilt = "expired"
    return Given(
        id=row.id or "",
        name=text_of(row.vaccineCode),
        product=product_of(made, row.vaccineCode),
        first=first,
        last=last,
        status=row.status or "entered-in-error",
        spoilt=spoilt,
    )


def _days(text: str | None) -> tuple[date | None, date | None]:
    """The first and the last day a FHIR dateTime may mean, in Vietnam."""
    if not text:
        return None, None
    if len(text) == 10:
        day = whole_day(text)
        return day, day
    try:
        start, end = period_of(text)
        first, last = start.astimezone(HANOI).date(), (end - timedelta(seconds=1)).astimezone(HANOI).date()
    except (ValueError, OverflowError):
        return None, None
    return (first, first) if "T" in text else (first, last)


# -- what may stand against --------------------------------------------------------------------------------


def _coded(concept: CodeableConcept | None, system: str) -> str:
    coding = concept.coding if concept is not None else []
    return next((one.code for one in coding if one.system == system and one.code), "")


def _of_conditions(conditions: Iterable[Condition]) -> list[Fact]:
    """Diseases, also those that are over: what lowers immunity or lay in the gut counts for good."""
    return [
        Fact("condition", _coded(one.code, ICD10), text_of(one.code), reference=f"Condition/{one.id}")
        for one in conditions
        if not codes_of(one.verificationStatus) & WRONG
    ]


def _of_allergies(made: Schedule, allergies: Iterable[AllergyIntolerance]) -> list[Fact]:
    found = []
    for one in allergies:
        if codes_of(one.verificationStatus) & WRONG or codes_of(one.clinicalStatus) & {"resolved"}:
            continue
        if is_none_known(one):
            continue
        grave = one.criticality == "high" or any(it.severity == "severe" for it in one.reaction)
        name = f"AllergyIntolerance/{one.id}"
        product = product_of(made, one.code)
        if product is not None:
            found.append(Fact("reaction", "", text_of(one.code), grave, frozenset(product.antigens), name))
        else:
            code = _coded(one.code, ALLERGEN_CS)
            found.append(Fact("allergy", code, text_of(one.code), grave, reference=name))
    return found


def _of_events(
    events: Iterable[AdverseEvent], rows: Sequence[Immunization], history: Sequence[Given]
) -> list[Fact]:
    """Reactions to vaccines, as adverse events or as the vaccination itself tells."""
    products = {one.id: one.product for one in history}
    found, told = [], set()
    for event in events:
        for suspect in event.suspectEntity:
            target = references.target(suspect.instance)
            if target is None or target[0] != "Immunization":
                continue
            told.add(target[1])
            product = products.get(target[1])
            found.append(
                Fact(
                    "reaction", "", text_of(event.event), _is_grave(event),
                    frozenset(product.antigens) if product else frozenset(), f"AdverseEvent/{event.id}",
                )
            )  # fmt: skip
    for row in rows:
        if row.reaction and row.id not in told and row.status == "completed":
            product = products.get(row.id or "")
            antigens = frozenset(product.antigens) if product else frozenset[str]()
            found.append(
                Fact("reaction", "", text_of(row.vaccineCode), False, antigens, f"Immunization/{row.id}")
            )
    return found


def _is_grave(event: AdverseEvent) -> bool:
    return bool(codes_of(event.severity) & {"severe"} or codes_of(event.seriousness) & {"serious", "Serious"})


def _pregnant(said: Iterable[Observation], conditions: Iterable[Condition], today: date) -> bool | None:
    """The newest word on a pregnancy within a pregnancy's length; None when there is none."""
    found: list[tuple[date, bool]] = []
    for one in said:
        _first, day = _days(one.effectiveDateTime)
        codes = codes_of(one.valueCodeableConcept)
        if day is not None and today - _TERM <= day <= today and codes & (_PREGNANT | _NOT_PREGNANT):
            found.append((day, bool(codes & _PREGNANT)))
    for it in conditions:
        code = _coded(it.code, ICD10)
        _first, day = _days(it.onsetDateTime or it.recordedDate)
        if not code.startswith(("O0", "O1", "O2", "O3", "O4", "Z33", "Z34", "Z35")) or _is_over(it):
            continue
        if day is not None and today - _TERM <= day <= today and not code.startswith(_ENDED):
            found.append((day, True))
    return max(found)[1] if found else None


#: Pregnancies with abortive outcome (ICD-10 O00-O08): they are over.
_ENDED: Final = tuple(f"O0{number}" for number in range(9))


def _is_over(one: Condition) -> bool:
    abated: Any = one.abatementDateTime or one.abatementPeriod
    return bool(abated or codes_of(one.clinicalStatus) & _OVER or codes_of(one.verificationStatus) & WRONG)
