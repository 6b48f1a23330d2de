"""The care desk's pages: the list, the request being called about, its script, and the caller's record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yba.areas.booking import actions as booking_actions
from yba.areas.booking import beyond, misses, outward
from yba.areas.booking import pages as booking_pages
from yba.areas.booking import queries as booking_queries
from yba.areas.booking import rules as booking_rules
from yba.areas.booking.desk import call_backs, claims, pages, queries, rules, scripts, telephone
from yba.areas.booking.desk.queries import Wanted
from yba.areas.booking.forms import CorrectionForm, RefusalForm, UnreachedForm
from yba.areas.booking.models import Claim, Contact
from yba.areas.booking.queries import Booking, FreeSlot, booking_of
from yba.care import catalogues, coverages, people
from yba.fhir.errors import NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record, facility_of
from yba.ui import parts, spoken, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

ROLE = "customer_care"
#: Parameters of the address that are filters, and stay when a request is opened or answered.
FILTERS = ("khoa", "kenh", "phong", "tre", "toi")


@require_safe
@role_required(ROLE)
def screening(request: HttpRequest) -> HttpResponse:
    """The list; with ``?xem=xong`` those answered today."""
    return page_of(request, record_of(request))


@require_safe
@role_required(ROLE)
def waiting(request: HttpRequest) -> HttpResponse:
    """The list alone, fetched again when something changed."""
    page = _list(request, record_of(request), current=request.GET.get("dang", "")[:64])
    return render(request, "booking/screening.html#list", {"page": page})


@require_safe
@role_required(ROLE)
def open_request(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """One request beside the list."""
    return page_of(request, record_of(request), appointment_id=appointment_id)


def page_of(
    request: HttpRequest,
    record: Record,
    *,
    appointment_id: str = "",
    form: CorrectionForm | None = None,
    refusal: RefusalForm | None = None,
    unreached: UnreachedForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The desk, with one request open or none."""
    one = None
    if appointment_id:
        found = own_request(record, appointment_id)
        one = _open(request, record, found, form=form, refusal=refusal, unreached=unreached)
    page = _list(request, record, current=appointment_id, one=one)
    return render(request, "booking/screening.html", {"page": page}, status=status)


def own_request(record: Record, appointment_id: str) -> Appointment:
    """A request of the agent's own facility. Raises NotFound."""
    found = record.read(Appointment, appointment_id)
    if facility_of(found) != record.actor.facility:
        raise NotFound("booking.not-here", "There is no such request at this facility.")
    return found


def query_of(request: HttpRequest) -> str:
    """The filters of the address, as they are written into the next one."""
    kept = request.GET.copy()
    for name in list(kept):
        if name not in FILTERS or not kept[name]:
            del kept[name]
    return kept.urlencode()


def _wanted(request: HttpRequest) -> Wanted:
    said = {name: request.GET.get(name, "")[:100] for name in FILTERS}
    return Wanted(said["khoa"], said["kenh"], said["phong"], late=bool(said["tre"]), mine=bool(said["toi"]))


def _list(
    request: HttpRequest, record: Record, *, current: str, one: pages.Open | None = None
) -> pages.ScreeningPage:
    now, wanted, query = record.clock(), _wanted(request), query_of(request)
    done = request.GET.get("xem") == "xong"
    rows = queries.waiting_list(record, now=now)
    by_text = call_backs.lines(record.actor.facility or "", me=record.actor.user, now=now)
    finished = queries.finished_today(record, now=now)
    home = reverse("booking:screening")
    again = "&".join(filter(None, [f"dang={current}", query, "xem=xong" if done else ""]))
    return pages.ScreeningPage(
        title=_("Bàn sàng lọc"),
        place=booking_queries.facility_name(record, record.actor.facility or "")[0],
        tabs=[
            parts.Tab(
                _("Chờ"),
                f"{home}?{query}" if query else home,
                current=not done,
                count=len(rows) + len(by_text),
            ),
            parts.Tab(_("Xong"), f"{home}?xem=xong", current=done, count=len(finished)),
        ],
        lines=[
            pages.request_line(row, now=now, current=current, query=query) for row in rows if wanted.fits(row)
        ],
        filters=pages.filters(rows, wanted),
        finished=[booking_pages.line_of(row, now=now) for row in finished],
        done=done,
        topic=f"screening:{record.actor.facility}",
        call_backs=by_text,
        list_url=f"{reverse('booking:waiting')}?{again}",
        query=query,
        exchange=telephone.connected(),
        extension=telephone.set_of(record),
        open=one,
    )


