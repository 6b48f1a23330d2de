"""The vaccination desk: who has come, one person, questions, shots, the watch, the slip."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.areas.programmes import actions, pages, queries, rules, screening
from yba.areas.programmes.forms import PastForm, ScreeningForm, ShotForm, WatchForm
from yba.care import people
from yba.care.chart import recorded_allergies
from yba.care.refusal import Refusal
from yba.care.vaccines import phrases
from yba.care.vaccines.bars import questions_of
from yba.care.vaccines.card import card_of, when_of
from yba.care.vaccines.reading import Chart, advice_of
from yba.care.vaccines.schedule import Question, schedule
from yba.care.vaccines.spans import span
from yba.care.vaccines.values import Advice
from yba.fhir.errors import NotFound
from yba.fhir.r4.organization import Organization
from yba.fhir.record import Record
from yba.ui import words
from yba.ui.requests import record_of_facility, role_required
from yba.ui.words import local_day

STAFF = ("nurse", "doctor", "head_of_department")


@require_safe
@role_required(*STAFF)
def desk(request: HttpRequest) -> HttpResponse:
    """Who has come to this house today, the youngest first."""
    record = record_of_facility(request)
    found, more = queries.come_today(record)
    today = local_day(record.clock())
    lines = tuple(pages.come_line(one, today=today) for one in found)
    page = pages.DeskPage(_("Tiêm chủng"), lines, more)
    return render(request, "programmes/desk.html", {"page": page})


@require_safe
@role_required(*STAFF)
def child(request: HttpRequest, patient_id: str) -> HttpResponse:
    """One person: what is due, the questions; after them (``?sl=``) the vaccines that may be given."""
    record = record_of_facility(request)
    chart, advice = advice_of(record, patient_id)
    return _page(request, record, chart, advice)


def _asked(chart: Chart, advice: Advice) -> tuple[Question, ...]:
    return questions_of(schedule(), chart.person, advice.on)


def _answers(
    request: HttpRequest, record: Record, chart: Chart, advice: Advice
) -> tuple[str, dict[str, bool] | None]:
    """The screening the page stands on, and its answers; none when it is not of today, here, of this person."""
    key = request.POST.get("sl") or request.GET.get("sl") or ""
    if not key:
        return "", None
    try:
        return key, screening.of_today(record, chart.patient.id or "", key[:64], _asked(chart, advice))
    except NotFound:
        return "", None


def _page(
    request: HttpRequest, record: Record, chart: Chart, advice: Advice, *, form: ScreeningForm | None = None,
    shot: ShotForm | None = None, past: PastForm | None = None, refusal: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    patient_id, asked = chart.patient.id or "", _asked(chart, advice)
    key, answers = _answers(request, record, chart, advice)
    offered = rules.offers(chart, advice, asked, answers or {})
    may = bool(queries.visit_today(record, patient_id))
    views: dict[bool, list[pages.OfferView]] = {True: [], False: []}
    for one in offered:
        sent = shot if shot is not None and shot.data.get("product") == one.product.code else None
        own = sent or ShotForm(None, product=one.product)
        views[one.product.program].append(pages.offer_view(one, own if answers is not None else None))
    ahead = rules.next_day(advice)
    now = record.clock()
    page = pages.ChildPage(
        title=people.name_of(chart.patient),
        person=pages.person_of(chart, recorded_allergies(record, patient_id), today=advice.on),
        patient_id=patient_id,
        card=card_of(chart, advice),
        shots=tuple(pages.shot_line(one, now=now) for one in queries.shots_today(record, chart)),
        screening=(form or ScreeningForm(None, questions=asked)) if may and answers is None else None,
        screened=key,
        offers=tuple(views[True]),
        others=tuple(views[False]),
        past=(past or PastForm(None)) if may else None,
        refusal=refusal,
        next_day=words.ngay(ahead) if ahead else "",
        next_value=ahead.isoformat() if ahead else "",
        visit=may,
    )
    return render(request, "programmes/child.html", {"page": page}, status=status)


def _back(patient_id: str, key: str = "") -> HttpResponse:
    url = reverse("programmes:child", args=[patient_id])
    return redirect(f"{url}?sl={key}" if key else url)


def _visit(record: Record, patient_id: str) -> str:
    """The visit of today; without one nothing is written at this desk (Http404)."""
    found = queries.visit_today(record, patient_id)
    if not found:
        raise Http404
    return found


@require_POST
@role_required(*STAFF)
def screen(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Keep the answers before the shot."""
    record = record_of_facility(request)
    chart, advice = advice_of(record, patient_id)
    encounter = _visit(record, patient_id)
    form = ScreeningForm(request.POST, questions=_asked(chart, advice))
    if not form.is_valid():
        return _page(request, record, chart, advice, form=form, status=422)
    key = screening.keep(
        record,
        patient_id,
        answers=form.answers,
        temperature=form.cleaned_data["temperature"],
        encounter=encounter,
    )
    return _back(patient_id, key)


