"""The citizen books any doctor of a specialty at a facility: the hour is chosen, who it is stands on the slip."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.booking import any_doctor, holding, pages, queries, rules, views
from yba.areas.booking.forms import BookingForm
from yba.care import catalogues
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.r4.organization import Organization
from yba.fhir.record import Record
from yba.ui import spoken, waited
from yba.ui.requests import once_of, record_of, role_required
from yba.ui.words import local_day


@role_required("citizen")
def book(request: HttpRequest, facility: str, specialty: str) -> HttpResponse:
    """Choose a time at which somebody is free, and book whoever has the fewest people then."""
    record = record_of(request)
    own = views.own_people(request, record)
    if not own:
        return views.to_profile(request)
    known, house = catalogues.specialty(specialty), record.read(Organization, facility)
    if known is None:
        raise Http404
    if request.method != "POST":
        form = BookingForm(
            people=own, initial={"patient": views.current(request, own), "phone": views.phone_of(request)}
        )
        return _page(request, record, house, specialty, form)
    form = BookingForm(request.POST, people=own)
    starts = rules.moment_or_none(request.POST.get("slot", ""))
    if not form.is_valid() or starts is None:
        return _page(request, record, house, specialty, form, status=422)
    data = form.cleaned_data
    try:
        made = record.attempt(
            lambda: any_doctor.book(
                record, facility=facility, specialty=specialty, starts=starts, patient_id=data["patient"],
                once=once_of(request), reason=data["reason"], symptoms=data["symptoms"], phone=data["phone"],
                called_from=holding.phones_of(request),
            )
        )  # fmt: skip
    except (Conflict, Invalid) as refusal:
        return _page(request, record, house, specialty, form, refusal=refusal, status=409)
    if waited.has_waited(request):
        messages.success(
            request, pages.held_words(pages.line_of(queries.booking_of(made), now=record.clock()))
        )
    return waited.taken(redirect("booking:slip", made.id))


def _page(
    request: HttpRequest,
    record: Record,
    house: Organization,
    specialty: str,
    form: BookingForm,
    *,
    refusal: Conflict | Invalid | None = None,
    status: int = 200,
) -> HttpResponse:
    facility = house.id or ""
    owners = holding.owners(request, record)
    times = any_doctor.times(record, facility=facility, specialty=specialty, owners=owners)
    wanted = str(form.data.get("slot", "")) or request.GET.get("gio", "")
    day = views.chosen_day(request.GET.get("ngay", ""), wanted, times)
    known = catalogues.specialty(specialty)
    taken = views.refusal_words(refusal, None, times, day) if refusal is not None else ""
    page = pages.BookPage(
        title=_("Đặt lượt khám"),
        doctor=_("Bác sĩ nào cũng được"),
        facts=" · ".join(filter(None, [known.name_vi if known else "", house.name])),
        days=pages.days_of(times, today=local_day(record.clock())),
        day=day,
        day_value=day.isoformat() if day else "",
        day_words=spoken.day_words(day) if day else "",
        slots=pages.slots_on(times, day),
        slot=wanted if wanted in {one.id for one in times} else "",
        price="",
        form=form,
        taken=taken,
    )
    return render(request, "booking/book.html", {"page": page}, status=status)


def link(facility: str, specialty: str) -> str:
    """Where any doctor of a specialty at a facility is booked."""
    return reverse("booking:any_doctor", args=[facility, specialty])