def _open(
    request: HttpRequest,
    record: Record,
    found: Appointment,
    *,
    form: CorrectionForm | None,
    refusal: RefusalForm | None,
    unreached: UnreachedForm | None,
) -> pages.Open:
    now, one = record.clock(), booking_of(found)
    today = local_day(now)
    standing = misses.standing_of(record, one.patient_id, record.actor.facility or "")
    person = booking_queries.caller(record, one.patient_id)
    phone = booking_actions.call_back_of(found) or person.phone
    times = booking_queries.times_of_slot(record, booking_rules.slot_id_of(found) or "", now=now)
    day = _day(request, times, one.start)
    line = booking_pages.line_of(one, now=now)
    others = queries.other_requests(record, one)
    held = claims.live_claims([one.id, *(row.id for row in others)], now=now)
    claim = held.get(one.id)
    mine = claim is not None and claim.agent == record.actor.user
    progress = queries.progress_of(one.id)
    level = queries.level_of(one, progress)
    typed = {"name": person.name, "phone": phone, "reason": one.reason, "symptoms": one.symptoms}
    full = beyond.full_times_of(record, found)
    addable = {row.slot.id for row in full if row.left.left}
    history = [row for row in queries.past_visits(record, one.patient_id) if row.id != one.id]
    due = rules.due_at(one.asked_at, level=level, specialty=queries.specialty_of(found))
    return pages.Open(
        id=one.id,
        missed=booking_pages.standing_words(standing) if standing is not None else "",
        title=person.name,
        facts=booking_pages.person_facts(person, today=today),
        insurance=insurance_words(record, one.patient_id, today),
        phone=phone,
        phone_words=words.phone(phone),
        person_url=f"{reverse('booking:caller', args=[one.patient_id])}?ve={one.id}",
        says=_says(record, one),
        channel=pages.channel_words(queries.channel_of(found)),
        asked=spoken.when(one.asked_at),
        due=words.gio(due) if local_day(due) == today else spoken.when(due),
        chosen=line.when,
        doctor=", ".join(
            filter(None, [one.doctor, _("P. %(room)s") % {"room": one.room} if one.room else ""])
        ),
        state=line.state,
        kind=line.kind,
        waiting=line.waiting,
        booked=line.booked,
        code=one.code,
        held_by_me=mine,
        held_by_other="" if claim is None or mine else claim.agent_name,
        tried=_tried(progress.attempts, level) if progress is not None and progress.attempts else "",
        form=form or CorrectionForm(initial=typed),
        refusal=refusal or RefusalForm(),
        unreached=unreached or UnreachedForm(),
        move_reasons=[(row.code, str(row)) for row in rules.book().reasons["move"].values()],
        script=script_of(record, found, writable=line.waiting and (claim is None or mine)),
        days=booking_pages.days_of(
            times, today=today, also={local_day(row.slot.start) for row in full if row.left.left}
        ),
        day_value=day.isoformat() if day else "",
        day_words=spoken.day_words(day) if day else "",
        slots=booking_pages.slots_on([row for row in times if row.id not in addable], day),
        beyond=beyond.slots(beyond.on_day(full, day)),
        beyond_words=beyond.told(beyond.on_day(full, day)),
        others=[_other(row, held.get(row.id), now=now) for row in others],
        history=[booking_pages.line_of(row, now=now) for row in history],
        contacts=[pages.contact_words(row, now=now) for row in queries.contacts_of(one.id)],
        danger=booking_rules.sounds_dangerous(f"{one.reason} {one.symptoms}"),
        outward=pages.outward_line(outward.of(one.id)),
    )


def _tried(attempts: int, level: rules.Level) -> str:
    said = {"count": attempts, "most": rules.book().retry[level].attempts}
    return _("Đã gọi %(count)s trong %(most)s lần") % said


def _other(one: Booking, claim: Claim | None, *, now: datetime) -> pages.Other:
    line = booking_pages.line_of(one, now=now)
    held = _("%(name)s đang gọi") % {"name": claim.agent_name} if claim is not None else ""
    doctor = " · ".join(filter(None, [one.doctor, one.specialty, one.reason]))
    return pages.Other(one.id, line.when, doctor, line.state, line.kind, held)


