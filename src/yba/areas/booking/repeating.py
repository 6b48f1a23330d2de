"""Recurring visits on pages: the rhythm, each day with its time, one act; then what follows moves or comes off.

Citizens and staff have the same pages in their own dress. Nothing needs a script: the rhythm is an address, the times
are one form.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yba.areas.booking import (
    calling,
    changing,
    holding,
    ledger,
    pages,
    planning,
    queries,
    repeating_pages,
    rules,
    series,
    services,
    views,
)
from yba.areas.booking.planning import House, Planned
from yba.areas.booking.queries import FreeSlot
from yba.areas.booking.repeating_forms import RhythmForm, SeriesForm, ShiftForm
from yba.areas.booking.rhythm import days_of
from yba.areas.booking.series import Wish
from yba.care import people
from yba.fhir.errors import Conflict, Gone, Invalid, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.schedule import Schedule
from yba.fhir.record import Record
from yba.ui import spoken
from yba.ui.requests import once_of, record_of, role_required
from yba.ui.words import local_day

STAFF: Final = ("receptionist", "customer_care", "doctor", "head_of_department")
#: Parts of the address that say the rhythm, and who comes.
_ASKED: Final = ("lich", "bac-si", "nguoi", "kieu", "thu", "moi", "gio", "tu", "lan", "den", "yeu-cau", "q")


def _is_staff(record: Record) -> bool:
    return record.actor.role != "citizen"


def _base(record: Record) -> str:
    return "ui/desk.html" if _is_staff(record) else "ui/citizen.html"


# -- a new series ------------------------------------------------------------------------------------------


@role_required("citizen", *STAFF)
def new(request: HttpRequest) -> HttpResponse:
    """The rhythm, what it gives, and the one act that books it."""
    record = record_of(request)
    own: list[tuple[str, str]] = []
    if not _is_staff(record):
        own = views.own_people(request, record)
        if not own:
            return views.to_profile(request)
    patient_id = request.GET.get("nguoi", "")[:64] or (own[0][0] if own else "")
    person = people.person_of(record.read(Patient, patient_id)) if patient_id else None
    choices = own or ([(person.id, person.name)] if person is not None else [])
    asked = "kieu" in request.GET
    form = RhythmForm(
        request.GET if asked else None, timetables=_timetables(request, record), people=choices,
        initial={"lich": request.GET.get("lich", ""), "nguoi": patient_id,
                 "tu": local_day(record.clock()) + timedelta(days=1)},
    )  # fmt: skip
    page = _new_page(request, record, form if person is not None else None, person)
    if person is None or not asked or not form.is_valid():
        return _shown(request, page, 422 if asked and person is not None else 200)
    return _planned(request, record, page, form, person)


def _new_page(
    request: HttpRequest, record: Record, form: RhythmForm | None, person: people.Person | None
) -> repeating_pages.PlanPage:
    staff, q = _is_staff(record), request.GET.get("q", "").strip()[:100]
    here = reverse("booking:new_series")
    found = people.find_people(record, q) if staff and q else []
    lines = [calling.person_line(one) for one in found]
    return repeating_pages.PlanPage(
        title=_("Đặt nhiều lượt"),
        base=_base(record),
        staff=staff,
        form=form,
        query=_query(request),
        q=q,
        searched=bool(q),
        found=[
            replace(line, url=f"{here}?{urlencode({'nguoi': one.id})}")
            for line, one in zip(lines, found, strict=True)
        ],
        person=person.name if person else "",
        facts=pages.person_facts(person, today=local_day(record.clock())) if person and staff else "",
        hidden=[
            (name, value)
            for name in ("bac-si", "yeu-cau", *(("nguoi",) if staff else ()))
            if (value := request.GET.get(name, "")[:64])
        ],
        back=reverse("booking:book_for") if record.actor.role in ("receptionist", "customer_care") else "",
    )


def _shown(request: HttpRequest, page: repeating_pages.PlanPage, status: int = 200) -> HttpResponse:
    return render(request, "booking/series_new.html", {"page": page}, status=status)


def _query(request: HttpRequest) -> str:
    return urlencode([(name, one) for name in _ASKED for one in request.GET.getlist(name) if one])


def _timetables(request: HttpRequest, record: Record) -> list[tuple[str, str]]:
    """The timetables there are to choose from: the facility's, or those of the doctor the citizen came from."""
    if _is_staff(record):
        tag = f"{rules.FACILITY_TAG}|{record.actor.facility}"
        found = record.find(Schedule, ("_tag", tag), ("active", "true"))
    else:
        role_id, one = request.GET.get("bac-si", ""), request.GET.get("lich", "")
        found = queries.schedules_of(record, [role_id]).get(role_id, []) if role_id else []
        if not found and one:
            found = record.find(Schedule, ("_id", one[:64]), ("active", "true"))
    offered = services.services_of(record, found)
    named = [(one.id or "", _timetable_words(one, offered.get(one.id or ""), record)) for one in found]
    return sorted(named, key=lambda one: one[1])


