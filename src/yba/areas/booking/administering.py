"""The facility administrator's pages: timetables, what a change touches, services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from yba.areas.booking import (
    capacity,
    ledger,
    opening,
    policies,
    queries,
    rules,
    services,
    timetable,
    timetable_forms,
)
from yba.areas.booking.models import Seat
from yba.areas.booking.opening import Change, Choice
from yba.areas.booking.timetable_forms import ServiceForm, TimetableForm
from yba.care import catalogues
from yba.care.days_off import calendar
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Meta
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.location import Location
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record, facility_of
from yba.ui import spoken, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

ROLE: Final = "facility_administrator"
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Line:
    """A timetable in the list."""

    id: str
    who: str
    room: str
    service: str
    hours: list[str]
    valid: str
    load: str
    active: bool


@dataclass(frozen=True, slots=True)
class ListPage:
    """The facility's timetables."""

    title: str
    lines: list[Line]
    holidays: str


@dataclass(frozen=True, slots=True)
class TouchedLine:
    """A booking the change touches, and where it could go."""

    id: str
    name: str
    when: str
    to: str


@dataclass(frozen=True, slots=True)
class TimetablePage:
    """One timetable, or a new one; with ``touched`` the question what becomes of them."""

    title: str
    id: str
    form: TimetableForm
    sent: list[tuple[str, str]] = field(default_factory=list)
    touched: list[TouchedLine] = field(default_factory=list)
    summary: str = ""


# -- the list --------------------------------------------------------------------------------------------


@require_safe
@role_required(ROLE)
def timetables(request: HttpRequest) -> HttpResponse:
    """Every timetable of the facility, with how full the next seven days are."""
    record = record_of(request)
    found = _schedules(record)
    roles = _roles(record)
    offered = services.services_of(record, found)
    posts = {one.role_id: one for one in queries.posts_at(record, record.actor.facility or "")}
    lines = [_line(record, one, roles, posts, offered.get(one.id or "")) for one in found]
    page = ListPage(
        title=_("Lịch làm việc"),
        lines=sorted(lines, key=lambda one: (not one.active, one.who, one.id)),
        holidays=_coming_holidays(record),
    )
    return render(request, "booking/timetables.html", {"page": page})


def _schedules(record: Record) -> list[Schedule]:
    return record.find(Schedule, ("_tag", f"{rules.FACILITY_TAG}|{record.actor.facility}"))


def _roles(record: Record) -> dict[str, PractitionerRole]:
    found = record.find(PractitionerRole, ("organization", f"Organization/{record.actor.facility}"))
    return {one.id or "": one for one in found}


def _line(
    record: Record,
    schedule: Schedule,
    roles: dict[str, PractitionerRole],
    posts: dict[str, queries.Post],
    service: services.Service | None,
) -> Line:
    role_id = ledger.actor_of(schedule, "PractitionerRole")
    said, post = timetable.timetable_of(schedule, roles.get(role_id)), posts.get(role_id)
    room = _name(schedule, "Location") or (post.room if post else "")
    return Line(
        id=schedule.id or "",
        who=(post.name if post else "") or _("Phòng %(room)s") % {"room": room},
        room=room,
        service=service.name if service else "",
        hours=[f"{_days_words(one.days)} {one.start:%H:%M}–{one.end:%H:%M}" for one in said.sessions],
        valid=_valid_words(said),
        load=_load(record, schedule),
        active=schedule.active is not False,
    )


def _name(schedule: Schedule, kind: str) -> str:
    return next((one.display or "" for one in schedule.actor if queries.target_id(one, kind)), "")


_SHORT: Final = {"mon": "T2", "tue": "T3", "wed": "T4", "thu": "T5", "fri": "T6", "sat": "T7", "sun": "CN"}


def _days_words(days: Sequence[str]) -> str:
    """ "T2–T6" where the days follow each other, else "T2, T4"."""
    at = [timetable.DAYS.index(one) for one in days] or list(range(7))
    if len(at) > 2 and at == list(range(at[0], at[-1] + 1)):
        return f"{_SHORT[timetable.DAYS[at[0]]]}–{_SHORT[timetable.DAYS[at[-1]]]}"
    return ", ".join(_SHORT[timetable.DAYS[one]] for one in at)


