"""The auditor's review of emergency openings and noted consents; the records office's answers to next of kin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yba.care import catalogues
from yba.care.access_log import ROLES
from yba.care.refusal import Refusal
from yba.care.sharing import emergency, kin_requests, noting, tables
from yba.care.sharing.models import KinRequest, Review
from yba.care.uploads import file_response
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

AUDITOR: Final = "auditor"
OFFICE: Final = "records_office"
SHOWN: Final = 100
NOTED: Final = gettext_lazy("Đồng ý trên giấy, do cơ sở ghi")


def _record(request: HttpRequest) -> Record:
    record = record_of(request)
    if not record.actor.facility:
        raise Http404
    return record


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. ``due``: the day; ``late``: it has passed."""

    url: str
    title: str
    who: str
    when: str
    due: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """What waits, then what is done."""

    title: str
    waiting: list[Row]
    done: list[Row]


def _review_row(row: Review, record: Record) -> Row:
    late = row.state == Review.State.WAITING and row.due < local_day(record.clock())
    kinds = {"waiting": "wait", "justified": "done", "unjustified": "urgent"}
    who = f"{row.by_name}, {ROLES.get(row.role, '')}"
    if row.reason == noting.NOTED:
        who = f"{who} · {NOTED}"
    return Row(
        reverse("administration:opening", args=[row.pk]), row.patient_name, who,
        spoken.when(row.opened_at), words.ngay(row.due), "warn" if late else kinds[row.state],
        _("Quá hạn xem xét") if late else str(row.get_state_display()),
    )  # fmt: skip


@require_safe
@role_required(AUDITOR)
def reviews(request: HttpRequest) -> HttpResponse:
    """Emergency openings and noted consents of the facility: those nobody has judged first, the oldest on top."""
    record = _record(request)
    mine = Review.objects.filter(facility=record.actor.facility)
    waiting = mine.filter(state=Review.State.WAITING).order_by("due", "pk")
    done = mine.exclude(state=Review.State.WAITING).order_by("-judged_at")[:SHOWN]
    page = ListPage(
        _("Mở cấp cứu"),
        [_review_row(one, record) for one in waiting],
        [_review_row(one, record) for one in done],
    )
    return render(request, "administration_openings/reviews.html", {"page": page})


