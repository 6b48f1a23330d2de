"""What a provider sends by HTTP: reports of delivery, people's texts. The address holds a key; the gateway reads it.

What came is kept before it is acknowledged: what could not be is answered 500 and comes again. A text is known by the
provider's id for it, so that whatever comes twice, or is sent again by somebody who listened, does nothing.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from yba.care.messages import incoming, kinds, outbox, port, tasks

LARGEST = 20_000


def key_of(channel: str) -> str:
    """The key in a channel's address of reports: of this installation, and of no other channel."""
    return salted_hmac("yba.messages.reports", channel, algorithm="sha256").hexdigest()[:40]


def address_of(channel: str) -> str:
    """Where a provider of a channel sends its reports."""
    found: str = settings.YBA_ORIGIN + reverse("messages:report", args=[channel, key_of(channel)])
    return found


def texts_address(channel: str) -> str:
    """Where a provider of a channel sends what people text."""
    key = key_of(f"{channel}/texts")
    found: str = settings.YBA_ORIGIN + reverse("messages:heard", args=[channel, key])
    return found


def takes_texts(channel: str) -> bool:
    """Whether the gateway of a channel takes people's texts by HTTP."""
    return getattr(port.gateway_of(channel), "incoming", None) is not None


def reports(channel: str) -> bool:
    """Whether the gateway of a channel can read reports that come by HTTP."""
    return hasattr(port.gateway_of(channel), "read_report")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, channel: str, key: str) -> HttpResponse:
    """One report."""
    if (
        channel not in kinds.CHANNELS
        or not constant_time_compare(key, key_of(channel))
        or not reports(channel)
    ):
        raise Http404
    gateway: Any = port.gateway_of(channel)
    found = gateway.read_report(_said(request))
    if found is not None:
        number, delivered, error = found
        outbox.note_report(
            channel, number, delivered=delivered, error=error, now=timezone.now(), later=tasks.later
        )
    return HttpResponse("OK", "text/plain")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def heard(request: HttpRequest, channel: str, key: str) -> HttpResponse:
    """A text somebody sent. Signed where the operator's file says so; without an id of its own it is refused."""
    if (
        channel not in kinds.CHANNELS
        or not constant_time_compare(key, key_of(f"{channel}/texts"))
        or not takes_texts(channel)
    ):
        raise Http404
    gateway: Any = port.gateway_of(channel)
    if len(request.body) > LARGEST:
        return HttpResponse("too large", "text/plain", 413)
    if not gateway.proved(request.headers, request.body):
        return HttpResponse("not signed", "text/plain", 403)
    found = gateway.read_incoming(_said(request, with_address=not gateway.incoming.signature))
    if found is None:
        return HttpResponse("no text with an id", "text/plain", 400)
    incoming.note(found, now=timezone.now(), later=tasks.hear_later)
    return HttpResponse(gateway.incoming.answer, "text/plain")


def _said(request: HttpRequest, *, with_address: bool = True) -> dict[str, str]:
    """What it says, flat: of the address, of a form, of JSON (``message.msg_id`` for a value within).

    ``with_address`` False: only of the body, which alone is signed.
    """
    said = {name: str(value) for name, value in request.GET.items()} if with_address else {}
    said |= {name: str(value) for name, value in request.POST.items()}
    if request.content_type == "application/json" and len(request.body) <= LARGEST:
        try:
            said |= _flat(json.loads(request.body), "")
        except (ValueError, RecursionError):
            return {}
    return said


def _flat(value: Any, at: str) -> dict[str, str]:
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for name, one in value.items():
            found |= _flat(one, f"{at}.{name}" if at else str(name))
        return found
    return {} if isinstance(value, list) or value is None else {at: str(value)}
