"""Those who look after messages: templates with previews, deliveries with failures, what it all cost.

They see which kind went to whom in part, and never the words: a code or a person's visit is none of their business.
"""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.care.messages import callback, kinds, outbox, port, rules, tasks, texts
from yba.care.messages.models import Delivery, Heard, Message, Preference
from yba.care.messages.pages import (
    CostRow,
    CostsPage,
    DeliveriesPage,
    HeardPage,
    HeardRow,
    KindPreview,
    Preview,
    Row,
    TemplatesPage,
)
from yba.care.messages.phrases import CHANNELS, KEYWORDS
from yba.ui import spoken
from yba.ui.parts import Tab
from yba.ui.requests import number_in, role_required
from yba.ui.words import HANOI

WHOLE: Final = "system_administrator"
LOOKING: Final = (WHOLE, "facility_administrator")
SHOWN: Final = 100
_KINDS: Final = {
    "queued": "wait",
    "sending": "wait",
    "sent": "now",
    "delivered": "done",
    "failed": "urgent",
    "expired": "off",
}
_HEARD: Final = {
    "waiting": "wait",
    "answered": "done",
    "ignored": "off",
    "late": "off",
    "too-many": "warn",
    "incomplete": "warn",
    "failed": "urgent",
}


def _tabs(current: str, *, whole: bool = False) -> list[object]:
    """The pages; texts that came are of no facility: only who looks after the whole house sees them."""
    names = [("templates", _("Mẫu tin")), ("deliveries", _("Đã gửi")), ("costs", _("Chi phí"))]
    if whole:
        names.append(("heard_list", _("Tin đến")))
    return [Tab(label, reverse(f"messages:{name}"), current=name == current) for name, label in names]


def _is_whole(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.role == WHOLE)


def _seen(request: HttpRequest) -> QuerySet[Delivery]:
    """The deliveries this account looks after: of its facility, or all of them."""
    user: Any = request.user
    rows = Delivery.objects.exclude(channel="app").select_related("message")
    if user.role == WHOLE:
        return rows
    if not user.facility:
        raise Http404
    return rows.filter(message__facility=user.facility)


# -- templates --------------------------------------------------------------------------------------------


@require_safe
@role_required(*LOOKING)
def templates(request: HttpRequest) -> HttpResponse:
    """Every kind with its words in each channel, in both languages, as they leave."""
    found = [_previewed(one) for one in kinds.kinds().values()]
    return render(
        request,
        "messages/templates.html",
        {"page": TemplatesPage(_("Mẫu tin nhắn"), _tabs("templates", whole=_is_whole(request)), found)},
    )


def _previewed(kind: kinds.Kind) -> KindPreview:
    language = spoken.language()
    hours = {
        "quiet": _("7 giờ đến 21 giờ"),
        "same-day": _("7 giờ đến 21 giờ, việc trong ngày thì mọi giờ"),
        "any": _("Mọi giờ"),
    }
    facts = [
        (_("Đường đi"), " → ".join(str(CHANNELS[one]) for one in kind.channels)),
        (_("Giờ gửi"), _("Mọi giờ") if kind.urgent else hours[kind.hours]),
        (_("Dài nhất"), _("%(count)s ký tự") % {"count": kinds.longest_sms(kind, "vi")})
        if "sms" in kind.channels and not kind.free else ("", ""),
    ]  # fmt: skip
    made = [_preview(kind, channel, one) for channel in kind.channels for one in kinds.LANGUAGES]
    return KindPreview(
        kind.key, kind.name["en" if language == "en" else "vi"], [one for one in facts if one[1]], made
    )


def _preview(kind: kinds.Kind, channel: str, language: str) -> Preview:
    words = kinds.rendered(kind, channel, language, kinds.examples(kind, language))
    size = cost = ""
    gateway = port.gateway_of(channel)
    parts = len(texts.split(words.text)) if channel == "sms" else 1
    if channel == "sms":
        size = _("%(signs)s ký tự, %(parts)s tin") % {"signs": texts.septets(words.text), "parts": parts}
    if gateway is None:
        cost = _("chưa nối")
    elif gateway.price:
        cost = spoken.money(gateway.price * parts)
    name = {"vi": _("tiếng Việt"), "en": _("tiếng Anh")}[language]
    return Preview(f"{CHANNELS[channel]}, {name}", words.title, words.text, size, cost)


# -- deliveries -------------------------------------------------------------------------------------------


@require_safe
@role_required(*LOOKING)
def deliveries(request: HttpRequest) -> HttpResponse:
    """What was sent, newest first; `?loi=1`: only what failed."""
    rows = _seen(request).order_by("-pk")
    failed = request.GET.get("loi") == "1"
    if failed:
        rows = rows.filter(state__in=(Delivery.State.FAILED, Delivery.State.EXPIRED))
    before = number_in(request, "truoc")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: SHOWN + 1])
    here = reverse("messages:deliveries")
    older = f"{here}?{'loi=1&' if failed else ''}truoc={found[SHOWN - 1].pk}" if len(found) > SHOWN else ""
    page = DeliveriesPage(
        _("Tin đã gửi"), _tabs("deliveries", whole=_is_whole(request)), _rows(found[:SHOWN]), older
    )
    user: Any = request.user
    addresses = [
        (str(CHANNELS[one]), callback.address_of(one))
        for one in kinds.CHANNELS if user.role == WHOLE and callback.reports(one)
    ]  # fmt: skip
    return render(
        request, "messages/deliveries.html", {"page": page, "failed": failed, "addresses": addresses}
    )


