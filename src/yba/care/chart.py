"""What stands on one page about a person: problems, allergies, medicines, visits, results, immunisations.

Read by a few searches, the same number for a thin record and a thick one, and put into frozen typed values.
The doctor's page and the citizen's book say it in their own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final, Literal
from zoneinfo import ZoneInfo

from yba.care.identifiers import ALLERGEN_CS, DRUG_CS, ICD10, LOINC, PRESCRIPTION
from yba.fhir.model.dates import period_of
from yba.fhir.model.references import target
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Quantity, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.medication_statement import MedicationStatement
from yba.fhir.r4.observation import Observation, ObservationComponent
from yba.fhir.record import Record

HANOI: Final = ZoneInfo("Asia/Ho_Chi_Minh")
SNOMED: Final = "http://snomed.info/sct"
#: "No known allergy (situation)". Source: FHIR R4, allergyintolerance.html#9.1.5.3 (negation).
NO_KNOWN_ALLERGY: Final = "716186003"
NONE_KNOWN_CODES: Final = frozenset({NO_KNOWN_ALLERGY, "409137002", "428607008", "429625007"})
VISITS: Final = 20
RESULTS: Final = 300
POINTS: Final = 6

Direction = Literal["", "high", "low"]


class Asked(Enum):
    """What is known of a person's allergies: never asked is not the same as none."""

    NEVER = "never"
    NONE_KNOWN = "none-known"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Problem:
    """A disease the person lives with. ``since`` is a FHIR date of any precision."""

    id: str
    code: str
    name: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class Allergy:
    """A recorded allergy, gravest first in a chart. ``code`` is of our list of allergens, or empty."""

    id: str
    name: str
    code: str = ""
    reaction: str = ""
    grave: bool = False
    since: str = ""
    category: str = ""
    refuted: bool = False


@dataclass(frozen=True, slots=True)
class Medicine:
    """A medicine being taken: from a prescription, or as somebody said (``request_id`` empty)."""

    request_id: str
    name: str
    drug_code: str = ""
    how: str = ""
    amount: str = ""
    started: str = ""
    until: date | None = None
    prescription: str = ""
    facility: str = ""
    encounter_id: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit with its diagnoses, main one first."""

    id: str
    start: str
    status: str
    title: str
    place: str = ""
    doctor: str = ""
    diagnoses: tuple[Problem, ...] = ()
    medicines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement; ``text`` for what is no number."""

    when: str
    value: Decimal | None
    text: str
    direction: Direction = ""
    grave: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """A measure over time, oldest point first; ``low`` and ``high`` bound the usual range of the last one."""

    code: str
    name: str
    unit: str
    category: str
    points: tuple[Point, ...]
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def last(self) -> Point:
        return self.points[-1]

    @property
    def values(self) -> tuple[Decimal, ...]:
        """The numbers, oldest first."""
        return tuple(point.value for point in self.points if point.value is not None)

    @property
    def band(self) -> tuple[float | None, float | None]:
        """The usual range for drawing only."""
        return (
            None if self.low is None else float(self.low),
            None if self.high is None else float(self.high),
        )


@dataclass(frozen=True, slots=True)
class Dose:
    """A vaccine given."""

    when: str
    name: str
    number: str = ""
    lot: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """One person on one page. ``more_visits``, ``more_results``: older ones exist beyond what is shown."""

    patient_id: str
    problems: tuple[Problem, ...]
    asked: Asked
    allergies: tuple[Allergy, ...]
    medicines: tuple[Medicine, ...]
    visits: tuple[Visit, ...]
    vitals: tuple[Trend, ...]
    results: tuple[Trend, ...]
    immunisations: tuple[Dose, ...]
    more_visits: bool = False
    more_results: bool = False


# -- vital signs: what clinic and chart must agree on --------------------------------------------------


