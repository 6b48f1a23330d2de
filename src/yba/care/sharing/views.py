"""What staff do about a person who has not shared the book: ask by message, enter the code told, note a paper."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yba.care.refusal import Refusal
from yba.care.sharing import asking
from yba.fhir.errors import RecordError
from yba.fhir.record import Record
from yba.ui import words
from yba.ui.requests import back_to, record_of, role_required


def _done(request: HttpRequest, act: Callable[[Record], object], said: str) -> HttpResponse:
    try:
        answer = act(record_of(request))
    except RecordError as error:
        raise Http404 from error
    if isinstance(answer, Refusal):
        messages.warning(request, answer.message)
    else:
        messages.success(request, said)
    return redirect(back_to(request))


@require_POST
@role_required(*asking.ASKERS)
def ask(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Text the person a link and a code."""
    origin = request.build_absolute_uri("/").rstrip("/")
    said = _("Đã nhắn cho người bệnh. Họ trả lời trên điện thoại, hoặc đọc mã 6 chữ số.")
    return _done(request, lambda record: asking.ask(record, patient_id, origin=origin), said)


@require_POST
@role_required(*asking.ASKERS)
def code(request: HttpRequest, patient_id: str) -> HttpResponse:
    """The code the person told."""
    told = words.digits(request.POST.get("code", ""))[:12]
    said = _("Đã ghi đồng ý. Hồ sơ từ nơi khác mở được ngay.")
    return _done(request, lambda record: asking.use_code(record, patient_id, told), said)


@require_POST
@role_required(*asking.DESK)
def paper(request: HttpRequest, patient_id: str) -> HttpResponse:
    """A consent signed on paper."""
    said = _("Đã ghi đồng ý trên giấy và nhắn cho người bệnh.")
    kept = request.POST.get("paper", "")
    return _done(request, lambda record: asking.note_paper(record, patient_id, paper=kept), said)
