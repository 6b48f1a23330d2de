"""The auditors' pages as values: lines of the log, one act whole, alerts in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.forms import Form
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from yba.areas.administration.audit.queries import Sealed
from yba.care.access_log import act_words, purpose_words, role_words, type_words
from yba.fhir.audit.acts import kind_of
from yba.fhir.audit.judging import Alert
from yba.fhir.audit.rows import Row
from yba.ui import words
from yba.ui.parts import Tab

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

MOST_NAMED: Final = 3
RULES: Final[Mapping[str, StrPromise]] = {
    "many-books": gettext_lazy("Mở nhiều sổ của người không đến khám"),
    "many-books-day": gettext_lazy("Mở nhiều sổ trong một ngày"),
    "night": gettext_lazy("Mở sổ ban đêm"),
    "vip": gettext_lazy("Mở sổ của người cần bảo vệ riêng"),
    "refused": gettext_lazy("Bị từ chối nhiều lần liền"),
    "sign-in-failed": gettext_lazy("Đăng nhập sai nhiều lần liền"),
    "emergency": gettext_lazy("Mở cấp cứu, cần xem lại"),
}
STATES: Final[Mapping[str, tuple[str, StrPromise]]] = {
    "new": ("urgent", gettext_lazy("mới")),
    "seen": ("wait", gettext_lazy("đã xem")),
    "explained": ("done", gettext_lazy("đã giải thích")),
}


def tabs(current: str, new: int) -> list[Tab]:
    """The log and the alerts."""
    return [
        Tab(_("Nhật ký"), reverse("administration:audit_log"), current == "log"),
        Tab(_("Cảnh báo"), reverse("administration:audit_alerts"), current == "alerts", new or None),
    ]


def moment(at: datetime) -> str:
    """``9:30:05 24/11/2026``: to the second, for what stands in an inquiry."""
    local = timezone.localtime(at)
    return f"{words.gio(at)}:{local.second:02d} {words.ngay(at)}"


# -- the log ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    url: str
    when: str
    name: str
    role: str
    act: str
    thing: str
    whose: str
    facility: str
    kind: str
    outcome: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """The log. ``tally``: how many match, in words; ``more``, ``export``: addresses, empty where there is none."""

    title: str
    tabs: list[Tab]
    form: Form
    asked: bool
    problem: str
    entries: list[Entry]
    tally: str
    more: str
    export: str
    sealed: str


def entry(row: Row, names: Mapping[str, str], facilities: Mapping[str, str], own: str | None) -> Entry:
    """A row in words; the facility is named where it is not the reader's ``own``."""
    place = row.actor_facility or row.facility or ""
    kind, outcome = outcome_words(row)
    return Entry(
        url=reverse("administration:audit_entry", args=[row.seq]),
        when=moment(row.at),
        name=who(row),
        role=role_words(row.role) if row.origin is None else _("qua hệ thống"),
        act=act_words(row.act),
        thing=type_words([row.type]) if row.type else "",
        whose=whose(row, names),
        facility="" if place == own else facilities.get(place, ""),
        kind=kind,
        outcome=outcome,
    )


def who(row: Row) -> str:
    """The name as it was then, else the account."""
    return row.name or _("Tài khoản %(user)s") % {"user": row.origin or row.actor}


def whose(row: Row, names: Mapping[str, str]) -> str:
    """Whose record it was: some names, and how many more."""
    persons = row.persons
    shown = [names.get(one, one) for one in persons[:MOST_NAMED]]
    left = len(persons) - len(shown)
    if left:
        shown.append(ngettext("và %(count)s người nữa", "và %(count)s người nữa", left) % {"count": left})
    return ", ".join(shown)


def outcome_words(row: Row) -> tuple[str, str]:
    """The kind of its status, and the word."""
    if row.outcome == "ok":
        return "done", _("được")
    return "off", _("bị từ chối") if row.outcome == "refused" else _("không được")


def tally_words(total: int, most: int) -> str:
    """How many rows match."""
    if total >= most:
        return _("hơn %(count)s dòng") % {"count": f"{most:,}".replace(",", ".")}
    return ngettext("%(count)s dòng", "%(count)s dòng", total) % {"count": f"{total:,}".replace(",", ".")}


