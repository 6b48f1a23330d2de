"""The vaccine card of the open book: done, due, overdue, and what it stands on."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from yba.areas.citizen import pages
from yba.areas.citizen.open_book import open_book
from yba.care.vaccines.card import Card, card_of
from yba.care.vaccines.reading import advice_of
from yba.fhir.errors import Forbidden
from yba.ui.requests import role_required


@dataclass(frozen=True, slots=True)
class VaccinesPage:
    """``card`` None: not everything about this person may be seen here, so nothing is advised."""

    title: str
    cover: pages.Cover
    card: Card | None


@require_safe
@role_required("citizen")
def vaccines(request: HttpRequest) -> HttpResponse:
    """The card of whoever's book is open, as far as the door lets their vaccinations be seen."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    try:
        chart, advice = advice_of(opened.record, opened.patient_id)
        card = card_of(chart, advice)
    except Forbidden:
        card = None
    page = VaccinesPage(_("Thẻ tiêm chủng"), opened.cover, card)
    return render(request, "citizen/vaccines.html", {"page": page})
