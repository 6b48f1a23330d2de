"""The pharmacist's pages: the counter, a prescription in hand, box labels, goods received."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.pharmacy import actions, forms, pages, queries
from yba.areas.pharmacy.models import Lot
from yba.care import catalogues, people
from yba.care.refusal import Refusal
from yba.fhir.record import Record
from yba.ui.requests import once_of, record_of, role_required

SHOWN = 200


def _counter(record: Record, query: str, code: str = "") -> pages.CounterPage:
    rows = queries.found_by(record, query) if query.strip() else queries.waiting(record)
    return pages.CounterPage(
        title=_("Phát thuốc"),
        place=_("%(count)s đơn đang chờ") % {"count": len(rows)},
        topic=f"pharmacy:{record.actor.facility}",
        query=query,
        waiting=tuple(rows),
        code=code,
        missing=bool(query.strip()) and not rows,
    )


@require_safe
@role_required("pharmacist")
def counter(request: HttpRequest) -> HttpResponse:
    """Who waits; a search that finds one opens it."""
    record = record_of(request)
    page = _counter(record, request.GET.get("q", ""))
    if page.query and len(page.waiting) == 1:
        return redirect("pharmacy:prescription", page.waiting[0].code)
    return render(request, "pharmacy/counter.html", {"page": page})


@require_safe
@role_required("pharmacist")
def list_part(request: HttpRequest) -> HttpResponse:
    """The list alone, when it changed."""
    page = _counter(record_of(request), "", request.GET.get("code", ""))
    return render(request, "pharmacy/_list.html", {"page": page})


@require_safe
@role_required("pharmacist")
def prescription(request: HttpRequest, code: str) -> HttpResponse:
    """A prescription with its lots, and what stands against handing it over."""
    record = record_of(request)
    return render(request, "pharmacy/counter.html", {"page": _in_hand(record, code)})


def _in_hand(record: Record, code: str) -> pages.CounterPage:
    found = queries.prescription_of(record, code)
    if found is None:
        raise Http404
    page = _counter(record, "", code)
    today = queries.today_of(record)
    return pages.CounterPage(
        title=page.title,
        place=page.place,
        topic=page.topic,
        query="",
        waiting=page.waiting,
        code=code,
        person=pages.person_part(found, today=today),
        birth_year=(found.patient.birthDate or "")[:4],
        rows=tuple(pages.pick_row(one) for one in found.lines),
        labels=tuple(pages.box_label(one, people.name_of(found.patient)) for one in found.lines),
        done=all(not one.left for one in found.lines),
    )


@require_POST
@role_required("pharmacist")
def give(request: HttpRequest, code: str) -> HttpResponse:
    """Hand over what was counted out; a second click finds it done."""
    record = record_of(request)
    if not queries.lines_of(record, code):
        raise Http404
    key = once_of(request)
    if not key:
        messages.warning(request, _("Trang đã cũ. Xem lại đơn rồi giao."))
        return redirect("pharmacy:prescription", code)
    answer = actions.dispense(record, code=code, quantities=forms.quantities(request.POST), key=key)
    if isinstance(answer, Refusal):
        messages.error(request, answer.message)
    elif answer.again:
        messages.info(request, _("Lần giao này đã ghi rồi, không giao thêm."))
    else:
        messages.success(request, _("Đã giao thuốc. Tiền thuốc đã chuyển sang thu ngân."))
    return redirect("pharmacy:prescription", code)


@require_safe
@role_required("pharmacist")
def labels(request: HttpRequest, code: str) -> HttpResponse:
    """The labels of the boxes, to print."""
    return render(request, "pharmacy/labels.html", {"page": _in_hand(record_of(request), code)})


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("pharmacist")
def stock(request: HttpRequest) -> HttpResponse:
    """Goods received, and the shelf."""
    record = record_of(request)
    form = forms.ReceiptForm(request.POST or None)
    code = request.POST.get("drug") or request.GET.get("drug", "")
    refusal = ""
    if request.method == "POST" and form.is_valid():
        received = actions.receive(record, drug=code, key=once_of(request), **form.cleaned_data)
        if not isinstance(received, Refusal):
            messages.success(
                request,
                _("Đã nhập lô %(lot)s, nay còn %(count)s.")
                % {"lot": received.number, "count": received.balance},
            )
            return redirect(f"{request.path}?drug={code}")
        refusal = received.message
    page = _stock_page(record, form, code, refusal)
    return render(
        request, "pharmacy/stock.html", {"page": page}, status=422 if request.method == "POST" else 200
    )


def _stock_page(record: Record, form: forms.ReceiptForm, code: str, refusal: str) -> pages.StockPage:
    drug = catalogues.drug(code)
    today = queries.today_of(record)
    lots = Lot.objects.filter(facility=record.actor.facility or "", balance__gt=0)
    lots = lots.filter(drug=code) if drug else lots.filter(expiry__lt=today + queries.SOON)
    return pages.StockPage(
        title=_("Nhập kho thuốc"),
        query="",
        rows=pages.stock_rows(list(lots.order_by("expiry", "number")[:SHOWN]), today=today),
        form=form,
        drug=drug.code if drug else "",
        drug_name=drug.label if drug else "",
        refusal=refusal,
        left=max(lots.count() - SHOWN, 0),
    )


@require_safe
@role_required("pharmacist")
def search_drugs(request: HttpRequest) -> HttpResponse:
    """Drugs of the catalogue by name, ingredient or code."""
    found = catalogues.search_drugs(request.GET.get("q", ""), 12)
    return render(request, "pharmacy/_options.html", {"options": found})
