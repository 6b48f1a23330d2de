"""The citizen's held time: taken as soon as a time is chosen, shown wherever they come back, given back on a press."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from yba.areas.booking import holds, queries, rules
from yba.care import asked
from yba.fhir.errors import Conflict, Gone, Invalid, NotFound
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record
from yba.ui import spoken, words
from yba.ui.requests import back_to, record_of, role_required

_PHONES: Final = "select number from accounts_phone where account_id = %s"


@dataclass(frozen=True, slots=True)
class HeldTime:
    """A held time in words, and where to go on with it."""

    id: str
    slot: str
    when: str
    until: str
    doctor: str
    url: str


@dataclass(frozen=True, slots=True)
class HoldLine:
    """What is said under the times: held until, or why not."""

    held: str = ""
    refused: str = ""


def phones_of(request: HttpRequest) -> list[str]:
    """The numbers the signed-in account has proved to be its own."""
    account = request.user
    return [str(one[0]) for one in asked.values(_PHONES, [account.pk])] if account.is_authenticated else []


def owners(request: HttpRequest, record: Record) -> frozenset[str]:
    """Whose holds are this person's: the account's, and those made by telephone for its numbers."""
    return frozenset().union(
        holds.owners_of(record), *(holds.owners_of(record, phone=one) for one in phones_of(request))
    )


def held_times(request: HttpRequest, record: Record) -> list[HeldTime]:
    """What is held for this person now, from whichever page or call."""
    found = []
    for one in holds.own_holds(record, owners(request, record)):
        try:
            slot, post = queries.slot_and_post(record, one.slots[0])
        except (NotFound, Gone):
            continue
        url = reverse("booking:book", args=[post.role_id])
        starts = rules.moment(slot.start or "")
        found.append(
            HeldTime(
                id=one.id, slot=slot.id or "", when=spoken.when(starts), until=words.gio(one.until), doctor=post.name,
                url=f"{url}?{urlencode({'gio': slot.id})}#gio",
            )
        )  # fmt: skip
    return found


@require_POST
@role_required("citizen")
def hold(request: HttpRequest) -> HttpResponse:
    """Hold the time that was just chosen; the answer is one line under the times."""
    record = record_of(request)
    slot_id = request.POST.get("slot", "")[:64]
    if not slot_id:
        return render(request, "booking/_hold.html", {"page": HoldLine()})
    try:
        made = holds.hold(record, [slot_id])
        starts = rules.moment(record.read(Slot, slot_id).start or "")
    except (Conflict, Invalid) as refusal:
        return render(
            request, "booking/_hold.html", {"page": HoldLine(refused=refused_words(refusal))}, status=200
        )
    said = {"time": words.gio(starts), "until": words.gio(made.until)}
    line = HoldLine(held=_("Giữ %(time)s cho riêng mình đến %(until)s.") % said)
    return render(request, "booking/_hold.html", {"page": line})


def blocked_words(refusal: Conflict | Invalid) -> str:
    """Why a person's requests by app are not taken, until when, and what they can do."""
    params = refusal.params
    said = _(
        "Người này đã lỡ %(count)s lượt trong %(within)s ngày nên cơ sở chưa nhận đặt qua ứng dụng đến %(until)s. "
        "Gọi cơ sở để đặt, hoặc khiếu nại ở Lịch hẹn. Cấp cứu: gọi 115 hoặc đến thẳng."
    )
    until = spoken.when(rules.moment(str(params["until"])))
    return said % {"count": params["count"], "within": params["within"], "until": until}


def refused_words(refusal: Conflict | Invalid) -> str:
    """Why a time can't be had, and what to do."""
    if refusal.key == "booking.blocked":
        return blocked_words(refusal)
    start = refusal.params.get("start")
    time = words.gio(rules.moment(str(start))) if start else ""
    if refusal.key == "booking.kept":
        return _("Giờ %(time)s dành cho người đến trực tiếp hoặc gọi điện. Chọn giờ khác.") % {"time": time}
    if refusal.key in ("booking.too-late", "booking.slot-past"):
        return _("Giờ này không còn nhận đặt. Chọn giờ khác.")
    if refusal.key == "booking.too-early":
        return _("Chưa nhận đặt xa đến ngày này. Chọn ngày gần hơn.")
    if time:
        return _("Giờ %(time)s vừa có người đặt. Chọn giờ khác.") % {"time": time}
    return _("Giờ đã chọn không còn. Chọn giờ khác.")


@require_POST
@role_required("citizen")
def let_go(request: HttpRequest, hold_id: str) -> HttpResponse:
    """Give a held time back."""
    record = record_of(request)
    for phone in ["", *phones_of(request)]:
        holds.let_go(record, hold_id, phone=phone)
    return redirect(back_to(request, reverse("booking:find")))