@dataclass(frozen=True, slots=True)
class VitalSign:
    """A vital sign as measured at a desk.

    ``ucum`` is the unit's code, ``unit`` how people write it. Outside ``possible`` is a slip of the pen; outside
    ``usual`` (a resting adult) is out of range; outside ``safe`` is dangerous.
    """

    key: str
    code: str
    name: str
    unit: str
    ucum: str
    possible: tuple[Decimal, Decimal]
    usual: tuple[Decimal | None, Decimal | None] = (None, None)
    safe: tuple[Decimal | None, Decimal | None] = (None, None)


def _sign(
    key: str, code: str, name: str, unit: str, ucum: str, possible: str, usual: str = "-", safe: str = "-"
) -> VitalSign:
    def bounds(text: str) -> tuple[Decimal | None, Decimal | None]:
        low, high = text.split("-")
        return (Decimal(low) if low else None, Decimal(high) if high else None)

    least, most = possible.split("-")
    whole = (Decimal(least), Decimal(most))
    return VitalSign(key, code, name, unit, ucum, whole, bounds(usual), bounds(safe))


BLOOD_PRESSURE: Final = "85354-9"
BODY_MASS_INDEX: Final = "39156-5"
#: LOINC codes and UCUM units: FHIR R4, observation-vitalsigns.html#vitals-table.
VITAL_SIGNS: Final[dict[str, VitalSign]] = {
    sign.key: sign
    for sign in (
        _sign("pulse", "8867-4", "Mạch", "lần/phút", "/min", "20-300", "60-100", "40-130"),
        _sign("systolic", "8480-6", "HA tâm thu", "mmHg", "mm[Hg]", "40-300", "90-139", "80-179"),
        _sign("diastolic", "8462-4", "HA tâm trương", "mmHg", "mm[Hg]", "20-200", "60-89", "50-119"),
        _sign("temperature", "8310-5", "Nhiệt độ", "°C", "Cel", "25-45", "36-37.4", "35-39.9"),
        _sign("oxygen", "2708-6", "SpO₂", "%", "%", "30-100", "95-100", "90-100"),
        _sign("breathing", "9279-1", "Nhịp thở", "lần/phút", "/min", "4-120", "12-20", "8-29"),
        _sign("weight", "29463-7", "Cân nặng", "kg", "kg", "0.3-400"),
        _sign("height", "8302-2", "Chiều cao", "cm", "cm", "20-250"),
    )
}
_BY_CODE: Final = {sign.code: sign for sign in VITAL_SIGNS.values()} | {
    "59408-5": VITAL_SIGNS["oxygen"],
    BODY_MASS_INDEX: _sign("bmi", BODY_MASS_INDEX, "BMI", "kg/m²", "kg/m2", "5-100", "18.5-22.9"),
}


def direction_of(sign: VitalSign, value: Decimal) -> tuple[Direction, bool]:
    """Whether a resting adult's value is out of the usual range, and dangerously so."""
    low, high = sign.usual
    least, most = sign.safe
    if high is not None and value > high:
        return "high", most is not None and value > most
    if low is not None and value < low:
        return "low", least is not None and value < least
    return "", False


# -- the chart -------------------------------------------------------------------------------------------


