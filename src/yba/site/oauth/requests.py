"""A request of Django's as Authlib reads it: parameters of the query for GET, of the body for POST, never mixed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict

from yba.site.oauth import addresses


class Payload(OAuth2Payload):
    """The parameters of one request."""

    def __init__(self, given: QueryDict) -> None:
        self._given = given

    @cached_property
    def data(self) -> dict[str, Any]:
        return dict(self._given.items())

    @cached_property
    def datalist(self) -> defaultdict[str, list[Any]]:
        return defaultdict(list, {name: list(values) for name, values in self._given.lists()})


class Asked(OAuth2Request):
    """One request. What travels is judged by the address this house is known by, not by a Host header.

    ``of_query``: an authorization request, whose parameters stand in the address also where the answer is posted.
    """

    def __init__(self, request: HttpRequest, *, of_query: bool = False) -> None:
        super().__init__(
            method="GET" if of_query else str(request.method),
            uri=addresses.issuer() + request.path,
            headers=request.headers,
        )
        self._given = request.POST if request.method == "POST" and not of_query else request.GET
        self.payload = Payload(self._given)

    @property
    def args(self) -> Any:
        return self._given

    @property
    def form(self) -> Any:
        return self._given


def once_each(given: QueryDict) -> None:
    """Refuse parameters that come twice: RFC 6749, 3.1 and 3.2. Raises InvalidRequestError."""
    for name, values in given.lists():
        if len(values) > 1:
            plain = "".join(one for one in name[:40] if one.isalnum() or one in "_-")
            raise InvalidRequestError(f"The parameter {plain} comes more than once.")


def answered(status: int, body: Any, headers: Iterable[tuple[str, str]]) -> HttpResponse:
    """An answer of Authlib's as one of Django's; nothing of it is kept by anyone on the way."""
    response: HttpResponse = (
        JsonResponse(body, status=status) if isinstance(body, dict) else HttpResponse(body, status=status)
    )
    for name, value in headers:
        response[name] = value
    response["Cache-Control"] = "no-store"
    response["Pragma"] = "no-cache"
    return response