def _timetable_words(schedule: Schedule, service: services.Service | None, record: Record) -> str:
    who = next((one.display for one in schedule.actor if queries.target_id(one, "Practitioner")), "") or ""
    room = next((one.display for one in schedule.actor if queries.target_id(one, "Location")), "") or ""
    if not who and ledger.actor_of(schedule, "PractitionerRole"):
        who = queries.post_of(record, schedule).name
    return " · ".join(filter(None, [service.name if service else "", who or room]))


def _planned(
    request: HttpRequest,
    record: Record,
    page: repeating_pages.PlanPage,
    form: RhythmForm,
    person: people.Person,
) -> HttpResponse:
    data = form.cleaned_data
    house = planning.house_of(record, data["lich"])
    days = days_of(form.rhythm())
    if not days or len(days) > house.policy.series_most:
        said = _("Nhịp này không có ngày nào. Chọn lại ngày đầu, ngày cuối.")
        if days:
            said = _long_words(house.policy.series_most, len(days))
        return _shown(request, replace(page, refused=said), 422)
    if request.method == "POST":
        return _booked(request, record, page, form, house)
    found = planning.plan(record, house, days, data["gio"], owners=_owners(request, record))
    phone = person.phone if page.staff else views.phone_of(request)
    booking = SeriesForm(initial={"phone": phone})
    return _shown(request, _with_plan(page, repeating_pages.plan_lines(found), booking))


def _with_plan(
    page: repeating_pages.PlanPage,
    lines: list[repeating_pages.PlanLine],
    booking: SeriesForm,
    refused: str = "",
) -> repeating_pages.PlanPage:
    said = repeating_pages.summary_of(lines)
    return replace(page, lines=lines, summary=said, booking=booking, refused=refused)


def _owners(request: HttpRequest, record: Record) -> frozenset[str]:
    return frozenset() if _is_staff(record) else holding.owners(request, record)


def _chosen(request: HttpRequest, names: Sequence[str]) -> dict[int, str]:
    return {at: request.POST.get(name, "")[:100] for at, name in enumerate(names)}


