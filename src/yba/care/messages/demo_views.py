"""The demo's telephone: what was sent, newest first, and texts to the house."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from yba.care.messages import incoming, port, tasks
from yba.care.messages.incoming import Heard
from yba.care.messages.models import Message

#: The page shows so many; the address takes `?phone=` to see one number's.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class MessagesPage:
    messages: list[Message]
    phone: str


@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest) -> HttpResponse:
    """What was sent; a form texts the house, as from any number."""
    if request.method == "POST":
        said = Heard("sms", request.POST.get("from", "")[:20], port.number_to_text(), request.POST.get("text", ""),
                     provider_id=secrets.token_hex(8))  # fmt: skip
        incoming.note(said, now=timezone.now(), later=tasks.hear_later)
        return redirect(f"{request.path}?{urlencode({'phone': incoming.holder_of(said.phone)})}")
    phone = request.GET.get("phone", "")
    rows = Message.objects.order_by("-pk")
    if phone:
        rows = rows.filter(to_phone=phone)
    page = MessagesPage(messages=list(rows[:SHOWN]), phone=phone)
    if request.GET.get("format") == "json" or request.headers.get("Accept", "").startswith(
        "application/json"
    ):
        return JsonResponse({"messages": [_as_json(row) for row in page.messages]})
    return render(request, "messages/messages.html", {"page": page})


def _as_json(row: Message) -> dict[str, object]:
    return {
        "id": row.pk,
        "phone": row.to_phone,
        "text": row.text,
        "kind": row.kind,
        "status": row.status,
        "created": row.created_at.isoformat(),
    }
