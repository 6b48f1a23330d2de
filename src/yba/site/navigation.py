"""What each role can go to: only pages that exist."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from yba.care import prescription_portal
from yba.fhir.errors import RecordError
from yba.fhir.r4.organization import Organization
from yba.site.accounts import roles
from yba.site.opening import system_record
from yba.ui.context import NavigationItem, Place

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from yba.site.accounts.models import Account


#: Route name, label, icon; the first that exists is the role's home.
PAGES: dict[str, list[tuple[str, StrPromise, str]]] = {
    roles.CITIZEN: [
        ("citizen:home", _("Hôm nay"), "house"),
        ("booking:find", _("Đặt khám"), "calendar-plus"),
        ("citizen:book", _("Sổ y bạ"), "notebook"),
        ("citizen:profile", _("Hồ sơ"), "user-round"),
    ],
    roles.CUSTOMER_CARE: [
        ("booking:screening", _("Sàng lọc"), "phone-call"),
        ("telehealth:call-backs", _("Gọi thay video"), "video-off"),
        ("booking:figures", _("Số liệu"), "chart-column"),
        ("booking:missed", _("Không đến"), "circle-slash"),
    ],
    roles.RECEPTIONIST: [
        ("booking:reception", _("Tiếp đón"), "clipboard-check"),
        ("accounts:identity", _("Danh tính"), "id-card"),
        ("booking:stations", _("Gọi số"), "volume-2"),
        ("booking:missed", _("Không đến"), "circle-slash"),
        ("clinic:emergency", _("Mở cấp cứu"), "siren"),
    ],
    roles.DOCTOR: [
        ("clinic:room", _("Phòng khám"), "stethoscope"),
        ("telehealth:today", _("Khám từ xa"), "video"),
        ("telehealth:inbox", _("Tin người bệnh"), "messages-square"),
        ("telehealth:follow-ups", _("Theo dõi"), "activity"),
        ("booking:stations", _("Gọi số"), "volume-2"),
        ("clinic:emergency", _("Mở cấp cứu"), "siren"),
        ("booking:ratings", _("Đánh giá"), "star"),
    ],
    roles.HEAD_OF_DEPARTMENT: [
        ("clinic:emergency", _("Mở cấp cứu"), "siren"),
        ("telehealth:inbox", _("Tin người bệnh"), "messages-square"),
        ("telehealth:follow-ups", _("Theo dõi"), "activity"),
    ],
    roles.NURSE: [
        ("booking:stations", _("Gọi số"), "volume-2"),
        ("programmes:vaccination", _("Tiêm chủng"), "syringe"),
        ("clinic:emergency", _("Mở cấp cứu"), "siren"),
        ("telehealth:inbox", _("Tin người bệnh"), "messages-square"),
        ("telehealth:follow-ups", _("Theo dõi"), "activity"),
    ],
    roles.LABORATORY: [("booking:stations", _("Gọi số"), "volume-2")],
    roles.IMAGING: [("booking:stations", _("Gọi số"), "volume-2")],
    roles.PHARMACIST: [
        ("pharmacy:counter", _("Quầy thuốc"), "pill"),
        ("booking:stations", _("Gọi số"), "volume-2"),
    ],
    roles.CASHIER: [
        ("billing:cashier", _("Thu ngân"), "wallet"),
        ("billing:transfers", _("Tiền về"), "landmark"),
        ("booking:stations", _("Gọi số"), "volume-2"),
    ],
    roles.WALL: [("booking:wall", _("Màn hình gọi số"), "monitor")],
    roles.KIOSK: [("booking:kiosk", _("Lấy số"), "ticket")],
    roles.RECORDS_OFFICE: [
        ("administration:privacy_requests", _("Dữ liệu"), "inbox"),
        ("administration:kin_requests", _("Người đã mất"), "file-text"),
        ("accounts:identity", _("Danh tính"), "id-card"),
    ],
    roles.FACILITY_ADMINISTRATOR: [
        ("accounts:staff", _("Nhân viên"), "users"),
        ("booking:timetables", _("Lịch làm việc"), "calendar-clock"),
        ("administration:privacy_requests", _("Dữ liệu"), "lock-keyhole"),
        ("oauth:apps", _("Ứng dụng"), "plug"),
        ("messages:deliveries", _("Tin nhắn"), "message-square"),
        ("billing:account", _("Tài khoản"), "landmark"),
        ("booking:queues", _("Hàng chờ"), "ticket"),
        ("clinic:unsent", _("Đơn chưa gửi"), "send"),
        ("booking:figures", _("Bàn gọi"), "chart-column"),
    ],
    roles.AUDITOR: [
        ("administration:audit_log", _("Nhật ký"), "scroll-text"),
        ("administration:audit_alerts", _("Cảnh báo"), "bell"),
        ("administration:openings", _("Xem xét"), "siren"),
    ],
    roles.SYSTEM_ADMINISTRATOR: [
        ("accounts:staff", _("Nhân viên"), "users"),
        ("oauth:apps", _("Ứng dụng"), "plug"),
        ("messages:deliveries", _("Tin nhắn"), "message-square"),
    ],
}
#: Only for those who treat: whose account names who they are in the roll of practitioners.
TREATING: Final = frozenset(
    {
        "clinic:room",
        "clinic:emergency",
        "telehealth:today",
        "telehealth:inbox",
        "telehealth:follow-ups",
        "booking:ratings",
        "programmes:vaccination",
    }
)
#: Who treats calls people into a room as themselves; other desks call for whoever sits there.
CALLING_AS_THEMSELVES: Final = (roles.DOCTOR, roles.NURSE)
#: Where a citizen gets to from the profile: its place in the tab bar is theirs, whatever their address begins with.
OF_THE_PROFILE: Final = (
    "citizen:family", "citizen:card_first", "citizen:opened", "citizen:privacy", "citizen:sharing", "oauth:connected",
    "accounts:security", "messages:box",
)  # fmt: skip
#: What every member of staff has beside the rooms of the role.
OWN: list[tuple[str, StrPromise, str]] = [("accounts:security", _("Bảo mật"), "shield-check")]


@cache
def address(name: str) -> str | None:
    """The address of a page, or None when this house does not have it."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def items(request: HttpRequest) -> list[NavigationItem]:
    """The pages of the signed-in person's role that exist, and their own."""
    if not request.user.is_authenticated:
        return []
    role = request.user.role
    own = OWN if role in roles.STAFF and role not in roles.SCREENS else []
    found = _existing([*_pages(request.user), *own])
    tab = _tab_of(request.path) if role == roles.CITIZEN else None
    return [replace(one, current=one.url == tab) for one in found] if tab else found


