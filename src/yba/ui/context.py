"""What every template knows of the reader: theme, size, place, rooms to go to, addresses of assets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from yba.ui import assets, keeping, words


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One room in the spine or the tab bar. ``current`` None: found from the path."""

    label: str
    url: str
    icon: str
    current: bool | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reader works: facility, room or desk, and where signing out is posted."""

    name: str = ""
    room: str = ""
    sign_out: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A desk that covers itself: after how many seconds, where it asks who is back, where it says somebody is here."""

    after: int
    url: str
    present: str


class Face:
    """The ``ui`` of templates; each part is worked out only when a template asks."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def theme(self) -> str:
        """``light``, ``dark`` or ``""`` (as the device says)."""
        value = self.request.COOKIES.get("yba_theme", "")
        return value if value in ("light", "dark") else ""

    @cached_property
    def text(self) -> str:
        """``large`` or ``""``."""
        return "large" if self.request.COOKIES.get("yba_text") == "large" else ""

    @cached_property
    def navigation(self) -> list[NavigationItem]:
        """The rooms of this reader's role, one of them current."""
        provider = getattr(settings, "YBA_NAVIGATION", "")
        items: Sequence[NavigationItem] = import_string(provider)(self.request) if provider else ()
        return with_current(list(items), self.request.path)

    @cached_property
    def place(self) -> Place:
        """The reader's facility and desk."""
        provider = getattr(settings, "YBA_PLACE", "")
        if not provider:
            return Place(sign_out=_sign_out())
        place: Place = import_string(provider)(self.request)
        return place if place.sign_out else replace(place, sign_out=_sign_out())

    @cached_property
    def lock(self) -> Lock | None:
        """How this page covers itself when left alone; None: it does not."""
        provider = getattr(settings, "YBA_LOCK", "")
        found: Lock | None = import_string(provider)(self.request) if provider else None
        return found

    @cached_property
    def name(self) -> str:
        """The signed-in person's name, or nothing."""
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            return ""
        return str(getattr(user, "name", "") or user.get_username())

    @cached_property
    def whose(self) -> str:
        """The opaque key of the reader's account; nothing for nobody."""
        return keeping.key_of(self.request)

    @cached_property
    def may_keep(self) -> bool:
        """Whether this reader has pages that could be kept, and forms that could wait."""
        return keeping.may_choose(self.request)

    @cached_property
    def keeps(self) -> bool:
        """Whether this device keeps pages for this reader, so that the worker is wanted."""
        return keeping.keeps(self.request)

    @cached_property
    def cover(self) -> str:
        """The colour of the cover, for the bar of a phone."""
        return assets.token("cover")

    @cached_property
    def initials(self) -> str:
        return words.initials(self.name)

    @cached_property
    def live(self) -> str:
        """Where live events come from; empty: pages poll."""
        return live_address(self.request)

    @cached_property
    def stylesheet(self) -> str:
        return reverse("ui:asset", args=[assets.bundle("css").name])

    @cached_property
    def script(self) -> str:
        return reverse("ui:asset", args=[assets.bundle("js").name])

    @cached_property
    def home(self) -> str:
        """The reader's first page."""
        return "/"


def with_current(items: list[NavigationItem], path: str) -> list[NavigationItem]:
    """The items with exactly one current where none says so: the longest address that begins ``path``."""
    if any(item.current is not None for item in items):
        return [replace(item, current=bool(item.current)) for item in items]
    fitting = [item.url for item in items if path.startswith(item.url)]
    best = max(fitting, key=len, default=None)
    return [replace(item, current=item.url == best) for item in items]


def live_address(request: HttpRequest) -> str:
    """The set address, else this host's live port, else nothing."""
    address = getattr(settings, "YBA_LIVE_URL", "")
    if address:
        return str(address)
    port = getattr(settings, "YBA_LIVE_PORT", None)
    if not port:
        return ""
    host = request.get_host()
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return f"{request.scheme}://{name}:{port}"


def ui(request: HttpRequest) -> dict[str, Face]:
    """The context processor: ``ui`` in every template."""
    return {"ui": Face(request)}


def _sign_out() -> str:
    for name in ("accounts:sign_out", "logout"):
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return ""