def _rows(ways: list[Delivery]) -> list[Row]:
    """The lines of a list, with what they need to know in one question each."""
    told = [one.message_id for one in ways]
    last = set(
        Delivery.objects.filter(message_id__in=told).exclude(channel="app").values("message")
        .annotate(last=Max("pk")).values_list("last", flat=True)
    )  # fmt: skip
    accounts = [one.account_id for one in ways if one.channel == "email" and one.account_id is not None]
    emails = dict(Preference.objects.filter(account_id__in=accounts).values_list("account_id", "email"))
    return [_row(one, one.pk in last, emails.get(one.account_id or 0, "")) for one in ways]


def _row(way: Delivery, last: bool, email: str) -> Row:
    told = way.message
    kind = kinds.kind_of(told.kind)
    may = told.status in (Message.Status.FAILED, Message.Status.EXPIRED) and not kind.urgent
    return Row(
        when=spoken.when(way.created_at), kind=kind.name["en" if get_language() == "en" else "vi"],
        channel=str(CHANNELS[way.channel]), to=_to(way, email), tries=str(way.tries),
        cost=spoken.money(way.cost) if way.cost else "", status=_KINDS[way.state],
        status_words=str(way.get_state_display()), error=way.error,
        again_url=reverse("messages:again", args=[told.pk]) if may and last else "",
    )  # fmt: skip


def _to(way: Delivery, email: str) -> str:
    if way.channel == "push":
        return _("máy đã đăng ký")
    if way.channel == "email":
        return rules.masked(way.message.to_email or email)
    return rules.masked(way.message.to_phone)


@require_POST
@role_required(*LOOKING)
def again(request: HttpRequest, number: int) -> HttpResponse:
    """Send what failed anew, by all its ways."""
    if not _seen(request).filter(message_id=number).exists():
        raise Http404
    if outbox.send_again(number, now=timezone.now(), later=tasks.later):
        messages.success(request, _("Đã xếp gửi lại."))
    else:
        messages.warning(request, _("Tin này không gửi lại được: đã gửi xong, hết hạn hoặc không còn đúng."))
    return redirect("messages:deliveries")


# -- texts that came --------------------------------------------------------------------------------------


@require_safe
@role_required(WHOLE)
def heard_list(request: HttpRequest) -> HttpResponse:
    """What people texted, newest first: when, what it was understood as, what came of it; never its words."""
    rows = Heard.objects.order_by("-pk")
    before = number_in(request, "truoc")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: SHOWN + 1])
    here = reverse("messages:heard_list")
    page = HeardPage(
        title=_("Tin đến"), tabs=_tabs("heard_list", whole=True), number=port.number_to_text(),
        address=callback.texts_address("sms") if callback.takes_texts("sms") else "",
        rows=[_heard_row(one) for one in found[:SHOWN]],
        older=f"{here}?truoc={found[SHOWN - 1].pk}" if len(found) > SHOWN else "",
    )  # fmt: skip
    return render(request, "messages/heard.html", {"page": page})


def _heard_row(one: Heard) -> HeardRow:
    return HeardRow(
        when=spoken.when(one.at), phone=rules.masked(one.phone), keyword=str(KEYWORDS.get(one.keyword, "")),
        status=_HEARD[one.state], status_words=str(one.get_state_display()),
        copies=str(one.copies) if one.copies > 1 else "",
    )  # fmt: skip


# -- costs ------------------------------------------------------------------------------------------------


@require_safe
@role_required(*LOOKING)
def costs(request: HttpRequest) -> HttpResponse:
    """Messages, parts, failures and money, a line a month and channel."""
    found = (
        _seen(request)
        .annotate(month=TruncMonth("created_at", tzinfo=HANOI))
        .values("month", "channel")
        .annotate(
            sent=Count("pk", filter=Q(sent_at__isnull=False)), failed=Count("pk", filter=Q(state="failed")),
            all_parts=Sum("parts"), money=Sum("cost"),
        )
        .order_by("-month", "channel")
    )  # fmt: skip
    rows = [
        CostRow(
            f"{one['month']:%m/%Y}", str(CHANNELS[one["channel"]]), str(one["sent"]), str(one["all_parts"] or 0),
            str(one["failed"]), spoken.money(one["money"] or 0),
        )
        for one in found
    ]  # fmt: skip
    total = spoken.money(sum(one["money"] or 0 for one in found))
    return render(
        request,
        "messages/costs.html",
        {"page": CostsPage(_("Chi phí tin nhắn"), _tabs("costs", whole=_is_whole(request)), rows, total)},
    )
