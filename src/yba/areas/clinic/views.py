"""The doctor's pages: the room's line, the note, and the two papers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.clinic import actions, forms, pages, papers, queries, sending
from yba.areas.clinic.content import Content
from yba.care import catalogues, coverages
from yba.care.chart import chart_of, recorded_allergies, text_of
from yba.care.diagnoses import search_diagnoses as diagnoses_like
from yba.care.documents import pdf_response
from yba.care.line import actions as line
from yba.care.line.models import Ticket
from yba.care.line.queries import Line, line_of, ticket_of
from yba.care.refusal import Refusal
from yba.care.remote.engines import engines
from yba.care.sharing import asking, emergency
from yba.fhir.errors import Conflict, Gone, NotFound
from yba.fhir.r4.location import Location
from yba.fhir.record import Record
from yba.fhir.record.labelled import any_labelled
from yba.ui import keeping
from yba.ui.needs import needing
from yba.ui.requests import once_of, record_of, role_required

#: Where one of these of anybody in the line bears a sensitive label, no device keeps the line.
OF_A_LINE = ("Appointment", "Encounter", "Patient")


def _room(request: HttpRequest, record: Record) -> Location:
    """The room of the account; a doctor without one has no page here."""
    found = queries.room_of(record, getattr(request.user, "location", ""))
    if found is None or not found.id:
        raise Http404
    return found


def _visit(request: HttpRequest, record: Record, visit_id: str) -> queries.Visit:
    sits = queries.room_of(record, getattr(request.user, "location", ""))
    try:  # a visit by video has no room: one's own is found by who treats
        return queries.visit_of(record, visit_id, room=(sits.id or "") if sits else "")
    except (NotFound, Gone) as error:
        raise Http404 from error


# -- the room --------------------------------------------------------------------------------------------


def _room_page(request: HttpRequest) -> tuple[pages.RoomPage, Line]:
    record = record_of(request)
    room = _room(request, record)
    found = line_of(record, room=room.id or "")
    place = text_of(room.type[0]) if room.type else room.description or ""
    page = pages.room_page(
        room.id or "", room.name or "", place or str(request.user), found, today=queries.today_of(record)
    )
    return page, found


@require_safe
@role_required("doctor")
def room(request: HttpRequest) -> HttpResponse:
    """The line in front of the room."""
    page, there = _room_page(request)
    answer = render(request, "clinic/room.html", {"page": page})
    if not keeping.keeps(request):
        return answer
    record = record_of(request)
    waiting = {one.patient_id for one in there.all}
    if any_labelled(record, waiting, types=OF_A_LINE):
        return answer
    return keeping.kept(request, answer, length=keeping.rest_of_day(record.clock()))


@require_safe
@role_required("doctor")
def line_part(request: HttpRequest) -> HttpResponse:
    """The line alone, when it changed."""
    return render(request, "clinic/_line.html", {"page": _room_page(request)[0]})


@require_POST
@role_required("doctor")
def call_next(request: HttpRequest) -> HttpResponse:
    """Call the next of the line."""
    record = record_of(request)
    called = line.call_next(record, room=_room(request, record).id or "", key=once_of(request))
    if isinstance(called, Refusal):
        messages.info(request, called.message)
    return redirect("clinic:room")


DEEDS = {"missed": line.missed, "rejoin": line.rejoin}
CALLS = ("call", "again")


@require_POST
@role_required("doctor")
def ticket(request: HttpRequest, ticket_id: int, deed: str) -> HttpResponse:
    """Call again, out of turn, mark as missed, take back, or begin the visit."""
    record = record_of(request)
    here = _room(request, record).id or ""
    found = actions.own_ticket(record, ticket_id, room=here)
    if found is None or deed not in ("start", *CALLS, *DEEDS):
        raise Http404
    if deed == "start":
        answer = actions.start_visit(record, ticket=found, room=here)
    elif deed in CALLS:
        answer = line.call(record, ticket=found.pk, room=here)
    else:
        answer = DEEDS[deed](record, ticket=found.pk)
    if isinstance(answer, Refusal):
        messages.warning(request, answer.message)
    elif deed == "start":
        return redirect("clinic:visit", answer.encounter_id)
    return redirect("clinic:room")


# -- the visit -------------------------------------------------------------------------------------------


def _page(
    request: HttpRequest, record: Record, visit: queries.Visit, content: Content | None = None
) -> pages.VisitPage:
    """The page of a visit under way: the draft, unless another content is given."""
    today = queries.today_of(record)
    saved, version, saved_at = queries.draft_of(visit.id)
    if version == 0:
        saved = queries.first_content(visit)
    return pages.visit_page(
        visit,
        saved if content is None else content,
        allergies=recorded_allergies(record, visit.patient_id),
        chart=chart_of(record, visit.patient_id, today=today),
        today=today,
        version=version,
        saved_at=saved_at,
        ticket=_ticket(record, visit),
        coverage=coverages.coverage_of(record, visit.patient_id, today),
        part=request.GET.get("before", ""),
        place=_place(request, record),
    )


def _sharing(record: Record, visit: queries.Visit) -> dict[str, object]:
    """How the book of the person stands to this facility, and the ways out."""
    return {
        "share": asking.state_of(record, visit.patient),
        "emergency_url": f"{reverse('clinic:emergency')}?nguoi={visit.patient_id}"
        if emergency.may_open(record.actor)
        else "",
    }


def _ticket(record: Record, visit: queries.Visit) -> Ticket | None:
    return ticket_of(record, encounter=visit.id)


def _place(request: HttpRequest, record: Record) -> str:
    room = queries.room_of(record, getattr(request.user, "location", ""))
    if room is None:
        return ""
    waiting = len(line_of(record, room=room.id or "").waiting)
    return _("Phòng %(name)s · còn %(count)s người chờ") % {"name": room.name or "", "count": waiting}


@require_safe
@role_required("doctor")
def visit(request: HttpRequest, visit_id: str) -> HttpResponse:
    """The note: being written, or signed and read only."""
    record = record_of(request)
    found = _visit(request, record, visit_id)
    if found.finished:
        return _finished(request, record, found)
    page = _page(request, record, found)
    wanted = request.headers.get("HX-Target") == "before"
    shown = {"page": page, **_sharing(record, found)}
    answer = render(request, "clinic/_before.html" if wanted else "clinic/visit.html", shown)
    return _with_call(answer) if page.remote else answer


def _with_call(answer: HttpResponse) -> HttpResponse:
    """The note of a visit by video shows its call: microphone, and the frame of the server that carries it."""
    return needing(
        answer, microphone=True, frames=tuple(one for engine in engines().values() for one in engine.frames)
    )


def _finished(request: HttpRequest, record: Record, found: queries.Visit) -> HttpResponse:
    today: date = queries.today_of(record)
    chart = chart_of(record, found.patient_id, today=today)
    ticket = _ticket(record, found)
    finished = queries.finished_visit(record, found.encounter)
    page = pages.FinishedPage(
        title=_("Khám bệnh"),
        place=_place(request, record),
        visit_id=found.id,
        person=pages.person_part(
            found.patient,
            chart,
            chart.allergies,
            chart.asked,
            ticket=ticket.code if ticket else "",
            today=today,
            coverage=coverages.coverage_of(record, found.patient_id, today),
        ),
        visit=finished,
        vitals=pages.vital_parts(finished.vitals),
        before=pages.before_of(chart, request.GET.get("before", ""), found.id),
        sending=pages.sending_line(sending.of(finished.prescription)) if finished.prescription else None,
    )
    wanted = request.headers.get("HX-Target") == "before"
    return render(request, "clinic/_before.html" if wanted else "clinic/finished.html", {"page": page})


@require_POST
@role_required("doctor")
def save(request: HttpRequest, visit_id: str) -> HttpResponse:
    """Keep what was typed, and do what a button asks; answers the parts of the page that changed."""
    record = record_of(request)
    found = _visit(request, record, visit_id)
    base, version, _saved = queries.draft_of(visit_id)
    deed = request.POST.get("do", "")
    content = forms.typed_over(base, request.POST)
    content = forms.done(content, deed, request.POST.get(deed, ""))
    asked = request.POST.get("version", "")
    kept = actions.save_draft(
        record,
        found,
        content=content,
        version=int(asked) if asked.isdecimal() and len(asked) < 9 else version,
    )
    if isinstance(kept, Refusal):
        return _stale(request, visit_id, kept)
    if not request.htmx:  # type: ignore[attr-defined]  # set by django_htmx
        return redirect("clinic:visit", visit_id)
    return render(request, "clinic/_saved.html", {"page": _page(request, record, found), "deed": bool(deed)})


def _stale(request: HttpRequest, visit_id: str, refusal: Refusal) -> HttpResponse:
    if not request.htmx:  # type: ignore[attr-defined]  # set by django_htmx
        messages.warning(request, refusal.message)
        return redirect("clinic:visit", visit_id)
    return render(request, "clinic/_stale.html", {"words": refusal.message, "visit_id": visit_id}, status=409)


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("doctor")
def finish(request: HttpRequest, visit_id: str) -> HttpResponse:
    """Sign: keep what was typed, then write the record; what is missing is said on top."""
    if request.method != "POST":  # somebody came back to the address of a refused signature
        return redirect("clinic:visit", visit_id)
    record = record_of(request)
    found = _visit(request, record, visit_id)
    seen = None
    if not found.finished:
        base, _version, _saved = queries.draft_of(visit_id)
        asked = request.POST.get("version", "")
        content = forms.typed_over(base, request.POST)
        kept = actions.save_draft(
            record, found, content=content, version=int(asked) if asked.isdecimal() and len(asked) < 9 else 0
        )
        if isinstance(kept, Refusal):
            messages.warning(request, kept.message)
            return redirect("clinic:visit", visit_id)
        seen = content
    answer = actions.finish_visit(record, found, seen=seen)
    if isinstance(answer, Refusal):
        messages.warning(request, answer.message)
        return redirect("clinic:visit", visit_id)
    if isinstance(answer, tuple):
        page = replace(_page(request, record, found), lacks=answer)
        return render(request, "clinic/visit.html", {"page": page}, status=422)
    if not answer.again:
        messages.success(request, _("Đã ký và kết thúc lượt khám."))
    return redirect("clinic:visit", visit_id)


@require_POST
@role_required("doctor")
def allergy(request: HttpRequest, visit_id: str) -> HttpResponse:
    """Note an allergy, or that there is none known; it counts at once."""
    record = record_of(request)
    found = _visit(request, record, visit_id)
    if found.finished:
        raise Http404
    if request.POST.get("none"):
        answer = actions.record_no_allergy(record, found)
    else:
        answer = actions.record_allergy(
            record,
            found,
            code=request.POST.get("allergen", ""),
            words=request.POST.get("allergen_text", ""),
            reaction=request.POST.get("reaction", ""),
            grave=request.POST.get("grave") == "yes",
        )
    if isinstance(answer, Refusal):
        messages.warning(request, answer.message)
    return redirect("clinic:visit", visit_id)


# -- searches as one types -------------------------------------------------------------------------------


def _options(request: HttpRequest, options: list[tuple[str, str, str, str]], none: str) -> HttpResponse:
    return render(request, "clinic/_options.html", {"options": options, "none": none})


@require_safe
@role_required("doctor")
def search_diagnoses(request: HttpRequest) -> HttpResponse:
    """Diagnoses by code or words."""
    found = diagnoses_like(request.GET.get("q", ""), 12)
    options = [(one.code, one.name, one.name_en if one.name_vi else "", one.code) for one in found]
    return _options(request, options, _("Không có mã bệnh nào như vậy. Thử một từ khác."))


@require_safe
@role_required("doctor")
def search_orders(request: HttpRequest) -> HttpResponse:
    """Drugs and services by name, ingredient or code."""
    text = request.GET.get("q", "")
    drugs = [
        (one.code, one.label, f"{one.form}, {', '.join(one.active_ingredients)}", "")
        for one in catalogues.search_drugs(text, 10)
    ]
    services = [
        (one.code, one.name_vi, _("dịch vụ"), one.code)
        for one in catalogues.search_services(text, 12)
        if one.group not in ("exam", "bed")
    ]
    return _options(request, [*drugs, *services[:6]], _("Không có thuốc hay dịch vụ nào như vậy."))


@require_safe
@role_required("doctor")
def search_allergens(request: HttpRequest) -> HttpResponse:
    """Substances of the list; what is not there is written in words."""
    found = catalogues.search_allergens(request.GET.get("q", ""), 10)
    options = [(one.code, one.name_vi, one.name_en, "") for one in found]
    return _options(request, options, _("Không có trong danh mục. Để nguyên chữ đã gõ cũng được."))


# -- papers ----------------------------------------------------------------------------------------------


@require_safe
@role_required("doctor", "pharmacist", "citizen")
def prescription_pdf(request: HttpRequest, code: str) -> HttpResponse:
    """The prescription as the law orders it, for those who may see its lines."""
    return _paper(request, lambda: papers.prescription(record_of(request), code), f"don-thuoc-{code}.pdf")


@require_safe
@role_required("doctor", "citizen")
def follow_up_pdf(request: HttpRequest, visit_id: str) -> HttpResponse:
    """The slip for the next visit."""
    return _paper(
        request, lambda: papers.follow_up_slip(record_of(request), visit_id), f"hen-kham-lai-{visit_id}.pdf"
    )


def _paper(request: HttpRequest, made: Callable[[], bytes], name: str) -> HttpResponse:
    try:
        return pdf_response(made(), name)
    except (NotFound, Gone) as error:
        raise Http404 from error
    except Conflict as error:
        if error.key != papers.UNFINISHED:
            raise
        text = _("Lượt khám chưa ghi ngày khám hoặc nơi khám. Ghi đủ rồi in lại.")
        return render(
            request, "ui/problem.html", {"title": _("Chưa in được giấy này"), "text": text}, status=409
        )


@require_POST
@role_required("doctor")
def send_again(request: HttpRequest, visit_id: str) -> HttpResponse:
    """Try again to send the visit's prescription: what was wrong is mended."""
    record = record_of(request)
    found = _visit(request, record, visit_id)
    code = queries.finished_visit(record, found.encounter).prescription
    if code:
        sending.again(record.actor.facility or "-", now=record.clock(), code=code)
        messages.success(request, _("Đơn thuốc sẽ được gửi lại trong một phút."))
    return redirect("clinic:visit", visit_id)


@require_safe
@role_required("doctor", "head_of_department", "facility_administrator")
def unsent(request: HttpRequest) -> HttpResponse:
    """The facility's prescriptions that have not gone through, and why."""
    rows = sending.stuck(record_of(request).actor.facility or "-")
    lines = [line_ for row in rows if (line_ := pages.sending_line(row)) is not None]
    return render(
        request, "clinic/unsent.html", {"page": pages.UnsentPage(_("Đơn thuốc chưa gửi được"), lines)}
    )


@require_POST
@role_required("facility_administrator")
def send_all_again(request: HttpRequest) -> HttpResponse:
    """Try all of the facility again: the connection is mended."""
    record = record_of(request)
    many = sending.again(record.actor.facility or "-", now=record.clock())
    messages.success(request, _("Sẽ gửi lại %(many)s đơn thuốc trong ít phút.") % {"many": many})
    return redirect("clinic:unsent")
