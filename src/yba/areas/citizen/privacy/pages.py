"""The page objects of one's rights."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.citizen.pages import Cover
from yba.areas.citizen.privacy import actions, rules
from yba.areas.citizen.privacy.models import BookCopy
from yba.care.privacy import rules as law
from yba.care.privacy.keeping import KeptGroup
from yba.care.privacy.models import Agreement, Officer, Request
from yba.care.privacy.steps import StepLine, step_lines
from yba.care.privacy.tables import Activity, Text
from yba.ui import spoken, words
from yba.ui.words import local_day

COPY_KINDS: Final = {"waiting": "wait", "ready": "done", "fetched": "off", "expired": "off", "failed": "warn"}


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request in a list."""

    url: str
    title: str
    note: str
    kind: str
    state: str


def request_line(one: Request) -> RequestLine:
    """Number, what it asks, until when an answer is due."""
    due = _("trả lời chậm nhất %(day)s") % {"day": words.ngay(one.due)} if one.is_pending else ""
    return RequestLine(
        reverse("citizen:privacy_request", args=[one.pk]),
        f"{one.get_kind_display()} · {one.number}",
        " · ".join(filter(None, [one.facility_name, one.subject_words, due])),
        one.state_kind,
        one.state_words,
    )


@dataclass(frozen=True, slots=True)
class HomePage:
    """What one may ask, and what came of it."""

    title: str
    cover: Cover
    requests: list[RequestLine]


@dataclass(frozen=True, slots=True)
class CopyLine:
    """A copy, as it is now."""

    pk: int
    title: str
    note: str
    kind: str
    state: str
    can_fetch: bool


def copy_line(one: BookCopy, now: datetime) -> CopyLine:
    """What stands of a copy, and until when it can be fetched."""
    state = rules.state_now(one, now)
    notes = [spoken.when(one.asked_at)]
    if state == BookCopy.State.READY:
        notes.append(_("%(count)s mục, tải một lần, trước %(time)s") % {
            "count": one.count, "time": actions.waits_until(one),
        })  # fmt: skip
    elif one.fetched_at:
        notes.append(_("đã tải %(time)s") % {"time": spoken.when(one.fetched_at)})
    return CopyLine(
        one.pk,
        f"{one.patient_name} · {one.get_form_display()}",
        " · ".join(notes),
        COPY_KINDS[state],
        str(BookCopy.State(state).label),
        state == BookCopy.State.READY,
    )


@dataclass(frozen=True, slots=True)
class CopiesPage:
    """Copies of a book."""

    title: str
    cover: Cover
    form: forms.Form
    lines: list[CopyLine]
    refusal: str = ""
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """A purpose with the text in force, and what was said about it."""

    purpose: str
    version: str
    title: str
    text: str
    sensitive: bool
    given: bool
    note: str
    is_outdated: bool


def consent_line(text: Text, said: Agreement | None) -> ConsentLine:
    """What stands of a purpose."""
    given = said is not None and said.given
    note = ""
    if said is not None:
        sentence = _("Đồng ý %(time)s, bản %(version)s") if given else _("Rút lại %(time)s")
        note = sentence % {"time": spoken.when(said.at), "version": said.version}
    outdated = given and said is not None and said.version != text.version
    return ConsentLine(
        text.purpose, text.version, text.title, text.text, text.sensitive, given, note, outdated
    )


@dataclass(frozen=True, slots=True)
class ConsentsPage:
    """What one agreed to, purpose by purpose."""

    title: str
    cover: Cover
    lines: list[ConsentLine]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class CorrectionPage:
    """The form of a correction."""

    title: str
    cover: Cover
    form: forms.Form
    refusal: str = ""
    due: str = ""


@dataclass(frozen=True, slots=True)
class RestrictionPage:
    """The form of a restriction; nobody to ask where no facility keeps anything."""

    title: str
    cover: Cover
    form: forms.Form
    has_facility: bool
    refusal: str = ""
    due: str = ""


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One request from its sending to its answer."""

    title: str
    cover: Cover
    number: str
    pk: int
    facts: list[tuple[str, str]]
    kind: str
    state: str
    answer: str
    article: str
    steps: list[StepLine]
    can_withdraw: bool
    officer: Officer | None
    late: bool


def request_page(one: Request, cover: Cover, officer: Officer | None, *, now: datetime) -> RequestPage:
    """All that is known of a request, for who asked it."""
    today = local_day(now)
    row: Any = law.deadline_of(one.kind, local_day(one.asked_at))
    facts = [
        (_("Xin"), str(one.get_kind_display())),
        (_("Người"), one.patient_name),
        (_("Cơ sở"), one.facility_name),
        (_("Lần mở sổ") if one.kind == Request.Kind.QUESTION else _("Mục"), one.subject_words),
        (_("Sổ đang ghi"), one.wrong if one.kind == Request.Kind.CORRECT else ""),
        (_("Đúng ra là"), one.right if one.kind == Request.Kind.CORRECT else ""),
        (_("Không dùng vào"), one.right if one.kind == Request.Kind.RESTRICT else ""),
        (_("Lý do"), one.wrong if one.kind == Request.Kind.ERASE else ""),
        (_("Điều muốn hỏi"), one.wrong if one.kind == Request.Kind.QUESTION else ""),
        (_("Gửi lúc"), spoken.when(one.asked_at)),
        (
            _("Báo đã nhận trước"),
            words.ngay(one.reply_due) if one.replied_at is None and one.is_pending else "",
        ),
        (_("Trả lời chậm nhất"), f"{words.ngay(one.due)} ({row.article})" if one.is_pending else ""),
    ]
    steps = step_lines(one.steps.all())
    return RequestPage(
        _("Yêu cầu %(number)s") % {"number": one.number}, cover, one.number, one.pk, facts, one.state_kind,
        one.state_words, one.answer, one.article, steps, one.is_pending, officer,
        one.is_pending and one.due < today,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeptLine:
    facility: str
    name: str
    until: str
    article: str


def kept_line(one: KeptGroup) -> KeptLine:
    """A class of one's records and until when the law keeps it."""
    until = _("Giữ đến %(day)s") % {"day": words.ngay(one.until)} if one.until else _("Giữ vĩnh viễn")
    return KeptLine(
        one.facility_name or _("Cơ sở"), _("%(name)s, %(count)s lần khám") % {"name": one.name, "count": one.count},
        until, one.article,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ErasurePage:
    """What can be erased, what the law keeps, and why."""

    title: str
    cover: Cover
    kept: list[KeptLine]
    form: forms.Form
    account_form: forms.Form
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ActivityLine:
    name: str
    basis: str
    facts: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ActivitiesPage:
    """Why data are kept, purpose by purpose."""

    title: str
    cover: Cover
    lines: list[ActivityLine]


def basis_words(basis: str) -> str:
    return {
        "law": _("Luật giao"), "emergency": _("Cấp cứu"), "consent": _("Có đồng ý"), "contract": _("Tự mở tài khoản"),
    }[basis]  # fmt: skip


def activity_line(one: Activity) -> ActivityLine:
    """An activity in words."""
    kept = one.class_kept
    years = (
        "" if kept is None else (_("%(years)s năm") % {"years": kept.years} if kept.years else _("vĩnh viễn"))
    )
    return ActivityLine(
        one.name,
        basis_words(one.basis),
        [
            (_("Dữ liệu"), one.data),
            (_("Ai nhận"), one.recipients),
            (_("Giữ"), f"{years} ({kept.article})" if kept else one.kept_until),
            (_("Căn cứ"), one.article),
        ],
    )
