"""Opening a chart in an emergency: find the person by an identifier, say why, read for three hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.clinic.pages import allergy_words
from yba.care import identifiers, people
from yba.care.chart import Asked, Chart, chart_of, display_of, id_of
from yba.care.refusal import Refusal
from yba.care.sharing import emergency, tables
from yba.care.sharing.models import Review
from yba.fhir.errors import RecordError
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.record import Record
from yba.ui import parts, spoken, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

ROLES: Final = ("doctor", "head_of_department", "nurse", "receptionist")


def _record(request: HttpRequest) -> Record:
    """The record of somebody who may break the glass; for others there is no such page."""
    record = record_of(request)
    if not emergency.may_open(record.actor):
        raise Http404
    return record


class OpenForm(forms.Form):
    """Why a chart is opened."""

    practitioner = forms.ChoiceField(label=gettext_lazy("Mở cho bác sĩ trực"))
    reason = forms.ChoiceField(
        label=gettext_lazy("Lý do"), widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Chọn lý do mở cấp cứu.")},
    )  # fmt: skip
    words = forms.CharField(
        label=gettext_lazy("Tình trạng người bệnh"), min_length=emergency.SHORTEST, max_length=1000,
        help_text=gettext_lazy("Người bệnh và người kiểm tra nhật ký đọc câu này."),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"min_length": gettext_lazy("Viết rõ tình trạng, ít nhất 10 chữ cái.")},
    )  # fmt: skip

    def __init__(self, *args: object, doctors: Sequence[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own arguments
        self.fields["reason"].choices = [(one.key, one.name) for one in tables.reasons()]  # type: ignore[attr-defined]  # choices
        if doctors:
            self.fields["practitioner"].choices = [("", _("Chọn bác sĩ")), *doctors]  # type: ignore[attr-defined]  # choices
        else:
            del self.fields["practitioner"]


@dataclass(frozen=True, slots=True)
class Found:
    """A person found by an identifier: enough to tell them apart, no more."""

    id: str
    name: str
    facts: str


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A chart that is open now."""

    number: int
    name: str
    left: str


@dataclass(frozen=True, slots=True)
class FindPage:
    """Finding the person."""

    title: str
    q: str
    found: Found | None
    searched: bool
    form: OpenForm | None
    open: list[OpenLine]
    refusal: str = ""


def _found(record: Record, text: str) -> Patient | None:
    """The one person with this citizen number, insurance card or telephone number, whoever keeps their chart."""
    system, compact = record.as_system(), "".join(text.split()).replace(".", "")
    # A number somebody typed of themselves opens nobody's chart: only one that was compared with a document does.
    if not compact.isalnum():
        return None
    carriers = people.carriers_of(system, compact)
    if len(carriers) == 1:
        return carriers[0]
    found = system.find(Patient, ("identifier", f"{identifiers.BHYT}|{compact}"))
    if len(found) == 1:
        return found[0]
    card = identifiers.check_insurance_card(compact)
    if not isinstance(card, Refusal):
        people_of_card = people.find_people(system, compact, limit=2)
        return people_of_card[0] if len(people_of_card) == 1 else None
    if words.phone_number(compact).isdecimal() and len(words.phone_number(compact)) == 10:
        by_phone = system.find(Patient, ("phone", words.phone_number(compact)))
        return by_phone[0] if len(by_phone) == 1 else None
    return None


def _facts(patient: Patient) -> Found:
    person = people.person_of(patient)
    facts = [spoken.gender(person.gender), _("sinh %(day)s") % {"day": words.ngay(person.birth_date)}]
    return Found(person.id, person.name, ", ".join(facts))


def _doctors(record: Record) -> list[tuple[str, str]]:
    """Whom reception may open for: the practitioners of the facility."""
    if not emergency.is_desk(record.actor):
        return []
    roles = record.find(PractitionerRole, ("organization", f"Organization/{record.actor.facility}"))
    found = {
        id_of(one.practitioner): display_of(one.practitioner) for one in roles if one.active is not False
    }
    return sorted(((key, name or key) for key, name in found.items() if key), key=lambda one: one[1])


