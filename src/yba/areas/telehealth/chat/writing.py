"""What the person's and the team's pages of a conversation do alike: take a message, and page through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from yba.areas.telehealth.chat.forms import SayForm
from yba.care.refusal import Refusal
from yba.ui.requests import own_once_of


def pages_in(request: HttpRequest, name: str = "trang") -> int:
    """How many pages are asked for, by the address; one where it says nonsense."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 3 and int(text) else 1


def posted(
    request: HttpRequest,
    send: Callable[..., str | Refusal],
    again: Callable[..., HttpResponse],
    *,
    to: str,
) -> HttpResponse:
    """Send what was written, and lead to its end in the page ``to``; or show the page ``again`` with what is wrong.

    ``send`` takes ``text``, ``files`` and ``once``, and gives the conversation's id; ``again`` takes the form, perhaps
    a ``refusal``, and the ``status``.
    """
    form = SayForm(request.POST, request.FILES)
    if not form.is_valid():
        return again(form, status=422)
    said: dict[str, Any] = form.cleaned_data
    answer = send(text=said["text"], files=said["attached"], once=own_once_of(request))
    if isinstance(answer, Refusal):
        return again(form, refusal=answer.message, status=422)
    return redirect(f"{reverse(to, args=[answer])}#cuoi")
