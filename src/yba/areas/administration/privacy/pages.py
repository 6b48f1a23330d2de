"""The page objects of the facility's data protection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from yba.areas.administration.privacy import rules
from yba.areas.administration.privacy.models import Breach
from yba.care.privacy import rules as law
from yba.care.privacy.models import Officer, Request
from yba.care.privacy.steps import StepLine
from yba.ui import spoken, words
from yba.ui.parts import Tab
from yba.ui.words import local_day

CLOCKS: Final = {
    "running": "wait",
    "late": "urgent",
    "in-time": "done",
    "reported-late": "warn",
    "not-needed": "off",
}


def tabs(current: str, *, officer: bool) -> list[Tab]:
    """The parts of data protection that a role sees."""
    found = [("requests", _("Yêu cầu"), "administration:privacy_requests")]
    if officer:
        found += [
            ("breaches", _("Vi phạm dữ liệu"), "administration:privacy_breaches"),
            ("officer", _("Người bảo vệ dữ liệu"), "administration:privacy_officer"),
        ]
    found.append(("activities", _("Hoạt động xử lý"), "administration:privacy_activities"))
    return [Tab(label, reverse(name), key == current) for key, label, name in found]


@dataclass(frozen=True, slots=True)
class RequestRow:
    url: str
    number: str
    name: str
    what: str
    due: str
    left: str
    late: bool
    kind: str
    state: str


def request_row(one: Request, now: datetime) -> RequestRow:
    """A request with the next day that counts: the first reply, then the answer."""
    today = local_day(now)
    next_due = one.reply_due if one.replied_at is None else one.due
    days = law.working_days_left(today, next_due)
    late = one.is_pending and next_due < today
    left = ""
    if late:
        left = ngettext("quá %(n)s ngày làm việc", "quá %(n)s ngày làm việc", -days) % {"n": -days}
    elif one.is_pending:
        left = ngettext("còn %(n)s ngày làm việc", "còn %(n)s ngày làm việc", days) % {"n": days}
    return RequestRow(
        reverse("administration:privacy_request", args=[one.pk]), one.number, one.patient_name,
        str(one.get_kind_display()), words.ngay(next_due) if one.is_pending else words.ngay(one.closed_at), left, late,
        "warn" if late else one.state_kind, _("Quá hạn") if late else one.state_words,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RequestsPage:
    """What people asked, the most urgent first."""

    title: str
    tabs: list[Tab]
    pending: list[RequestRow]
    closed: list[RequestRow]


@dataclass(frozen=True, slots=True)
class RequestPage:
    """One request, and what can be done about it."""

    title: str
    tabs: list[Tab]
    row: RequestRow
    pk: int
    facts: list[tuple[str, str]]
    steps: list[StepLine]
    can_take: bool
    can_extend: bool
    is_pending: bool
    is_particulars: bool
    is_erasure: bool
    is_restriction: bool
    is_question: bool
    kept: list[tuple[str, str]]
    form: forms.Form
    extend_form: forms.Form
    refusal: str = ""


def request_facts(one: Request) -> list[tuple[str, str]]:
    """What the request says, and the days the law gives."""
    article = law.deadline_of(one.kind, local_day(one.asked_at)).article
    return [
        (_("Xin"), str(one.get_kind_display())),
        (_("Lần mở sổ") if one.kind == Request.Kind.QUESTION else _("Mục"), one.subject_words),
        (_("Sổ đang ghi"), one.wrong if one.kind == Request.Kind.CORRECT else ""),
        (_("Đúng ra là"), one.right if one.kind == Request.Kind.CORRECT else ""),
        (_("Không dùng vào"), one.right if one.kind == Request.Kind.RESTRICT else ""),
        (_("Lý do"), one.wrong if one.kind in (Request.Kind.ERASE, Request.Kind.RESTRICT) else ""),
        (_("Điều muốn hỏi"), one.wrong if one.kind == Request.Kind.QUESTION else ""),
        (_("Gửi lúc"), spoken.when(one.asked_at)),
        (_("Báo đã nhận trước"), words.ngay(one.reply_due)),
        (_("Trả lời chậm nhất"), f"{words.ngay(one.due)} ({article})"),
        (_("Trả lời"), one.answer),
        (_("Căn cứ"), one.article),
        (_("Phụ lục"), one.addendum),
        (_("Nguồn gốc"), one.provenance),
    ]


def people_words(breach: Breach) -> str:
    """How many people, as far as it is known."""
    return _("chưa rõ") if breach.affected is None else spoken.money_plain(breach.affected)


@dataclass(frozen=True, slots=True)
class BreachRow:
    url: str
    number: str
    what: str
    detected: str
    affected: str
    clock: str
    kind: str
    state: str


def clock_words(breach: Breach, now: datetime) -> tuple[str, str]:
    """The state of the notice and what stands of its 72 hours."""
    state = rules.clock_of(breach, now)
    left = rules.left(breach, now)
    span = _("%(h)s giờ %(m)s phút") % {"h": left.hours, "m": left.minutes}
    return state, {
        "running": _("còn %(span)s") % {"span": span},
        "late": _("quá hạn %(span)s") % {"span": span},
        "in-time": _("đã báo đúng hạn"),
        "reported-late": _("đã báo, quá hạn"),
        "not-needed": _("không phải báo"),
    }[state]


def breach_row(one: Breach, now: datetime) -> BreachRow:
    """A breach in a list."""
    state, clock = clock_words(one, now)
    return BreachRow(
        reverse("administration:privacy_breach", args=[one.pk]), one.number, one.what.splitlines()[0][:120],
        spoken.when(one.detected_at), people_words(one), clock,
        "done" if one.closed_at else CLOCKS[state], _("Đã khép lại") if one.closed_at else clock,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BreachesPage:
    """The register of breaches."""

    title: str
    tabs: list[Tab]
    rows: list[BreachRow]


@dataclass(frozen=True, slots=True)
class BreachFormPage:
    title: str
    tabs: list[Tab]
    form: forms.Form
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class BreachPage:
    """One breach: its clock, what is known, who was told."""

    title: str
    tabs: list[Tab]
    row: BreachRow
    pk: int
    clock: str
    clock_kind: str
    due: str
    facts: list[tuple[str, str]]
    steps: list[StepLine]
    is_open: bool
    must_tell: bool
    forms: dict[str, forms.Form]
    refusal: str = ""


def breach_facts(one: Breach) -> list[tuple[str, str]]:
    """What stands in the file."""
    labels = dict(Breach.Data.choices)
    return [
        (_("Phát hiện lúc"), spoken.when(one.detected_at)),
        (_("Xảy ra lúc"), spoken.when(one.happened_at) if one.happened_at else ""),
        (_("Chuyện gì"), one.what),
        (_("Loại dữ liệu"), ", ".join(str(labels[key]) for key in one.data if key in labels)),
        (_("Số người"), people_words(one)),
        (_("Khắc phục"), one.measures),
        (
            _("Báo cơ quan"),
            f"{spoken.when(one.reported_at)} · {one.report_number}" if one.reported_at else "",
        ),
        (_("Không báo vì"), one.unreported_because),
        (_("Báo người bị ảnh hưởng"), f"{spoken.when(one.told_at)} · {one.told_how}" if one.told_at else ""),
        (_("Khép lại"), spoken.when(one.closed_at) if one.closed_at else ""),
        (_("Giữ hồ sơ đến"), words.ngay(one.kept_until) if one.kept_until else ""),
    ]


@dataclass(frozen=True, slots=True)
class OfficerPage:
    """Who protects the data, and how people reach them."""

    title: str
    tabs: list[Tab]
    officer: Officer | None
    since: str
    form: forms.Form


@dataclass(frozen=True, slots=True)
class ActivityRow:
    name: str
    basis: str
    data: str
    recipients: str
    kept: str
    article: str


@dataclass(frozen=True, slots=True)
class ClassRow:
    name: str
    kept: str
    article: str


@dataclass(frozen=True, slots=True)
class ActivitiesPage:
    """The register of processing, and how long each class of records is kept."""

    title: str
    tabs: list[Tab]
    rows: list[ActivityRow]
    classes: list[ClassRow]
