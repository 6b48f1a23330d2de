"""The authorization endpoint: check, sign in, choose, decide, and go back to the app.

RFC 6749, 3.1 and 4.1; OpenID Connect Core 1.0, 3.1.2; SMART App Launch 2.2. Nothing is sent back to an address that
was not registered, letter by letter; a request whose app or address is wrong ends on a page of ours.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from yba.site.accounts import events
from yba.site.accounts.models import Account
from yba.site.headers import content_policy
from yba.site.oauth import deciding, pages, picking, prompting
from yba.site.oauth.deciding import Asking
from yba.site.oauth.forms import DecisionForm
from yba.site.oauth.requests import Asked, once_each
from yba.site.oauth.server import server, with_issuer
from yba.ui.requests import record_of

CAME = "oauth_came"
"""Set in a session that is sent to sign in: what follows a form must not lead straight to another site."""


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Ask the person. A request that was posted is asked again by its address: nothing is decided by it."""
    if request.method == "POST":
        response = HttpResponse(status=303)
        response["Location"] = f"{request.path}?{request.POST.urlencode()}"
        return response
    try:
        grant = _grant(request)
        prompt = prompting.read(request.GET)
        first = _first(request, grant, prompt)
        if first is not None:
            return first
        asked = _asking(request, grant)
        known = asked.given_already()
        if known is not None and not prompt.consent:
            return _again(request, grant, asked, known)
        if prompt.silent:
            raise _Interaction("The person must be asked.", redirect_uri=grant.redirect_uri)
    except OAuth2Error as error:
        return _refused(request, error)
    return _ask(request, grant, asked)


@never_cache
@require_POST
def decide(request: HttpRequest) -> HttpResponse:
    """Take the person's answer; the request is checked anew from its address."""
    try:
        grant = _grant(request)
        if not request.user.is_authenticated or _still_open(request, prompting.read(request.GET)):
            return _back_to_asking(request)
        asked = _asking(request, grant)
        if request.POST.get("quyet") != "cho":
            raise AccessDeniedError("The person did not agree.", redirect_uri=grant.redirect_uri)
        choices = _choices(request, asked)
        form = DecisionForm(request.POST, asked=asked, choices=choices)
        if not form.is_valid():
            return _ask(request, grant, asked, form)
        with transaction.atomic():
            sitting = deciding.grant_to(record_of(request), asked, form.decision(), now=timezone.now())
            return _code(request, grant, asked, sitting)
    except OAuth2Error as error:
        error.redirect_uri = error.redirect_uri or request.GET.get("redirect_uri")
        return _refused(request, error)


