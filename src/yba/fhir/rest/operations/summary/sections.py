"""The sections of a patient summary, and which rows of a chart go into which.

Source: International Patient Summary 1.1 and 2.0, Composition-uv-ips. Problems, allergies and medicines are always
there; where nothing is known they say so by one entry (codes of absent-unknown-uv-ips), which both versions take. The
other sections are there when they have something to say.

Of allergies nothing is left out but what was entered in error or refuted: an unconfirmed one, and one that is not
active any more, is listed with what is said of it. Of measurements the latest of each kind is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from yba.fhir.model.dates import period_of
from yba.fhir.rest.operations.lastn import groups
from yba.fhir.store.rows import Stored

Tree = dict[str, Any]
ABSENT = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
LOINC = "http://loinc.org"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_CONDITION = "http://terminology.hl7.org/CodeSystem/condition-clinical"


@dataclass(frozen=True, slots=True)
class Row:
    """A stored row and its tree."""

    stored: Stored
    tree: Tree


@dataclass(frozen=True, slots=True)
class Section:
    """A section: LOINC code, titles, which rows belong to it, and what stands there when nothing is known."""

    code: str
    display: str
    title: str
    english: str
    takes: Callable[[Tree], bool]
    types: frozenset[str]
    latest: bool = False
    absent: Callable[[str], Tree] | None = None

    def rows(self, found: Sequence[Row]) -> list[Row]:
        """The rows of the section, the most recent first."""
        taken = [one for one in found if one.stored.type in self.types and self.takes(one.tree)]
        taken.sort(key=lambda one: (_instant(one.tree), one.stored.rid), reverse=True)
        if not self.latest:
            return sorted(taken, key=lambda one: is_past(one.tree))
        first = sorted(min(group) for group in groups(_codes(one) for one in taken))
        return [taken[at] for at in first]


def _codes(row: Row) -> list[Any]:
    concept = row.tree.get("code") or {}
    codes: list[Any] = [
        (one.get("system"), one.get("code")) for one in concept.get("coding", ()) if one.get("code")
    ]
    return [(row.stored.type, code) for code in codes or [concept.get("text") or row.stored.id]]


def moment(tree: Mapping[str, Any]) -> str:
    """When something happened, as text; "" where nothing says so."""
    for name in (
        "effectiveDateTime", "effectiveInstant", "occurrenceDateTime", "performedDateTime", "onsetDateTime",
        "recordedDate", "authoredOn", "dateAsserted", "issued", "date", "recordedOn", "created", "dateTime",
    ):  # fmt: skip
        if isinstance(tree.get(name), str):
            return str(tree[name])
    for name in ("effectivePeriod", "performedPeriod", "onsetPeriod", "timingPeriod", "period"):
        period = tree.get(name)
        if isinstance(period, dict) and (period.get("start") or period.get("end")):
            return str(period.get("start") or period.get("end"))
    return ""


def _instant(tree: Mapping[str, Any]) -> datetime:
    """The same as a moment to sort by; the first of all where nothing says so."""
    try:
        return period_of(moment(tree))[0]
    except ValueError:  # none, or like the 30th of February
        return datetime.min.replace(tzinfo=UTC)


def codes_of(tree: Mapping[str, Any], name: str) -> set[str]:
    """The codes of a CodeableConcept, or of a list of them, whatever their system."""
    found = tree.get(name) or []
    listed = found if isinstance(found, list) else [found]
    return {coding["code"] for one in listed for coding in one.get("coding", ()) if coding.get("code")}


_PAST = frozenset({"inactive", "remission", "resolved"})
_WRONG = frozenset({"entered-in-error", "refuted"})


def is_past(tree: Mapping[str, Any]) -> bool:
    """Whether a condition or an allergy is over, as far as its clinical status says."""
    status = tree.get("clinicalStatus")
    return isinstance(status, dict) and bool(codes_of(tree, "clinicalStatus") & _PAST)


def _believed(tree: Tree) -> bool:
    return not codes_of(tree, "verificationStatus") & _WRONG


def _over(tree: Tree) -> bool:
    """A condition that is over: it says so, or says when it ended and has no status."""
    if "clinicalStatus" in tree:
        return is_past(tree)
    return any(name.startswith("abatement") for name in tree)


def _status(*wanted: str) -> Callable[[Tree], bool]:
    return lambda tree: tree.get("status") in wanted


def _status_not(*unwanted: str) -> Callable[[Tree], bool]:
    return lambda tree: tree.get("status") not in unwanted


_RESULT_STATUS = _status("final", "amended", "corrected")
#: Pregnancy status, dates and counts (IPS value sets pregnancy-status-uv-ips, -edd-method and -pregnancies-summary).
_PREGNANCY = frozenset(
    {"82810-3", "11778-8", "11779-6", "11780-2", "11636-8", "11637-6", "11638-4", "11639-2", "11640-0", "11612-9",
     "11613-7", "11614-5", "33065-4"}
)  # fmt: skip


def _of_category(*wanted: str) -> Callable[[Tree], bool]:
    return lambda tree: bool(codes_of(tree, "category") & set(wanted)) and _RESULT_STATUS(tree)


def _is_pregnancy(tree: Tree) -> bool:
    return bool(codes_of(tree, "code") & _PREGNANCY) and _RESULT_STATUS(tree)


def _is_result(tree: Tree) -> bool:
    """A result: a report or an observation of the laboratory, of imaging, of a procedure or an examination by them."""
    if tree["resourceType"] == "DiagnosticReport":
        return _RESULT_STATUS(tree)
    return _of_category("laboratory", "imaging", "procedure")(tree) and not _is_pregnancy(tree)


def _medicine(tree: Tree) -> bool:
    if tree["resourceType"] == "MedicationStatement":
        return tree.get("status") in ("active", "intended", "unknown", "on-hold")
    return tree.get("status") in ("active", "unknown", "on-hold") and tree.get("doNotPerform") is not True


def _no_problems(patient: str) -> Tree:
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": _CONDITION, "code": "active"}]},
        "code": _absent("no-problem-info", "No information about problems"),
        "subject": {"reference": patient},
    }


def _no_allergies(patient: str) -> Tree:
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
        "code": _absent("no-allergy-info", "No information about allergies"),
        "patient": {"reference": patient},
    }


def _no_medicines(patient: str) -> Tree:
    return {
        "resourceType": "MedicationStatement",
        "status": "unknown",
        "medicationCodeableConcept": _absent("no-medication-info", "No information about medications"),
        "subject": {"reference": patient},
        "_effectiveDateTime": {
            "extension": [
                {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
            ]
        },
    }


def _absent(code: str, display: str) -> Tree:
    return {"coding": [{"system": ABSENT, "code": code, "display": display}]}


def _types(*names: str) -> frozenset[str]:
    return frozenset(names)


SECTIONS: tuple[Section, ...] = (
    Section("11450-4", "Problem list - Reported", "Vấn đề sức khỏe đang có", "Active Problems",
            lambda tree: _believed(tree) and not _over(tree), _types("Condition"), absent=_no_problems),
    Section("48765-2", "Allergies and adverse reactions Document", "Dị ứng và không dung nạp",
            "Allergies and Intolerances", _believed, _types("AllergyIntolerance"), absent=_no_allergies),
    Section("10160-0", "History of Medication use Narrative", "Thuốc đang dùng", "Medication Summary",
            _medicine, _types("MedicationStatement", "MedicationRequest"), absent=_no_medicines),
    Section("11369-6", "History of Immunization Narrative", "Tiêm chủng", "Immunizations",
            _status("completed"), _types("Immunization")),
    Section("30954-2", "Relevant diagnostic tests/laboratory data Narrative", "Kết quả xét nghiệm và chẩn đoán",
            "Diagnostic Results", _is_result, _types("Observation", "DiagnosticReport"), latest=True),
    Section("47519-4", "History of Procedures Document", "Phẫu thuật, thủ thuật", "History of Procedures",
            _status_not("entered-in-error", "not-done", "preparation"), _types("Procedure")),
    Section("46264-8", "History of medical device use", "Thiết bị y tế", "Medical Devices",
            _status_not("entered-in-error"), _types("DeviceUseStatement")),
    Section("42348-3", "Advance directives", "Nguyện vọng được báo trước", "Advance Directives",
            _status("active"), _types("Consent")),
    Section("104605-1", "Alert", "Cảnh báo", "Alerts", _status("active"), _types("Flag")),
    Section("8716-3", "Vital signs", "Dấu hiệu sinh tồn", "Vital Signs", _of_category("vital-signs"),
            _types("Observation"), latest=True),
    Section("11348-0", "History of Past illness Narrative", "Bệnh đã qua", "History of Past Illness",
            lambda tree: _believed(tree) and _over(tree), _types("Condition")),
    Section("10162-6", "History of pregnancies Narrative", "Thai sản", "History of Pregnancy", _is_pregnancy,
            _types("Observation"), latest=True),
    Section("29762-2", "Social history Narrative", "Lối sống", "Social History",
            lambda tree: _of_category("social-history")(tree) and not _is_pregnancy(tree), _types("Observation"),
            latest=True),
    Section("47420-5", "Functional status assessment note", "Tình trạng chức năng", "Functional Status",
            _status("in-progress", "completed"), _types("ClinicalImpression")),
    Section("18776-5", "Plan of care note", "Kế hoạch chăm sóc", "Plan of Care",
            lambda tree: tree["resourceType"] == "ImmunizationRecommendation"
            or tree.get("status") in ("active", "on-hold", "unknown"),
            _types("CarePlan", "ImmunizationRecommendation")),
)  # fmt: skip

TYPES: tuple[str, ...] = tuple(sorted({name for one in SECTIONS for name in one.types}))
#: What a summary without would mislead: who has no right to one of these gets no summary.
NEEDED = ("AllergyIntolerance", "Condition", "MedicationRequest", "MedicationStatement")


def trees(rows: Iterable[Stored], parse: Callable[[bytes], Any]) -> list[Row]:
    """The rows with their trees."""
    return [Row(one, parse(one.content or b"{}")) for one in rows]
