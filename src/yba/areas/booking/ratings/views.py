"""The pages of ratings: the citizen says and changes; doctors and the facility read, dispute, decide."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yba.areas.booking.ratings import actions, keeping, queries, rules
from yba.areas.booking.ratings.forms import DecisionForm, DisputeForm, RateForm, initial_of
from yba.areas.booking.ratings.models import Dispute, Rating
from yba.care import rating as visits
from yba.care.refusal import Refusal
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Record
from yba.ui import spoken
from yba.ui.requests import record_of, role_required
from yba.ui.words import HANOI

_KINDS = {
    Rating.State.SHOWN: "done", Rating.State.DISPUTED: "wait", Rating.State.HIDDEN: "off",
}  # fmt: skip


# -- the citizen ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RatePage:
    """One visit, and what is said of it."""

    title: str
    visit_url: str
    doctor: str
    facts: str
    form: RateForm
    possible: bool
    changing: bool = False
    under_review: bool = False
    hidden: bool = False
    why: str = ""
    refused: str = ""


@role_required("citizen")
def rate(request: HttpRequest, encounter_id: str) -> HttpResponse:
    """Say how a visit was, or change what was said."""
    record = record_of(request)
    encounter = record.read(Encounter, encounter_id)
    seen = visits.seen_in(encounter)
    if seen is None or seen.patient_id not in record.actor.persons:
        raise Http404
    known = queries.own(encounter_id)
    if known is not None and known.writer != record.actor.user:
        messages.info(
            request, _("Người khác trong gia đình đã đánh giá lần khám này; chỉ người đó sửa được.")
        )
        return redirect("citizen:visit", encounter_id)
    if request.method != "POST":
        return _rate_page(request, record, encounter, known, RateForm(initial=initial_of(known)))
    form = RateForm(request.POST)
    if not form.is_valid():
        return _rate_page(request, record, encounter, known, form, status=422)
    outcome = actions.rate(record, encounter_id, form.said())
    if isinstance(outcome, Refusal):
        return _rate_page(request, record, encounter, known, form, refused=outcome.message, status=409)
    messages.success(request, _("Đã ghi đánh giá. Sửa lại được bất cứ lúc nào ở trang lần khám."))
    return redirect("citizen:visit", encounter_id)


def _rate_page(
    request: HttpRequest,
    record: Record,
    encounter: Encounter,
    known: Rating | None,
    form: RateForm,
    *,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    seen = visits.seen_in(encounter)
    assert seen is not None
    decided = _decided(known)
    page = RatePage(
        title=_("Đánh giá lần khám"),
        visit_url=reverse("citizen:visit", args=[seen.encounter_id]),
        doctor=seen.doctor,
        facts=" · ".join(filter(None, [seen.facility, spoken.day_words(seen.started.astimezone(HANOI))])),
        form=form,
        possible=known is not None or visits.may_rate(record, encounter),
        changing=known is not None,
        under_review=known is not None and known.state == Rating.State.DISPUTED,
        hidden=known is not None and known.state == Rating.State.HIDDEN,
        why=decided.why if decided is not None else "",
        refused=refused,
    )
    return render(request, "booking/ratings/rate.html", {"page": page}, status=status)


def _decided(known: Rating | None) -> Dispute | None:
    """What was decided last of what stands there now."""
    if known is None:
        return None
    return known.disputes.filter(version=known.version).exclude(outcome=Dispute.Outcome.OPEN).first()


# -- those it is about ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A rating in the list: no name, no day."""

    key: str
    stars: int
    month: str
    doctor: str
    words: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """The ratings somebody may dispute or decide."""

    title: str
    lines: list[Line]
    figures: list[tuple[str, str]]
    left: int
    deciding: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What was said against a rating, and what was decided."""

    by: str
    reason: str
    note: str
    decided: str
    why: str


@dataclass(frozen=True, slots=True)
class OnePage:
    """One rating, with what may be done about it."""

    title: str
    line: Line
    answers: list[tuple[str, str]]
    disputes: list[Said]
    dispute: DisputeForm | None = None
    decision: DecisionForm | None = None
    own_dispute: bool = False
    refused: str = ""
    errors: list[str] = field(default_factory=list)


@require_safe
@role_required("doctor", "head_of_department", actions.ADMINISTRATOR)
def ratings(request: HttpRequest) -> HttpResponse:
    """What people say: of oneself, or of everybody at the facility."""
    record = record_of(request)
    found = queries.a_page(record)
    names = _names(record, found.roles)
    figures = keeping.figures(record, found.roles)
    page = ListPage(
        title=_("Đánh giá"),
        lines=[_line(one, names) for one in found.ratings],
        figures=sorted((names.get(key, ""), rules.figure_words(one)) for key, one in figures.items()),
        left=found.left,
        deciding=record.actor.role == actions.ADMINISTRATOR,
    )
    return render(request, "booking/ratings/list.html", {"page": page})


def _names(record: Record, roles: list[str]) -> dict[str, str]:
    """Role -> who that is, as the directory calls them."""
    from yba.areas.booking import queries as posts

    return {one.role_id: one.name for one in posts.posts_by_id(record, roles, hidden=True)}


def _line(one: Rating, doctors: dict[str, str]) -> Line:
    state = Rating.State(one.state)
    return Line(
        key=str(one.key), stars=one.stars, month=rules.month_words(one.month), doctor=doctors.get(one.role_id, ""),
        words=one.words, kind=_KINDS[state], state=str(state.label),
    )  # fmt: skip


@role_required("doctor", "head_of_department", actions.ADMINISTRATOR)
def rating(request: HttpRequest, key: str) -> HttpResponse:
    """One rating: dispute it, or decide what was disputed."""
    record = record_of(request)
    if not _is_key(key):
        raise Http404
    one = queries.one(record, key)
    if request.method != "POST":
        return _one_page(request, record, one)
    form: DecisionForm | DisputeForm
    outcome: Rating | Refusal
    if "decision" in request.POST or "version" in request.POST:
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return _one_page(request, record, one, form=form, status=422)
        data = form.cleaned_data
        outcome = actions.decide(
            record, key, keep=data["decision"] == "keep", why=data["why"], version=data["version"]
        )
        done = _("Đã ghi quyết định và báo người viết.")
    else:
        form = DisputeForm(request.POST)
        if not form.is_valid():
            return _one_page(request, record, one, form=form, status=422)
        outcome = actions.dispute(
            record, key, reason=form.cleaned_data["reason"], note=form.cleaned_data["note"]
        )
        done = _("Đã gửi. Lời viết tạm ẩn đến khi quản trị cơ sở xem lại; số sao vẫn tính.")
    if isinstance(outcome, Refusal):
        return _one_page(request, record, queries.one(record, key), refused=outcome.message, status=409)
    messages.success(request, done)
    return redirect("booking:ratings")


def _is_key(key: str) -> bool:
    return len(key) == 36 and all(sign in "0123456789abcdef-" for sign in key)


def _one_page(
    request: HttpRequest,
    record: Record,
    one: Rating,
    *,
    form: DecisionForm | DisputeForm | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    from yba.areas.booking.ratings.questions import questions

    answers = [
        (asked.text, dict(asked.options).get(one.answers.get(asked.key, ""), "")) for asked in questions()
    ]
    said = list(one.disputes.all())
    open_one = next((it for it in said if it.outcome == Dispute.Outcome.OPEN), None)
    admin = record.actor.role == actions.ADMINISTRATOR
    mine = open_one is not None and open_one.account == record.actor.user
    kept = any(it.version == one.version and it.outcome == Dispute.Outcome.KEPT for it in said)
    page = OnePage(
        title=_("Một đánh giá"),
        line=_line(one, _names(record, [one.role_id])),
        answers=[(text, answer) for text, answer in answers if answer],
        disputes=[_said(it) for it in said],
        dispute=(form if isinstance(form, DisputeForm) else DisputeForm())
        if one.state == Rating.State.SHOWN and not kept
        else None,
        decision=(form if isinstance(form, DecisionForm) else DecisionForm(initial={"version": one.version}))
        if admin and open_one is not None and not mine
        else None,
        own_dispute=mine,
        refused=refused,
    )
    return render(request, "booking/ratings/one.html", {"page": page}, status=status)


def _said(it: Dispute) -> Said:
    by = str(Dispute.By(it.by).label)
    return Said(
        by=f"{by}: {it.name}" if it.name else by,
        reason=str(rules.REASONS.get(it.reason, "")),
        note=it.note,
        decided=str(Dispute.Outcome(it.outcome).label),
        why=it.why,
    )
