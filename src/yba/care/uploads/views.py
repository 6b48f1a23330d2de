"""The address of files in the record: the door of the record decides, the answer is a file to save."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from yba.care.refusal import Refusal
from yba.care.uploads import attachments, rules
from yba.care.uploads.serving import file_response
from yba.ui.requests import record_of

PORTRAIT = 600


@require_safe
def file(request: HttpRequest, type_name: str, identifier: str, number: int = 0) -> HttpResponse:
    """One file of a resource; a hidden one is not there."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if type_name not in attachments.TYPES:
        raise Http404
    found = attachments.file_of(record_of(request), type_name, identifier, number)
    return file_response(found.content, kind=found.kind, name=found.name)


@require_safe
def portrait(request: HttpRequest, type_name: str, identifier: str) -> HttpResponse:
    """A person's picture, drawn anew to stand in a page; one that can't be drawn is not there."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if type_name not in attachments.PORTRAITS:
        raise Http404
    found = attachments.file_of(record_of(request), type_name, identifier, 0)
    drawn = rules.picture(found.content, name=found.name, longest=PORTRAIT)
    if isinstance(drawn, Refusal):
        raise Http404
    return file_response(drawn.content, kind=drawn.kind, name=drawn.name, shown=True)