def chart_of(record: Record, patient_id: str, *, today: date | None = None) -> Chart:
    """Everything one page says of a person, as far as the actor may read it: seven searches."""
    today = today or record.clock().astimezone(HANOI).date()
    whose = ("patient", f"Patient/{patient_id}")
    conditions = record.find(Condition, whose)
    allergies = record.find(AllergyIntolerance, whose)
    requests = record.find(MedicationRequest, whose, ("_sort", "-authoredon"))
    statements = record.find(MedicationStatement, whose)
    encounters = record.search(Encounter, [whose, ("_sort", "-date"), ("_count", str(VISITS))])
    observations = record.search(Observation, [whose, ("_sort", "-date"), ("_count", str(RESULTS))])
    doses = record.find(Immunization, whose, ("_sort", "-date"))
    trends = trends_of([one for one in observations.matches if isinstance(one, Observation)])
    visits = [one for one in encounters.matches if isinstance(one, Encounter)]
    return Chart(
        patient_id=patient_id,
        problems=problems_of(conditions),
        asked=asked_of(allergies),
        allergies=allergies_of(allergies),
        medicines=medicines_of(requests, statements, today=today),
        visits=tuple(_visit(one, conditions, requests) for one in visits if _happened(one)),
        vitals=tuple(trend for trend in trends if trend.category == "vital-signs"),
        results=tuple(trend for trend in trends if trend.category != "vital-signs"),
        immunisations=tuple(_dose(one) for one in doses if one.status == "completed"),
        more_visits=encounters.next is not None,
        more_results=observations.next is not None,
    )


# -- problems --------------------------------------------------------------------------------------------

_OVER: Final = frozenset({"inactive", "remission", "resolved"})
_WRONG: Final = frozenset({"entered-in-error", "refuted"})


def problems_of(conditions: Iterable[Condition]) -> tuple[Problem, ...]:
    """Diseases the person lives with, each once, newest statement first.

    The diagnosis of one visit is not yet such a disease: it counts when it says since when, or came at two visits.
    """
    kept: dict[str, Problem] = {}
    once: set[str] = set()
    for one in sorted(conditions, key=lambda it: it.recordedDate or it.onsetDateTime or "", reverse=True):
        if codes_of(one.clinicalStatus) & _OVER or codes_of(one.verificationStatus) & _WRONG or _abated(one):
            continue
        problem = problem_of(one)
        key = problem.code or problem.name
        if _lasting(one) or key in once:
            kept.setdefault(key, problem)
        once.add(key)
    return tuple(kept.values())


def _lasting(one: Condition) -> bool:
    kinds = {code for concept in one.category for code in codes_of(concept)}
    return "encounter-diagnosis" not in kinds or "problem-list-item" in kinds or one.onsetDateTime is not None


def _abated(one: Condition) -> bool:
    return one.abatementDateTime is not None or one.abatementPeriod is not None


def problem_of(condition: Condition) -> Problem:
    """The values of a Condition."""
    code = next((it.code or "" for it in _codings(condition.code) if it.system == ICD10), "")
    since = condition.onsetDateTime or condition.recordedDate or ""
    return Problem(condition.id or "", code, text_of(condition.code), since)


# -- allergies -------------------------------------------------------------------------------------------


def asked_of(allergies: Sequence[AllergyIntolerance]) -> Asked:
    """Whether anybody ever asked, and what the answer was."""
    kept = [one for one in allergies if not codes_of(one.verificationStatus) & {"entered-in-error"}]
    if any(_is_allergy(one) for one in kept):
        return Asked.KNOWN
    return Asked.NONE_KNOWN if kept else Asked.NEVER


def allergies_of(allergies: Iterable[AllergyIntolerance]) -> tuple[Allergy, ...]:
    """Allergies that count, gravest first: severe or of high criticality, then medicines, then the rest."""
    found = [allergy_of(one) for one in allergies if _is_allergy(one)]
    return tuple(sorted(found, key=lambda one: (not one.grave, one.category != "medication", one.name)))


def allergy_of(resource: AllergyIntolerance) -> Allergy:
    """The values of an AllergyIntolerance."""
    reactions = [
        words
        for reaction in resource.reaction
        for words in [reaction.description or ", ".join(filter(None, map(text_of, reaction.manifestation)))]
        if words
    ]
    severe = any(reaction.severity == "severe" for reaction in resource.reaction)
    coded = next((it.code or "" for it in _codings(resource.code) if it.system == ALLERGEN_CS), "")
    last = next((one.onset for one in resource.reaction if one.onset), None)
    return Allergy(
        id=resource.id or "",
        name=text_of(resource.code) or "?",
        code=coded,
        reaction="; ".join(reactions),
        grave=severe or resource.criticality == "high",
        since=resource.onsetDateTime or last or resource.lastOccurrence or "",
        category=next((one for one in resource.category if one), ""),
    )


