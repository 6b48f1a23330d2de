"""What the types of the record are about, in words a person decides by: the lines of the consent page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from yba.fhir.access.actor import Scope
from yba.fhir.r4 import MODULES
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.site.oauth import scopes

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

SEE: Final = "see"
CHANGE: Final = "change"
_LETTERS: Final = {SEE: frozenset("rs"), CHANGE: frozenset("cud")}


@dataclass(frozen=True, slots=True)
class Subject:
    """A part of a book: types that a person thinks of as one thing."""

    key: str
    name: StrPromise
    note: StrPromise
    types: frozenset[str]


def _of(key: str, name: StrPromise, note: StrPromise, types: str) -> Subject:
    return Subject(key, name, note, frozenset(types.split()))


_NAMED: Final = (
    _of(
        "than-nhan",
        _("Thông tin cá nhân"),
        _("Họ tên, ngày sinh, địa chỉ, số điện thoại, người thân"),
        "Patient RelatedPerson Person",
    ),
    _of("di-ung", _("Dị ứng"), _("Thuốc và thức ăn gây dị ứng"), "AllergyIntolerance AdverseEvent"),
    _of(
        "thuoc",
        _("Thuốc"),
        _("Đơn thuốc, thuốc đã phát, thuốc đang dùng"),
        "Medication MedicationRequest MedicationStatement MedicationDispense MedicationAdministration",
    ),
    _of(
        "benh",
        _("Bệnh và vấn đề sức khỏe"),
        _("Chẩn đoán, bệnh đang theo dõi, bệnh trong gia đình"),
        "Condition ClinicalImpression FamilyMemberHistory RiskAssessment DetectedIssue Flag",
    ),
    _of(
        "ket-qua",
        _("Kết quả đo và xét nghiệm"),
        _("Huyết áp, cân nặng, xét nghiệm, phim chụp"),
        "Observation DiagnosticReport Specimen ImagingStudy Media MolecularSequence BodyStructure",
    ),
    _of(
        "thu-thuat",
        _("Phẫu thuật, thủ thuật, chỉ định"),
        _("Việc đã làm và việc bác sĩ chỉ định"),
        "Procedure ServiceRequest DeviceRequest DeviceUseStatement RequestGroup VisionPrescription",
    ),
    _of(
        "tiem-chung",
        _("Tiêm chủng"),
        _("Mũi đã tiêm, mũi sắp tới"),
        "Immunization ImmunizationEvaluation ImmunizationRecommendation",
    ),
    _of(
        "luot-kham",
        _("Lượt khám và lịch hẹn"),
        _("Đã khám ở đâu, khi nào, hẹn khi nào"),
        "Encounter Appointment AppointmentResponse EpisodeOfCare",
    ),
    _of(
        "ke-hoach",
        _("Kế hoạch chăm sóc"),
        _("Mục tiêu, chế độ ăn, nhóm chăm sóc"),
        "CarePlan CareTeam Goal NutritionOrder Task",
    ),
    _of(
        "giay-to",
        _("Giấy tờ và phiếu"),
        _("Bệnh án, giấy ra viện, phiếu đã điền, tin nhắn"),
        "DocumentReference DocumentManifest Composition QuestionnaireResponse Binary Communication List",
    ),
    _of(
        "bao-hiem",
        _("Bảo hiểm và viện phí"),
        _("Thẻ bảo hiểm, khoản đã trả, hồ sơ thanh toán"),
        "Coverage Claim ClaimResponse ExplanationOfBenefit Invoice Account ChargeItem CoverageEligibilityRequest"
        " CoverageEligibilityResponse",
    ),
    _of(
        "dong-y",
        _("Đồng ý chia sẻ và nhật ký"),
        _("Đã chia sẻ cho ai, ai đã xem"),
        "Consent AuditEvent Provenance",
    ),
    _of(
        "danh-muc",
        _("Danh mục chung"),
        _("Cơ sở y tế, bác sĩ, giờ khám: không nói gì về người bệnh"),
        "Organization Practitioner PractitionerRole Location HealthcareService Schedule Slot Questionnaire ValueSet"
        " CodeSystem MedicationKnowledge",
    ),
)  # fmt: skip
_KNOWN: Final = frozenset().union(*(one.types for one in _NAMED))
REST: Final = Subject(
    "khac", _("Mọi phần còn lại"), _("Những loại ghi chép ít gặp khác"), frozenset(MODULES) - _KNOWN
)
SUBJECTS: Final = (*_NAMED, REST)
_CHART: Final = frozenset(COMPARTMENTS["Patient"]) | {"Patient"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing a person gives or not: a part of the book, seen or changed."""

    key: str
    context: str
    subject: Subject
    act: str
    parts: tuple[tuple[str, Scope], ...]
    """Asked scope -> what of it this line is."""

    @property
    def narrowed(self) -> bool:
        """Whether only some of it is asked, by criteria."""
        return all(scope.criteria for _, scope in self.parts)


def lines(asked: Sequence[str]) -> list[Line]:
    """The lines that the asked scopes come to, in the order of a book."""
    found: dict[tuple[str, int, str], list[tuple[str, Scope]]] = {}
    for text in asked:
        scope = scopes.read(text)
        if scope is None:
            continue
        for place, subject in enumerate(SUBJECTS):
            if scope.type != "*" and scope.type not in subject.types:
                continue
            for act, letters in _LETTERS.items():
                here = scope.interactions & letters
                if here:
                    part = Scope(scope.context, scope.type, here, scope.criteria)
                    found.setdefault((scope.context, place, act), []).append((text, part))
    order = {scopes.PATIENT: 0, scopes.USER: 1, scopes.SYSTEM: 2}
    keys = sorted(found, key=lambda key: (order[key[0]], key[1], key[2] == CHANGE))
    return [
        Line(
            f"{context}.{SUBJECTS[place].key}.{act}",
            context,
            SUBJECTS[place],
            act,
            tuple(found[context, place, act]),
        )
        for context, place, act in keys
    ]


def chosen(asked: Sequence[str], ticked: frozenset[str]) -> list[str]:
    """The scopes that the ticked lines give: an asked one as it was asked when all its lines are ticked."""
    every = lines(asked)
    given: list[str] = []
    for text in asked:
        scope = scopes.read(text)
        if scope is None:
            given.append(text)
            continue
        own = [line for line in every if any(text == of for of, _ in line.parts)]
        if all(line.key in ticked for line in own):
            given.append(text)
        else:
            given.extend(_written(text, scope, [line for line in own if line.key in ticked]))
    return list(dict.fromkeys(given))


def _written(text: str, scope: Scope, some: Sequence[Line]) -> list[str]:
    """The part of an asked scope that some lines are, type by type."""
    letters: dict[str, frozenset[str]] = {}
    for line in some:
        types = _types(scope, line.subject)
        for of, part in line.parts:
            if of == text:
                for name in types:
                    letters[name] = letters.get(name, frozenset()) | part.interactions
    return [
        scopes.written(Scope(scope.context, name, letters[name], scope.criteria)) for name in sorted(letters)
    ]


def _types(scope: Scope, subject: Subject) -> frozenset[str]:
    if scope.type != "*":
        return frozenset({scope.type})
    if scope.context == scopes.PATIENT and subject is REST:
        return subject.types & _CHART
    return subject.types


def types_of(given: Sequence[str]) -> list[str] | None:
    """The types that given scopes speak of; None: all."""
    found = scopes.resources(given)
    if any(one.type == "*" for one in found):
        return None
    return sorted({one.type for one in found})
