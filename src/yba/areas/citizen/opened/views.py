"""Who opened the book that is open now: by sittings, newest first, to the person and the family."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from yba.areas.citizen import pages as book_pages
from yba.areas.citizen.open_book import open_book
from yba.areas.citizen.privacy.actions import ask_about_opening
from yba.care.access_log import Line, access_log, opening
from yba.care.privacy import rules as law
from yba.care.privacy.models import Request
from yba.care.refusal import Refusal
from yba.fhir.errors import NotFound
from yba.ui import words
from yba.ui.requests import number_in, once_of, role_required


@dataclass(frozen=True, slots=True)
class Opening:
    """One line of the page."""

    name: str
    note: str
    when: str
    what: str
    why: str
    kind: str
    state: str
    question_url: str = ""


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """The page. ``days``: each day's words with its lines; ``with_own``: what one did oneself is shown."""

    title: str
    cover: book_pages.Cover
    days: list[tuple[str, list[Opening]]]
    with_own: bool
    more: str


@require_safe
@role_required("citizen")
def opened(request: HttpRequest) -> HttpResponse:
    """The page; ``toi=1`` shows one's own acts, ``truoc`` goes on from a line."""
    book = open_book(request)
    if book is None:
        return redirect("citizen:profile")
    with_own = request.GET.get("toi") == "1"
    try:
        lines, following = access_log(
            book.record, book.patient_id, before=number_in(request, "truoc"), own=with_own
        )
    except NotFound as error:
        raise Http404 from error
    more = f"{reverse('citizen:opened')}?truoc={following}{'&toi=1' if with_own else ''}" if following else ""
    page = OpenedPage(_("Ai đã mở sổ này"), book.cover, _by_day(lines), with_own, more)
    return render(request, "citizen/opened.html", {"page": page})


def _by_day(lines: list[Line]) -> list[tuple[str, list[Opening]]]:
    days: dict[str, list[Opening]] = {}
    for one in lines:
        day = f"{words.day_words(one.until)}/{one.until.astimezone(words.HANOI).year}"
        days.setdefault(day, []).append(_opening(one))
    return list(days.items())


def _opening(one: Line) -> Opening:
    start, end = words.gio(one.since), words.gio(one.until)
    times = ngettext("%(count)s lượt", "%(count)s lượt", one.count) % {"count": one.count}
    return Opening(
        name=one.name,
        note=" · ".join(part for part in (one.role, one.facility) if part),
        when=(start if start == end else f"{start}–{end}") + f" · {times}",
        what=f"{one.acts}: {one.things}" if one.things else one.acts,
        why=one.why,
        kind="off" if one.refused else "now" if one.changed else "done",
        state=_state(one),
        question_url="" if one.own or not one.facility_id else reverse("citizen:question", args=[one.place]),
    )


def _state(one: Line) -> str:
    """Whether something was written, only seen, or not even that."""
    if one.refused:
        return _("bị từ chối")
    if one.partly_refused:
        return _("có ghi, sửa; có lượt bị từ chối") if one.changed else _("chỉ xem; có lượt bị từ chối")
    return _("có ghi, sửa") if one.changed else _("chỉ xem")


class QuestionForm(forms.Form):
    """What one wants to know of an opening of the book."""

    why = forms.CharField(
        label=gettext_lazy("Muốn hỏi điều gì"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": gettext_lazy("Viết điều muốn hỏi, ví dụ: hôm đó không đi khám.")},
    )


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """One opening, and a question about it. ``due``: the last day for the answer."""

    title: str
    cover: book_pages.Cover
    opening: Opening
    form: QuestionForm
    due: str
    refusal: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def question(request: HttpRequest, place: int) -> HttpResponse:
    """Ask the facility what an opening of the book was for: it answers by a day, where the person reads it."""
    book = open_book(request)
    if book is None:
        return redirect("citizen:profile")
    line = opening(book.record, book.patient_id, place)
    if line is None or line.own or not line.facility_id:
        messages.info(request, _("Lần mở này vừa có thêm việc. Chọn lại dòng đó rồi hỏi."))
        return redirect("citizen:opened")
    form = QuestionForm(request.POST if request.method == "POST" else None)
    refusal, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            made = ask_about_opening(
                book.record, book.one, line, why=form.cleaned_data["why"], once=once_of(request)
            )
            if not isinstance(made, Refusal):
                return redirect("citizen:privacy_request", made.pk)
            refusal, status = made.message, 409
    due = words.ngay(law.due(Request.Kind.QUESTION, book.today))
    page = QuestionPage(_("Hỏi về lần mở sổ này"), book.cover, _opening(line), form, due, refusal)
    return render(request, "citizen/question.html", {"page": page}, status=status)