def is_none_known(resource: AllergyIntolerance) -> bool:
    """Whether it says that there is no allergy."""
    return bool(codes_of(resource.code) & NONE_KNOWN_CODES)


def _is_allergy(resource: AllergyIntolerance) -> bool:
    gone = codes_of(resource.clinicalStatus) & {"resolved"} or codes_of(resource.verificationStatus) & _WRONG
    return not gone and not is_none_known(resource)


# -- medicines -------------------------------------------------------------------------------------------


def medicines_of(
    requests: Iterable[MedicationRequest], statements: Iterable[MedicationStatement] = (), *, today: date
) -> tuple[Medicine, ...]:
    """What the person takes on a day: prescribed and not run out or stopped, and what they say they take.

    A prescription of another facility is stopped by a MedicationStatement ``stopped`` based on it: what was
    sent out is never changed by somebody else.
    """
    said = list(statements)
    stopped = {
        found[1]
        for one in said
        if one.status in ("stopped", "not-taken", "entered-in-error")
        for based in one.basedOn
        if (found := target(based)) is not None
    }
    taken = [
        medicine
        for one in requests
        if one.status == "active" and one.intent not in ("proposal", "plan") and one.id not in stopped
        for medicine in [medicine_of(one)]
        if medicine.until is None or medicine.until >= today
    ]
    told = [_told(one) for one in said if one.status in ("active", "intended") and not one.basedOn]
    return (*taken, *told)


def medicine_of(request: MedicationRequest) -> Medicine:
    """The values of a MedicationRequest."""
    dose = request.dosageInstruction[0] if request.dosageInstruction else None
    supply = request.dispenseRequest
    group = request.groupIdentifier
    return Medicine(
        request_id=request.id or "",
        name=text_of(request.medicationCodeableConcept) or display_of(request.medicationReference) or "?",
        drug_code=drug_code_of(request.medicationCodeableConcept),
        how=(dose.text or "") if dose else "",
        amount=quantity_words(supply.quantity) if supply and supply.quantity else "",
        started=request.authoredOn or "",
        until=_until(request),
        prescription=(group.value or "") if group and group.system == PRESCRIPTION else "",
        facility=facility_of(request),
        encounter_id=id_of(request.encounter),
    )


def drug_code_of(concept: CodeableConcept | None) -> str:
    """The code of our list of drugs, or nothing."""
    return next((it.code or "" for it in _codings(concept) if it.system == DRUG_CS), "")


def facility_of(resource: MedicationRequest) -> str:
    """The facility that keeps a resource."""
    tags = resource.meta.tag if resource.meta else []
    return next((tag.code or "" for tag in tags if tag.system == "https://yba.vn/fhir/facility"), "")


def _until(request: MedicationRequest) -> date | None:
    """The last day of the course, where the prescription says how long it is."""
    dose = request.dosageInstruction[0] if request.dosageInstruction else None
    repeat = dose.timing.repeat if dose and dose.timing else None
    if repeat and repeat.boundsPeriod and repeat.boundsPeriod.end:
        return _day(repeat.boundsPeriod.end)
    length = repeat.boundsDuration if repeat else None
    if length is None and request.dispenseRequest is not None:
        length = request.dispenseRequest.expectedSupplyDuration
    start = _day(request.authoredOn)
    days = {"d": 1, "wk": 7, "mo": 30, "a": 365}.get((length.code or "d") if length else "")
    if start is None or length is None or length.value is None or days is None:
        return None
    return start + timedelta(days=max(int(length.value * days) - 1, 0))


