"""Errors of the record that a view lets through become pages in the reader's words."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from yba.fhir.errors import Conflict, Forbidden, Gone, NotFound, RecordError, Unavailable

Handler = Callable[[HttpRequest], HttpResponse]


class record_errors:
    """A ``RecordError`` nobody caught is shown as what it means; what one may not know of does not exist."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, RecordError):
            return None
        if isinstance(exception, NotFound | Gone | Forbidden):
            return render(request, "404.html", status=404)
        title, text = said(exception)
        return render(request, "ui/problem.html", {"title": title, "text": text}, status=exception.status)


def said(error: RecordError) -> tuple[str, str]:
    """Title and sentence for a person, whatever the record's own words were."""
    if isinstance(error, Conflict):
        return (
            _("Có người vừa làm trước"),
            _("Thông tin này vừa được sửa ở nơi khác. Mở lại trang để xem bản mới rồi làm tiếp."),
        )
    if isinstance(error, Unavailable):
        return (_("Chưa đọc được sổ"), _("Thông tin đã lưu vẫn còn nguyên. Thử lại sau một phút."))
    return (
        _("Chưa ghi được"),
        _("Có chỗ không đúng với quy định của sổ. Trở lại, xem các ô đã nhập rồi thử lại."),
    )
