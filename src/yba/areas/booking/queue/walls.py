"""Screens for those who wait: the wall, and one's own number. No names in full, no health words beyond the room's."""

from __future__ import annotations

from collections.abc import Collection

from django.core.signing import BadSignature, Signer
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from yba.areas.booking.queue import own, pages, publishing
from yba.care.line import queries as line
from yba.care.line.models import Ticket
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model.references import target
from yba.fhir.r4.location import Location
from yba.fhir.record import Record
from yba.fhir.record.labelled import any_labelled
from yba.ui import keeping, parts, words
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

#: Where one of these bears a sensitive label, no device keeps the number.
OF_A_NUMBER = ("Appointment", "Encounter", "Patient")
_SIGNER = Signer(salt="yba.queue.wall")


@role_required("wall", "receptionist", "doctor")
@require_safe
def own_wall(request: HttpRequest) -> HttpResponse:
    """The wall of the screen's own room, else of its facility."""
    place = getattr(request.user, "location", "") if getattr(request.user, "role", "") == "wall" else ""
    return _wall(request, place or record_of(request).actor.facility or "")


@role_required("wall", "receptionist", "doctor")
@require_safe
def wall(request: HttpRequest, place: str) -> HttpResponse:
    """The wall of a facility or of one of its rooms; another facility's does not exist."""
    return _wall(request, place)


@require_safe
def linked_wall(request: HttpRequest, token: str) -> HttpResponse:
    """A wall by its signed link, for a screen that signs in nowhere."""
    try:
        place = _SIGNER.unsign(token)
    except BadSignature:
        raise Http404 from None
    return _show(request, record_of(request).as_system(), place)


def wall_token(place: str) -> str:
    """What stands in the link of a wall."""
    return _SIGNER.sign(place)


def _wall(request: HttpRequest, place: str) -> HttpResponse:
    record = record_of(request)
    facility = record.actor.facility
    if not facility or _facility_of(record, place) != facility:
        raise Http404
    return _show(request, record.as_system(), place)


def _show(request: HttpRequest, record: Record, place: str) -> HttpResponse:
    facility = _facility_of(record, place)
    if not facility:
        raise Http404
    room = "" if facility == place else place
    page = pages.wall(record, facility=facility, room=room, part=request.path)
    target = request.headers.get("HX-Target", "")
    part = f"#{target}" if target in ("call", "rooms", "missed") else ""
    return render(request, f"queue/wall.html{part}", {"page": page})


def _facility_of(record: Record, place: str) -> str:
    """The facility a place is, or belongs to."""
    if place == record.actor.facility:
        return place
    try:
        found = target(record.read(Location, place).managingOrganization)
    except (NotFound, Gone):
        return place if record.actor.role == "system" and _is_facility(record, place) else ""
    return found[1] if found else ""


def _is_facility(record: Record, place: str) -> bool:
    return bool(record.count("Organization", ("_id", place)))


@require_safe
def rule(request: HttpRequest) -> HttpResponse:
    """Who is called next, and why: for everybody, without signing in."""
    return render(request, "queue/rule.html", {"page": publishing.rule_page()})


@require_safe
def ticket(request: HttpRequest, token: str) -> HttpResponse:
    """One's own number, by the link on the paper."""
    found = line.ticket_of_link(token)
    if found is None:
        raise Http404
    return _number(request, found, part=request.path)


@role_required("citizen")
@require_safe
def own_numbers(request: HttpRequest) -> HttpResponse:
    """The numbers of today of everybody the account acts for: one at once, the others a touch away."""
    record = record_of(request)
    today = local_day(record.clock())
    found = list(Ticket.objects.filter(patient_id__in=record.actor.persons, day=today).order_by("-id"))
    if not found:
        return render(request, "queue/no_number.html", {"page": NoNumber()})
    whose = {one.patient_id for one in found}
    if len(found) == 1:
        alone = reverse("booking:ticket", args=[line.link_token(found[0])])
        return _number(request, found[0], part=alone, shown=whose)
    chosen = next((one for one in found if not one.is_over), found[0])
    wanted = request.GET.get("so", "")
    chosen = next((one for one in found if str(one.pk) == wanted), chosen)
    tabs = [
        parts.Tab(words.bare_name(one.patient_name).split()[-1], f"?so={one.pk}", one.pk == chosen.pk)
        for one in found
    ]
    return _number(request, chosen, part=f"{request.path}?so={chosen.pk}", others=tabs, shown=whose)


class NoNumber:
    """Nobody of the family has a number today."""

    title = ""


def _number(
    request: HttpRequest,
    found: Ticket,
    *,
    part: str,
    others: list[parts.Tab] | None = None,
    shown: Collection[str] = (),
) -> HttpResponse:
    """``shown``: all the persons the page names, beside whose number it is."""
    record = record_of(request)
    page = own.own_number(record.as_system(), found, part=part, others=others)
    target = request.headers.get("HX-Target", "")
    name = f"#{target}" if target in ("number", "now") else ""
    answer = render(request, f"queue/ticket.html{name}", {"page": page})
    named = {found.patient_id, *shown}
    if name or not named <= record.actor.persons or any_labelled(record, named, types=OF_A_NUMBER):
        return answer
    return keeping.kept(request, answer, length=keeping.rest_of_day(record.clock()))
