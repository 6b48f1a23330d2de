"""Booking for somebody on the phone or at the desk: the same capacity as everyone's, confirmed at once."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.booking import actions, any_doctor, beyond, holds, pages, queries, rules
from yba.areas.booking.forms import CallerForm
from yba.areas.booking.models import CallBack
from yba.areas.booking.texting import call_backs
from yba.areas.booking.views import chosen_day, refusal_words
from yba.care import people
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import once_of, record_of, role_required
from yba.ui.words import local_day

#: Of the choice of a doctor: any of the specialty that follows.
_ANY: Final = "khoa:"


@role_required("customer_care", "receptionist")
def book(request: HttpRequest) -> HttpResponse:
    """Find the person, choose doctor and time, book and confirm."""
    record = record_of(request)
    if request.method == "POST":
        return _booked(request, record)
    return _page(request, record, None)


def _booked(request: HttpRequest, record: Record) -> HttpResponse:
    form, asked = CallerForm(request.POST), _asked_by_text(request, record)
    patient = record.read(Patient, request.GET.get("nguoi", "-"))
    if not form.is_valid():
        return _page(request, record, form, status=422)
    said: dict[str, Any] = {
        "patient_id": patient.id or "", "reason": form.cleaned_data["reason"], "phone": form.cleaned_data["phone"],
        "once": once_of(request), "channel": "phone" if record.actor.role == "customer_care" else "desk",
        "video": form.cleaned_data["by"],
    }  # fmt: skip
    slot, specialty = form.cleaned_data["slot"], _any_of(request.GET.get("bac-si", ""))
    role_id = request.GET.get("bac-si", "").strip()[:100]
    if specialty:
        chosen = next((one for one in _full_of_any(record, specialty) if one.slot.id == slot), None)
    else:
        chosen = beyond.full_time(record, slot, role_id=role_id) if role_id else None
    if chosen is not None and not chosen.left.allowed:
        chosen = None  # a time this role may never add to has gone since the page: the ledger says so
    if asked is not None and slot == asked.slot_id:
        chosen = None  # held for this caller: not full for them
    if chosen is not None and not chosen.left.left:
        return _page(request, record, form, said=beyond.told([chosen]), status=409)
    if chosen is not None and not form.cleaned_data["beyond"]:
        form.add_error("beyond", _("Giờ này đã đầy: viết lý do nhận thêm."))
        return _page(request, record, form, status=422)
    if chosen is not None:
        said["beyond"] = form.cleaned_data["beyond"]
    try:
        made = _of_any(record, specialty, slot, said) if specialty else actions.book_for_caller(
            record, slot_id=slot, **said
        )  # fmt: skip
    except (Conflict, Invalid) as refusal:
        used_up = beyond.used_up(refusal.params["allowed"]) if refusal.key == "booking.overbooked" else ""
        return _page(request, record, form, refusal=refusal, said=used_up, status=409)
    if asked is not None:
        call_backs.end(record, asked, "booked", appointment=made.id or "")
    one = queries.booking_of(made)
    said = {"name": one.patient, "when": spoken.when(one.start) if one.start else "", "code": one.code}
    messages.success(request, _("Đã đặt cho %(name)s: %(when)s, mã %(code)s. Đã nhắn tin.") % said)
    return redirect("booking:screening" if asked is not None else "booking:book_for")


def _asked_by_text(request: HttpRequest, record: Record) -> CallBack | None:
    """The number that asked by text and is being called now; None for an ordinary call."""
    number = request.GET.get("tin", "")
    return call_backs.find(record.actor.facility or "", number) if number else None


def _any_of(chosen: str) -> str:
    """The specialty any doctor of which will do; empty where somebody was chosen."""
    return chosen.removeprefix(_ANY) if chosen.startswith(_ANY) else ""


def _of_any(record: Record, specialty: str, starts: str, said: dict[str, Any]) -> Appointment:
    at = rules.moment_or_none(starts)
    if at is None:
        raise Invalid("booking.slot-unknown", "This is no time. Choose one.", path="Appointment.start")
    facility = record.actor.facility or ""
    return record.attempt(
        lambda: any_doctor.book(
            record, facility=facility, specialty=specialty, starts=at, confirmed=True, **said
        )
    )


def _page(
    request: HttpRequest,
    record: Record,
    form: CallerForm | None,
    *,
    refusal: Conflict | Invalid | None = None,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    now = record.clock()
    today = local_day(now)
    q, patient_id, role_id = (request.GET.get(name, "").strip()[:100] for name in ("q", "nguoi", "bac-si"))
    asked = _asked_by_text(request, record)
    held = call_backs.wanted(record, asked) if asked is not None else None
    if asked is not None and not patient_id:
        q = q or asked.phone
    role_id = role_id or (held.role_id if held is not None else "")
    owners = holds.owners_of(record, phone=asked.phone) if asked is not None else ()
    person = people.person_of(record.read(Patient, patient_id)) if patient_id else None
    here = queries.posts_at(record, record.actor.facility or "-") if person else []
    posts = sorted((one for one in here if one.active), key=lambda one: (one.specialty, one.name))
    post = next((one for one in posts if one.role_id == role_id), None)
    schedules = queries.schedules_of(record, [post.role_id]).get(post.role_id, ()) if post else ()
    specialty = _any_of(role_id)
    if specialty:
        times = any_doctor.times(record, facility=record.actor.facility or "", specialty=specialty)
    else:
        times = queries.times_of(record, queries.ids_of(schedules), now=now, owners=owners)
    wanted = str(form.data.get("slot", "")) if form else held.slot_id if held is not None else ""
    free = {one.start for one in times if one.free}
    full = beyond.of_any(record, specialty, here, free) if specialty else beyond.full_times(record, schedules)
    own = {one.id for one in times if one.free}  # what is held for the caller is not full for them
    full = [one for one in full if one.slot.id not in own]
    addable = [one for one in full if one.left.left]
    day = chosen_day(request.GET.get("ngay", ""), wanted, times)
    of_day, more = beyond.on_day(full, day), {one.slot.id for one in addable}
    kept = next((one for one in times if one.id == wanted), None)
    page = pages.CallerPage(
        title=_("Đặt hộ"),
        q=q,
        found=[person_line(one, asked) for one in people.find_people(record, q)] if q else [],
        searched=bool(q),
        patient_id=patient_id,
        name=person.name if person else "",
        facts=pages.person_facts(person, today=today) if person else "",
        doctors=[*_anybody(posts, role_id), *_named(posts, post)],
        role_id=role_id if post or specialty else "",
        days=pages.days_of(times, today=today, also={local_day(one.slot.start) for one in addable})
        if times
        else [],
        day_value=day.isoformat() if day else "",
        day_words=spoken.day_words(day) if day else "",
        slots=pages.slots_on([one for one in times if one.id not in more], day),
        slot=wanted if kept is not None and (kept.free or kept.id in more) else "",
        beyond=beyond.slots(of_day),
        beyond_words=beyond.told(of_day),
        form=form or CallerForm(initial={"phone": asked.phone if asked else person.phone if person else ""}),
        taken=said or (refusal_words(refusal, kept, times, day) if refusal else ""),
        by_video=post is not None and post.video,
        series_url=f"{reverse('booking:new_series')}?{urlencode({'nguoi': patient_id})}"
        if patient_id
        else "",
        by_text=asked.pk if asked is not None else 0,
        by_text_words=_by_text_words(asked, held) if asked is not None and held is not None else "",
    )
    return render(request, "booking/book_for.html", {"page": page}, status=status)


def _full_of_any(record: Record, specialty: str) -> list[beyond.Full]:
    facility = record.actor.facility or ""
    free = {one.start for one in any_doctor.times(record, facility=facility, specialty=specialty)}
    return beyond.of_any(record, specialty, queries.posts_at(record, facility), free)


def _anybody(posts: list[queries.Post], chosen: str) -> list[pages.Choice]:
    """Specialties with more than one practitioner: any of them will do."""
    names = {one.specialty_code: one.specialty for one in posts if one.specialty_code}
    several = [key for key in names if sum(one.specialty_code == key for one in posts) > 1]
    return [
        pages.Choice(
            _ANY + key, _("Bất kỳ bác sĩ %(specialty)s") % {"specialty": names[key]}, _ANY + key == chosen
        )
        for key in several
    ]


def _named(posts: list[queries.Post], chosen: queries.Post | None) -> list[pages.Choice]:
    return [pages.Choice(one.role_id, f"{one.name}, {one.specialty}", one is chosen) for one in posts]


def _by_text_words(asked: CallBack, held: call_backs.Wanted) -> str:
    said = {"phone": words.phone(asked.phone), "when": spoken.when(asked.starts), "doctor": held.doctor,
            "until": spoken.when(asked.held_until)}  # fmt: skip
    return _("Gọi lại %(phone)s: giữ %(when)s, %(doctor)s, đến %(until)s.") % said


def person_line(patient: Patient, asked: CallBack | None = None) -> pages.PersonLine:
    """Somebody found, with what tells them from others of the name."""
    person = people.person_of(patient)
    note = " · ".join(
        filter(None, [words.ngay(person.birth_date), words.phone(person.phone), person.commune])
    )
    return pages.PersonLine(
        person.name,
        note,
        f"{reverse('booking:book_for')}?{urlencode({'nguoi': person.id} | ({'tin': asked.pk} if asked else {}))}",
        person.claimed,
    )
