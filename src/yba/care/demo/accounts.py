"""Who may sign in to the demo: one account or more a role, all of them invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from yba.care.demo.facilities import NURSES, doctors
from yba.care.demo.people import GRANDDAUGHTER, HEROINE, HEROINE_PHONE, HUSBAND

Role = Literal[
    "citizen",
    "customer_care",
    "receptionist",
    "nurse",
    "doctor",
    "pharmacist",
    "cashier",
    "records_office",
    "facility_administrator",
    "auditor",
    "system_administrator",
    "wall",
    "kiosk",
]


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the demo. ``persons``: (patient id, code of ``relationships.csv`` or "ban-than" for oneself)."""

    login: str
    role: Role
    name: str
    facility: str | None = None
    practitioner: str | None = None
    persons: tuple[tuple[str, str], ...] = ()


_HOSPITAL: Final = "bvdk-huong-giang"
# Doctors who sign in: the heroine's cardiologist first.
_SIGN_IN: Final = (
    "tran-minh-khoi",
    "pham-thi-dieu-hien",
    "nguyen-huu-phuoc",
    "ton-nu-thuy-tien",
    "ho-van-tam",
    "nguyen-khoa-hai",
    "mai-van-loc",
)


def accounts() -> list[DemoAccount]:
    """Every demo account; logins of citizens are phone numbers."""
    return [
        DemoAccount(
            HEROINE_PHONE,
            "citizen",
            "Nguyễn Thị Hạnh",
            persons=((HEROINE, "ban-than"), (HUSBAND, "vo-chong"), (GRANDDAUGHTER, "chau")),
        ),
        DemoAccount(
            "0914555002",
            "citizen",
            "Trần Thị Thanh Mai",
            persons=(("nb-mai", "ban-than"), (GRANDDAUGHTER, "con")),
        ),
        DemoAccount("cskh", "customer_care", "Lê Thị Mỹ Duyên", _HOSPITAL),
        DemoAccount("tiepdon", "receptionist", "Hoàng Thị Thu Trang", _HOSPITAL),
        *(DemoAccount("dieuduong", "nurse", one.name, one.facility, one.id) for one in NURSES),
        *_doctors(),
        DemoAccount("duocsi", "pharmacist", "DS. Nguyễn Thị Phương Dung", _HOSPITAL),
        DemoAccount("thungan", "cashier", "Phan Thị Cẩm Nhung", _HOSPITAL),
        DemoAccount("khth", "records_office", "Trần Thị Mỹ Lưu", _HOSPITAL),
        DemoAccount("quantri", "facility_administrator", "Lê Văn Quản", _HOSPITAL),
        DemoAccount("kiemtra", "auditor", "Ngô Đình Kiểm", _HOSPITAL),
        DemoAccount("hethong", "system_administrator", "Phạm Hữu Thống"),
        DemoAccount("manhinh", "wall", "Màn hình phòng khám", _HOSPITAL),
        DemoAccount("kiosk", "kiosk", "Kiosk sảnh chính", _HOSPITAL),
        DemoAccount("kiemtra.ac", "auditor", "Trần Quốc Bảo", "ttyt-an-cuu"),
    ]


def _doctors() -> list[DemoAccount]:
    known = {doctor.slug: doctor for doctor in doctors()}
    return [
        DemoAccount(f"bs.{_login(slug)}", "doctor", known[slug].display, known[slug].facility, known[slug].id)
        for slug in _SIGN_IN
    ]


def _login(slug: str) -> str:
    return slug.rsplit("-", 1)[-1]