def _valid_words(said: timetable.Timetable) -> str:
    first = _("từ %(day)s") % {"day": words.ngay(said.valid_from)} if said.valid_from else ""
    last = _("đến %(day)s") % {"day": words.ngay(said.valid_to)} if said.valid_to else ""
    return " ".join(filter(None, [first, last]))


def _load(record: Record, schedule: Schedule) -> str:
    now = record.clock()
    params = [
        ("schedule", f"Schedule/{schedule.id}"), ("start", f"ge{rules.instant(now)}"),
        ("start", f"lt{rules.instant(now + _WEEK)}"), ("status", "free,busy,busy-tentative"),
    ]  # fmt: skip
    slots = record.find(Slot, *params)
    seats = sum(capacity.places_of(one).seats for one in slots)
    taken = Seat.objects.filter(
        schedule_id=schedule.id, starts__gte=now, starts__lt=now + _WEEK, kind__in=["booking", "walk-in"]
    ).aggregate(count=Count("pk"))["count"]
    return _("%(taken)s trong %(seats)s chỗ") % {"taken": taken, "seats": seats} if seats else _("chưa mở")


def _coming_holidays(record: Record) -> str:
    today = local_day(record.clock())
    days = [today + timedelta(days=ahead) for ahead in range(120)]
    named = [(day, calendar().holiday(day)) for day in days]
    firsts: dict[str, Any] = {}
    for day, name in named:
        if name:
            firsts.setdefault(name, day)
    return ", ".join(f"{name} ({words.ngay(day)})" for name, day in list(firsts.items())[:3])


# -- one -------------------------------------------------------------------------------------------------


@role_required(ROLE)
def timetable_page(request: HttpRequest, schedule_id: str = "") -> HttpResponse:
    """Change a timetable, or make one: what it touches is shown and asked about before anything is stored."""
    record = record_of(request)
    schedule = _own(record, schedule_id) if schedule_id else None
    roles = _roles(record)
    role = roles.get(ledger.actor_of(schedule, "PractitionerRole")) if schedule else None
    said = timetable.timetable_of(schedule, role) if schedule else _usual()
    given = _choices(record, roles)
    if request.method != "POST":
        initial = timetable_forms.typed(said, policies.policy_of(schedule)) | _actors(schedule)
        form = TimetableForm(initial=initial, exceptions=timetable_forms.rows_needed(said), **given)
        return _shown(request, schedule_id, form)
    form = TimetableForm(request.POST, **given)
    if not form.is_valid():
        return _shown(request, schedule_id, form, status=422)
    wanted = _filled(record, schedule, form, roles)
    return _changed(request, record, schedule_id, form, wanted)


def _usual() -> timetable.Timetable:
    return timetable.Timetable(open_on_holidays=False)


def _own(record: Record, schedule_id: str) -> Schedule:
    found = record.read(Schedule, schedule_id)
    if facility_of(found) != record.actor.facility:
        raise NotFound("booking.not-here", "There is no such timetable at this facility.")
    return found


def _actors(schedule: Schedule | None) -> dict[str, Any]:
    if schedule is None:
        return {"active": True}
    return {
        "who": ledger.actor_of(schedule, "PractitionerRole"),
        "room": ledger.actor_of(schedule, "Location"),
        "service": ledger.actor_of(schedule, "HealthcareService"),
        "active": schedule.active is not False,
    }


def _choices(record: Record, roles: dict[str, PractitionerRole]) -> dict[str, Any]:
    facility = record.actor.facility or ""
    named = {one.role_id: one for one in queries.posts_at(record, facility)}
    who = [(key, f"{named[key].name}, {named[key].specialty}") for key in roles if key in named]
    rooms = record.find(Location, ("_tag", f"{rules.FACILITY_TAG}|{facility}"))
    return {
        "who": sorted(who, key=lambda one: one[1]),
        "rooms": sorted(((one.id or "", one.name or "") for one in rooms), key=lambda one: one[1]),
        "services": [(one.id, one.name) for one in services.services_at(record, facility) if one.active],
    }