@require_POST
@role_required(*STAFF)
def past(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Write a dose of a paper book down."""
    record = record_of_facility(request)
    chart, advice = advice_of(record, patient_id)
    _visit(record, patient_id)
    form = PastForm(request.POST)
    refused = ""
    if form.is_valid():
        data = form.cleaned_data
        done = actions.note_past(
            record, patient_id, product=data["product"], day=data["day"], lot=data["lot"], place=data["place"]
        )
        if not isinstance(done, Refusal):
            messages.success(request, _("Đã ghi mũi tiêm trước đây. Lịch đã tính lại."))
            return _back(patient_id)
        refused = done.message
    return _page(request, record, chart, advice, past=form, refusal=refused, status=422)


@require_POST
@role_required(*STAFF)
def give(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Write a shot down, or that it is put off (``deed=hoan``)."""
    record = record_of_facility(request)
    chart, advice = advice_of(record, patient_id)
    product = schedule().products.get(request.POST.get("product", ""))
    key, answers = _answers(request, record, chart, advice)
    if product is None or answers is None:
        raise Http404
    encounter, asked = _visit(record, patient_id), _asked(chart, advice)
    if request.POST.get("deed") == "hoan":
        offer = rules.offer_of(schedule(), chart, advice, product, asked, answers)
        why = "; ".join(dict.fromkeys(bar.text.vi for bar in offer.bars)) or "Người nhà xin hoãn"
        actions.put_off(record, patient_id, product=product.code, why=why, encounter=encounter)
        messages.info(request, _("Đã ghi không tiêm hôm nay, với lý do."))
        return _back(patient_id, key)
    form = ShotForm(request.POST, product=product)
    if not form.is_valid():
        return _page(request, record, chart, advice, shot=form, status=422)
    data = form.cleaned_data
    shot = actions.Shot(data["lot"], data["expiry"], data["site"], data["decided_by"], data["why"])
    done = actions.give(
        record, patient_id, product=product.code, shot=shot, screening=key, questions=asked, answers=answers,
        encounter=encounter,
    )  # fmt: skip
    if isinstance(done, Refusal):
        return _page(request, record, chart, advice, shot=form, refusal=done.message, status=422)
    messages.success(request, _("Đã ghi mũi tiêm. Theo dõi tại chỗ 30 phút."))
    return _back(patient_id, key)


@require_POST
@role_required(*STAFF)
def watch(request: HttpRequest, immunization_id: str) -> HttpResponse:
    """What the watch after a shot showed."""
    record = record_of_facility(request)
    row = actions.own_shot(record, immunization_id)
    patient_id = (row.patient.reference or "").rpartition("/")[2]
    form = WatchForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Chọn kết quả theo dõi."))
        return _back(patient_id)
    grade, what = form.cleaned_data["grade"], form.cleaned_data["what"]
    refused = actions.end_watch(record, row, grade=grade, what=what)
    if refused is not None:
        messages.warning(request, refused.message)
    elif grade == "severe":
        messages.error(
            request,
            _("Phản ứng nặng đã ghi vào hồ sơ. Dừng buổi tiêm, giữ lại lô vắc xin, báo cáo trong 24 giờ."),
        )
    else:
        messages.success(request, _("Đã ghi kết quả theo dõi."))
    return _back(patient_id)


@require_POST
@role_required(*STAFF)
def appoint(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Ask the family to come on the next day of the schedule."""
    record = record_of_facility(request)
    _visit(record, patient_id)
    _chart, advice = advice_of(record, patient_id)
    day = rules.next_day(advice)
    if day is None:
        messages.info(request, _("Chưa có ngày tiêm tiếp theo."))
        return _back(patient_id)
    actions.appoint(record, patient_id, on=day)
    messages.success(
        request,
        _("Đã hẹn ngày %(day)s: hiện trong sổ của người nhà, kèm nút đặt lượt.") % {"day": words.ngay(day)},
    )
    return _back(patient_id)


@require_safe
@role_required(*STAFF)
def slip(request: HttpRequest, patient_id: str) -> HttpResponse:
    """What the family takes home: today's shots, what to watch for, when to come again."""
    record = record_of_facility(request)
    chart, advice = advice_of(record, patient_id)
    shots = [
        (pages.shot_line(one, now=record.clock()), queries.nurse_of(one.row))
        for one in queries.shots_today(record, chart)
    ]
    house = record.read(Organization, record.actor.facility or "").name or ""
    far = span("2y").after(advice.on)
    page = pages.SlipPage(
        title=_("Phiếu tiêm chủng"),
        name=people.name_of(chart.patient),
        born=words.ngay(chart.patient.birthDate) if chart.patient.birthDate else "",
        house=house,
        shots=tuple((one.name, one.said, nurse) for one, nurse in shots),
        coming=tuple(
            (phrases.series_name(one.series), when_of(one))
            for one in sorted(advice.forecasts, key=lambda it: it.next.recommended if it.next else advice.on)
            if one.state in ("overdue", "due", "upcoming") and one.next and one.next.recommended < far
        ),
        stands=" ".join(filter(None, [phrases.stands_on(advice), phrases.unreviewed()])),
        back=reverse("programmes:child", args=[patient_id]),
    )
    return render(request, "programmes/slip.html", {"page": page})
