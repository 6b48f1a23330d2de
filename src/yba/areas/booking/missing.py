"""Pages of missed visits: the desk marks, excuses and decides; the administrator sets the rule; the citizen appeals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from yba.areas.booking import misses, pages, queries, views
from yba.areas.booking.models import Appeal
from yba.areas.booking.policies import MissedRule
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record
from yba.ui import words
from yba.ui.requests import record_of, role_required


@dataclass(frozen=True, slots=True)
class MissedLine:
    """A visit nobody came to. ``excuse``: why it does not count."""

    id: str
    name: str
    when: str
    doctor: str
    excuse: str


@dataclass(frozen=True, slots=True)
class AppealLine:
    """An appeal, or what came of it."""

    id: int
    name: str
    when: str
    text: str
    outcome: str = ""
    reason: str = ""
    #: The visits that count, for who decides.
    visits: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DeskPage:
    """What the desk has to look at."""

    title: str
    appeals: list[AppealLine]
    over: list[MissedLine]
    missed: list[MissedLine]


@dataclass(frozen=True, slots=True)
class RulePage:
    """The facility's rule."""

    title: str
    form: RuleForm


@dataclass(frozen=True, slots=True)
class StandingLine:
    """What follows for one person at one facility."""

    facility: str
    patient_id: str
    name: str
    place: str
    words: str
    closed: bool
    hotline: str
    asked: bool
    #: What was typed, where it could not be taken.
    text: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """An appeal as it was sent."""

    patient_id: str = ""
    facility: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A citizen's missed visits: what follows, and the answers to appeals."""

    title: str
    lines: list[StandingLine]
    answers: list[AppealLine] = field(default_factory=list)
    refused: str = ""


class RuleForm(forms.Form):
    """The rule as it is typed; 0 is never."""

    within = forms.IntegerField(label=gettext_lazy("Đếm trong bao nhiêu ngày"), min_value=1, max_value=365)
    telephone_after = forms.IntegerField(
        label=gettext_lazy("Gọi xác nhận sau số lượt lỡ"), min_value=0, max_value=20,
        help_text=gettext_lazy("0: không áp dụng."),
    )  # fmt: skip
    telephone_days = forms.IntegerField(
        label=gettext_lazy("Gọi xác nhận trong số ngày"), min_value=0, max_value=365
    )
    closed_after = forms.IntegerField(
        label=gettext_lazy("Không đặt qua ứng dụng sau số lượt lỡ"), min_value=0, max_value=20,
        help_text=gettext_lazy("0: không áp dụng."),
    )  # fmt: skip
    closed_days = forms.IntegerField(
        label=gettext_lazy("Không đặt qua ứng dụng trong số ngày"), min_value=0, max_value=365
    )
    day_end = forms.BooleanField(
        label=gettext_lazy("Cuối ngày tự ghi những lượt không đến"), required=False,
        help_text=gettext_lazy("Chỉ những ngày bàn Tiếp đón có ghi người đến; khám qua video không tính."),
    )  # fmt: skip


# -- the desk ----------------------------------------------------------------------------------------------


@require_safe
@role_required(*misses.STAFF)
def desk(request: HttpRequest) -> HttpResponse:
    """Appeals to decide, visits to mark, missed visits to excuse."""
    record = record_of(request)
    page = DeskPage(
        title=_("Lượt không đến"),
        appeals=[_open_line(record, one) for one in misses.open_appeals(record)],
        over=[_line(one) for one in misses.over_at(record)],
        missed=[_line(one) for one in misses.missed_at(record)],
    )
    return render(request, "booking/missed.html", {"page": page})


def _line(one: Appointment) -> MissedLine:
    booking = queries.booking_of(one)
    when = words.when(booking.start) if booking.start else ""
    return MissedLine(
        booking.id, booking.patient, when, booking.doctor or booking.room, misses.excuse_of(one)
    )


def _appeal_line(record: Record, one: Appeal) -> AppealLine:
    return AppealLine(
        one.pk, misses.name_of(record, one.patient_id), words.when(one.made_at), one.text,
        outcome=_outcome_words(one), reason=one.reason,
    )  # fmt: skip


def _open_line(record: Record, one: Appeal) -> AppealLine:
    """With the visits it is about, whenever they were: the list below is of a week alone."""
    rule = misses.rule_of(record, one.facility)
    missed = misses.missed_visits(record, one.patient_id, one.facility, rule)
    return replace(_appeal_line(record, one), visits=[_line(each).when for each in missed])


def _outcome_words(one: Appeal) -> str:
    return {
        "open": _("Chờ cơ sở trả lời"), "granted": _("Được chấp nhận"), "refused": _("Không được chấp nhận"),
    }[one.outcome]  # fmt: skip


