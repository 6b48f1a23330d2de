"""The page objects of sharing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.citizen.pages import Cover
from yba.care.privacy.tables import Text
from yba.care.sharing import tables
from yba.care.sharing.denying import Closing, Denial
from yba.care.sharing.giving import Preview
from yba.care.sharing.terms import Given, Holder, Terms
from yba.ui import words

if TYPE_CHECKING:
    from django import forms

REACHES = gettext_lazy("Chặn cả những lần đã cho xem. Không chặn nơi đang khám, chuyển tuyến và cấp cứu.")
KINDS = {"active": "done", "waiting": "wait", "ended": "off", "withdrawn": "off"}


def state_words(state: str) -> str:
    """What a consent's state is called."""
    return {
        "active": _("Đang chia sẻ"), "waiting": _("Chờ người thân nhận"), "ended": _("Đã hết hạn"),
        "withdrawn": _("Đã rút"),
    }[state]  # fmt: skip


def holder_words(holder: Holder) -> str:
    """What kind of recipient it is."""
    return {
        "facility": _("Cơ sở y tế"), "practitioner": _("Bác sĩ, nhân viên y tế"), "programme": _("Chương trình y tế"),
        "person": _("Người thân"), "app": _("Ứng dụng"),
    }[holder.kind]  # fmt: skip


def purposes_words(codes: Sequence[str]) -> str:
    """The purposes named, in words."""
    known = {one.code: one.name for one in tables.purposes()}
    return ", ".join(known.get(one, one) for one in codes if one in known or one != "PATRQT")


def day_of(text: str) -> str:
    """The day of a FHIR date or time, here."""
    return words.ngay(words.as_time(text) if "T" in text else text)


def moment_of(text: str) -> str:
    """Time and day of a FHIR time, here; a day alone as it is."""
    return f"{words.gio(text)} {day_of(text)}" if "T" in text else day_of(text)


def parts_words(parts: Sequence[str] | None) -> str:
    """What of the book."""
    if parts is None:
        return _("Cả sổ, trừ mục nhạy cảm")
    names = {one.key: one.name for one in tables.parts()}
    return ", ".join(names[one] for one in parts if one in names) or _("Họ tên, ngày sinh, thẻ BHYT")


def sensitive_words(keys: Sequence[str]) -> str:
    """The sensitive kinds let through."""
    return ", ".join(one.name for one in tables.sensitive() if one.key in keys)


@dataclass(frozen=True, slots=True)
class ShareLine:
    """One consent in a list."""

    title: str
    notes: tuple[str, ...]
    kind: str
    state: str
    url: str


def share_line(one: Given, now: datetime) -> ShareLine:
    """A consent in words."""
    state = one.state(now)
    if one.denies:
        return _denial_line(one, state)
    title = ", ".join(it.name or it.id for it in one.holders) or _("Người được mời")
    until = _("tới hết %(day)s") % {"day": day_of(one.until)} if one.until else _("tới khi rút lại")
    notes = [purposes_words(one.purposes), f"{parts_words(one.parts)}, {until}"]
    if one.emergency:
        notes = [_("Mở cấp cứu: tự hết sau 3 giờ, được người kiểm tra nhật ký xem xét")]
    if one.sensitive and not one.emergency:
        notes.append(_("Có mục nhạy cảm: %(names)s") % {"names": sensitive_words(one.sensitive)})
    return ShareLine(
        title, tuple(filter(None, notes)), "urgent" if one.emergency and state == "active" else KINDS[state],
        _("Đang mở cấp cứu") if one.emergency and state == "active" else state_words(state),
        reverse("citizen:sharing_one", args=[one.id]),
    )  # fmt: skip


def whom_denied(one: Given) -> str:
    """To whom a denial says no."""
    return ", ".join(it.name or it.id for it in one.holders) or _("Mọi nơi, mọi người khác")


def denied_words(one: Given) -> str:
    """What of the book a denial closes."""
    if one.sensitive:
        return sensitive_words(one.sensitive)
    return _("Cả sổ") if one.parts is None else parts_words(one.parts)


