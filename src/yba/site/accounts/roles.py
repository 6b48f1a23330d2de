"""The roles of the first day: keys shared with the record's policy, names for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

CITIZEN: Final = "citizen"
CARE_DESK: Final = "care_desk"
RECEPTIONIST: Final = "receptionist"
DOCTOR: Final = "doctor"
PHARMACIST: Final = "pharmacist"
CASHIER: Final = "cashier"
WALL: Final = "wall"
SYSTEM: Final = "system"

NAMES: Final[dict[str, StrPromise]] = {
    CITIZEN: _("Người dân"),
    CARE_DESK: _("Chăm sóc khách hàng"),
    RECEPTIONIST: _("Lễ tân"),
    DOCTOR: _("Bác sĩ"),
    PHARMACIST: _("Dược sĩ"),
    CASHIER: _("Thu ngân"),
    WALL: _("Màn hình phòng khám"),
    SYSTEM: _("Hệ thống"),
}
#: Those who sign in with a short name and a password.
STAFF: Final = (CARE_DESK, RECEPTIONIST, DOCTOR, PHARMACIST, CASHIER, WALL)