def sealed_words(one: Sealed | None) -> str:
    """How far the audit is sealed."""
    if one is None:
        return _("Nhật ký chưa được niêm phong lần nào.")
    return _("Niêm phong số %(number)s lúc %(when)s, mã %(head)s…") % {
        "number": one.number, "when": moment(one.at), "head": one.head[:16],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One act, all that is kept of it."""

    title: str
    tabs: list[Tab]
    facts: list[tuple[str, str]]
    persons: list[tuple[str, str]]
    content: str


def entry_facts(row: Row, facilities: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names and values; what is empty is left out by the page."""
    kind = kind_of(row.act)
    thing = f"{row.type}/{row.id}" if row.type and row.id else row.type or row.id or ""
    return [
        (_("Số"), str(row.seq)),
        (_("Lúc"), moment(row.at)),
        (_("Ai"), who(row)),
        (_("Tài khoản"), row.origin or row.actor),
        (_("Vai trò"), role_words(row.role)),
        (_("Người hành nghề"), row.practitioner or ""),
        (_("Cơ sở của người đó"), facilities.get(row.actor_facility or "", row.actor_facility or "")),
        (_("Việc"), act_words(row.act)),
        (_("Mã việc"), f"{kind.type.code} · {row.act} · {kind.action}"),
        (_("Kết quả"), outcome_words(row)[1]),
        (_("Dữ liệu"), thing + (f" ({_('bản')} {row.version})" if row.version else "")),
        (_("Cơ sở giữ dữ liệu"), facilities.get(row.facility or "", row.facility or "")),
        (_("Số mục trả lời"), "" if row.answered is None else str(row.answered)),
        (_("Để làm gì"), purpose_words([row.purpose]) if row.purpose else ""),
        (_("Câu hỏi, lý do"), row.detail or ""),
        (_("Ứng dụng"), row.app or ""),
        (_("Phiên"), row.session or ""),
        (_("Địa chỉ mạng"), row.address or ""),
        (_("Mã yêu cầu"), row.request or ""),
    ]


# -- alerts ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert of the list."""

    url: str
    title: str
    name: str
    role: str
    span: str
    count: str
    whose: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """Alerts in a state, or all."""

    title: str
    tabs: list[Tab]
    states: list[Tab]
    alerts: list[AlertRow]
    more: str


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One alert with its acts, and what may be said of it."""

    title: str
    tabs: list[Tab]
    number: int
    row: AlertRow
    facts: list[tuple[str, str]]
    entries: list[Entry]
    log: str
    form: Form
    refusal: str
    can_see: bool
    can_explain: bool


def alert_row(one: Alert, names: Mapping[str, str]) -> AlertRow:
    """An alert in words."""
    kind, state = STATES[one.state]
    return AlertRow(
        url=reverse("administration:audit_alert", args=[one.number]),
        title=str(RULES.get(one.rule, one.rule)),
        name=one.name or _("Tài khoản %(user)s") % {"user": one.actor},
        role=role_words(one.role),
        span=moment(one.since) if one.since == one.until else f"{moment(one.since)} – {moment(one.until)}",
        count=_count_words(one),
        whose=names.get(one.patient or "", one.patient or ""),
        kind=kind,
        state=str(state),
    )


def _count_words(one: Alert) -> str:
    if one.rule in ("refused", "sign-in-failed"):
        return ngettext("%(count)s lần", "%(count)s lần", one.count) % {"count": one.count}
    return ngettext("%(count)s sổ", "%(count)s sổ", one.count) % {"count": one.count}


def alert_facts(one: Alert, row: AlertRow, facilities: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is known of an alert."""
    return [
        (_("Ai"), row.name),
        (_("Tài khoản"), one.actor),
        (_("Vai trò"), row.role),
        (_("Cơ sở"), facilities.get(one.facility or "", one.facility or "")),
        (_("Từ"), moment(one.since)),
        (_("Đến"), moment(one.until)),
        (_("Bao nhiêu"), row.count),
        (_("Sổ của ai"), row.whose),
        (_("Tìm ra lúc"), moment(one.found)),
        (_("Giải thích"), one.note or ""),
        (_("Người xét"), one.judge or ""),
        (_("Xét lúc"), moment(one.judged) if one.judged else ""),
    ]


def state_tabs(current: str) -> list[Tab]:
    """Alerts by state."""
    url = reverse("administration:audit_alerts")
    found = [Tab(_("Tất cả"), url, not current)]
    return found + [
        Tab(str(label).capitalize(), f"{url}?trang_thai={state}", current == state)
        for state, (_kind, label) in STATES.items()
    ]


def persons_words(row: Row, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """All persons of an act: name and id."""
    return [(names.get(one, _("Không rõ tên")), one) for one in row.persons]


def csv_lines(
    rows: Sequence[Row], names: Mapping[str, str], facilities: Mapping[str, str]
) -> list[list[str]]:
    """The rows for a table program, with their heads."""
    heads = [
        _("Số"), _("Lúc (UTC)"), _("Ai"), _("Tài khoản"), _("Vai trò"), _("Cơ sở"), _("Việc"), _("Kết quả"),
        _("Dữ liệu"), _("Mã dữ liệu"), _("Sổ của ai"), _("Mã người"), _("Để làm gì"), _("Câu hỏi, lý do"),
        _("Ứng dụng"), _("Địa chỉ mạng"), _("Phiên"), _("Mã yêu cầu"),
    ]  # fmt: skip
    return [heads, *([_safe(cell) for cell in _cells(row, names, facilities)] for row in rows)]


def _cells(row: Row, names: Mapping[str, str], facilities: Mapping[str, str]) -> list[str]:
    facility = facilities.get(row.actor_facility or row.facility or "", "")
    persons = "; ".join(names.get(one, one) for one in row.persons)
    return [
        str(row.seq), row.at.astimezone(UTC).isoformat(timespec="milliseconds"), row.name or "",
        row.origin or row.actor, role_words(row.role), facility, act_words(row.act), outcome_words(row)[1],
        row.type or "", row.id or "", persons, "; ".join(row.persons), row.purpose or "", row.detail or "",
        row.app or "", row.address or "", row.session or "", row.request or "",
    ]  # fmt: skip


def _safe(cell: str) -> str:
    """A cell that a table program shows as it is and does not take for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
