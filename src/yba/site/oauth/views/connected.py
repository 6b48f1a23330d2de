"""What a person has connected, and stopping it; and opening an app from a page of ours."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from yba.fhir.errors import RecordError
from yba.fhir.model.references import parse
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Record
from yba.site.accounts import events
from yba.site.oauth import addresses, consents, issuing, launching, pages, picking, scopes
from yba.site.oauth.models import APPROVED, App, Connection
from yba.site.oauth.views.authorizing import leaving
from yba.ui.requests import record_of

ENDED_SHOWN = 20


@never_cache
@require_safe
@login_required
def connected(request: HttpRequest) -> HttpResponse:
    """The apps that may come in now: what they may, since when, when they last did; and those that were stopped."""
    account: Any = request.user
    now, record = timezone.now(), record_of(request)
    held = account.connections.select_related("app").order_by("-since")
    names: dict[str, str] = {}
    for one in held:
        if one.patient and one.patient not in names:
            found = picking.one_person(record, one.patient)
            names[one.patient] = found.name if found is not None else ""
    page = pages.ConnectedPage(
        base=pages.base_of(account),
        lines=[pages.connected_line(one, names.get(one.patient, "")) for one in held if one.holds(now)],
        ended=[(one.app.name, one.ended_at or one.until) for one in held if not one.holds(now)][:ENDED_SHOWN],
        title=_("Ứng dụng đang kết nối"),
    )
    return render(request, "oauth/connected.html", {"page": page})


@require_POST
@login_required
def stop(request: HttpRequest, number: int) -> HttpResponse:
    """Withdraw: the agreement and every token of it end together."""
    account: Any = request.user
    with transaction.atomic():
        found = get_object_or_404(
            Connection.objects.select_for_update(of=("self",)).select_related("app"),
            pk=number,
            account=account,
        )
        issuing.end_connection(found, by="person", now=timezone.now())
        consents.withdraw(record_of(request), found)
        detail = f"app {found.app.client_id} stopped"
        events.note("policy", request=request, account=account, detail=detail, patient=found.patient or None)
    messages.success(
        request, _("Đã ngừng %(app)s. Ứng dụng không còn xem được gì.") % {"app": found.app.name}
    )
    return redirect("oauth:connected")


@never_cache
@require_safe
@login_required
def opening(request: HttpRequest) -> HttpResponse:
    """The apps that can be opened for a person or a visit."""
    patient, encounter, name = _about(request, request.GET)
    found = _openable(request)
    page = pages.OpenPage(
        base=pages.base_of(request.user),
        person=name,
        lines=[pages.card_of(one) for one in found],
        ids=[one.client_id for one in found],
        patient=patient,
        encounter=encounter,
        title=_("Mở ứng dụng"),
    )
    return render(request, "oauth/open.html", {"page": page})


@require_POST
@login_required
def open_app(request: HttpRequest, client_id: str) -> HttpResponse:
    """Make a handle for this person and lead to the app (SMART's EHR launch)."""
    patient, encounter, _name = _about(request, request.POST)
    app = next((one for one in _openable(request) if one.client_id == client_id), None)
    if app is None:
        raise Http404
    text = launching.handle_for(
        app,
        account=request.user,
        session=request.session.session_key or "",
        patient=patient,
        encounter=encounter,
        now=timezone.now(),
    )
    return leaving(request, launching.address(app, text, record_url=addresses.record_url()), app.name)


def _openable(request: HttpRequest) -> list[App]:
    return [
        one
        for one in App.objects.filter(state=APPROVED).exclude(launch_url="").order_by("name")
        if scopes.LAUNCH in one.wanted and issuing.may_use(one, request.user)
    ]


def _about(request: HttpRequest, given: Any) -> tuple[str, str, str]:
    """Person and visit an app is opened for, as far as this reader may see them. What is hidden is not found."""
    record = record_of(request)
    encounter = str(given.get("luot", ""))
    patient = str(given.get("nguoi", ""))
    if encounter:
        patient = _of_visit(record, encounter)
    if not patient:
        return "", "", ""
    person = picking.one_person(record, patient)
    if person is None:
        raise Http404
    return patient, encounter, person.name


def _of_visit(record: Record, encounter: str) -> str:
    try:
        visit = record.read(Encounter, encounter)
    except RecordError:
        raise Http404 from None
    found = parse(visit.subject.reference or "") if visit.subject is not None else None
    if found is None or found.type != "Patient" or not found.id:
        raise Http404
    return found.id
