"""Letting a relative help with one's book, being invited, and asking for the book of somebody who has died."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from yba.areas.citizen.open_book import OpenBook, open_book
from yba.areas.citizen.pages import Cover
from yba.areas.citizen.sharing import pages
from yba.areas.citizen.sharing.forms import InviteForm, KinForm
from yba.areas.citizen.sharing.views import giver_of
from yba.care.privacy.tables import Text
from yba.care.refusal import Refusal
from yba.care.sharing import family, kin_requests, tables, terms
from yba.care.sharing.models import KinRequest
from yba.care.sharing.terms import Holder
from yba.fhir.errors import NotFound
from yba.fhir.r4.consent import Consent
from yba.fhir.r4.organization import Organization
from yba.ui import spoken, words
from yba.ui.requests import numbers_of, once_of, record_of, role_required
from yba.ui.words import local_day


@dataclass(frozen=True, slots=True)
class InvitePage:
    """Inviting a relative."""

    title: str
    cover: Cover
    form: InviteForm
    text: Text
    refusal: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def invite(request: HttpRequest) -> HttpResponse:
    """Invite a relative to see one's own book and book for one."""
    opened = open_book(request, record_of(request).actor.person or "")
    if opened is None:
        return redirect("citizen:profile")
    giver = giver_of(opened)
    if giver is None or isinstance(giver, Refusal):
        messages.warning(request, giver.message if giver else "")
        return redirect("citizen:sharing")
    given: dict[str, Any] = {
        "holder": Holder("person", "", ""), "today": opened.today, "may_sensitive": False, "asks_child": False
    }  # fmt: skip
    if request.method != "POST":
        return _invite_page(request, opened, InviteForm(**given))
    form = InviteForm(request.POST, **given)
    if not form.is_valid():
        return _invite_page(request, opened, form, status=422)
    form.holder = Holder("person", "", form.cleaned_data["name"])
    made = family.invite(
        opened.record, opened.patient_id, form.terms, phone=form.cleaned_data["phone"],
        origin=request.build_absolute_uri("/").rstrip("/"), version=request.POST.get("version", ""),
        language=spoken.language(),
    )  # fmt: skip
    if isinstance(made, Refusal):
        return _invite_page(request, opened, form, refusal=made.message, status=409)
    said = _("Đã nhắn lời mời tới %(phone)s. Lời mời có hiệu lực %(days)s ngày.")
    messages.success(
        request, said % {"phone": words.phone(made.phone), "days": tables.data()["invite"]["days"]}
    )
    return redirect("citizen:sharing")


def _invite_page(
    request: HttpRequest, opened: OpenBook, form: InviteForm, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    page = InvitePage(
        _("Mời người thân giúp"), opened.cover, form, tables.text_of("delegate", opened.today), refusal
    )
    return render(request, "citizen_sharing/invite.html", {"page": page}, status=status)


@dataclass(frozen=True, slots=True)
class InvitedPage:
    """An invitation, before it is answered."""

    title: str
    name: str
    facts: list[tuple[str, str]]
    refusal: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def invited(request: HttpRequest, token: str) -> HttpResponse:
    """Accept or decline an invitation; only the account with the number it was sent to finds it."""
    record = record_of(request)
    try:
        row = family.invitation(record, token, numbers_of(request))
    except NotFound as error:
        raise Http404 from error
    refusal = ""
    if request.method == "POST":
        if request.POST.get("do") == "decline":
            family.decline(record, row)
            messages.info(request, _("Đã từ chối lời mời."))
            return redirect("citizen:family")
        done = family.accept(record, row)
        if not isinstance(done, Refusal):
            messages.success(
                request, _("Từ giờ xem và đặt khám giúp được %(name)s.") % {"name": row.patient_name}
            )
            return redirect("citizen:family")
        refusal = done.message
    given = terms.read(record.as_system().read(Consent, row.consent))
    facts = [
        one for one in pages.facts_of_given(given) if one[0] in (_("Cho xem"), _("Việc xảy ra"), _("Tới"))
    ]
    page = InvitedPage(_("Lời mời giúp người thân"), row.patient_name, facts, refusal)
    return render(request, "citizen_sharing/invited.html", {"page": page}, status=409 if refusal else 200)


# -- the book of somebody who has died ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KinLine:
    """A request that was sent."""

    name: str
    note: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class KinPage:
    """Asking for the book of somebody who has died, and what came of it."""

    title: str
    cover: Cover
    form: KinForm
    lines: list[KinLine]
    days: int
    refusal: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def kin(request: HttpRequest) -> HttpResponse:
    """Ask a records office to open the locked book of a relative who has died."""
    opened = open_book(request, record_of(request).actor.person or "")
    if opened is None:
        return redirect("citizen:profile")
    record = opened.record
    houses = [one for one in record.find(Organization) if one.partOf is None and one.active is not False]
    facilities = sorted(((one.id or "", one.name or "") for one in houses), key=lambda one: one[1])
    form = KinForm(facilities=facilities)
    refusal, status = "", 200
    if request.method == "POST":
        form = KinForm(request.POST, request.FILES, facilities=facilities)
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            made = kin_requests.ask(
                record,
                kin_requests.Asked(
                    name=data["name"], number=data["number"], relation=data["relation"], why=data["why"],
                    facility=data["facility"], facility_name=dict(facilities)[data["facility"]],
                    asker_name=opened.one.person.name, paper=data["paper"],
                ),
                once=once_of(request),
            )  # fmt: skip
            if not isinstance(made, Refusal):
                messages.success(
                    request, _("Đã gửi. Cơ sở trả lời trước ngày %(day)s.") % {"day": words.ngay(made.due)}
                )
                return redirect("citizen:sharing_kin")
            refusal, status = made.message, 409
    rows = KinRequest.objects.filter(account=record.actor.user).defer("paper").order_by("-pk")[:50]
    page = KinPage(
        _("Sổ của người đã mất"), opened.cover, form, [_kin_line(one) for one in rows],
        int(tables.data()["kin"]["days"]), refusal,
    )  # fmt: skip
    return render(request, "citizen_sharing/kin.html", {"page": page}, status=status)


def _kin_line(row: KinRequest) -> KinLine:
    kinds = {"waiting": "wait", "accepted": "done", "refused": "off"}
    note = f"{row.facility_name} · {words.ngay(local_day(row.asked_at))}"
    return KinLine(
        row.name, " · ".join(filter(None, [note, row.answer])), kinds[row.state], str(row.get_state_display())
    )