def _tab_of(path: str) -> str | None:
    """The tab a citizen came from, where the address does not begin with the tab's own."""
    home, book = address("citizen:home"), address("citizen:book")
    if home and path.startswith(f"{home}lan-kham/"):
        return book
    of_home = (address("firsthelp:start"), address("telehealth:chats"), address("telehealth:measures"))
    if any(one and path.startswith(one) for one in of_home):
        return home
    folders = (url[: url.rindex("/") + 1] for name in OF_THE_PROFILE if (url := address(name)))
    return address("citizen:profile") if path.startswith(tuple(folders)) else None


def rooms(request: HttpRequest) -> list[NavigationItem]:
    """The pages of the role alone: the first is its home."""
    return _existing(_pages(request.user)) if request.user.is_authenticated else []


def _pages(user: Account) -> list[tuple[str, StrPromise, str]]:
    """The role's pages that are there for this account."""
    treats = user.practitioner or (
        user.role == roles.RECEPTIONIST and "emergency" in user.rights_at(timezone.now())
    )
    hidden = TREATING | ({"booking:stations"} if user.role in CALLING_AS_THEMSELVES else set())
    connected = prescription_portal.portal_of(user.facility) is not None
    return [
        one
        for one in PAGES.get(user.role, [])
        if (treats or one[0] not in hidden) and (connected or one[0] != "clinic:unsent")
    ]


def _existing(pages: list[tuple[str, StrPromise, str]]) -> list[NavigationItem]:
    found = [(address(name), label, icon) for name, label, icon in pages]
    return [NavigationItem(label=str(label), url=url, icon=icon) for url, label, icon in found if url]


def place(request: HttpRequest) -> Place:
    """The facility a member of staff works for, by name."""
    facility = request.user.facility if request.user.is_authenticated else ""
    return Place(name=_facility_name(facility) if facility else "", sign_out=reverse("accounts:sign_out"))


_names: dict[str, tuple[float, str]] = {}
#: Names of facilities change about once in a lifetime; ten minutes is soon enough.
REMEMBERED = 600.0


def _facility_name(facility: str) -> str:
    known = _names.get(facility)
    if known is None or known[0] < time.monotonic():
        try:
            name = system_record().read(Organization, facility).name or ""
        except RecordError:
            name = ""
        known = _names[facility] = (time.monotonic() + REMEMBERED, name)
    return known[1]
