"""The person's pages: their conversations, one of them, the first message about a visit, a booking or a result."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yba.areas.telehealth.chat import actions, pages, queries, rules, staff
from yba.areas.telehealth.chat.forms import SayForm
from yba.areas.telehealth.chat.threads import Thread
from yba.areas.telehealth.chat.writing import pages_in, posted
from yba.care.remote import office
from yba.care.remote.alarms import alarms_in
from yba.fhir.record import Record
from yba.ui import spoken
from yba.ui.needs import needing
from yba.ui.requests import record_of, role_required


@require_safe
@role_required("citizen")
def chats(request: HttpRequest) -> HttpResponse:
    """The conversations of oneself and of those one acts for, and what may be asked about."""
    record = record_of(request)
    own = record.actor.person or ""
    threads = queries.own_threads(record)
    names = {one: queries.facility_name(record, one)[0] for one in {each.facility for each in threads}}
    lines = tuple(pages.line(one, own=own, facility=names[one.facility]) for one in threads)
    ask = tuple(_askable(*one) for one in queries.matters(record, threads))
    topics = tuple(f"chats-of:{one}" for one in sorted(record.actor.persons)[:10])
    page = pages.ChatsPage(_("Trò chuyện"), lines, ask, topics)
    return render(request, "telehealth/chat/chats.html", {"page": page})


def _askable(kind: str, identifier: str, day: str, doctor: str, person: str) -> pages.Line:
    booked = kind == "Appointment"
    title = _("Hỏi trước lượt hẹn %(when)s") if booked else _("Hỏi về lần khám %(when)s")
    shown = spoken.when(day) if booked else spoken.day_words(day)
    url = reverse("telehealth:chat-about", args=[kind, identifier])
    return pages.Line(url, title % {"when": shown}, ", ".join(filter(None, [doctor, person])), "", "", "")


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen", *rules.STAFF)
def about(request: HttpRequest, type_name: str, identifier: str) -> HttpResponse:
    """The conversation about a visit, a booking or a result; where there is none yet, its first message."""
    record = record_of(request)
    matter = queries.matter_of(record, type_name, identifier)
    if record.actor.role != "citizen":
        return staff.about(request, record, matter)
    actions.writer_of(record)  # an account that is nobody's asks nobody
    if matter.patient not in record.actor.persons:
        raise queries.none_of(identifier)
    known = queries.thread_about(record, matter)
    if known is not None:
        return redirect("telehealth:chat", known.id)
    if request.method != "POST":
        return _first(request, record, matter, SayForm())
    return posted(
        request,
        partial(actions.start, record, matter),
        partial(_first, request, record, matter),
        to="telehealth:chat",
    )


def _alarms(form: SayForm) -> bool:
    """Whether what could not be sent may be an emergency: that is said also where nobody will read it."""
    return form.is_bound and bool(alarms_in(form.data.get("text", "")[: 2 * rules.LONGEST]))


def _first(
    request: HttpRequest, record: Record, matter: queries.Matter, form: SayForm, *, refusal: str = "",
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    facility, hotline = queries.facility_name(record, matter.facility)
    if not refusal and not queries.answerable(record.as_system(), matter):
        refusal = rules.unanswerable().message
    role = queries.bookable_role(record, matter)
    page = pages.ChatPage(
        matter.doctor_name or facility or _("Trò chuyện"),
        pages.topic_words(matter.unwritten()), facility, hotline, None, form,
        reverse("telehealth:chat-about", args=[matter.type, matter.id]),
        pages.promise_words(office.office_of(record, matter.facility), record.clock()), refusal,
        book_url=pages.address("booking:book", role) if role else pages.address("booking:find"),
        patient="" if matter.patient == record.actor.person else matter.patient_name,
        alarm=_alarms(form),
    )  # fmt: skip
    return needing(
        render(request, "telehealth/chat/chat.html", {"page": page}, status=status), microphone=True
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def chat(request: HttpRequest, thread_id: str) -> HttpResponse:
    """One conversation: what was said, and a field to write; opening it marks it read."""
    record = record_of(request)
    thread = queries.own_thread(record, thread_id)
    if request.method != "POST":
        actions.mark_read(record, thread)
        return _conversation(request, record, queries.own_thread(record, thread_id), SayForm())
    return posted(
        request, partial(actions.say, record, thread_id), partial(_conversation, request, record, thread),
        to="telehealth:chat",
    )  # fmt: skip


def _conversation(
    request: HttpRequest,
    record: Record,
    thread: Thread,
    form: SayForm,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    shown, more = queries.said_in(record, thread.id, pages=pages_in(request))
    url = reverse("telehealth:chat", args=[thread.id])
    log = pages.log(thread, shown, side="person", url=url, pages=pages_in(request), more=more)
    if request.headers.get("HX-Target") == "tin":
        if request.GET.get("dau") == log.mark:
            return HttpResponse(status=204)
        return render(request, "telehealth/chat/_log.html", {"log": log})
    facility, hotline = queries.facility_name(record, thread.facility)
    coming = queries.next_visit(record, thread)
    role = queries.bookable_role(record, thread)
    if not refusal and not queries.answerable(record.as_system(), thread):
        refusal = rules.unanswerable().message
    page = pages.ChatPage(
        thread.doctor_name or facility or _("Trò chuyện"), pages.topic_words(thread), facility, hotline, log, form,
        url, pages.promise_words(office.office_of(record, thread.facility), record.clock()), refusal,
        book_url=pages.address("booking:book", role) if role else pages.address("booking:find"),
        visit_url=pages.address("booking:slip", coming.id or "") if coming else "",
        visit_words=pages.visit_link(coming),
        patient="" if thread.patient == record.actor.person else thread.patient_name,
        alarm=_alarms(form),
    )  # fmt: skip
    return needing(
        render(request, "telehealth/chat/chat.html", {"page": page}, status=status), microphone=True
    )
