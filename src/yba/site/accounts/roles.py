"""The roles: keys shared with the record's `roles.yaml`, names for people, and what signing in asks of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

CITIZEN: Final = "citizen"
GUARDIAN: Final = "guardian"
DELEGATE: Final = "delegate"
RECEPTIONIST: Final = "receptionist"
CUSTOMER_CARE: Final = "customer_care"
NURSE: Final = "nurse"
DOCTOR: Final = "doctor"
HEAD_OF_DEPARTMENT: Final = "head_of_department"
LABORATORY: Final = "laboratory"
IMAGING: Final = "imaging"
PHARMACIST: Final = "pharmacist"
CASHIER: Final = "cashier"
INSURANCE_CLERK: Final = "insurance_clerk"
RECORDS_OFFICE: Final = "records_office"
FACILITY_ADMINISTRATOR: Final = "facility_administrator"
PROGRAMME_OFFICER: Final = "programme_officer"
PROVINCIAL_OFFICER: Final = "provincial_officer"
AUDITOR: Final = "auditor"
SYSTEM_ADMINISTRATOR: Final = "system_administrator"
DEVICE: Final = "device"
OUTSIDE_SYSTEM: Final = "outside_system"
WALL: Final = "wall"
KIOSK: Final = "kiosk"
SYSTEM: Final = "system"

NAMES: Final[dict[str, StrPromise]] = {
    CITIZEN: _("Người dân"),
    GUARDIAN: _("Người giám hộ"),
    DELEGATE: _("Người được ủy quyền"),
    RECEPTIONIST: _("Lễ tân"),
    CUSTOMER_CARE: _("Chăm sóc khách hàng"),
    NURSE: _("Điều dưỡng"),
    DOCTOR: _("Bác sĩ"),
    HEAD_OF_DEPARTMENT: _("Trưởng khoa"),
    LABORATORY: _("Xét nghiệm"),
    IMAGING: _("Chẩn đoán hình ảnh"),
    PHARMACIST: _("Dược sĩ"),
    CASHIER: _("Thu ngân"),
    INSURANCE_CLERK: _("Giám định bảo hiểm"),
    RECORDS_OFFICE: _("Kế hoạch tổng hợp, lưu trữ hồ sơ"),
    FACILITY_ADMINISTRATOR: _("Quản trị cơ sở"),
    PROGRAMME_OFFICER: _("Cán bộ chương trình y tế"),
    PROVINCIAL_OFFICER: _("Cán bộ Sở Y tế (số liệu)"),
    AUDITOR: _("Người kiểm tra nhật ký"),
    SYSTEM_ADMINISTRATOR: _("Quản trị hệ thống"),
    DEVICE: _("Thiết bị"),
    OUTSIDE_SYSTEM: _("Hệ thống bên ngoài"),
    WALL: _("Màn hình phòng khám"),
    KIOSK: _("Kiosk lấy số"),
    SYSTEM: _("Hệ thống"),
}

#: Those who work inside a facility: their account and their token name it.
OF_A_FACILITY: Final = (
    RECEPTIONIST,
    CUSTOMER_CARE,
    NURSE,
    DOCTOR,
    HEAD_OF_DEPARTMENT,
    LABORATORY,
    IMAGING,
    PHARMACIST,
    CASHIER,
    INSURANCE_CLERK,
    RECORDS_OFFICE,
    FACILITY_ADMINISTRATOR,
    WALL,
    KIOSK,
)
#: Those who sign in with a short name and a password.
STAFF: Final = (*OF_A_FACILITY, PROGRAMME_OFFICER, PROVINCIAL_OFFICER, AUDITOR, SYSTEM_ADMINISTRATOR)
#: Screens: no person behind them, nothing of a person on them that the hall may not see.
SCREENS: Final = (WALL, KIOSK)
#: Staff who must prove a second factor: all but screens. Also who sees no chart may let others in.
SECOND_FACTOR: Final = tuple(role for role in STAFF if role not in SCREENS)
#: Roles a token may carry; guardian and delegate are parts of the citizen's.
OF_TOKENS: Final = tuple(role for role in NAMES if role not in (GUARDIAN, DELEGATE))
