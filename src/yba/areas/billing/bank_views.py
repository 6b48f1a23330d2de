"""Pages of the bank account and of money that came by transfer."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yba.areas.billing import bank_pages, forms, statements
from yba.care.money import accounts, transfers
from yba.care.refusal import Refusal
from yba.ui.proof import freshly_proved
from yba.ui.requests import record_of_facility, role_required

CASHIER, OFFICER = "cashier", "facility_administrator"


@role_required(OFFICER)
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_proved
def account(request: HttpRequest) -> HttpResponse:
    """Where transfers go; a change asks who one is once more."""
    record = record_of_facility(request)
    form = forms.AccountForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        accounts.set_account(record, **form.cleaned_data)
        messages.success(
            request,
            _("Đã giữ tài khoản. Quét thử mã bên dưới: ứng dụng ngân hàng phải hiện đúng tên chủ tài khoản."),
        )
        return redirect("billing:account")
    page = bank_pages.account_page(record, form, show_secret="khoa" in request.GET)
    return render(request, "billing/account.html", {"page": page}, status=422 if form else 200)


@role_required(CASHIER, OFFICER)
@require_safe
def came(request: HttpRequest) -> HttpResponse:
    """Money that came by transfer: what needs a look first."""
    part = "#list" if request.headers.get("HX-Request") else ""
    # No text that is stored holds the sign NUL, and the database refuses to be asked for it.
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    page = bank_pages.transfers_page(record_of_facility(request), text=text)
    return render(request, f"billing/transfers.html{part}", {"page": page})


@role_required(CASHIER)
@require_POST
def settle(request: HttpRequest) -> HttpResponse:
    """The chosen transfers pay an invoice."""
    record, form = record_of_facility(request), forms.SettleForm(request.POST)
    chosen = frozenset(
        int(one) for one in request.POST.getlist("chosen") if one.isdecimal() and len(one) < 19
    )
    if not form.is_valid():
        page = bank_pages.transfers_page(record, settle=form, chosen=chosen)
        return render(request, "billing/transfers.html", {"page": page}, status=422)
    found = transfers.settle(record, chosen, **form.cleaned_data)
    if isinstance(found, Refusal):
        page = bank_pages.transfers_page(record, settle=form, chosen=chosen, refusal=found.message)
        return render(request, "billing/transfers.html", {"page": page}, status=409)
    messages.success(request, _("Đã thu hóa đơn %(number)s, biên lai %(code)s.") % {
        "number": found.invoice_number, "code": found.code,
    })  # fmt: skip
    return redirect("billing:transfers")


@role_required(CASHIER)
@require_http_methods(["GET", "HEAD", "POST"])
def give_back(request: HttpRequest, transfer: int) -> HttpResponse:
    """One transfer that pays nothing here, with why."""
    record = record_of_facility(request)
    form = forms.GiveBackForm(request.POST) if request.method == "POST" else forms.GiveBackForm()
    refusal = ""
    if request.method == "POST" and form.is_valid():
        found = transfers.give_back(record, transfer, reason=form.cleaned_data["reason"])
        if not isinstance(found, Refusal):
            messages.success(request, _("Đã ghi: khoản này không thu vào hóa đơn nào."))
            return redirect("billing:transfers")
        refusal = found.message
    page = bank_pages.transfers_page(record, give_back=form, chosen=frozenset({transfer}), refusal=refusal)
    one = next((line for line in page.open if line.id == transfer), None)
    if one is None and not refusal:
        raise Http404
    status = 409 if refusal else 422 if form.errors else 200
    return render(request, "billing/give_back.html", {"page": page, "one": one}, status=status)


@role_required(CASHIER)
@require_POST
def statement(request: HttpRequest) -> HttpResponse:
    """Read a statement: all of it, or with every fault named nothing of it."""
    record, form = record_of_facility(request), forms.StatementForm(request.POST, request.FILES)
    kept = accounts.account_of(record.actor.facility or "")
    if kept is None:
        raise Http404
    if not form.is_valid():
        page = bank_pages.transfers_page(record, statement=form)
        return render(request, "billing/transfers.html", {"page": page}, status=422)
    found = statements.read(form.cleaned_data["statement"].read(statements.LARGEST + 1), account=kept.number)
    if found.faults:
        page = bank_pages.transfers_page(record, faults=found.faults)
        return render(request, "billing/transfers.html", {"page": page}, status=422)
    new = [
        transfer
        for transfer, is_new in (
            transfers.arrived(record, kept.facility, one, came_by="statement") for one in found.credits
        )
        if is_new
    ]
    matched = sum(1 for one in new if one.state == "matched")
    messages.success(
        request,
        ngettext(
            "Sao kê có %(all)s khoản tiền về, %(new)s khoản mới, %(matched)s khoản tự khớp hóa đơn.",
            "Sao kê có %(all)s khoản tiền về, %(new)s khoản mới, %(matched)s khoản tự khớp hóa đơn.",
            len(found.credits),
        ) % {"all": len(found.credits), "new": len(new), "matched": matched},
    )  # fmt: skip
    return redirect("billing:transfers")
