"""First help's pages: one question a page, then the result. What is told stays in the page (`conversation`)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.firsthelp import actions, pages, queries, rules
from yba.areas.firsthelp.conversation import answers_of, token_of
from yba.areas.firsthelp.data import Level, book
from yba.areas.firsthelp.forms import AnswerForm, KeepForm
from yba.areas.firsthelp.rules import NONE, Answers, Screen
from yba.areas.firsthelp.understanding import understood
from yba.care.free_times import EmergencyPlace, emergency_places, next_free_times
from yba.ui.requests import once_of, record_of, role_required
from yba.ui.words import local_day


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """What this is, 115, and the first list. Open to anybody."""
    return _question(request, Answers())


@sensitive_post_parameters()
@csrf_protect
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Takes an answer and shows the next question, or the result. An address typed by hand begins anew."""
    form = AnswerForm(request.POST)
    if request.method != "POST":
        return redirect("firsthelp:start")
    answers = answers_of(book(), form.cleaned_data["token"]) if form.is_valid() else None
    if answers is None:
        return _question(request, Answers(), begun_anew=True, status=422)
    if "back" in request.POST:
        return _question(request, answers.without_last())
    screen = rules.screen_named(book(), answers, form.cleaned_data["screen"])
    if screen is None:  # an old page, or a result sent again: nothing is taken back
        return _shown(request, answers)
    chosen = _chosen(request, screen, form.cleaned_data["words"])
    if chosen is None:
        return _question(request, answers, error=_("Chọn một câu trả lời để đi tiếp."), status=422)
    return _shown(request, answers.with_(screen.id, chosen))


def _chosen(request: HttpRequest, screen: Screen, typed: str) -> tuple[str, ...] | None:
    if screen.kind == "words":
        # The words themselves go no further: only what they may mean, to be asked back.
        return (understood(book(), typed) if "by_list" not in request.POST else ()) or (NONE,)
    return rules.accepted(screen, request.POST.getlist("chosen"))


def _shown(request: HttpRequest, answers: Answers) -> HttpResponse:
    if rules.next_screen(book(), answers) is None:
        return _result(request, answers)
    return _question(request, answers)


def _question(
    request: HttpRequest, answers: Answers, *, error: str = "", begun_anew: bool = False, status: int = 200
) -> HttpResponse:
    screen = rules.next_screen(book(), answers)
    assert screen is not None, "a result is not a question"
    page = pages.question_page(
        book(), screen, answers, token_of(book(), answers), today=local_day(record_of(request).clock()),
        error=error, begun_anew=begun_anew,
    )  # fmt: skip
    return render(request, "firsthelp/question.html", {"page": page}, status=status)


def _result(request: HttpRequest, answers: Answers) -> HttpResponse:
    record = record_of(request)
    verdict = rules.verdict(book(), rules.facts_of(book(), answers))
    reader, urgent = queries.as_reader(record), verdict.level >= Level.TODAY
    free = [] if verdict.level == Level.EMERGENCY else next_free_times(reader, verdict.specialty)
    citizen = getattr(request.user, "role", None) == "citizen"
    page = pages.result_page(
        book(), verdict, answers, token_of(book(), answers), today=local_day(record.clock()), times=free,
        places=_near_first(emergency_places(reader), queries.own_province(record)) if urgent else [],
        people=queries.own_people(record) if citizen else [],
    )  # fmt: skip
    return render(request, "firsthelp/result.html", {"page": page})


def _near_first(places: list[EmergencyPlace], province: str) -> list[EmergencyPlace]:
    return sorted(places, key=lambda one: one.province != province) if province else places


@require_POST
@sensitive_post_parameters()
@role_required("citizen")
def keep(request: HttpRequest) -> HttpResponse:
    """Keeps the result in one's own book, by one's own choice and only then."""
    form = KeepForm(request.POST)
    answers = answers_of(book(), form.cleaned_data["token"]) if form.is_valid() else None
    if answers is None or rules.next_screen(book(), answers) is not None:
        messages.error(request, _("Trang để quá lâu, chưa giữ được. Trả lời lại rồi giữ."))
        return redirect("firsthelp:start")
    facts = rules.facts_of(book(), answers)
    verdict = rules.verdict(book(), facts)
    actions.keep_result(
        record_of(request),
        book(),
        verdict,
        patient_id=form.cleaned_data["patient"],
        said=facts,
        once=once_of(request),
    )
    messages.success(request, _("Đã giữ trong sổ y bạ. Bác sĩ điều trị xem được."))
    return redirect("firsthelp:kept")


@require_safe
@role_required("citizen")
def kept(request: HttpRequest) -> HttpResponse:
    """What was kept in one's people's books."""
    page = pages.kept_page(book(), queries.kept(record_of(request)))
    return render(request, "firsthelp/kept.html", {"page": page})