def left_words(until: datetime, now: datetime) -> str:
    """How long a chart stays open."""
    minutes = max(int((until - now).total_seconds() // 60), 0)
    return _("còn %(hours)s giờ %(minutes)s phút") % {"hours": minutes // 60, "minutes": minutes % 60}


@require_safe
@role_required(*ROLES)
def find(request: HttpRequest) -> HttpResponse:
    """By citizen number, insurance card or telephone; ``nguoi`` comes from a visit."""
    record = _record(request)
    q, known = request.GET.get("q", "").strip()[:40], request.GET.get("nguoi", "")
    patient = None
    if known:
        try:
            patient = record.read(Patient, known)
        except RecordError as error:
            raise Http404 from error
    elif q:
        patient = _found(emergency.acting(record), q)
        record.audit(
            "search", type_name="Patient", detail="emergency", patients=[patient.id or ""] if patient else [],
            answered=1 if patient else 0,
        )  # fmt: skip
    form = OpenForm(doctors=_doctors(record)) if patient is not None else None
    return _find_page(request, record, q, patient, form, searched=bool(q or known))


def _find_page(
    request: HttpRequest, record: Record, q: str, patient: Patient | None, form: OpenForm | None, *,
    searched: bool, refusal: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    now = record.clock()
    lines = [
        OpenLine(one.pk, one.patient_name, left_words(one.until, now)) for one in emergency.open_now(record)
    ]
    page = FindPage(
        _("Mở cấp cứu"), q, _facts(patient) if patient is not None else None, searched, form, lines, refusal
    )
    return render(request, "clinic/emergency.html", {"page": page}, status=status)


@require_POST
@role_required(*ROLES)
def open_chart(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Break the glass."""
    record = _record(request)
    try:
        patient = record.as_system().read(Patient, patient_id)
    except RecordError as error:
        raise Http404 from error
    form = OpenForm(request.POST, doctors=_doctors(record))
    if not form.is_valid():
        return _find_page(request, record, "", patient, form, searched=True, status=422)
    data = form.cleaned_data
    said = emergency.Opening(patient_id, data["reason"], data["words"], data.get("practitioner", ""))
    answer = emergency.break_the_glass(record, said)
    if isinstance(answer, Refusal):
        return _find_page(
            request, record, "", patient, form, searched=True, refusal=answer.message, status=409
        )
    if emergency.is_desk(record.actor):
        messages.success(request, _("Đã mở cho bác sĩ trực. Người bệnh đã được nhắn."))
        return redirect("clinic:emergency")
    return redirect("clinic:emergency-chart", answer.pk)


@dataclass(frozen=True, slots=True)
class ChartPage:
    """A chart open in an emergency."""

    title: str
    number: int
    person: parts.Person
    chart: Chart
    left: str
    until: str
    reason: str
    told: int


def _mine(record: Record, number: int) -> Review:
    found = next((one for one in emergency.open_now(record) if one.pk == number), None)
    if found is None:
        raise Http404
    return found


@require_safe
@role_required(*ROLES)
def chart(request: HttpRequest, number: int) -> HttpResponse:
    """Read only: what matters in an emergency, with the time that is left."""
    record = emergency.acting(_record(request))
    review = _mine(record, number)
    try:
        patient = record.read(Patient, review.patient_id)
    except RecordError as error:
        raise Http404 from error
    now = record.clock()
    today = local_day(now)
    found = chart_of(record, review.patient_id, today=today)
    person = people.person_of(patient)
    page = ChartPage(
        title=_("Mở cấp cứu"),
        number=review.pk,
        person=parts.Person(
            name=person.name,
            facts=tuple(filter(None, [spoken.age(person.birth_date, today), spoken.gender(person.gender)])),
            allergies=tuple(allergy_words(one) for one in found.allergies),
            allergies_known=found.asked is not Asked.NEVER,
            problems=tuple(one.name for one in found.problems),
        ),
        chart=found,
        left=left_words(review.until, now),
        until=words.gio(review.until),
        reason=review.words,
        told=review.told,
    )
    return render(request, "clinic/emergency_chart.html", {"page": page})


@require_http_methods(["POST"])
@role_required(*ROLES)
def end(request: HttpRequest, number: int) -> HttpResponse:
    """Close it before its time."""
    record = _record(request)
    emergency.end(record, _mine(record, number))
    messages.success(request, _("Đã đóng sổ. Người kiểm tra nhật ký sẽ xem xét lần mở này."))
    return redirect("clinic:emergency")
