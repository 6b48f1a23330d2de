"""Who opened the book that is open now: by sittings, newest first, to the person and the family."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from yba.areas.citizen import pages as book_pages
from yba.areas.citizen.open_book import open_book
from yba.care.access_log import Line, access_log
from yba.fhir.errors import NotFound
from yba.ui import words
from yba.ui.requests import number_in, role_required


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
    state = _("bị từ chối") if one.refused else _("có ghi, sửa") if one.changed else _("chỉ xem")
    return Opening(
        name=one.name,
        note=" · ".join(part for part in (one.role, one.facility) if part),
        when=(start if start == end else f"{start}–{end}") + f" · {times}",
        what=f"{one.acts}: {one.things}" if one.things else one.acts,
        why=one.why,
        kind="off" if one.refused else "now" if one.changed else "done",
        state=state,
    )