def _denial_line(one: Given, state: str) -> ShareLine:
    until = _("tới hết %(day)s") % {"day": day_of(one.until)} if one.until else _("tới khi bỏ")
    notes = [
        purposes_words(one.purposes), f"{denied_words(one)}, {until}",
        _("Trừ phần được phép ngay trong lời từ chối này") if one.but else "",
    ]  # fmt: skip
    said = {"active": _("Đang từ chối"), "withdrawn": _("Đã bỏ")}.get(state) or state_words(state)
    return ShareLine(
        _("Không cho xem: %(names)s") % {"names": whom_denied(one)}, tuple(filter(None, notes)),
        "missed" if state == "active" else KINDS[state], said, reverse("citizen:sharing_one", args=[one.id]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SharingPage:
    """All consents about the open book; ``why_not``: why one cannot give any here."""

    title: str
    cover: Cover
    now: list[ShareLine]
    denied: list[ShareLine]
    before: list[ShareLine]
    why_not: str
    is_self: bool
    reaches: str = ""


@dataclass(frozen=True, slots=True)
class HolderLine:
    """Somebody a book can be shared with."""

    name: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class FindPage:
    """Finding somebody by name. ``action``: where the name is sent."""

    title: str
    cover: Cover
    q: str
    lines: list[HolderLine]
    more: bool
    action: str


@dataclass(frozen=True, slots=True)
class RowLine:
    """A row of the book as a line."""

    when: str
    title: str
    place: str


@dataclass(frozen=True, slots=True)
class GroupLines:
    """The rows of a kind; ``left``: how many more there are than are listed."""

    name: str
    count: int
    rows: list[RowLine]
    left: int


@dataclass(frozen=True, slots=True)
class NewPage:
    """Choosing the terms; ``preview`` None while they are chosen. ``against_url``: a denial that stands against it."""

    title: str
    cover: Cover
    holder: Holder
    holder_note: str
    form: forms.Form
    text: Text
    preview: Preview | None = None
    groups: Sequence[GroupLines] = ()
    facts: Sequence[tuple[str, str]] = ()
    refusal: str = ""
    asked_by: str = ""
    action: str = ""
    against_url: str = ""


@dataclass(frozen=True, slots=True)
class DenyPage:
    """Closing the book to somebody; ``closing`` None while the terms are chosen."""

    title: str
    cover: Cover
    holder: Holder
    holder_note: str
    form: forms.Form
    text: Text
    closing: Closing | None = None
    groups: Sequence[GroupLines] = ()
    facts: Sequence[tuple[str, str]] = ()
    refusal: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class OnePage:
    """One consent: its terms, what it lets through now, what became of it."""

    title: str
    cover: Cover
    line: ShareLine
    facts: Sequence[tuple[str, str]]
    text: str
    history: Sequence[tuple[str, str]]
    can_withdraw: bool
    withdraw_url: str
    is_app: bool
    is_waiting: bool
    denies: bool = False
    refusal: str = ""


def facts_of(chosen: Terms) -> list[tuple[str, str]]:
    """Chosen terms, in words."""
    low, high = chosen.occurred_from, chosen.occurred_until
    days = " – ".join(
        [words.ngay(low) if low else _("trước tới nay"), words.ngay(high) if high else _("nay")]
    )
    return [
        (_("Người nhận"), chosen.holder.name),
        (_("Để"), purposes_words(chosen.purposes)),
        (_("Cho xem"), parts_words(chosen.parts)),
        (_("Việc xảy ra"), days if low or high else ""),
        (_("Mục nhạy cảm"), sensitive_words(chosen.sensitive) or _("Không")),
        (_("Tới hết ngày"), words.ngay(chosen.until)),
    ]


def facts_of_denial(said: Denial) -> list[tuple[str, str]]:
    """A denial that is about to be given, in words."""
    return [
        (_("Ai không được xem"), said.holder.name),
        (_("Không xem được"), _("Cả sổ") if said.parts is None else parts_words(said.parts)),
        (_("Tới hết ngày"), words.ngay(said.until) if said.until else ""),
        (_("Tới"), "" if said.until else _("khi tự bỏ")),
    ]


def facts_of_given(one: Given) -> list[tuple[str, str]]:
    """A consent that was given, in words."""
    days = [words.ngay(one.occurred_from) if one.occurred_from else _("trước tới nay")]
    days.append(words.ngay(one.occurred_until) if one.occurred_until else _("nay"))
    if one.denies:
        return [
            (_("Ai không được xem"), whom_denied(one)),
            (_("Để"), purposes_words(one.purposes)),
            (_("Không xem được"), denied_words(one)),
            (_("Việc xảy ra"), " – ".join(days) if one.occurred_from or one.occurred_until else ""),
            (_("Nghĩa là"), str(REACHES)),
            (_("Từ"), moment_of(one.since)),
            (_("Tới"), moment_of(one.until) or _("khi tự bỏ")),
        ]
    methods = {
        "page": _("Trên trang của mình"), "code": _("Mã gửi tới điện thoại, đọc tại quầy"),
        "paper": _("Giấy có chữ ký"), "office": _("Phòng hồ sơ quyết định"),
    }  # fmt: skip
    return [
        (_("Người nhận"), ", ".join(f"{it.name or it.id} ({holder_words(it)})" for it in one.holders)),
        (_("Để"), purposes_words(one.purposes)),
        (_("Cho xem"), _("Cả sổ") if one.emergency else parts_words(one.parts)),
        (_("Việc xảy ra"), " – ".join(days) if one.occurred_from or one.occurred_until else ""),
        (_("Mục nhạy cảm"), sensitive_words(one.sensitive) or _("Không")),
        (_("Từ"), moment_of(one.since)),
        (_("Tới"), moment_of(one.until)),
        (_("Cách đồng ý"), ": ".join(filter(None, (methods.get(one.method, ""), one.paper)))),
        (_("Bản lời đồng ý"), one.version),
    ]
