"""The endpoints programs ask: tokens, introspection, revocation, who a person is, and what this server offers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.care.keys import digest
from yba.site.oauth import bearer, clients, discovery, identity, keys, pacing, scopes
from yba.site.oauth.models import AccessToken
from yba.site.oauth.requests import Asked, answered, once_each
from yba.site.oauth.server import server

FORM = "application/x-www-form-urlencoded"


def _paced(endpoint: str, request: HttpRequest, work: Any) -> HttpResponse:
    """Within the limits of its address and of its app, or 429."""
    named, shows_secret = clients.named(request)
    pace = pacing.pace_of(endpoint, request, named=named)
    seconds = pace.wait(datetime.now(UTC))
    if seconds:
        return pacing.too_many(seconds)
    response = _careful(request, work)
    if response.status_code < 400 and (shows_secret or endpoint == "token"):
        pace.proved(datetime.now(UTC))  # a public app that only names itself has proved nothing
    elif response.status_code == 401 or _error_of(response) == "invalid_client":
        pace.failed(datetime.now(UTC))
    return response


def _error_of(response: HttpResponse) -> str:
    try:
        found = json.loads(response.content)
    except ValueError:
        return ""
    return str(found.get("error", "")) if isinstance(found, dict) else ""


def _careful(request: HttpRequest, work: Any) -> HttpResponse:
    """Do it in one transaction, so that a code or a refresh token is used by one asker only."""
    try:
        if request.content_type != FORM:
            raise InvalidRequestError("The request must be a form, application/x-www-form-urlencoded.")
        once_each(request.POST)
        if request.GET:
            raise InvalidRequestError("Parameters belong in the body, never in the address.")
        with transaction.atomic():
            response: HttpResponse = work(request)
            return response
    except OAuth2Error as error:
        return answered(*error())
    except ValueError:  # a parameter that Authlib would have quoted in its answer
        return answered(*InvalidRequestError("A parameter holds characters that are not allowed.")())


def _endpoint(name: str, request: HttpRequest) -> HttpResponse:
    endpoints: Any = server()
    response: HttpResponse = endpoints.create_endpoint_response(name, Asked(request))
    return response


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """A code, a refresh token or a signature for an access token. RFC 6749, 3.2."""
    return _paced("token", request, server().create_token_response)


@csrf_exempt
@require_POST
def introspect(request: HttpRequest) -> HttpResponse:
    """What a token lets through. RFC 7662."""
    return _paced("introspect", request, lambda asked: _endpoint("introspection", asked))


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """End a token. RFC 7009."""
    return _paced("revoke", request, lambda asked: _endpoint("revocation", asked))


@csrf_exempt
@require_http_methods(["GET", "POST"])
def userinfo(request: HttpRequest) -> HttpResponse:
    """Who the person of a token is. OpenID Connect Core 1.0, 5.3."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    found = AccessToken.objects.select_related(*bearer.RELATED).filter(digest=digest(text.strip())).first()
    if scheme.lower() != "bearer" or found is None or not bearer.holds(found, now=datetime.now(UTC)):
        return _challenge(401, "invalid_token")
    given = bearer.granted(found)
    if found.sitting is None or scopes.OPENID not in given:
        return _challenge(403, "insufficient_scope")
    response = JsonResponse(identity.claims(found.sitting.connection.account, given))
    response["Cache-Control"] = "no-store"
    return response


def _challenge(status: int, error: str) -> HttpResponse:
    response = JsonResponse({"error": error}, status=status)
    response["WWW-Authenticate"] = f'Bearer realm="yba", error="{error}"'
    response["Cache-Control"] = "no-store"
    return response


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    """The public keys our identities are signed with."""
    return _document(keys.public_keys())


@require_safe
def smart_configuration(request: HttpRequest) -> HttpResponse:
    """What SMART apps ask first. JSON, whatever the Accept header says."""
    return _document(discovery.smart())


@require_safe
def openid_configuration(request: HttpRequest) -> HttpResponse:
    """OpenID Connect Discovery 1.0; RFC 8414."""
    return _document(discovery.openid())


def _document(found: dict[str, Any]) -> HttpResponse:
    response = JsonResponse(found)
    response["Cache-Control"] = "public, max-age=300"
    return response
