"""From a request to the one who acts and to the record."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string

from yba import fhir
from yba.fhir.access import Actor, Came
from yba.fhir.record import now as now

_NUMBER = re.compile(r"[A-Za-z0-9._:\-]{1,64}")
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in account as the record knows it; a stranger has the role ``anonymous``, which may nothing."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Actor(user="anonymous", role="anonymous")
    actor: Actor = user.actor(
        session=_mark(request.session.session_key), address=request.META.get("REMOTE_ADDR") or None
    )
    return actor


def _mark(session: str | None) -> str | None:
    """A name for a session in the audit that is no key to it."""
    return hashlib.sha256(session.encode()).hexdigest()[:16] if session else None


def number_in(request: HttpRequest, name: str) -> int | None:
    """A row's number of the address, None where it is not given; anything else leads nowhere (Http404)."""
    text = request.GET.get(name, "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Http404
    return int(text) if text else None


def record_of(request: HttpRequest) -> fhir.Record:
    """The record, opened once a request on Django's own connection, so its writes join ``transaction.atomic()``."""
    kept: fhir.Record | None = getattr(request, "_yba_record", None)
    if kept is not None:
        return kept
    connection.ensure_connection()
    guards = _given("YBA_GUARDS", {})
    journal = _given("YBA_JOURNAL", None)
    record = fhir.open(
        connection.connection,
        actor=actor_of(request),
        clock=now,
        guards=guards,
        journal=journal,
        transaction=transaction.atomic,
        came=came_of(request),
    )
    request._yba_record = record  # type: ignore[attr-defined]  # lives as long as the request
    return record


def came_of(request: HttpRequest) -> Came:
    """How the request came, for the audit."""
    said = request.META.get("HTTP_X_REQUEST_ID", "")
    number = said if _NUMBER.fullmatch(said) else secrets.token_hex(8)
    return Came(number, request.META.get("REMOTE_ADDR") or None)


def _given(setting: str, default: Any) -> Any:
    """What the function named by a setting returns, or ``default`` when the site names none."""
    provider = getattr(settings, setting, "")
    return import_string(provider)() if provider else default


def role_required(*roles: str) -> Callable[[View[P]], View[P]]:
    """Only these roles reach the view: strangers sign in first, others learn nothing (404)."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if getattr(request.user, "role", None) not in roles:
                raise Http404
            return view(request, *args, **kwargs)

        guarded.roles = roles  # type: ignore[attr-defined]  # for tests: whom a page is for
        return guarded

    return decorate


def record_of_facility(request: HttpRequest) -> fhir.Record:
    """The record; who works for no facility has none of its duties (Http404)."""
    record = record_of(request)
    if not record.actor.facility:
        raise Http404
    return record


def once_of(request: HttpRequest) -> str:
    """The key of a form with ``{% once %}``: the same for a double click or a sent-again page."""
    return request.POST.get("once", "")[:64]


def own_once_of(request: HttpRequest) -> str:
    """The same with who sends it in front: nobody's form stands in the way of another's."""
    return f"{record_of(request).actor.user}.{once_of(request)}"[:64]


def numbers_of(request: HttpRequest) -> list[str]:
    """The telephone numbers the account that asks has proved."""
    account: Any = request.user
    return list(account.phones.values_list("number", flat=True))


def back_to(request: HttpRequest, default: str = "/") -> str:
    """Where to go after: the ``next`` of form or address if it stays in this house, else ``default``."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else default
