"""What every page passes: nobody acts yet, demo accounts and endless bodies stay outside, the language is one's own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import psycopg
from django.conf import settings
from django.contrib.auth import logout
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation

from yba.fhir.access import wall
from yba.ui import keeping

Handler = Callable[[HttpRequest], HttpResponse]


def nobody_acts_yet(get_response: Handler) -> Handler:
    """Who acted in the request before, on the same connection, acts no more (``yba.fhir.access.wall``)."""

    def handle(request: HttpRequest) -> HttpResponse:
        if connection.connection is not None:
            with contextlib.suppress(psycopg.Error):  # a connection that broke is opened anew by who needs it
                if wall.forget(connection.connection):
                    # It has just answered: it need not be asked whether it still does.
                    connection.health_check_done = True  # type: ignore[attr-defined]  # Django's stubs lack it
        return get_response(request)

    return handle


def no_demo_accounts(get_response: Handler) -> Handler:
    """Where the house is no demo, a demo account (its password is known to all) is nobody, however it came in."""

    def handle(request: HttpRequest) -> HttpResponse:
        if not settings.YBA_DEMO and getattr(request.user, "is_demo", False):
            logout(request)
        return get_response(request)

    return handle


def says_whose(get_response: Handler) -> Handler:
    """Each page says whose it is, by an opaque key: what a device keeps of others goes (``yba.ui.keeping``)."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            covered = bool(request.session.get("locked"))
            response.headers[keeping.WHOSE] = keeping.whose(request, covered=covered)
        return response

    return handle


def bounded_bodies(get_response: Handler) -> Handler:
    """What is sent to a page is no larger than its largest form: refused before a byte of it is kept anywhere.

    Django bounds what it holds in memory, not the files it writes to the disk. A body without a length is none to it.
    """

    def handle(request: HttpRequest) -> HttpResponse:
        said = request.META.get("CONTENT_LENGTH") or "0"
        if not said.isascii() or not said.isdigit() or int(said) > settings.YBA_MOST_SENT:
            most = {"most": settings.YBA_MOST_SENT // (1024 * 1024)}
            return render(request, "413.html", most, status=413)
        return get_response(request)

    return handle


def language_of_the_account(get_response: Handler) -> Handler:
    """A signed-in person's own choice of language wins over the browser's."""

    def handle(request: HttpRequest) -> HttpResponse:
        cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        chosen = getattr(request.user, "language", "") if request.user.is_authenticated else ""
        if not cookie:
            # Vietnamese comes first, also for a browser that asks for English, until someone chooses.
            language = chosen or settings.LANGUAGE_CODE
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return get_response(request)

    return handle
