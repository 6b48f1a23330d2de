"""The citizen finds a doctor: the question as a form, the answer as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from yba.areas.booking import asking_any, choosing, holding, pages, rules, symptoms
from yba.areas.booking.choosing import Asked, Places
from yba.areas.booking.forms import FindForm
from yba.areas.booking.ratings import rules as rated
from yba.care import catalogues
from yba.ui import spoken
from yba.ui.requests import record_of, role_required
from yba.ui.words import HANOI, local_day

PRICES: Final = (100_000, 150_000, 200_000, 300_000)
DISTANCES: Final = (2, 5, 10, 20)
#: Parts of a day, as hours from and before.
PARTS: Final = {
    "sang": (gettext_lazy("Buổi sáng"), (0, 12)),
    "chieu": (gettext_lazy("Buổi chiều"), (12, 17)),
    "toi": (gettext_lazy("Sau 17 giờ"), (17, 24)),
}
ORDERS: Final = {
    "som": ("soon", gettext_lazy("Có giờ sớm nhất")),
    "gan": ("near", gettext_lazy("Gần nhất")),
    "gia": ("price", gettext_lazy("Giá thấp trước")),
    "danh-gia": ("rating", gettext_lazy("Đánh giá cao trước")),
    "ten": ("name", gettext_lazy("Theo tên")),
}


@require_safe
@role_required("citizen")
def find(request: HttpRequest) -> HttpResponse:
    """Doctors by what is asked, with their next free times."""
    record, form = record_of(request), FindForm(request.GET)
    form.is_valid()
    said: dict[str, Any] = form.cleaned_data
    places = choosing.options(record)
    asked = asked_of(said, places, now=record.clock())
    count = _page_size(request)
    chosen = choosing.choose(record, asked, count=count, owners=holding.owners(request, record))
    page = _page(said, asked, places, chosen, now=record.clock(), count=count)
    page = replace(page, held=holding.held_times(request, record))
    return render(request, "booking/find.html", {"page": page})


def _page_size(request: HttpRequest) -> int:
    text = request.GET.get("hien", "")
    asked = int(text) if text.isdecimal() and len(text) < 5 else choosing.POSTS_A_PAGE
    return min(max(asked, 1), choosing.MOST_SHOWN)


def asked_of(said: dict[str, Any], places: Places, *, now: datetime) -> Asked:
    """The question in the record's terms; what does not exist is left out."""
    place = said.get("noi") or ""
    centre = places.centres.get(place)
    within = said.get("xa") if centre else None
    first, last = _span(said, now)
    return Asked(
        text=said.get("q") or "",
        specialties=_specialties(said),
        place="" if within else place,
        centre=centre,
        within_km=within,
        first=first,
        last=last,
        hours=PARTS[said["buoi"]][1] if said.get("buoi") else None,
        language=said.get("tieng") or "",
        most_price=said.get("gia"),
        insured=bool(said.get("bhyt")),
        women=bool(said.get("nu")),
        video=bool(said.get("video")),
        least_rating=said.get("sao"),
        order=_order(said, centre),
    )


def _specialties(said: dict[str, Any]) -> tuple[str, ...]:
    group = symptoms.groups().get(said.get("nhom") or "")
    of_group = group.specialties if group else ()
    one = said.get("khoa") or ""
    if not one:
        return of_group
    return (one,)


def _order(said: dict[str, Any], centre: object) -> choosing.Order:
    order: Any = ORDERS.get(said.get("xep") or "som", ORDERS["som"])[0]
    return "soon" if order == "near" and centre is None else order


