"""What was sent, newest first: the demo's telephone."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from yba.care.messages.models import Message

#: The page shows so many; the address takes `?phone=` to see one number's.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class MessagesPage:
    messages: list[Message]
    phone: str


@require_GET
def messages(request: HttpRequest) -> HttpResponse:
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