def script_of(
    record: Record,
    found: Appointment,
    *,
    writable: bool,
    answers: scripts.Answers | None = None,
    unread: list[str] | None = None,
) -> pages.ScriptPart:
    """The script of a request with what has been answered."""
    script = scripts.script_for(
        record, specialty=queries.specialty_of(found), facility=record.actor.facility or ""
    )
    known = answers if answers is not None else scripts.given(scripts.kept_answers(record, found.id or ""))
    url = reverse("booking:answers", args=[found.id])
    return pages.script_part(
        script, known, unread=unread or [], writable=writable, save_url=url,
        emergency_url=reverse("booking:refuse", args=[found.id]),
    )  # fmt: skip


def _day(request: HttpRequest, times: list[FreeSlot], start: datetime | None) -> date | None:
    asked = request.GET.get("ngay", "")
    days = {local_day(one.start).isoformat(): local_day(one.start) for one in times}
    if asked in days:
        return days[asked]
    return local_day(start) if start else None


def insurance_words(record: Record, patient_id: str, today: date) -> str:
    """The insurance card in force, or what is wrong with it."""
    card = coverages.coverage_of(record, patient_id, today)
    if card is None:
        return _("Chưa có thẻ BHYT")
    refusal = coverages.coverage_refusal(card, on=today)
    if refusal is not None:
        return f"BHYT {words.insurance_card(coverages.card_of(card))}: {refusal.message}"
    end = coverages.card_period(card)[1]
    number = words.insurance_card(coverages.card_of(card))
    return (
        _("BHYT %(card)s đến %(day)s") % {"card": number, "day": words.ngay(end)} if end else f"BHYT {number}"
    )


def _says(record: Record, one: Booking) -> str:
    facility = booking_queries.facility_name(record, one.facility_id)[0]
    said = {"facility": facility, "time": words.gio(one.asked_at)}
    return (
        _("“Tôi gọi từ %(facility)s về lượt khám đặt lúc %(time)s. Hiện có tiện nói chuyện không ạ?”") % said
    )


# -- the caller's record -------------------------------------------------------------------------------


@require_safe
@role_required(ROLE)
def caller(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Who they are, how they are reached, what was booked here and what was said: nothing of what they suffer from."""
    record = record_of(request)
    now = record.clock()
    person = booking_queries.caller(record, patient_id)
    rows = queries.past_visits(record, patient_id, limit=50)
    lines = [booking_pages.line_of(one, now=now) for one in rows]
    came_from = request.GET.get("ve", "")[:64]
    done = Contact.objects.filter(
        appointment_id__in=[one.id for one in rows], facility=record.actor.facility or ""
    )
    page = pages.CallerRecord(
        title=person.name,
        facts=booking_pages.person_facts(person, today=local_day(now)),
        insurance=insurance_words(record, patient_id, local_day(now)),
        phone=person.phone,
        phone_words=words.phone(person.phone),
        address=person.address,
        relatives=[
            (one.name, _relation(one.relation), one.phone) for one in people.family_of(record, patient_id)
        ],
        coming=[one for one in reversed(lines) if one.cancellable],  # the next one first
        past=[one for one in lines if not one.cancellable],
        contacts=[pages.contact_words(one, now=now) for one in done[:50]],
        back=reverse("booking:request", args=[came_from]) if came_from else reverse("booking:screening"),
    )
    return render(request, "booking/caller.html", {"page": page})


#: Who a relative is to the person, by HL7's role codes (v3-RoleCode), as the house writes them.
_RELATIVES: Final = {
    "PRN": gettext_lazy("Cha hoặc mẹ"), "FTH": gettext_lazy("Cha"), "MTH": gettext_lazy("Mẹ"),
    "GRPRN": gettext_lazy("Ông hoặc bà"), "SPS": gettext_lazy("Vợ hoặc chồng"), "CHILD": gettext_lazy("Con"),
    "GUARD": gettext_lazy("Người giám hộ"),
}  # fmt: skip


def _relation(code: str) -> str:
    known = catalogues.relationship(code)
    if known is None:
        return str(_RELATIVES.get(code, _("Người nhà")))
    return known.name_en if get_language() == "en" else known.name_vi
