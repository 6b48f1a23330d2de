"""What each role can go to: only pages that exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from yba.site.accounts import roles

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the spine or the tab bar. `icon` is a name of the lucide set."""

    url: str
    label: str
    icon: str
    name: str
    current: bool = False


#: Route name, label, icon; the first that exists is the role's home.
PAGES: dict[str, list[tuple[str, StrPromise, str]]] = {
    roles.CITIZEN: [
        ("citizen:home", _("Sổ sức khỏe"), "book-heart"),
        ("booking:find", _("Đặt khám"), "calendar-plus"),
        ("booking:mine", _("Lịch hẹn"), "calendar-days"),
        ("citizen:family", _("Gia đình"), "users"),
        ("citizen:profile", _("Hồ sơ"), "user-round"),
    ],
    roles.CARE_DESK: [("booking:screening", _("Sàng lọc"), "phone-call")],
    roles.RECEPTIONIST: [("booking:reception", _("Tiếp đón"), "clipboard-check")],
    roles.DOCTOR: [("clinic:room", _("Phòng khám"), "stethoscope")],
    roles.PHARMACIST: [("pharmacy:counter", _("Quầy thuốc"), "pill")],
    roles.CASHIER: [("billing:cashier", _("Thu ngân"), "wallet")],
    roles.WALL: [("booking:wall", _("Màn hình gọi số"), "monitor")],
}


def address(name: str) -> str | None:
    """The address of a page, or None when this house does not have it."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def items(request: HttpRequest) -> list[Item]:
    """The pages of the signed-in person's role that exist."""
    if not request.user.is_authenticated:
        return []
    found = []
    for name, label, icon in PAGES.get(request.user.role, []):
        url = address(name)
        if url is not None:
            here = request.path == url or request.path.startswith(url.rstrip("/") + "/")
            found.append(Item(url=url, label=str(label), icon=icon, name=name, current=here))
    return found