def _span(said: dict[str, Any], now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when to when; None, None where any day will do."""
    today = local_day(now)
    days = {
        "nay": (today, today), "mai": (today + timedelta(days=1), today + timedelta(days=1)),
        "tuan": (today, today + timedelta(days=6)),
    }.get(said.get("ngay") or "")  # fmt: skip
    exact: date | None = said.get("hom")
    if exact is not None and today <= exact <= today + timedelta(days=rules.HORIZON_DAYS):
        days = (exact, exact)
    if days is None and said.get("buoi"):
        days = (today, today + timedelta(days=rules.HORIZON_DAYS - 1))
    if days is None:
        return None, None
    return (
        datetime.combine(days[0], time(), HANOI),
        datetime.combine(days[1] + timedelta(days=1), time(), HANOI),
    )


_BOXES: Final = ("nu", "video", "bhyt")
_MORE: Final = ("khoa", "noi", "xa", "gia", "sao", "tieng", "hom", "xep", *_BOXES)


def _page(
    said: dict[str, Any], asked: Asked, places: Places, chosen: choosing.Chosen, *, now: datetime, count: int
) -> pages.FindPage:
    kept = {key: value for key, value in said.items() if value and key not in _BOXES} | {
        key: "on" for key in _BOXES if said.get(key)
    }
    today = local_day(now)
    days = [("", _("Bất kỳ")), ("nay", _("Hôm nay")), ("mai", _("Ngày mai")), ("tuan", _("Tuần này"))]
    more = count + choosing.POSTS_A_PAGE
    return pages.FindPage(
        title=_("Tìm bác sĩ"),
        q=said.get("q") or "",
        specialties=_chosen(_specialty_options(places, said.get("khoa") or ""), said.get("khoa")),
        symptoms=_chosen([(one.code, str(one)) for one in symptoms.groups().values()], said.get("nhom")),
        places=_chosen([*places.facilities, *((one, one) for one in places.communes)], said.get("noi")),
        distances=_chosen(
            [(str(one), _("%(km)s km quanh đó") % {"km": one}) for one in DISTANCES], said.get("xa")
        ),
        days=_chosen(days, said.get("ngay") or ""),
        dates=_chosen(_dates(today), said["hom"].isoformat() if said.get("hom") else ""),
        day_parts=_chosen(
            [("", _("Cả ngày")), *((key, str(words)) for key, (words, _hours) in PARTS.items())],
            said.get("buoi") or "",
        ),
        prices=_chosen([(str(one), spoken.money(one)) for one in PRICES], said.get("gia")),
        languages=_chosen(
            [(one, str(pages.LANGUAGES.get(one, one))) for one in places.languages], said.get("tieng")
        ),
        orders=_chosen(
            [(key, str(words)) for key, (_key, words) in ORDERS.items()], said.get("xep") or "som"
        ),
        ratings=_chosen(
            [
                (str(one), _("từ %(stars)s sao") % {"stars": spoken.decimal(Decimal(one) / 10)})
                for one in rated.LEAST
            ],
            said.get("sao"),
        ),
        women_only=bool(said.get("nu")),
        video_only=bool(said.get("video")),
        insured_only=bool(said.get("bhyt")),
        narrowed=any(said.get(name) for name in _MORE),
        heading=ngettext("%(count)s bác sĩ", "%(count)s bác sĩ", chosen.found) % {"count": chosen.found},
        doctors=[
            pages.doctor_of(one, today=today, centre=None if asked.place else asked.centre)
            for one in chosen.posts
        ],
        left=chosen.left,
        any_url=_any_url(said, places),
        pressing=said.get("muc") == "nay",
        more_url=f"?{urlencode(kept | {'hien': more})}" if more <= choosing.MOST_SHOWN else "",
    )


def _any_url(said: dict[str, Any], places: Places) -> str:
    """Where any doctor is booked: once a specialty and one facility are chosen."""
    facility, specialty = said.get("noi") or "", said.get("khoa") or ""
    both = facility in dict(places.facilities) and specialty in dict(places.specialties)
    return asking_any.link(facility, specialty) if both and not said.get("xa") else ""


def _chosen(offered: Sequence[tuple[str, str]], value: object) -> list[pages.Choice]:
    text = "" if value is None else str(value)
    return [pages.Choice(key, words, key == text) for key, words in offered]


def _specialty_options(places: Places, chosen: str) -> list[tuple[str, str]]:
    """Those that are practised here, and the one that was asked for by an address."""
    if chosen and chosen not in dict(places.specialties):
        known = catalogues.specialty(chosen)
        return [*places.specialties, *([(chosen, known.name_vi)] if known else [])]
    return places.specialties


def _dates(today: date) -> list[tuple[str, str]]:
    days = [today + timedelta(days=ahead) for ahead in range(rules.HORIZON_DAYS + 1)]
    return [(one.isoformat(), spoken.day_words(one)) for one in days]