def _filled(
    record: Record, schedule: Schedule | None, form: TimetableForm, roles: dict[str, PractitionerRole]
) -> Schedule:
    """The Schedule as it would be stored."""
    data = form.cleaned_data
    role = roles.get(data["who"])
    made = schedule or Schedule(
        actor=[],
        meta=Meta(tag=[Coding(system=rules.FACILITY_TAG, code=record.actor.facility)]),
    )
    actors = []
    if role is not None:
        practitioner = queries.target_id(role.practitioner, "Practitioner")
        name = dict(_choices_of(form, "who")).get(data["who"], "").partition(", ")[0]
        actors += [
            reference("PractitionerRole", role.id),
            reference("Practitioner", practitioner, display=name),
        ]
        made.specialty = role.specialty
    room = data["room"] or (queries.target_id(role.location[0], "Location") if role and role.location else "")
    if room:
        actors.append(reference("Location", room, display=dict(_choices_of(form, "room")).get(room)))
    if data["service"]:
        service = dict(_choices_of(form, "service")).get(data["service"])
        actors.append(reference("HealthcareService", data["service"], display=service))
        made.serviceType = [CodeableConcept(text=service)]
        if role is None:
            made.specialty = record.read(HealthcareService, data["service"]).specialty
    made.actor, made.active = actors, data["active"]
    timetable.write_into(made, form.timetable())
    others = [one for one in made.extension if one.url != policies.POLICY]
    made.extension = [*others, policies.policy_extension(form.policy())]
    return made


def _choices_of(form: TimetableForm, name: str) -> list[tuple[str, str]]:
    found: Any = form.fields[name]
    return list(found.choices)


def _changed(
    request: HttpRequest, record: Record, schedule_id: str, form: TimetableForm, wanted: Schedule
) -> HttpResponse:
    """Look first; store when nobody is touched or it has been said what becomes of them."""
    if not request.POST.get("da-xem"):
        seen = opening.looked_at(record, wanted)
        if seen.touched:
            return _asked(request, record, schedule_id, form, seen)
    choices: dict[str, Choice] = {
        name.removeprefix("luot-"): _choice(str(value))
        for name, value in request.POST.items()
        if name.startswith("luot-")
    }
    change = opening.change_timetable(record, wanted, choices=choices)
    messages.success(request, _summary(change))
    return redirect("booking:timetables")


def _choice(text: str) -> Choice:
    return "move" if text == "move" else "cancel" if text == "cancel" else "keep"


def _summary(change: Change) -> str:
    moved = sum(one.choice == "move" for one in change.touched)
    said = [_("Đã lưu lịch: mở %(opened)s giờ khám, đóng %(closed)s.")]
    if moved:
        said.append(ngettext("Đã đổi giờ %(moved)s lượt.", "Đã đổi giờ %(moved)s lượt.", moved))
    left = sum(one.choice == "keep" for one in change.touched)
    if left:
        said.append(ngettext("%(left)s lượt giữ giờ cũ.", "%(left)s lượt giữ giờ cũ.", left))
    counts = {"opened": change.opened, "closed": change.closed, "moved": moved, "left": left}
    return " ".join(one % counts for one in said)


def _asked(
    request: HttpRequest, record: Record, schedule_id: str, form: TimetableForm, seen: Change
) -> HttpResponse:
    known = _named(record, [one.appointment_id for one in seen.touched])
    touched = [
        TouchedLine(
            id=one.appointment_id,
            name=known.get(one.appointment_id) or _("Người bệnh không hiện tên"),
            when=spoken.when(one.starts),
            to=" · ".join(filter(None, [spoken.when(one.to_start), one.to_doctor])) if one.to_start else "",
        )
        for one in seen.touched
    ]
    sent = [
        (name, value)
        for name, value in request.POST.items()
        if name != "csrfmiddlewaretoken" and isinstance(value, str)
    ]
    page = TimetablePage(
        title=_("Lịch mới chạm đến lượt đã đặt"),
        id=schedule_id,
        form=form,
        sent=sent,
        touched=touched,
        summary=_("Mở %(opened)s giờ khám, đóng %(closed)s.")
        % {"opened": seen.opened, "closed": seen.closed},
    )
    return render(request, "booking/timetable_change.html", {"page": page})


