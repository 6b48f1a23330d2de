"""A whole book as words for a paper: sections of dated lines, from the rows of a copy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
from django.utils import translation

from yba.areas.citizen.queries import place_of, title_of
from yba.care import chart, coverages, people
from yba.care.access_log import type_words
from yba.care.documents import pdf
from yba.fhir.model import codec
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.datatypes import CodeableConcept, Period, Reference, Resource
from yba.fhir.r4.diagnostic_report import DiagnosticReport
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.medication_request import MedicationRequest
from yba.fhir.r4.medication_statement import MedicationStatement
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.procedure import Procedure
from yba.ui import spoken, words

Line = dict[str, str]
#: Types with a section of their own; the rest is listed by name and day, so that nothing is left out.
TITLES: Final = (
    ("Coverage", "Thẻ bảo hiểm y tế"), ("AllergyIntolerance", "Dị ứng"), ("Encounter", "Các lần khám"),
    ("Condition", "Chẩn đoán"), ("MedicationRequest", "Thuốc được kê"), ("MedicationStatement", "Thuốc đang dùng"),
    ("DiagnosticReport", "Phiếu kết quả"), ("Observation", "Chỉ số và kết quả"), ("Procedure", "Thủ thuật, phẫu thuật"),
    ("Immunization", "Tiêm chủng"),
)  # fmt: skip
#: Standings that limit what a line says, or turn it round; a line as it stands has none.
STANDINGS: Final = {
    "entered-in-error": "ghi nhầm", "refuted": "đã loại trừ", "unconfirmed": "chưa xác nhận",
    "provisional": "chẩn đoán sơ bộ", "differential": "chẩn đoán phân biệt", "not-done": "không làm",
    "not-taken": "không dùng", "cancelled": "đã hủy", "revoked": "đã hủy", "stopped": "đã ngừng",
    "on-hold": "đang tạm ngừng", "draft": "bản nháp", "preliminary": "chưa phải kết quả cuối",
    "inactive": "không còn", "resolved": "đã khỏi", "remission": "đã lui bệnh", "recurrence": "tái phát",
    "relapse": "tái phát",
}  # fmt: skip


def book_pdf(resources: Sequence[Resource], *, asked_by: str, made: str) -> bytes:
    """The paper. Raises LookupError when there is no Patient."""
    patient = next((one for one in resources if isinstance(one, Patient)), None)
    if patient is None:
        raise LookupError("a book is a person's")
    person = people.person_of(patient)
    by_type: dict[str, list[Resource]] = defaultdict(list)
    for one in resources:
        by_type[type(one).__name__].append(one)
    sections = [_section(title, by_type.pop(name, [])) for name, title in TITLES]
    by_type.pop("Patient", None)
    rest = [one for name in sorted(by_type) for one in by_type[name]]
    sections.append(_section("Những mục khác", rest))
    return pdf(
        "citizen_privacy/book.typ",
        {
            "name": person.name,
            "facts": [
                ["Ngày sinh", words.ngay(person.birth_date)],
                ["Giới tính", spoken.gender(person.gender)],
                ["Số căn cước", person.citizen_number],
                ["Điện thoại", person.phone],
                ["Địa chỉ", ", ".join(filter(None, [person.address]))],
            ],
            "sections": [one for one in sections if one["lines"]],
            "count": len(resources),
            "made": made,
            "asked_by": asked_by,
        },
    )


def _section(title: str, found: Iterable[Resource]) -> dict[str, Any]:
    lines = [_line(one) for one in found]
    return {"title": title, "lines": sorted(lines, key=lambda one: one["sort"], reverse=True)}


def _line(one: Resource) -> Line:
    describe = _DESCRIBED.get(type(one).__name__)
    when, title, note = describe(one) if describe else _any(one)
    said = "; ".join(filter(None, [*_standings(one), note]))
    return {"sort": when, "when": _day(when), "title": title or _kind(one), "note": said}


def _kind(one: Resource) -> str:
    """What sort of thing a line is that has no words of its own; the paper is Vietnamese, whoever asked for it."""
    with translation.override("vi"):
        found = type_words([type(one).__name__])
    return found[:1].upper() + found[1:]


def _standings(one: Resource) -> list[str]:
    """``ghi nhầm``, ``không làm``: from the status, and a condition's or an allergy's two."""
    codes = {str(getattr(one, "status", None) or "")}
    for name in ("clinicalStatus", "verificationStatus"):
        codes |= chart.codes_of(getattr(one, name, None))
    return list(dict.fromkeys(said for code, said in STANDINGS.items() if code in codes))


def _day(when: str) -> str:
    return words.ngay(when[:10]) if len(when) >= 10 else when


Said = tuple[str, str, str]


def _text(concept: CodeableConcept | None) -> str:
    return chart.text_of(concept) if concept is not None else ""


def _start(period: Period | None) -> str:
    return (period.start or "") if period else ""


def _coverage(one: Coverage) -> Said:
    start, end = coverages.card_period(one)
    days = " – ".join(words.ngay(day) for day in (start, end) if day)
    return start.isoformat() if start else "", coverages.card_of(one), days


def _allergy(one: AllergyIntolerance) -> Said:
    manifestations = [_text(it) for reaction in one.reaction for it in reaction.manifestation]
    return one.recordedDate or "", _text(one.code), ", ".join(filter(None, manifestations))


def _encounter(one: Encounter) -> Said:
    reasons = [_text(it) for it in one.reasonCode]
    return _start(one.period), title_of(one), " · ".join(filter(None, [*reasons, place_of(one)]))


def _condition(one: Condition) -> Said:
    return one.recordedDate or one.onsetDateTime or "", _text(one.code), ""


def _medication(one: MedicationRequest) -> Said:
    how = " ".join(filter(None, (it.text or "" for it in one.dosageInstruction)))
    return one.authoredOn or "", _of_medication(one.medicationCodeableConcept, one.medicationReference), how


def _statement(one: MedicationStatement) -> Said:
    how = " ".join(filter(None, (it.text or "" for it in one.dosage)))
    when = one.effectiveDateTime or _start(one.effectivePeriod) or one.dateAsserted or ""
    return when, _of_medication(one.medicationCodeableConcept, one.medicationReference), how


def _of_medication(concept: CodeableConcept | None, reference: Reference | None) -> str:
    return _text(concept) or chart.display_of(reference)


def _report(one: DiagnosticReport) -> Said:
    return (
        one.effectiveDateTime or _start(one.effectivePeriod) or one.issued or "",
        _text(one.code),
        one.conclusion or "",
    )


def _observation(one: Observation) -> Said:
    parts = [_value(one)] + [f"{_text(it.code)} {_value(it)}".strip() for it in one.component]
    when = one.effectiveDateTime or _start(one.effectivePeriod) or one.issued or ""
    return when, _text(one.code), "; ".join(filter(None, parts))


def _value(one: Any) -> str:
    if one.valueQuantity is not None and one.valueQuantity.value is not None:
        return spoken.quantity(
            one.valueQuantity.value, one.valueQuantity.unit or one.valueQuantity.code or ""
        )
    if one.valueCodeableConcept is not None:
        return _text(one.valueCodeableConcept)
    return next(
        (str(it) for it in (one.valueString, one.valueInteger, one.valueDateTime) if it is not None), ""
    )


def _procedure(one: Procedure) -> Said:
    return one.performedDateTime or _start(one.performedPeriod), _text(one.code), _text(one.outcome)


def _immunization(one: Immunization) -> Said:
    return one.occurrenceDateTime or one.occurrenceString or "", _text(one.vaccineCode), one.lotNumber or ""


def _any(one: Resource) -> Said:
    """A row of another type: its own words, else its type and id; whatever day it tells of."""
    tree: dict[str, Any] = msgspec.json.decode(codec.encode(one))
    day = next(
        (
            str(tree[key])
            for key in ("date", "authoredOn", "created", "recorded", "sent", "issued")
            if key in tree
        ),
        "",
    )
    code = tree.get("code") or tree.get("type") or {}
    code = code[0] if isinstance(code, list) and code else code
    title = code.get("text", "") if isinstance(code, dict) else ""
    return day, title, f"mã {one.id}"


_DESCRIBED: dict[str, Callable[[Any], Said]] = {
    "Coverage": _coverage, "AllergyIntolerance": _allergy, "Encounter": _encounter, "Condition": _condition,
    "MedicationRequest": _medication, "MedicationStatement": _statement, "DiagnosticReport": _report,
    "Observation": _observation, "Procedure": _procedure, "Immunization": _immunization,
}  # fmt: skip