def _told(one: MedicationStatement) -> Medicine:
    dose = one.dosage[0] if one.dosage else None
    return Medicine(
        request_id="",
        name=text_of(one.medicationCodeableConcept) or display_of(one.medicationReference) or "?",
        drug_code=drug_code_of(one.medicationCodeableConcept),
        how=(dose.text or "") if dose else "",
        started=one.effectiveDateTime or (one.effectivePeriod.start or "" if one.effectivePeriod else ""),
    )


# -- visits ----------------------------------------------------------------------------------------------


def _happened(encounter: Encounter) -> bool:
    return encounter.status not in ("planned", "cancelled", "entered-in-error")


def _visit(
    encounter: Encounter, conditions: Iterable[Condition], requests: Iterable[MedicationRequest]
) -> Visit:
    ranks = {id_of(one.condition): one.rank or 99 for one in encounter.diagnosis}
    own = [
        one
        for one in conditions
        if (one.id in ranks or id_of(one.encounter) == encounter.id)
        and not codes_of(one.verificationStatus) & _WRONG
    ]
    own.sort(key=lambda one: ranks.get(one.id or "", 99))
    title = text_of(encounter.serviceType) or next(filter(None, map(text_of, encounter.type)), "")
    given = [medicine_of(one).name for one in requests if id_of(one.encounter) == encounter.id]
    return Visit(
        id=encounter.id or "",
        start=(encounter.period.start or "") if encounter.period else "",
        status=encounter.status or "",
        title=title or next(filter(None, map(text_of, encounter.reasonCode)), ""),
        place=display_of(encounter.serviceProvider),
        doctor=next(filter(None, (display_of(one.individual) for one in encounter.participant)), ""),
        diagnoses=tuple(problem_of(one) for one in own),
        medicines=tuple(dict.fromkeys(given)),
    )


# -- results ---------------------------------------------------------------------------------------------


def trends_of(observations: Iterable[Observation]) -> tuple[Trend, ...]:
    """Measures of the same code put together, oldest first, the last six; panels count by their components."""
    groups: dict[tuple[str, str], list[tuple[str, Observation | ObservationComponent, Observation]]] = {}
    for one in observations:
        if one.status in ("cancelled", "entered-in-error", "registered"):
            continue
        when = one.effectiveDateTime or one.effectiveInstant or one.issued or ""
        if one.effectivePeriod is not None:
            when = one.effectivePeriod.start or when
        parts: list[Observation | ObservationComponent] = [*one.component] or [one]
        if one.component and _value(one)[1]:
            parts.insert(0, one)
        for part in parts:
            groups.setdefault(_key(part), []).append((when, part, one))
    return tuple(_trend(group) for group in groups.values() if any(_value(it[1])[1] for it in group))


def _key(part: Observation | ObservationComponent) -> tuple[str, str]:
    unit = part.valueQuantity.code or part.valueQuantity.unit or "" if part.valueQuantity else ""
    code = next((it.code for it in part.code.coding if it.code), None) or text_of(part.code)
    return code, unit


def _trend(group: Sequence[tuple[str, Observation | ObservationComponent, Observation]]) -> Trend:
    measured = [it for it in group if _value(it[1])[1]]
    ordered = sorted(measured, key=lambda it: _moment(it[0]))[-POINTS:]
    _when, last, whole = ordered[-1]
    sign = next(
        (_BY_CODE[it.code] for it in last.code.coding if it.system == LOINC and it.code in _BY_CODE), None
    )
    low, high = _range(last, sign)
    categories = {code for concept in whole.category for code in codes_of(concept)}
    vital = sign is not None or "vital-signs" in categories
    quantity = last.valueQuantity
    unit = (quantity.unit or quantity.code or "") if quantity else ""
    return Trend(
        code=_key(last)[0],
        name=sign.name if sign else text_of(last.code),
        unit=sign.unit if sign else unit,
        category="vital-signs" if vital else next(iter(sorted(categories)), "laboratory"),
        points=tuple(_point(when, part, sign) for when, part, _whole in ordered),
        low=low,
        high=high,
    )