def _named(record: Record, ids: Sequence[str]) -> dict[str, str]:
    """Whose bookings they are, as far as the administrator may see them."""
    found = {}
    for one in ids:
        try:
            who = rules.reference_of(record.read(Appointment, one), "Patient")
        except (NotFound, Gone):
            continue
        found[one] = (who.display or "") if who else ""
    return found


def _shown(request: HttpRequest, schedule_id: str, form: TimetableForm, *, status: int = 200) -> HttpResponse:
    title = _("Sửa lịch làm việc") if schedule_id else _("Mở lịch làm việc")
    page = TimetablePage(title=title, id=schedule_id, form=form)
    return render(request, "booking/timetable.html", {"page": page}, status=status)


# -- services --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """A service in the list."""

    id: str
    name: str
    facts: str
    active: bool


@dataclass(frozen=True, slots=True)
class ServicesPage:
    """The facility's services, and the one that is open."""

    title: str
    lines: list[ServiceLine]
    form: ServiceForm
    id: str = ""


@role_required(ROLE)
def service_page(request: HttpRequest, service_id: str = "") -> HttpResponse:
    """The services of the facility; one of them, or a new one, to be written."""
    record = record_of(request)
    found = _own_service(record, service_id) if service_id else None
    given = {"specialties": [(one.code, one.name_vi) for one in catalogues.specialties()]}
    if request.method != "POST":
        return _services(request, record, ServiceForm(initial=_said(found), **given), service_id)
    form = ServiceForm(request.POST, **given)
    if not form.is_valid():
        return _services(request, record, form, service_id, status=422)
    made = found or HealthcareService(
        providedBy=reference("Organization", record.actor.facility),
        meta=Meta(tag=[Coding(system=rules.FACILITY_TAG, code=record.actor.facility)]),
    )
    service = form.service(service_id)
    known = catalogues.specialty(service.specialty) if service.specialty else None
    services.write_into(made, service, specialty_name=known.name_vi if known else "")
    stored = record.update(made) if found else record.create(made)
    messages.success(request, _("Đã lưu dịch vụ %(name)s.") % {"name": stored.name})
    return redirect("booking:services")


def _own_service(record: Record, service_id: str) -> HealthcareService:
    found = record.read(HealthcareService, service_id)
    if facility_of(found) != record.actor.facility:
        raise NotFound("booking.not-here", "There is no such service at this facility.")
    return found


def _said(found: HealthcareService | None) -> dict[str, Any]:
    one = services.service_of(found) if found else services.Service(id="", name="", minutes=20)
    return {
        "name": one.name, "specialty": one.specialty, "mode": one.mode, "minutes": one.minutes or 20,
        "price": one.price, "preparation": one.preparation, "active": one.active,
        "insured": one.insured,
    }  # fmt: skip


def _services(
    request: HttpRequest, record: Record, form: ServiceForm, service_id: str, *, status: int = 200
) -> HttpResponse:
    lines = [
        ServiceLine(
            id=one.id,
            name=one.name,
            facts=" · ".join(
                filter(
                    None,
                    [
                        _("%(count)s phút") % {"count": one.minutes} if one.minutes else "",
                        spoken.money(one.price) if one.price is not None else "",
                        str(timetable_forms.MODE_WORDS.get(one.mode, "")),
                    ],
                )
            ),
            active=one.active,
        )
        for one in services.services_at(record, record.actor.facility or "")
    ]
    page = ServicesPage(title=_("Dịch vụ"), lines=lines, form=form, id=service_id)
    return render(request, "booking/services.html", {"page": page}, status=status)
