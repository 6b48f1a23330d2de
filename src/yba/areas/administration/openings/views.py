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
from yba.care.sharing import emergency, kin_requests, noting, tables, terms
from yba.care.sharing.models import KinRequest, Review
from yba.care.uploads import file_response
from yba.fhir.r4.consent import Consent
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import record_of_facility, role_required
from yba.ui.words import local_day

AUDITOR: Final = "auditor"
OFFICE: Final = "records_office"
SHOWN: Final = 100
NOTED: Final = gettext_lazy("Đồng ý trên giấy, do cơ sở ghi")


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


def _who(row: Review) -> str:
    """Name and role; a program's account is named after its role."""
    return ", ".join(dict.fromkeys(filter(None, (row.by_name, str(ROLES.get(row.role, ""))))))


def _why(row: Review) -> str:
    if row.reason == noting.NOTED:
        return str(NOTED)
    return next((one.name for one in tables.reasons() if one.key == row.reason), row.reason)


def _review_row(row: Review, record: Record) -> Row:
    late = row.state == Review.State.WAITING and row.due < local_day(record.clock())
    kinds = {"waiting": "wait", "justified": "done", "unjustified": "urgent"}
    who = " · ".join(filter(None, (_who(row), _why(row))))
    return Row(
        reverse("administration:opening", args=[row.pk]), row.patient_name, who,
        spoken.when(row.opened_at), words.ngay(row.due), "warn" if late else kinds[row.state],
        _("Quá hạn xem xét") if late else str(row.get_state_display()),
    )  # fmt: skip


@require_safe
@role_required(AUDITOR)
def reviews(request: HttpRequest) -> HttpResponse:
    """Emergency openings and noted consents of the facility: those nobody has judged first, the oldest on top."""
    record = record_of_facility(request)
    mine = Review.objects.filter(facility=record.actor.facility)
    waiting = mine.filter(state=Review.State.WAITING).order_by("due", "pk")
    done = mine.exclude(state=Review.State.WAITING).order_by("-judged_at")[:SHOWN]
    page = ListPage(
        _("Xem xét mở sổ"),
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
    noted: bool = False


def _opened_facts(record: Record, row: Review) -> list[tuple[str, str]]:
    return [
        (_("Người mở"), _who(row)),
        (_("Mở cho"), emergency.doctor_name(record, row.practitioner)),
        (_("Lý do"), _why(row)),
        (_("Tình trạng"), row.words),
        (_("Mở lúc"), spoken.when(row.opened_at)),
        (_("Đóng lúc"), spoken.when(row.ended_at or row.until)),
    ]


def _noted_facts(record: Record, row: Review) -> list[tuple[str, str]]:
    """What was written down for a person, and what it lets the facility see."""
    given = terms.read(record.as_system().read(Consent, row.consent))
    names = [one.name for one in tables.parts() if one.key in (given.parts or ())]
    whole = _("Cả sổ, trừ mục nhạy cảm") if given.parts is None else ""
    end = row.ended_at or (row.until if given.until else None)
    return [
        (_("Người ghi"), _who(row)),
        (_("Việc"), str(NOTED)),
        (_("Giấy đã ký"), row.words),
        (_("Cho xem"), whole or ", ".join(names) or _("Họ tên, ngày sinh, thẻ BHYT")),
        (_("Ghi lúc"), spoken.when(row.opened_at)),
        (_("Hết hiệu lực"), words.ngay(end) if end else _("khi người bệnh rút lại")),
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(AUDITOR)
def review(request: HttpRequest, number: int) -> HttpResponse:
    """One opening: why, by whom, how long, whether the person was told; judged once."""
    record = record_of_facility(request)
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
    noted = row.reason == noting.NOTED
    facts = [
        *(_noted_facts(record, row) if noted else _opened_facts(record, row)),
        (
            _("Đã nhắn"),
            _("%(count)s số điện thoại") % {"count": row.told} if row.told else _("Không có số để nhắn"),
        ),
        (_("Hạn xem xét"), words.ngay(row.due)),
        (_("Căn cứ"), row.note),
        (_("Người xem xét"), f"{row.judged_by}, {spoken.when(row.judged_at)}" if row.judged_at else ""),
    ]
    page = ItemPage(row.patient_name, _review_row(row, record), facts, form, refusal=refusal, noted=noted)
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
    record = record_of_facility(request)
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
    record = record_of_facility(request)
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
    _record_of_facility, row = _kin(request, number)
    return file_response(bytes(row.paper), kind=row.paper_kind, name=row.paper_name)