def _point(when: str, part: Observation | ObservationComponent, sign: VitalSign | None) -> Point:
    value, text = _value(part)
    said = {code for concept in part.interpretation for code in codes_of(concept)}
    if said & {"H", "HH", "HU", "L", "LL", "LU", "A", "AA"}:
        direction: Direction = "low" if said & {"L", "LL", "LU"} else "high"
        return Point(when, value, text, direction, bool(said & {"HH", "LL", "AA"}))
    if value is None:
        return Point(when, None, text)
    if sign is not None and not part.referenceRange:
        direction, grave = direction_of(sign, value)
        return Point(when, value, text, direction, grave)
    low, high = _range(part, None)
    if high is not None and value > high:
        return Point(when, value, text, "high")
    return Point(when, value, text, "low" if low is not None and value < low else "")


def _range(
    part: Observation | ObservationComponent, sign: VitalSign | None
) -> tuple[Decimal | None, Decimal | None]:
    usual = next((it for it in part.referenceRange if it.low is not None or it.high is not None), None)
    if usual is not None:
        return usual.low.value if usual.low else None, usual.high.value if usual.high else None
    return sign.usual if sign is not None else (None, None)


def _value(part: Observation | ObservationComponent) -> tuple[Decimal | None, str]:
    if part.valueQuantity is not None and part.valueQuantity.value is not None:
        number = part.valueQuantity.value
        return number, f"{number:f}"
    if part.valueInteger is not None:
        return Decimal(part.valueInteger), str(part.valueInteger)
    if part.valueBoolean is not None:
        return None, "+" if part.valueBoolean else "-"
    return None, part.valueString or text_of(part.valueCodeableConcept) or ""


def _moment(text: str) -> datetime:
    """For ordering: FHIR moments come in several zones and precisions."""
    try:
        return period_of(text)[0]
    except ValueError:
        return datetime(1, 1, 1, tzinfo=HANOI)


# -- immunisations ---------------------------------------------------------------------------------------


def _dose(one: Immunization) -> Dose:
    applied = one.protocolApplied[0] if one.protocolApplied else None
    number = str(applied.doseNumberPositiveInt or applied.doseNumberString or "") if applied else ""
    when = one.occurrenceDateTime or one.occurrenceString or ""
    return Dose(when, text_of(one.vaccineCode), number, one.lotNumber or "")


# -- reading elements ------------------------------------------------------------------------------------


def text_of(concept: CodeableConcept | None) -> str:
    """The words of a concept: its text, else the first display, else the first code."""
    if concept is None:
        return ""
    displays = [coding.display for coding in concept.coding if coding.display]
    codes = [coding.code for coding in concept.coding if coding.code]
    return concept.text or (displays[0] if displays else "") or (codes[0] if codes else "")


def codes_of(concept: CodeableConcept | None) -> set[str]:
    """All codes of a concept, whatever their system."""
    return {coding.code for coding in _codings(concept) if coding.code}


def display_of(reference: Reference | None) -> str:
    """The words beside a reference."""
    return (reference.display or "") if reference is not None else ""


def id_of(reference: Reference | None) -> str:
    """The id a reference leads to, or nothing."""
    found = target(reference) if reference is not None else None
    return found[1] if found else ""


def quantity_words(quantity: Quantity) -> str:
    """ "30 viên": number and unit as people write them."""
    number = "" if quantity.value is None else f"{quantity.value:f}".replace(".", ",")
    return " ".join(filter(None, (number, quantity.unit or quantity.code)))


def _codings(concept: CodeableConcept | None) -> list[Coding]:
    return concept.coding if concept is not None else []


def _day(text: str | None) -> date | None:
    """The day in Vietnam of a FHIR date of at least a day's precision."""
    if not text or len(text) < 10:
        return None
    return period_of(text)[0].astimezone(HANOI).date()
