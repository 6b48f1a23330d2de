"""A form that waited on a device for the network: taken only from the account that wrote it, and only said to be done
where its view says so.

The page's script (`static/ui/js/waiting.js`) sends what waited with the key of the account that wrote it. Such a
request is answered in a word a program can read, as what is shown as done must be what the server has acknowledged:

- ``waiting``: somebody else is signed in here now, or nobody; nothing was changed
- ``done``: the view has called `taken`
- ``refused``: the view led somewhere without it; what it wanted to say stands beside

Whatever is no redirect (a form shown again with what is wrong) goes through as it is, and has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseRedirectBase
from django.utils.crypto import constant_time_compare

from yba.ui import keeping

#: The key of the account that wrote what is sent now.
SENT_BY: Final = "X-Yba-Waited"
#: What a view says of an act that holds.
TAKEN: Final = "X-Yba-Taken"
ELSEWHERE: Final = 409
Handler = Callable[[HttpRequest], HttpResponse]


def taken(response: HttpResponse) -> HttpResponse:
    """Say that what was asked holds now, or held already."""
    response.headers[TAKEN] = "1"
    return response


def has_waited(request: HttpRequest) -> bool:
    """Whether nobody sees the page this leads to: what is to be said is a message."""
    return SENT_BY in request.headers


def answers(get_response: Handler) -> Handler:
    """The middleware; inside that of the messages: what a view says goes with the answer, not into a page."""

    def handle(request: HttpRequest) -> HttpResponse:
        written_by = request.headers.get(SENT_BY)
        if written_by is None:
            return get_response(request)
        key = keeping.key_of(request)
        if not key or not constant_time_compare(written_by, key):
            return JsonResponse({"state": "waiting"}, status=ELSEWHERE)
        response = get_response(request)
        if not isinstance(response, HttpResponseRedirectBase):
            return response
        return JsonResponse(
            {
                "state": "done" if TAKEN in response.headers else "refused",
                "said": " ".join(str(one) for one in get_messages(request)),
                "url": response.url,
            }
        )

    return handle