@require_POST
@role_required(*misses.STAFF)
def mark(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """Nobody came."""
    try:
        outcome = misses.mark(record_of(request), appointment_id)
    except Conflict:
        messages.warning(request, _("Lượt này chưa đến giờ."))
        return redirect("booking:missed")
    name = queries.booking_of(outcome.appointment).patient
    if outcome.result == "cancelled":
        messages.info(request, _("Lượt của %(name)s không còn chờ nữa.") % {"name": name})
    else:
        messages.success(request, _("Đã ghi %(name)s không đến, và đã nhắn.") % {"name": name})
    return redirect("booking:missed")


@require_POST
@role_required(*misses.STAFF)
def excuse(request: HttpRequest, appointment_id: str) -> HttpResponse:
    """It does not count, and why."""
    try:
        misses.excuse(record_of(request), appointment_id, reason=request.POST.get("ly-do", "")[:200])
    except Invalid:
        messages.warning(request, _("Viết lý do bỏ qua."))
    else:
        messages.success(request, _("Đã bỏ qua lượt này, không tính là lỡ."))
    return redirect("booking:missed")


@require_POST
@role_required(*misses.STAFF)
def decide(request: HttpRequest, key: int) -> HttpResponse:
    """Say yes or no to an appeal; the person reads why."""
    granted = request.POST.get("tra-loi") == "co"
    try:
        found = misses.decide(
            record_of(request), key, granted=granted, reason=request.POST.get("ly-do", "")[:500]
        )
    except Invalid:
        messages.warning(request, _("Viết lý do; người bệnh sẽ đọc."))
        return redirect("booking:missed")
    if granted == (found.outcome == Appeal.Outcome.GRANTED):
        messages.success(request, _("Đã trả lời khiếu nại và nhắn cho người bệnh."))
    else:
        said = _("Khiếu nại này đã có người trả lời: %(outcome)s.") % {"outcome": _outcome_words(found)}
        messages.warning(request, said)
    return redirect("booking:missed")


@role_required("facility_administrator")
def rule(request: HttpRequest) -> HttpResponse:
    """What follows from missed visits here."""
    record = record_of(request)
    known = misses.rule_of(record, record.actor.facility or "")
    form = RuleForm(
        request.POST if request.method == "POST" else None,
        initial={name: getattr(known, name) for name in RuleForm.base_fields},
    )
    if request.method == "POST" and form.is_valid():
        misses.set_rule(record, MissedRule(**form.cleaned_data))
        messages.success(request, _("Đã lưu quy định."))
        return redirect("booking:missed_rule")
    status = 422 if request.method == "POST" else 200
    page = RulePage(_("Quy định lượt không đến"), form)
    return render(request, "booking/missed_rule.html", {"page": page}, status=status)


# -- the citizen -------------------------------------------------------------------------------------------


@role_required("citizen")
def own(request: HttpRequest) -> HttpResponse:
    """Why one's people can't ask by app somewhere, until when, and the appeal."""
    record = record_of(request)
    refused, status, typed = "", 200, Typed()
    if request.method == "POST":
        typed = Typed(*(request.POST.get(name, "") for name in ("nguoi", "noi", "vi-sao")))
        try:
            misses.appeal(record, patient_id=typed.patient_id, facility=typed.facility, text=typed.text)
        except Invalid as refusal:
            if refusal.key == "booking.nothing-missed":
                messages.info(request, _("Không còn lượt nào bị tính là lỡ ở đây."))
                return redirect("booking:own_missed")
            refused, status = _appeal_words(refusal), 422
        else:
            messages.success(request, _("Đã gửi. Cơ sở trả lời là nhắn ngay."))
            return redirect("booking:own_missed")
    ids = views.own_ids(request)
    answers = misses.appeals_of(ids)
    waiting = {(one.facility, one.patient_id) for one in answers if one.outcome == Appeal.Outcome.OPEN}
    page = OwnPage(
        title=_("Lượt không đến"),
        lines=[_standing_line(record, one, waiting, typed) for one in misses.standings(record, ids)],
        answers=[_appeal_line(record, one) for one in answers],
        refused=refused,
    )
    return render(request, "booking/own_missed.html", {"page": page}, status=status)


def _appeal_words(refusal: Invalid) -> str:
    if refusal.key == "booking.long":
        return _("Viết ngắn hơn: nhiều nhất %(most)s chữ.") % {"most": refusal.params["most"]}
    return _("Viết vì sao không nên tính các lượt này.")


def _standing_line(
    record: Record, one: misses.Missed, waiting: set[tuple[str, str]], typed: Typed
) -> StandingLine:
    place, hotline = queries.facility_name(record, one.facility)
    return StandingLine(
        facility=one.facility,
        patient_id=one.patient_id,
        name=misses.name_of(record, one.patient_id),
        place=place,
        words=pages.standing_words(one.standing),
        closed=one.standing.kind == "closed",
        hotline=hotline,
        asked=(one.facility, one.patient_id) in waiting,
        text=typed.text if (typed.facility, typed.patient_id) == (one.facility, one.patient_id) else "",
    )