def _booked(
    request: HttpRequest,
    record: Record,
    page: repeating_pages.PlanPage,
    form: RhythmForm,
    house: House,
) -> HttpResponse:
    data, booking, days = form.cleaned_data, SeriesForm(request.POST), days_of(form.rhythm())
    chosen = _chosen(request, [f"luot-{at}" for at in range(len(days))])
    wanted = [one for one in chosen.values() if one]

    def again(refused: str, status: int, gone: Sequence[str] = ()) -> HttpResponse:
        found = planning.plan(record, house, days, data["gio"], owners=_owners(request, record))
        known = _known(record, house, found)
        lines = repeating_pages.plan_lines(found, chosen=chosen, gone=gone, known=known)
        return _shown(request, _with_plan(page, lines, booking, refused), status)

    if not booking.is_valid():
        return again("", 422)
    if not wanted or len(set(wanted)) != len(wanted):
        return again(_choose_words(wanted), 422)
    channel: Any = {"citizen": "app", "customer_care": "phone"}.get(record.actor.role, "desk")
    wish = Wish(
        data["nguoi"], booking.cleaned_data["reason"], booking.cleaned_data["phone"], channel=channel,
        order=request.GET.get("yeu-cau", "")[:64] if page.staff else "",
    )  # fmt: skip
    called_from = () if page.staff else holding.phones_of(request)
    try:
        made = series.book(
            record, schedule_id=data["lich"], slot_ids=wanted, wish=wish, once=once_of(request),
            called_from=called_from,
        )  # fmt: skip
    except (Conflict, Invalid) as refusal:
        return again(_refused(refusal), 409, _gone(refusal))
    said = {"count": len(made), "name": page.person}
    if page.staff:
        messages.success(request, _("Đã đặt %(count)s lượt cho %(name)s, nhắn một tin.") % said)
    else:
        messages.success(request, _("Đã giữ %(count)s lượt. Bệnh viện gọi một lần cho cả chuỗi.") % said)
    return redirect("booking:series", rules.series_of(made[0]))


def _known(record: Record, house: House, found: Sequence[Planned]) -> dict[str, FreeSlot]:
    """Every time near these days, taken ones too: for the words of what was chosen before."""
    near = timedelta(days=planning.NEAR)
    days = [one.day for one in found]
    return {one.id: one for one in planning.times(record, house, min(days) - near, max(days) + near)}


def _gone(refusal: Conflict | Invalid) -> list[str]:
    return [one for one in str(refusal.params.get("gone", "")).split(",") if one]


def _choose_words(wanted: Sequence[str]) -> str:
    if not wanted:
        return _("Chưa chọn lượt nào.")
    return _("Hai lượt đang chọn cùng một giờ. Chọn giờ khác cho một lượt.")


def _long_words(most: int, count: int) -> str:
    said = _(
        "Nhịp này có %(count)s lượt; mỗi chuỗi nhiều nhất %(most)s lượt. Bớt số lượt, hoặc đặt làm hai đợt."
    )
    return said % {"count": count, "most": most}


def _refused(refusal: Conflict | Invalid) -> str:
    """Why nothing was booked or moved, and what to do."""
    params = refusal.params
    if refusal.key == "booking.series-taken":
        return _(
            "Có giờ vừa được người khác đặt. Chưa lượt nào được ghi; xem lại các lượt có dấu rồi gửi lại."
        )
    if refusal.key == "booking.blocked":
        return holding.blocked_words(refusal)
    if refusal.key == "booking.series-long":
        return _("Mỗi chuỗi nhiều nhất %(most)s lượt.") % params
    if refusal.key == "booking.too-many-series":
        return _("Đang có %(held)s chuỗi lượt khám. Hủy bớt một chuỗi rồi đặt tiếp.") % params
    if refusal.key == "booking.too-many":
        return _("Đang có %(held)s lượt chưa khám. Hủy bớt một lượt rồi đặt tiếp.") % params
    if refusal.key == "booking.series-crossed":
        return _("Hai lượt đổi chỗ cho nhau thì không làm một lần được. Đổi một lượt sang giờ trống trước.")
    if refusal.key in ("booking.moves-used", "booking.move-late", "booking.cancel-late"):
        return changing.late_words(refusal) if isinstance(refusal, Conflict) else ""
    return _("Giờ đã chọn không còn. Chọn giờ khác.")


# -- one series --------------------------------------------------------------------------------------------