class JudgeForm(forms.Form):
    """An auditor's verdict."""

    verdict = forms.ChoiceField(
        label=gettext_lazy("Kết luận"), widget=forms.RadioSelect,
        choices=[("yes", gettext_lazy("Có lý do chính đáng")), ("no", gettext_lazy("Không có lý do chính đáng"))],
        error_messages={"required": gettext_lazy("Chọn kết luận.")},
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("Căn cứ"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": gettext_lazy("Viết căn cứ của kết luận.")},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One opening or one request, with its form while it waits."""

    title: str
    row: Row
    facts: list[tuple[str, str]]
    form: forms.Form | None
    paper_url: str = ""
    refusal: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(AUDITOR)
def review(request: HttpRequest, number: int) -> HttpResponse:
    """One opening: why, by whom, how long, whether the person was told; judged once."""
    record = _record(request)
    row = Review.objects.filter(pk=number, facility=record.actor.facility).first()
    if row is None:
        raise Http404
    form: forms.Form | None = JudgeForm() if row.state == Review.State.WAITING else None
    refusal, status = "", 200
    if request.method == "POST":
        form, status = JudgeForm(request.POST), 422
        if form.is_valid():
            data = form.cleaned_data
            done = emergency.judge(record, number, justified=data["verdict"] == "yes", note=data["note"])
            if not isinstance(done, Refusal):
                messages.success(request, _("Đã ghi kết luận."))
                return redirect("administration:openings")
            refusal, status = done.message, 409
    reasons = {one.key: one.name for one in tables.reasons()} | {noting.NOTED: str(NOTED)}
    ended = row.ended_at or row.until
    facts = [
        (_("Người mở"), f"{row.by_name}, {ROLES.get(row.role, '')}"),
        (_("Mở cho"), emergency.doctor_name(record, row.practitioner)),
        (_("Lý do"), reasons.get(row.reason, row.reason)),
        (_("Tình trạng"), row.words),
        (_("Mở lúc"), spoken.when(row.opened_at)),
        (_("Đóng lúc"), spoken.when(ended)),
        (
            _("Đã nhắn"),
            _("%(count)s số điện thoại") % {"count": row.told} if row.told else _("Không có số để nhắn"),
        ),
        (_("Hạn xem xét"), words.ngay(row.due)),
        (_("Căn cứ"), row.note),
        (_("Người xem xét"), f"{row.judged_by}, {spoken.when(row.judged_at)}" if row.judged_at else ""),
    ]
    page = ItemPage(row.patient_name, _review_row(row, record), facts, form, refusal=refusal)
    return render(request, "administration_openings/review.html", {"page": page}, status=status)


# -- next of kin -------------------------------------------------------------------------------------------


def _kin_row(row: KinRequest, record: Record) -> Row:
    late = row.state == KinRequest.State.WAITING and row.due < local_day(record.clock())
    kinds = {"waiting": "wait", "accepted": "done", "refused": "off"}
    return Row(
        reverse("administration:kin_request", args=[row.pk]), row.name, row.asker_name, spoken.when(row.asked_at),
        words.ngay(row.due), "warn" if late else kinds[row.state],
        _("Quá hạn trả lời") if late else str(row.get_state_display()),
    )  # fmt: skip


@require_safe
@role_required(OFFICE)
def kin_list(request: HttpRequest) -> HttpResponse:
    """What next of kin ask of this facility."""
    record = _record(request)
    mine = KinRequest.objects.filter(facility=record.actor.facility).defer("paper")
    waiting = mine.filter(state=KinRequest.State.WAITING).order_by("due", "pk")
    done = mine.exclude(state=KinRequest.State.WAITING).order_by("-decided_at")[:SHOWN]
    page = ListPage(
        _("Sổ của người đã mất"),
        [_kin_row(one, record) for one in waiting],
        [_kin_row(one, record) for one in done],
    )
    return render(request, "administration_openings/kin_list.html", {"page": page})


class AnswerForm(forms.Form):
    """The office's answer."""

    decision = forms.ChoiceField(
        label=gettext_lazy("Quyết định"), widget=forms.RadioSelect,
        choices=[("yes", gettext_lazy("Mở phần tóm tắt trong 30 ngày")), ("no", gettext_lazy("Không mở"))],
        error_messages={"required": gettext_lazy("Chọn quyết định.")},
    )  # fmt: skip
    answer = forms.CharField(
        label=gettext_lazy("Trả lời người xin"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


def _kin(request: HttpRequest, number: int) -> tuple[Record, KinRequest]:
    record = _record(request)
    row = KinRequest.objects.filter(pk=number, facility=record.actor.facility).first()
    if row is None:
        raise Http404
    return record, row


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(OFFICE)
def kin(request: HttpRequest, number: int) -> HttpResponse:
    """One request: compare the papers, decide."""
    record, row = _kin(request, number)
    form: forms.Form | None = AnswerForm() if row.state == KinRequest.State.WAITING else None
    refusal, status = "", 200
    if request.method == "POST":
        form, status = AnswerForm(request.POST), 422
        if form.is_valid():
            data = form.cleaned_data
            done = kin_requests.decide(
                record, number, accept=data["decision"] == "yes", answer=data["answer"]
            )
            if not isinstance(done, Refusal):
                messages.success(request, _("Đã trả lời."))
                return redirect("administration:kin_requests")
            refusal, status = done.message, 409
    known = catalogues.relationship(row.relation)
    relation = (known.name_en if get_language() == "en" else known.name_vi) if known else row.relation
    facts = [
        (_("Người đã mất"), row.name),
        (_("CCCD"), words.citizen_number(row.number)),
        (_("Người xin"), row.asker_name),
        (_("Quan hệ"), relation),
        (_("Để làm gì"), row.why),
        (_("Gửi lúc"), spoken.when(row.asked_at)),
        (_("Hạn trả lời"), words.ngay(row.due)),
        (_("Trả lời"), row.answer),
        (_("Người quyết định"), row.decided_by),
    ]
    page = ItemPage(
        row.name,
        _kin_row(row, record),
        facts,
        form,
        reverse("administration:kin_paper", args=[row.pk]),
        refusal,
    )
    return render(request, "administration_openings/kin.html", {"page": page}, status=status)


@require_safe
@role_required(OFFICE)
def paper(request: HttpRequest, number: int) -> HttpResponse:
    """The paper that was sent."""
    _record_of, row = _kin(request, number)
    return file_response(bytes(row.paper), kind=row.paper_kind, name=row.paper_name)
