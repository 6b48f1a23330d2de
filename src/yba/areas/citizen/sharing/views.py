"""Sharing the open book: whom with, how far, what it lets through; withdrawing; answering who asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yba.areas.citizen.open_book import OpenBook, open_book
from yba.areas.citizen.sharing import lines, pages
from yba.areas.citizen.sharing.forms import ShareForm
from yba.care.refusal import Refusal
from yba.care.sharing import asking, denying, giving, tables, terms
from yba.care.sharing.models import Ask
from yba.care.sharing.terms import Holder
from yba.fhir.access import labels
from yba.fhir.access.labels import set_by_hand
from yba.fhir.errors import NotFound, RecordError
from yba.fhir.model import codec
from yba.fhir.r4.consent import Consent
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import once_of, record_of, role_required


def giver_of(opened: OpenBook) -> giving.Giver | Refusal | None:
    """Who decides about the open book; None for a relative who was only let see."""
    try:
        return giving.giver_of(opened.record, opened.patient_id)
    except NotFound:
        return None


@require_safe
@role_required("citizen")
def home(request: HttpRequest) -> HttpResponse:
    """Every consent about the open book: those that hold, then those that have ended."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    now, giver = opened.record.clock(), giver_of(opened)
    given = lines.named(opened.record, giving.given_of(opened.record, opened.patient_id))
    here = [one for one in given if one.state(now) in ("active", "waiting")]
    why_not = giver.message if isinstance(giver, Refusal) else ""
    if giver is None:
        why_not = _("Sổ này do chính người đó giữ. Chỉ người đó chia sẻ hay rút lại được.")
    page = pages.SharingPage(
        _("Chia sẻ sổ"), opened.cover, [pages.share_line(one, now) for one in here if not one.denies],
        [pages.share_line(one, now) for one in here if one.denies],
        [pages.share_line(one, now) for one in given if one not in here], why_not, opened.one.is_self,
        str(pages.REACHES),
    )  # fmt: skip
    return render(request, "citizen_sharing/home.html", {"page": page})


@require_safe
@role_required("citizen")
def find(request: HttpRequest) -> HttpResponse:
    """Whom to share with, by name."""
    return found_page(request, _("Chia sẻ với ai"), _new_url, action=reverse("citizen:sharing_find"))