@require_safe
@role_required("citizen", *STAFF)
def show(request: HttpRequest, series_id: str) -> HttpResponse:
    """Every visit of a series, and what can be done with those to come."""
    record, now = record_of(request), record_of(request).clock()
    visits = series.find(record, series_id)
    place, _hotline = queries.facility_name(record, queries.booking_of(visits[0]).facility_id)
    lines = [
        (rules.number_of(one), pages.line_of(queries.booking_of(one), now=now, facility=place))
        for one in visits
    ]
    first = lines[0][1]
    page = repeating_pages.SeriesPage(
        title=_("Chuỗi %(count)s lượt khám") % {"count": len(visits)},
        base=_base(record),
        staff=_is_staff(record),
        series=series_id,
        person=first.patient,
        facts=" · ".join(filter(None, [first.doctor, first.room, place, first.reason])),
        lines=lines,
        coming=[
            pages.Choice(
                str(number), _("Lượt %(number)s, %(when)s") % {"number": number, "when": line.when}, False
            )
            for number, line in lines
            if line.movable
        ],
        topic=f"person:{rules.patient_id_of(visits[0])}",
        another=_another(record, visits),
    )
    return render(request, "booking/series.html", {"page": page})


def _another(record: Record, visits: Sequence[Appointment]) -> str:
    """Where one more series of the same begins: staff choose the timetable, a citizen has no other way to one."""
    url = reverse("booking:new_series")
    if _is_staff(record):
        return f"{url}?{urlencode({'nguoi': rules.patient_id_of(visits[0]) or ''})}"
    for one in visits:
        with suppress(NotFound, Gone):
            return f"{url}?{urlencode({'lich': series.schedule_of(record, one)})}"
    return reverse("booking:find")


def _number(request: HttpRequest) -> int:
    said = request.GET.get("tu", "1")
    return int(said) if said.isdecimal() and len(said) < 5 else 1


def _alone(request: HttpRequest) -> bool:
    """Whether one visit alone is meant."""
    return bool(request.GET.get("chi"))


def _coming(request: HttpRequest, record: Record, series_id: str) -> list[Appointment]:
    now = record.clock()
    found = series.following(series.find(record, series_id), _number(request), alone=_alone(request))
    return [one for one in found if one.start and rules.moment(one.start) > now]


def _of_one_timetable(
    record: Record, coming: Sequence[Appointment]
) -> tuple[list[Appointment], str, list[Appointment]]:
    """Those in the timetable of the first of them, that timetable, and those that are with somebody else by now."""
    where: dict[str, str] = {}
    for one in coming:
        with suppress(NotFound, Gone):
            where[one.id or ""] = series.schedule_of(record, one)
    first = next((where[one.id or ""] for one in coming if one.id in where), "")
    here = [one for one in coming if where.get(one.id or "") == first]
    return here, first, [one for one in coming if one not in here]


@role_required("citizen", *STAFF)
def cancel(request: HttpRequest, series_id: str) -> HttpResponse:
    """Call off a visit and those after it: shown first, asked once."""
    record = record_of(request)
    coming = _coming(request, record, series_id)
    if request.method != "POST" or not coming:
        return _cancel_page(request, record, series_id, coming)
    reason = changing.reason_of(request.POST.get("ly-do", "")) or request.POST.get("vi-sao", "").strip()[:200]
    try:
        off = series.cancel_following(
            record, series_id, number=_number(request), alone=_alone(request), reason=reason
        )
    except Conflict as refusal:
        said = _refused(refusal) + " " + _("Chưa lượt nào bị hủy. Hủy từ lượt sau đó thì được.")
        return _cancel_page(request, record, series_id, coming, refused=said, status=409)
    messages.success(request, _("Đã hủy %(count)s lượt.") % {"count": len(off)})
    return redirect("booking:series", series_id)


