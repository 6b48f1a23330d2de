"""The cashier's pages: the list, one invoice, its receipt on paper."""

from __future__ import annotations

from decimal import Decimal

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from yba.areas.billing import pages
from yba.care.documents import pdf_response
from yba.care.money import actions, papers
from yba.care.money.models import Receipt
from yba.care.refusal import Refusal
from yba.fhir.r4.invoice import Invoice
from yba.fhir.record import Record, facility_of
from yba.ui.requests import own_once_of, record_of, role_required


@role_required("cashier")
@require_safe
def cashier(request: HttpRequest) -> HttpResponse:
    """What is unpaid today, or what was looked for; a single find opens at once."""
    record, text = record_of(request), request.GET.get("q", "").strip()
    page = pages.cashier(record, text=text)
    if text and len(page.entries) == 1:
        return redirect(page.entries[0].url)
    part = "#list" if request.headers.get("HX-Request") else ""
    return render(request, f"billing/cashier.html{part}", {"page": page})


@role_required("cashier")
@require_http_methods(["GET", "HEAD", "POST"])
def invoice(request: HttpRequest, invoice: str) -> HttpResponse:
    """One invoice; a POST takes its sum. Pressed again, it shows the receipt that was made."""
    record = record_of(request)
    if request.method == "POST":
        _own(record, invoice)
        found = actions.pay(
            record,
            invoice,
            method=request.POST.get("method", ""),
            amount=_amount(request),
            key=own_once_of(request),
        )
        if not isinstance(found, Refusal):
            return redirect("billing:invoice", invoice)
        page = pages.cashier(record, invoice=_own(record, invoice), refusal=found.message)
        return render(request, "billing/cashier.html", {"page": page}, status=409)
    if "doi" in request.GET:
        return _waited(record, invoice)
    page = pages.cashier(record, invoice=_own(record, invoice))
    part = "#list" if request.headers.get("HX-Request") else ""
    return render(request, f"billing/cashier.html{part}", {"page": page})


@role_required("cashier")
@require_safe
def receipt_paper(request: HttpRequest, receipt: int, size: str) -> HttpResponse:
    """The receipt, on the roll or on A5."""
    record = record_of(request)
    found = Receipt.objects.filter(pk=receipt, facility=record.actor.facility or "").first()
    if found is None or size not in ("80", "a5"):
        raise Http404
    content = papers.receipt_pdf(record, found, size="a5" if size == "a5" else "80")
    return pdf_response(content, f"bien-lai-{found.code}.pdf")


def _waited(record: Record, invoice: str) -> HttpResponse:
    """An open page that waits for a transfer: loaded anew once the money is there, left alone until then."""
    paid = _own(record, invoice).status != "issued"
    return HttpResponse(status=204, headers={"HX-Refresh": "true"} if paid else {})


def _own(record: Record, invoice: str) -> Invoice:
    """The invoice, when it is this facility's."""
    found = record.read(Invoice, invoice)
    if facility_of(found) != record.actor.facility:
        raise Http404
    return found


def _amount(request: HttpRequest) -> Decimal:
    text = request.POST.get("amount", "")
    return Decimal(text) if text.isdecimal() and len(text) < 15 else Decimal(-1)