def found_page(
    request: HttpRequest, title: str, url: Callable[[Holder], str], *, action: str
) -> HttpResponse:
    """Places and staff by words of their name, each leading on to ``url``."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    q = request.GET.get("q", "").strip()[:100]
    found: list[pages.HolderLine] = []
    more = False
    if q:
        found, more = lines.found(opened.record, q, url)
    page = pages.FindPage(title, opened.cover, q, found, more, action)
    return render(request, "citizen_sharing/find.html", {"page": page})


def _new_url(holder: Holder) -> str:
    return f"{reverse('citizen:sharing_new')}?{urlencode({'toi': holder.key})}"


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def new(request: HttpRequest) -> HttpResponse:
    """Terms of a share; `do=see` shows what they let through, `do=give` gives it."""
    opened = open_book(request, request.GET.get("cho", ""))
    if opened is None:
        raise Http404
    try:
        holder = lines.holder_of(opened.record, request.GET.get("toi", ""))
    except RecordError as error:
        raise Http404 from error
    return share(request, opened, holder)


def share(request: HttpRequest, opened: OpenBook, holder: Holder, asked: Ask | None = None) -> HttpResponse:
    """The steps of giving a share to a known holder."""
    giver = giver_of(opened)
    if giver is None or isinstance(giver, Refusal):
        messages.warning(request, giver.message if giver else _("Chỉ chủ sổ chia sẻ được sổ này."))
        return redirect("citizen:sharing")
    given: dict[str, Any] = {
        "holder": holder, "today": opened.today, "may_sensitive": giver.may_sensitive,
        "asks_child": giver.asks_child, "vip": bool(set_by_hand(codec.encode(giver.patient)) & labels.VIP),
    }  # fmt: skip
    if request.method != "POST":
        return _page(request, opened, holder, ShareForm(**given, initial=_initial(request)), asked=asked)
    form = ShareForm(request.POST, **given)
    if not form.is_valid():
        return _page(request, opened, holder, form, asked=asked, status=422)
    why = terms.refusal(form.terms, today=opened.today, may_sensitive=giver.may_sensitive)
    if why is not None:
        return _page(request, opened, holder, form, asked=asked, refusal=why.message, status=409)
    if request.POST.get("do") == "change":
        return _page(request, opened, holder, form, asked=asked)
    if request.POST.get("do") != "give":
        return _page(request, opened, holder, form, asked=asked, preview=True)
    made = giving.give(
        opened.record, opened.patient_id, form.terms, version=request.POST.get("version", ""),
        assent=bool(form.cleaned_data.get("assent")), language=spoken.language(), once=once_of(request),
    )  # fmt: skip
    if isinstance(made, Refusal):
        return _page(
            request, opened, holder, form, asked=asked, refusal=made.message, preview=True, status=409
        )
    if asked is not None:
        asking.answer(opened.record, asked, consent=made.id or "")
    messages.success(request, _("Đã chia sẻ với %(name)s.") % {"name": holder.name})
    return redirect("citizen:sharing")


def _initial(request: HttpRequest) -> dict[str, Any]:
    """What an offer after booking fills in: the last day, never what is shared."""
    day = words.as_date(request.GET.get("den", ""))
    return {"length": "other", "until": day} if day else {}


def _page(
    request: HttpRequest,
    opened: OpenBook,
    holder: Holder,
    form: ShareForm,
    *,
    asked: Ask | None = None,
    refusal: str = "",
    preview: bool = False,
    status: int = 200,
) -> HttpResponse:
    seen = giving.preview(opened.record, opened.patient_id, form.terms) if preview else None
    given = giving.given_of(opened.record, opened.patient_id) if preview else []
    against = denying.against(given, holder, now=opened.record.clock())
    if isinstance(seen, Refusal):
        refusal, seen, status = seen.message, None, 409
    page = pages.NewPage(
        title=_("Xem trước khi chia sẻ") if seen is not None else _("Chia sẻ sổ"),
        cover=opened.cover,
        holder=holder,
        holder_note=pages.holder_words(holder),
        form=form,
        text=tables.text_of("share", opened.today),
        preview=seen,
        groups=lines.groups(opened.record, seen.groups) if seen is not None else (),
        facts=pages.facts_of(form.terms) if seen is not None else (),
        refusal=refusal,
        against_url=reverse("citizen:sharing_one", args=[against.id]) if against is not None else "",
        asked_by=asked.by_name if asked is not None else "",
        action=request.get_full_path(),
    )
    template = "citizen_sharing/preview.html" if seen is not None else "citizen_sharing/new.html"
    return render(request, template, {"page": page}, status=status)


# -- one consent -------------------------------------------------------------------------------------------


def _one(request: HttpRequest, consent_id: str) -> tuple[OpenBook, Consent]:
    record = record_of(request)
    try:
        consent, patient_id = giving.one_given(record, consent_id)
    except RecordError as error:
        raise Http404 from error
    opened = open_book(request, patient_id)
    if opened is None:
        raise Http404
    return opened, consent


@require_safe
@role_required("citizen")
def one(request: HttpRequest, consent_id: str) -> HttpResponse:
    """One consent: its terms, its words, its history."""
    opened, consent = _one(request, consent_id)
    return _one_page(request, opened, consent)


def _one_page(
    request: HttpRequest, opened: OpenBook, consent: Consent, refusal: str = "", status: int = 200
) -> HttpResponse:
    now, (given,) = opened.record.clock(), lines.named(opened.record, [terms.read(consent)])
    state, giver = given.state(now), giver_of(opened)
    mine = any(it.kind == "person" and it.id == opened.record.actor.person for it in given.holders)
    may = (isinstance(giver, giving.Giver) or (mine and not given.denies)) and not given.emergency
    purpose = "delegate" if any(it.kind == "person" for it in given.holders) else "share"
    purpose = denying.PURPOSE if given.denies else purpose
    text = next((it for it in tables.texts()[purpose] if it.version == given.version), None)
    line = pages.share_line(given, now)
    page = pages.OnePage(
        title=line.title,
        cover=opened.cover,
        line=line,
        facts=pages.facts_of_given(given),
        text=text.text if text else "",
        denies=given.denies,
        history=[_version(it) for it in _history(opened.record, given.id)],
        can_withdraw=may and state in ("active", "waiting"),
        withdraw_url=reverse("citizen:sharing_withdraw", args=[given.id]),
        is_app=any(it.kind == "app" for it in given.holders),
        is_waiting=state == "waiting",
        refusal=refusal,
    )
    return render(request, "citizen_sharing/one.html", {"page": page}, status=status)


def _history(record: Record, consent_id: str) -> list[terms.Given]:
    found = record.history_stored("Consent", consent_id)
    versions = [codec.decode(it.content, "Consent") for _type, it in found if it.content is not None]
    return [terms.read(it) for it in versions if isinstance(it, Consent)]


def _version(given: terms.Given) -> tuple[str, str]:
    begun = _("Bắt đầu từ chối") if given.denies else _("Bắt đầu chia sẻ")
    said = {"active": begun, "proposed": _("Đã mời"), "rejected": _("Người được mời từ chối")}
    return (
        f"{words.gio(given.changed)} {words.ngay(given.changed[:10])}",
        said.get(given.status, _("Đã rút lại")),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def withdraw(request: HttpRequest, consent_id: str) -> HttpResponse:
    """Take a share back; a GET asks once."""
    opened, consent = _one(request, consent_id)
    if request.method != "POST":
        return _one_page(request, opened, consent)
    try:
        done = giving.withdraw(opened.record, consent_id)
    except NotFound as error:
        raise Http404 from error
    if isinstance(done, Refusal):
        return _one_page(request, opened, consent, refusal=done.message, status=409)
    messages.success(request, _("Đã rút lại. Từ lúc này người nhận không xem được nữa."))
    return redirect("citizen:sharing")


# -- a facility asks ---------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@role_required("citizen")
def asked(request: HttpRequest, token: str) -> HttpResponse:
    """Answer a facility's request from the message: the same steps, or no."""
    record = record_of(request)
    row = asking.asked(token, record.clock())
    opened = open_book(request, row.patient_id) if row is not None else None
    if row is None or opened is None:
        raise Http404
    if request.method == "POST" and request.POST.get("do") == "decline":
        asking.answer(record, row, consent="")
        messages.info(request, _("Đã trả lời: không chia sẻ. Vẫn được khám chữa bệnh như thường."))
        return redirect("citizen:sharing")
    return share(request, opened, Holder("facility", row.facility, row.facility_name), row)