def _following(
    request: HttpRequest, record: Record, series_id: str, coming: Sequence[Appointment]
) -> repeating_pages.FollowingPage:
    """What calling off and moving the visits to come have in common."""
    return repeating_pages.FollowingPage(
        title=_("Đổi giờ các lượt còn lại"),
        base=_base(record),
        staff=_is_staff(record),
        series=series_id,
        number=_number(request),
        alone=_alone(request),
        question="",
        days=[spoken.when(rules.moment(one.start or "")) for one in coming],
    )


def _cancel_page(
    request: HttpRequest,
    record: Record,
    series_id: str,
    coming: Sequence[Appointment],
    *,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    page = replace(
        _following(request, record, series_id, coming),
        title=_("Hủy các lượt còn lại"),
        question=_("Hủy %(count)s lượt?") % {"count": len(coming)},
        reasons=[(key, str(said)) for key, said in changing.REASONS.items()],
        refused=refused,
    )
    return render(request, "booking/series_cancel.html", {"page": page}, status=status)


@role_required("citizen", *STAFF)
def move(request: HttpRequest, series_id: str) -> HttpResponse:
    """Another hour, or some days later, for a visit and those after it: shown first, then moved at once."""
    record = record_of(request)
    coming, timetable, besides = _of_one_timetable(record, _coming(request, record, series_id))
    asked = "gio" in request.GET
    form = ShiftForm(request.GET if asked else None)
    page = replace(
        _following(request, record, series_id, coming),
        form=form,
        besides=[spoken.when(rules.moment(one.start or "")) for one in besides],
        query=urlencode(
            [(name, request.GET[name]) for name in ("tu", "chi", "gio", "doi") if name in request.GET]
        ),
    )
    if not coming or not asked or not form.is_valid():
        return _move_page(request, page, 422 if asked and coming else 200)
    try:
        return _moved(request, record, page, form, coming, timetable)
    except (NotFound, Gone):
        return _move_page(request, replace(page, refused=_("Lịch này không còn nhận đặt.")), 409)


def _move_page(request: HttpRequest, page: repeating_pages.FollowingPage, status: int) -> HttpResponse:
    return render(request, "booking/series_move.html", {"page": page}, status=status)


def _moved(
    request: HttpRequest,
    record: Record,
    page: repeating_pages.FollowingPage,
    form: ShiftForm,
    coming: Sequence[Appointment],
    timetable: str,
) -> HttpResponse:
    house = planning.house_of(record, timetable)
    shift = timedelta(days=form.cleaned_data["doi"])
    days = [local_day(rules.moment(one.start or "")) + shift for one in coming]
    found = planning.plan(
        record, house, days, form.cleaned_data["gio"], owners=_owners(request, record),
        leaving=[one.id or "" for one in coming],
    )  # fmt: skip
    keep = _("Giữ giờ cũ")
    # By their own numbers: between the page and the form one of them may begin or come off.
    names = [f"luot-{rules.number_of(one)}" for one in coming]
    if request.method != "POST":
        lines = repeating_pages.plan_lines(found, without=keep, names=names)
        return _move_page(request, replace(page, lines=lines), 200)
    chosen = _chosen(request, names)
    wanted = {one.id or "": chosen[at] for at, one in enumerate(coming) if chosen[at]}
    refused, gone, status = "", [], 422
    if not wanted or len(set(wanted.values())) != len(wanted):
        refused = _choose_words(list(wanted.values()))
    else:
        reason = request.POST.get("vi-sao", "").strip()[:200]
        try:
            made = series.move_following(record, page.series, chosen=wanted, reason=reason)
            messages.success(request, _("Đã đổi giờ %(count)s lượt.") % {"count": len(made)})
            return redirect("booking:series", page.series)
        except (Conflict, Invalid) as refusal:
            refused, gone, status = _refused(refusal), _gone(refusal), 409
    known = _known(record, house, found)
    lines = repeating_pages.plan_lines(
        found, chosen=chosen, gone=gone, known=known, without=keep, names=names
    )
    return _move_page(request, replace(page, lines=lines, refused=refused), status)
