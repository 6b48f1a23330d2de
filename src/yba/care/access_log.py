"""Who opened a person's book, in words: who, as what, where, what, when, why; one line a sitting.

The query is the record's (``yba.fhir.audit.opened``), behind the access door. The words of roles, acts, kinds of
resources and reasons serve the auditors' pages, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.fhir.access.roles import roles
from yba.fhir.audit.opened import CHANGES, Sitting, sitting_at, sittings
from yba.fhir.errors import RecordError
from yba.fhir.r4.organization import Organization

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from yba.fhir.record import Record

PAGE: Final = 30
ROLES: Final[Mapping[str, StrPromise]] = {
    "receptionist": gettext_lazy("Lễ tân"),
    "customer_care": gettext_lazy("Chăm sóc khách hàng"),
    "nurse": gettext_lazy("Điều dưỡng"),
    "doctor": gettext_lazy("Bác sĩ"),
    "head_of_department": gettext_lazy("Trưởng khoa"),
    "laboratory": gettext_lazy("Xét nghiệm"),
    "imaging": gettext_lazy("Chẩn đoán hình ảnh"),
    "pharmacist": gettext_lazy("Dược sĩ"),
    "cashier": gettext_lazy("Thu ngân"),
    "insurance_clerk": gettext_lazy("Giám định bảo hiểm"),
    "records_office": gettext_lazy("Kế hoạch tổng hợp, lưu trữ hồ sơ"),
    "facility_administrator": gettext_lazy("Quản trị cơ sở"),
    "programme_officer": gettext_lazy("Cán bộ chương trình y tế"),
    "provincial_officer": gettext_lazy("Cán bộ Sở Y tế (số liệu)"),
    "auditor": gettext_lazy("Người kiểm tra nhật ký"),
    "system_administrator": gettext_lazy("Quản trị hệ thống"),
    "device": gettext_lazy("Thiết bị"),
    "outside_system": gettext_lazy("Hệ thống bên ngoài"),
    "citizen": gettext_lazy("Người dân"),
    "guardian": gettext_lazy("Người giám hộ"),
    "delegate": gettext_lazy("Người được ủy quyền"),
    "wall": gettext_lazy("Màn hình phòng khám"),
    "kiosk": gettext_lazy("Kiosk lấy số"),
    "system": gettext_lazy("Hệ thống"),
    "anonymous": gettext_lazy("Chưa đăng nhập"),
}
ACTS: Final[Mapping[str, StrPromise]] = {
    "read": gettext_lazy("Đọc"),
    "vread": gettext_lazy("Đọc bản cũ"),
    "history": gettext_lazy("Xem lịch sử sửa"),
    "search": gettext_lazy("Tìm"),
    "operation": gettext_lazy("Xem tổng hợp"),
    "create": gettext_lazy("Ghi mới"),
    "update": gettext_lazy("Sửa"),
    "delete": gettext_lazy("Xóa"),
    "print": gettext_lazy("In"),
    "export": gettext_lazy("Xuất dữ liệu"),
    "import": gettext_lazy("Nhập dữ liệu"),
    "submit": gettext_lazy("Bắt đầu việc dài"),
    "cancel": gettext_lazy("Dừng việc dài"),
    "refused": gettext_lazy("Bị từ chối"),
    "receive": gettext_lazy("Hệ thống khác báo"),
    "sign-in": gettext_lazy("Đăng nhập"),
    "sign-in-failed": gettext_lazy("Đăng nhập không được"),
    "sign-out": gettext_lazy("Đăng xuất"),
    "lock": gettext_lazy("Khóa màn hình"),
    "unlock": gettext_lazy("Mở khóa màn hình"),
    "factor": gettext_lazy("Đổi cách đăng nhập"),
    "account": gettext_lazy("Đổi tài khoản"),
    "account-erased": gettext_lazy("Xóa tài khoản"),
    "role": gettext_lazy("Đổi quyền"),
    "policy": gettext_lazy("Đổi quy định, quyền"),
    "consent": gettext_lazy("Đồng ý hoặc rút đồng ý"),
    "request": gettext_lazy("Yêu cầu về dữ liệu"),
    "emergency": gettext_lazy("Mở cấp cứu"),
    "alert": gettext_lazy("Xét cảnh báo"),
    "audit": gettext_lazy("Xem nhật ký"),
    "audit-late": gettext_lazy("Nhật ký ghi muộn"),
    "restore": gettext_lazy("Khôi phục dữ liệu"),
}
TYPES: Final[Mapping[str, StrPromise]] = {
    "Patient": gettext_lazy("thông tin cá nhân"),
    "RelatedPerson": gettext_lazy("người thân"),
    "Coverage": gettext_lazy("thẻ bảo hiểm"),
    "Appointment": gettext_lazy("lịch hẹn"),
    "Encounter": gettext_lazy("lần khám"),
    "EpisodeOfCare": gettext_lazy("đợt điều trị"),
    "Condition": gettext_lazy("chẩn đoán"),
    "Observation": gettext_lazy("chỉ số, kết quả"),
    "DiagnosticReport": gettext_lazy("phiếu kết quả"),
    "ImagingStudy": gettext_lazy("hình ảnh"),
    "ServiceRequest": gettext_lazy("chỉ định"),
    "Procedure": gettext_lazy("thủ thuật"),
    "MedicationRequest": gettext_lazy("đơn thuốc"),
    "MedicationDispense": gettext_lazy("cấp thuốc"),
    "MedicationStatement": gettext_lazy("thuốc đang dùng"),
    "AllergyIntolerance": gettext_lazy("dị ứng"),
    "Immunization": gettext_lazy("tiêm chủng"),
    "DocumentReference": gettext_lazy("giấy tờ"),
    "Composition": gettext_lazy("hồ sơ bệnh án"),
    "CarePlan": gettext_lazy("kế hoạch chăm sóc"),
    "Consent": gettext_lazy("đồng ý chia sẻ"),
    "Invoice": gettext_lazy("hóa đơn"),
    "QuestionnaireResponse": gettext_lazy("phiếu hỏi"),
    "AuditEvent": gettext_lazy("nhật ký"),
    "Organization": gettext_lazy("cơ sở y tế"),
    "Location": gettext_lazy("phòng, địa điểm"),
    "Practitioner": gettext_lazy("người hành nghề"),
    "PractitionerRole": gettext_lazy("người hành nghề"),
    "HealthcareService": gettext_lazy("chuyên khoa"),
    "Schedule": gettext_lazy("lịch khám"),
    "Slot": gettext_lazy("giờ khám"),
}
# Codes of v3-ActReason that actors carry (roles.yaml, emergency openings).
PURPOSES: Final[Mapping[str, StrPromise]] = {
    "TREAT": gettext_lazy("Khám, chữa bệnh"),
    "ETREAT": gettext_lazy("Cấp cứu"),
    "BTG": gettext_lazy("Mở cấp cứu"),
    "HPAYMT": gettext_lazy("Thanh toán"),
    "HOPERAT": gettext_lazy("Vận hành cơ sở"),
    "HRESCH": gettext_lazy("Nghiên cứu"),
    "PUBHLTH": gettext_lazy("Y tế công cộng"),
    "PATRQT": gettext_lazy("Theo yêu cầu của người bệnh"),
    "HSYSADMIN": gettext_lazy("Quản trị hệ thống"),
}


def role_words(role: str | None) -> str:
    """A role as people call it; one that is not known as it is."""
    return str(ROLES.get(role or "", role or ""))


def act_words(act: str) -> str:
    return str(ACTS.get(act, act))


def type_words(types: Iterable[str]) -> str:
    """Kinds of resources, those that have no word as one."""
    found = list(dict.fromkeys(str(TYPES.get(one, _("mục khác"))) for one in types))
    return ", ".join(found)


def purpose_words(purposes: Iterable[str]) -> str:
    return ", ".join(str(PURPOSES.get(one, one)) for one in purposes)


@dataclass(frozen=True, slots=True)
class Line:
    """One sitting in words; ``own``: by who asks.

    ``changed``: it was more than looking; ``refused``: nothing was shown; ``partly_refused``: something was not.
    """

    name: str
    role: str
    facility: str
    since: datetime
    until: datetime
    acts: str
    things: str
    why: str
    count: int
    changed: bool
    refused: bool
    own: bool
    partly_refused: bool = False
    #: Where it stands in the log, who it was, which facility answers for it: for a question about it.
    place: int = 0
    who: str = ""
    facility_id: str = ""


def access_log(
    record: Record, patient: str, *, before: int | None = None, own: bool = True
) -> tuple[list[Line], int | None]:
    """A page of who opened the book, newest first, and where the next one begins.

    Raises NotFound for a person of whom the actor may not ask this.
    """
    found, following = sittings(record, patient, before=before, limit=PAGE, own=own)
    names = facility_names(record, {one.facility for one in found if one.facility})
    return [_line(one, record.actor.user, names) for one in found], following


def _line(one: Sitting, asker: str, names: Mapping[str, str]) -> Line:
    own = one.who == asker
    role = role_words(one.role) or (role_words("doctor") if one.practitioner else "")
    return Line(
        name=_("Tôi") if own else one.name or _("Không rõ tên"),
        role="" if own else role,
        facility=names.get(one.facility or "", ""),
        since=one.since,
        until=one.until,
        acts=_in_a_line([act_words(act) for act in one.acts]),
        things=type_words(one.types),
        why=purpose_words(one.purposes or _usual(one.role)),
        count=one.count,
        changed=any(act in CHANGES for act in one.acts),
        refused=one.acts == ("refused",),
        own=own,
        partly_refused="refused" in one.acts and one.acts != ("refused",),
        place=one.place,
        who=one.who,
        facility_id=one.facility or "",
    )


def _usual(role: str | None) -> tuple[str, ...]:
    """Why a role usually reads, where the act itself names no purpose: the one consents are held against."""
    known = roles().get(role or "")
    return (known.purpose,) if known is not None and known.purpose else ()


def _in_a_line(acts: list[str]) -> str:
    """``Đọc, tìm``: words that begin a line of their own elsewhere, as one."""
    return ", ".join([*acts[:1], *(one[:1].lower() + one[1:] for one in acts[1:])])


def opening(record: Record, patient: str, place: int) -> Line | None:
    """One line of the log. Raises NotFound for a person of whom the actor may not ask this."""
    found = sitting_at(record, patient, place)
    if found is None:
        return None
    return _line(
        found, record.actor.user, facility_names(record, {found.facility} if found.facility else set())
    )


def facility_names(record: Record, facilities: Iterable[str]) -> dict[str, str]:
    """The names of facilities by id; one that is not kept here has its id."""
    return {one: _facility_name(record, one) for one in facilities}


_names: dict[str, tuple[datetime, str]] = {}
#: Names of facilities change about once in a lifetime; ten minutes is soon enough, and the log does not fill with them.
_REMEMBERED: Final = timedelta(minutes=10)


def _facility_name(record: Record, facility: str) -> str:
    now = record.clock()
    known = _names.get(facility)
    if known is None or now - known[0] > _REMEMBERED or known[0] > now:
        try:
            name = record.as_system().read(Organization, facility).name or facility
        except RecordError:
            return facility
        known = _names[facility] = (now, name)
    return known[1]