@never_cache
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Which account: this one, or another that signs in now. Then the request goes on as it was."""
    try:
        _grant(request)
    except OAuth2Error as error:
        return _refused(request, error)
    now = timezone.now()
    if request.user.is_authenticated and request.POST.get("tai_khoan") == "nay":
        prompting.chose(request, request.user, now=now)
        return _back_to_asking(request)
    if isinstance(request.user, Account):
        events.note("sign-out", request=request, account=request.user, detail="another account for an app")
        logout(request)
    return _to_sign_in(request, now=now)


def _back_to_asking(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('oauth:authorize')}?{request.META.get('QUERY_STRING', '')}")


def _proved_at(request: HttpRequest) -> datetime | None:
    """When the person of this session last proved who they are."""
    proofs = get_authentication_records(request, request.user)
    return datetime.fromtimestamp(proofs[-1]["at"], UTC) if proofs else None


def _still_open(request: HttpRequest, prompt: prompting.Prompt) -> bool:
    """Whether the sitting itself is not yet as the app wants it."""
    stale = prompting.needs_proof(request, prompt, proved_at=_proved_at(request), now=timezone.now())
    return stale or prompting.needs_choice(request, prompt, request.user)


def _first(request: HttpRequest, grant: Any, prompt: prompting.Prompt) -> HttpResponse | None:
    """What comes before the question: signing in, choosing the account, proving oneself again; None: nothing."""
    now = timezone.now()
    if not request.user.is_authenticated:
        if prompt.silent:
            raise _Login("Nobody is signed in.", redirect_uri=grant.redirect_uri)
        return _to_sign_in(request, now=now)
    if prompting.needs_choice(request, prompt, request.user):
        if prompting.signed_in_for(request, _proved_at(request)):
            prompting.chose(request, request.user, now=now)  # by signing in for this very request
        else:
            page = pages.ChoosePage(
                app=pages.card_of(grant.request.client),
                name=str(request.user),
                action=f"{reverse('oauth:choose')}?{request.META.get('QUERY_STRING', '')}",
            )
            return render(request, "oauth/choose.html", {"page": page})
    if not prompting.needs_proof(request, prompt, proved_at=_proved_at(request), now=now):
        return None
    if prompt.silent:
        raise _Login("The person must prove themselves again.", redirect_uri=grant.redirect_uri)
    prompting.asked(request, now=now)
    request.session[CAME] = True
    raise ReauthenticationRequired


class _Interaction(OAuth2Error):
    """OpenID Connect Core 1.0, 3.1.2.6."""

    error = "interaction_required"


class _Login(OAuth2Error):
    error = "login_required"


class _NoApp(OAuth2Error):
    """Nobody to send an answer to: the app is unknown or stopped, or the address is not its own."""

    error = "invalid_client"


def _grant(request: HttpRequest) -> Any:
    """The request, checked. Raises OAuth2Error; one without redirect_uri is told on a page of ours."""
    client = server().query_client(request.GET.get("client_id", "")[:64])
    address = request.GET.get("redirect_uri", "")
    if client is None or not client.check_redirect_uri(address):
        raise _NoApp
    if request.GET.getlist("redirect_uri") != [address] or len(request.GET.getlist("client_id")) != 1:
        raise _NoApp
    try:
        once_each(request.GET)
        if request.GET.get("response_type") != "code":
            raise _NotCode("Only the response type code is offered.")
        user = request.user if request.user.is_authenticated else None
        checking: Any = server()
        return checking.get_consent_grant(Asked(request, of_query=True), user)
    except OAuth2Error as error:
        error.redirect_uri = error.redirect_uri or address
        raise


class _NotCode(OAuth2Error):
    error = "unsupported_response_type"


def _asking(request: HttpRequest, grant: Any) -> Asking:
    account: Any = request.user
    return deciding.asking(
        grant,
        account,
        session=request.session.session_key or "",
        now=timezone.now(),
        proved_at=_proved_at(request),
    )


def _to_sign_in(request: HttpRequest, *, now: datetime) -> HttpResponse:
    """Signing in is a proof, and a choice of the account, for the request that led there."""
    prompting.asked(request, now=now)
    request.session[CAME] = True
    return redirect_to_login(f"{reverse('oauth:authorize')}?{request.META.get('QUERY_STRING', '')}")


def _refused(request: HttpRequest, error: OAuth2Error) -> HttpResponse:
    """Tell the app at its own address, or the person on a page when there is no address to trust."""
    if isinstance(error, _NoApp) or not error.redirect_uri:
        return render(request, "oauth/no_app.html", {"page": pages.NoAppPage()}, status=400)
    error.state = request.GET.get("state") or None
    answering: Any = server()
    response = with_issuer(answering.handle_error_response(Asked(request, of_query=True), error))
    return _leave(request, response["Location"])


def _again(request: HttpRequest, grant: Any, asked: Asking, known: Any) -> HttpResponse:
    with transaction.atomic():
        sitting = deciding.again(record_of(request), asked, known, now=timezone.now())
        return _code(request, grant, asked, sitting)


def _code(request: HttpRequest, grant: Any, asked: Asking, sitting: Any) -> HttpResponse:
    """Back to the app with a code, the state and who we are."""
    grant.sitting = sitting
    made: Any = server().create_authorization_response(Asked(request, of_query=True), asked.account, grant)
    return _leave(request, made["Location"])


def _leave(request: HttpRequest, where: str) -> HttpResponse:
    """Go to the app: straight, or by a page of ours where a browser would take it for the answer of a form."""
    prompting.forget(request)
    if request.session.pop(CAME, False):
        return leaving(request, where)
    response = HttpResponse(status=302)
    response["Location"] = where
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def leaving(request: HttpRequest, where: str, name: str = "") -> HttpResponse:
    """A page that goes on by itself, with a link for browsers that do not."""
    page = pages.LeavingPage(where=where, name=name)
    response = render(request, "oauth/leaving.html", {"page": page})
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


def _choices(request: HttpRequest, asked: Asking) -> list[picking.Choice]:
    """Whom the app can be about: for staff the one that was picked, if they may see them."""
    record = record_of(request)
    if not asked.needs_patient:
        launched = asked.launch.patient if asked.launch is not None else ""
        found = picking.one_person(record, launched) if launched else None
        return [found] if found is not None else []
    if asked.citizen:
        return picking.own_people(record, asked.account)
    picked = request.POST.get("nguoi") or request.GET.get("nguoi") or ""
    found = picking.one_person(record, picked) if picked else None
    return [found] if found is not None else []


def _ask(request: HttpRequest, grant: Any, asked: Asking, form: DecisionForm | None = None) -> HttpResponse:
    """The page of the question; first of all, for staff, whom it is about."""
    choices = _choices(request, asked)
    query = request.META.get("QUERY_STRING", "")
    if asked.needs_patient and not choices and not asked.citizen:
        text = request.GET.get("tim", "").strip()[:100]
        found = picking.found_people(record_of(request), text) if text else []
        page: Any = pages.picking_page(asked, request.GET, text, found)
        return render(request, "oauth/pick.html", {"page": page})
    if form is None:
        form = DecisionForm(None, asked=asked, choices=choices)
    page = pages.consent_page(asked, form, choices, action=f"{reverse('oauth:decide')}?{query}")
    response = render(request, "oauth/consent.html", {"page": page}, status=422 if form.errors else 200)
    policy = content_policy(request, form_action=[form_target(grant.redirect_uri)])
    response["Content-Security-Policy"] = policy
    return response


def form_target(address: str) -> str:
    """Where the form's answer may lead, as a source of a content policy: an origin, or a scheme of an own app."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
