"""The team's pages: the facility's conversations, the unanswered first, and one of them with the record beside it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.telehealth.chat import actions, pages, queries, rules
from yba.areas.telehealth.chat.forms import HandOverForm, SayForm, TakeDownForm
from yba.areas.telehealth.chat.threads import Thread
from yba.areas.telehealth.chat.writing import pages_in, posted
from yba.care import people
from yba.care.chart import chart_of
from yba.care.remote import office
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui import spoken
from yba.ui.needs import needing
from yba.ui.requests import own_once_of, record_of_facility, role_required
from yba.ui.words import local_day

_DEEDS = ("hand-over", "invite", "close", "take-down")


@require_safe
@role_required(*rules.STAFF)
def inbox(request: HttpRequest) -> HttpResponse:
    """Who waits for an answer, longest first and words of alarm before them; then what was answered."""
    record = record_of_facility(request)
    actor, now = record.actor, record.clock()
    mine = bool(actor.practitioner) and request.GET.get("cua") == "toi"
    first, second = pages_in(request, "cho"), pages_in(request, "xong")
    urgent = queries.urgent_threads(record, mine=mine)
    waiting = queries.waiting_threads(record, mine=mine, page=first)
    answered = queries.answered_threads(record, mine=mine, page=second)
    known = {one.id for one in urgent.threads}
    ordered = [*urgent.threads, *(one for one in waiting.threads if one.id not in known)]
    hours = office.office_of(record, actor.facility or "")
    own = actions.writer_of(record).who.reference or ""
    url = reverse("telehealth:inbox")
    whose = "cua=toi&" if mine else ""
    page = pages.InboxPage(
        title=_("Tin của người bệnh"),
        waiting=tuple(pages.row(one, office=hours, now=now, own=own) for one in ordered),
        answered=tuple(pages.row(one, office=hours, now=now, own=own) for one in answered.threads),
        mine=mine,
        may_mine=bool(actor.practitioner),
        topic=f"chats:{actor.facility}",
        url=f"{url}?{whose}cho={first}&xong={second}",
        more_waiting=f"{url}?{whose}cho={first + 1}" if waiting.more or urgent.more else "",
        more_answered=f"{url}?{whose}xong={second + 1}" if answered.more else "",
    )
    part = request.headers.get("HX-Target") == "hop-tin"
    return render(request, f"telehealth/chat/{'_inbox' if part else 'inbox'}.html", {"page": page})


def about(request: HttpRequest, record: Record, matter: queries.Matter) -> HttpResponse:
    """The conversation about a visit or a result of the own facility's, or its first message."""
    if matter.facility != record.actor.facility:
        raise Http404
    known = queries.thread_about(record, matter)
    if known is not None:
        return redirect("telehealth:talk", known.id)
    if request.method != "POST":
        return _talk(request, record, matter.unwritten(), SayForm())
    return posted(
        request, partial(actions.start, record, matter), partial(_talk, request, record, matter.unwritten()),
        to="telehealth:talk",
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(*rules.STAFF)
def talk(request: HttpRequest, thread_id: str) -> HttpResponse:
    """One conversation of the facility's; opening it marks it read."""
    record = record_of_facility(request)
    thread = queries.staff_thread(record, thread_id)
    if request.method != "POST":
        waits = queries.hides(record, thread)
        if not waits:
            actions.mark_read(record, thread)
        return _talk(request, record, queries.staff_thread(record, thread_id), SayForm(), waits=waits)
    return posted(
        request, partial(actions.say, record, thread_id), partial(_talk, request, record, thread),
        to="telehealth:talk",
    )  # fmt: skip


def _talk(
    request: HttpRequest, record: Record, thread: Thread, form: SayForm, *, refusal: str = "", status: int = 200,
    hand: HandOverForm | None = None, waits: bool = False,
) -> HttpResponse:  # fmt: skip
    log = None
    pages_shown = pages_in(request, "trang")
    url = reverse("telehealth:talk", args=[thread.id]) if thread.id else ""
    if thread.id:
        shown, more = queries.said_in(record, thread.id, pages=pages_shown)
        log = pages.log(
            thread, shown, side="staff", url=url, pages=pages_shown, more=more,
            taking_down=reverse("telehealth:chat-take-down", args=[thread.id]),
        )  # fmt: skip
        if request.headers.get("HX-Target") == "tin":
            if request.GET.get("dau") == log.mark:
                return HttpResponse(status=204)
            return render(request, "telehealth/chat/_log.html", {"log": log})
    page = replace(_page(record, thread, form, log, refusal=refusal, hand=hand), waits=waits)
    answer = render(request, "telehealth/chat/talk.html", {"page": page}, status=status)
    return needing(answer, microphone=True)


def _page(
    record: Record,
    thread: Thread,
    form: SayForm,
    log: pages.Log | None,
    *,
    refusal: str,
    hand: HandOverForm | None,
) -> pages.TalkPage:
    now = record.clock()
    patient = record.read(Patient, thread.patient)
    kind, identifier = thread.about or ("", "")
    hours = office.office_of(record, thread.facility)
    late = thread.status == "in-progress" and rules.is_late(hours, thread, now=now)
    others = [one for one in queries.colleagues(record, thread.facility) if one[0] != thread.doctor]
    url = (
        reverse("telehealth:talk", args=[thread.id])
        if thread.id
        else reverse("telehealth:chat-about", args=[kind, identifier])
    )
    urls = {
        one.replace("-", "_"): reverse(f"telehealth:chat-{one}", args=[thread.id])
        for one in _DEEDS
        if thread.id
    }
    follow = reverse("telehealth:follow-begin", args=[kind, identifier]) if kind else ""
    facts = (spoken.gender(patient.gender), spoken.age(patient.birthDate, local_day(now)))
    return pages.TalkPage(
        title=people.name_of(patient) or thread.patient_name,
        about=pages.topic_words(thread),
        about_url=pages.address("clinic:visit", identifier) if kind == "Encounter" else "",
        doctor=thread.doctor_name,
        log=log,
        form=form,
        action=url,
        chart=chart_of(record, thread.patient, today=local_day(now)),
        facts=", ".join(filter(None, facts)),
        phone=people.phone_of(patient),
        closed=thread.closed,
        hand=(hand or HandOverForm(colleagues=others)) if thread.id and others else None,
        urls=urls,
        follow_url=follow if record.actor.practitioner and record.actor.role != "nurse" else "",
        late=pages.age_words(rules.waits(thread, now=now)) if late else "",
        visit_words=pages.visit_link(queries.next_visit(record, thread)),
        refusal=refusal,
        handed=thread.handed,
    )  # fmt: skip


# -- deeds -------------------------------------------------------------------------------------------------


@require_POST
@role_required(*rules.STAFF)
def hand_over(request: HttpRequest, thread_id: str) -> HttpResponse:
    """Let a colleague answer from now on."""
    record = record_of_facility(request)
    thread = queries.staff_thread(record, thread_id)
    others = [one for one in queries.colleagues(record, thread.facility) if one[0] != thread.doctor]
    form = HandOverForm(request.POST, colleagues=others)
    if not form.is_valid():
        return _talk(request, record, thread, SayForm(), hand=form, status=422)
    refusal = actions.hand_over(record, thread, to=form.cleaned_data["to"], why=form.cleaned_data["why"])
    if refusal is not None:
        return _talk(request, record, thread, SayForm(), hand=form, refusal=refusal.message, status=422)
    messages.success(request, _("Đã chuyển cuộc trò chuyện."))
    return redirect("telehealth:talk", thread_id)


@require_POST
@role_required(*rules.STAFF)
def invite(request: HttpRequest, thread_id: str) -> HttpResponse:
    """Ask the person to book a visit: their page shows the doctor's free times behind a button."""
    record = record_of_facility(request)
    thread = queries.staff_thread(record, thread_id)
    actions.invite(record, thread, once=own_once_of(request))
    return redirect("telehealth:talk", thread_id)


@require_POST
@role_required(*rules.STAFF)
def close(request: HttpRequest, thread_id: str) -> HttpResponse:
    """End the conversation."""
    record = record_of_facility(request)
    thread = queries.staff_thread(record, thread_id)
    refusal = actions.close(record, thread)
    if refusal is not None:
        messages.warning(request, refusal.message)
        return redirect("telehealth:talk", thread_id)
    return redirect("telehealth:inbox")


@require_POST
@role_required(*rules.STAFF)
def take_down(request: HttpRequest, thread_id: str) -> HttpResponse:
    """Take an attachment out of the conversation, with the reason."""
    record = record_of_facility(request)
    thread = queries.staff_thread(record, thread_id)
    form = TakeDownForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Ghi lý do gỡ tệp."))
        return redirect("telehealth:talk", thread_id)
    given = form.cleaned_data
    refusal = actions.take_down(
        record, thread, message=given["message"], number=given["number"], why=given["why"]
    )
    if refusal is not None:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, _("Đã gỡ tệp. Bản gốc chỉ còn ở phòng lưu trữ hồ sơ."))
    return redirect("telehealth:talk", thread_id)
