"""The page objects of the desk and how they are filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.booking.desk import scripts
from yba.areas.booking.desk.call_backs import Line
from yba.areas.booking.desk.queries import Waiting, Wanted
from yba.areas.booking.desk.rules import Level
from yba.areas.booking.forms import CorrectionForm, RefusalForm, UnreachedForm
from yba.areas.booking.models import Contact, Outward
from yba.areas.booking.pages import BookingLine, Choice
from yba.fhir.r4.questionnaire import QuestionnaireItem
from yba.ui import parts, spoken, words
from yba.ui.words import local_day


def channel_words(code: str) -> str:
    """A way in, in words."""
    return {
        "app": _("Ứng dụng"), "phone": _("Điện thoại"), "desk": _("Tại quầy"), "kiosk": _("Máy tự phục vụ"),
        "his": _("Hệ thống bệnh viện"), "sms": _("Tin nhắn"), "chatbot": _("Hỏi triệu chứng"),
    }.get(code, code or _("Không rõ"))  # fmt: skip


def level_words(level: Level) -> str:
    """How pressing, in a word; nothing for what is not."""
    return {"emergency": _("Cấp cứu"), "urgent": _("Cần gọi trước")}.get(level, "")


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A line of the desk's list."""

    id: str
    url: str
    name: str
    age: str
    why: str
    level: str
    level_kind: str
    late: bool
    due: str
    asked: str
    tried: str
    held: str
    current: bool


def request_line(one: Waiting, *, now: datetime, current: str, query: str) -> RequestLine:
    """A request in words."""
    held = _("Mình đang giữ") if one.held_by_me else ""
    if one.held_by and not one.held_by_me:
        held = _("%(name)s đang gọi") % {"name": one.held_by}
    waited = _length(now - one.booking.asked_at)
    url = reverse("booking:request", args=[one.booking.id])
    tried = _("gọi lần %(next)s") % {"next": one.attempts + 1} if one.attempts else ""
    return RequestLine(
        id=one.booking.id,
        url=f"{url}?{query}" if query else url,
        name=one.booking.patient,
        age=spoken.age(one.birth_date, local_day(now)),
        why=" · ".join(filter(None, [one.booking.reason, series_words(one.booking.series_count)])),
        level=level_words(one.level),
        level_kind="urgent" if one.level == "emergency" else "first",
        late=one.late,
        due=_due(one, now=now),
        asked=_("chờ %(time)s") % {"time": waited},
        tried=tried,
        held=held,
        current=one.booking.id == current,
    )


def series_words(count: int) -> str:
    """ "cả chuỗi 12 lượt"; nothing for a single visit."""
    return _("cả chuỗi %(count)s lượt") % {"count": count} if count > 1 else ""


def _due(one: Waiting, *, now: datetime) -> str:
    if one.late:
        return _("quá hạn %(time)s") % {"time": _length(now - one.due)}
    same_day = local_day(one.due) == local_day(now)
    at = words.gio(one.due) if same_day else words.when(one.due)
    if one.next_at is not None and one.next_at > now:
        return _("gọi lại %(time)s") % {"time": at}
    return _("hạn %(time)s") % {"time": at}


def _length(span: timedelta) -> str:
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 60:
        return _("%(count)s phút") % {"count": minutes}
    if minutes < 48 * 60:
        return _("%(count)s giờ") % {"count": minutes // 60}
    return _("%(count)s ngày") % {"count": minutes // 1440}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to, and what it could be."""

    specialties: list[Choice]
    channels: list[Choice]
    departments: list[Choice]
    late: bool
    mine: bool
    narrowed: bool
    left_out: int


def filters(rows: Sequence[Waiting], wanted: Wanted) -> Filters:
    """The values there are in the list, each once, in the order of their words."""
    named = {
        one.specialty_code: one.booking.specialty or one.specialty_code for one in rows if one.specialty_code
    }
    return Filters(
        specialties=_choices(named, wanted.specialty),
        channels=_choices({one.channel: channel_words(one.channel) for one in rows}, wanted.channel),
        departments=_choices(
            {one.department: one.department for one in rows if one.department}, wanted.department
        ),
        late=wanted.late,
        mine=wanted.mine,
        narrowed=wanted != Wanted(),
        left_out=sum(not wanted.fits(one) for one in rows),
    )


def _choices(named: dict[str, str], chosen: str) -> list[Choice]:
    if chosen and chosen not in named:
        named = named | {chosen: chosen}
    return [
        Choice(key, named[key], key == chosen)
        for key in sorted(named, key=lambda one: words.fold(named[one]))
    ]


# -- the script ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen."""

    value: str
    label: str
    chosen: bool
    danger: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """One line of the script. ``kind``: group, display, yes-no, choice, line."""

    name: str
    kind: str
    text: str
    options: list[Option] = field(default_factory=list)
    value: str = ""
    error: bool = False
    mode: str = ""


@dataclass(frozen=True, slots=True)
class ScriptPart:
    """The script as it stands, and what its answers say."""

    title: str
    asks: list[Ask]
    unread: int
    refused: str
    level: str
    emergency: bool
    flags: list[str]
    writable: bool
    save_url: str
    emergency_url: str
    answered: int
    total: int


def script_part(
    script: scripts.Script,
    answers: scripts.Answers,
    *,
    unread: Sequence[str],
    writable: bool,
    save_url: str,
    emergency_url: str,
) -> ScriptPart:
    """Questions in order; those that do not stand are left out."""
    found = scripts.flags(script.form, answers)
    asked = list(scripts.standing(script.form.item, answers))
    questions = [one for one in asked if one.type not in ("group", "display")]
    return ScriptPart(
        title=script.title,
        asks=[_ask(one, answers, unread) for one in asked],
        unread=len(unread),
        refused=", ".join(script.refused),
        level=level_words(found[0].level) if found else "",
        emergency=bool(found) and found[0].level == "emergency",
        flags=[one.text for one in found],
        writable=writable,
        save_url=save_url,
        emergency_url=emergency_url,
        answered=sum((one.linkId or "") in answers for one in questions),
        total=len(questions),
    )


def _ask(item: QuestionnaireItem, answers: scripts.Answers, unread: Sequence[str]) -> Ask:
    text, name = scripts.in_words(item.text, item.text_ext), scripts.name_of(item)
    answer = answers.get(item.linkId or "")
    if item.type in ("group", "display"):
        return Ask(name, item.type or "", text)
    if item.type == "boolean":
        danger = any(one.url == scripts.RED_FLAG for one in item.extension)
        yes = Option("true", _("Có"), answer is True, danger)
        return Ask(name, "yes-no", text, [yes, Option("false", _("Không"), answer is False, False)])
    if item.type == "choice":
        options = [
            Option(
                scripts.code_of(one), scripts.option_words(one), scripts.code_of(one) == answer,
                any(each.url == scripts.RED_FLAG for each in one.extension),
            )
            for one in item.answerOption
        ]  # fmt: skip
        return Ask(name, "choice", text, options)
    mode = {"integer": "numeric", "decimal": "decimal"}.get(item.type or "", "")
    value = "" if answer is None else str(answer).replace(".", ",") if item.type == "decimal" else str(answer)
    return Ask(name, "line", text, value=value, error=(item.linkId or "") in unread, mode=mode)


# -- one request ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Other:
    """Another open booking of the same person."""

    id: str
    when: str
    doctor: str
    state: str
    kind: str
    held: str


@dataclass(frozen=True, slots=True)
class OutwardLine:
    """What the hospital's own system knows of a visit. ``stuck``: a person has to look."""

    kind: str
    words: str
    problem: str
    stuck: bool


def outward_line(row: Outward | None) -> OutwardLine | None:
    """In words; None where the facility has no system of its own."""
    if row is None:
        return None
    if row.state == Outward.State.TOLD:
        at = words.when(row.told_at) if row.told_at else ""
        return OutwardLine(
            "done", _("Hệ thống bệnh viện đã nhận, %(when)s") % {"when": at}, row.receipt, stuck=False
        )
    if row.state == Outward.State.REFUSED:
        return OutwardLine("warn", _("Hệ thống bệnh viện không nhận"), row.problem, stuck=True)
    if row.tries:
        said = _("Chưa gửi được sang hệ thống bệnh viện, đã thử %(count)s lần") % {"count": row.tries}
        return OutwardLine("warn", said, row.problem, stuck=True)
    return OutwardLine("wait", _("Đang gửi sang hệ thống bệnh viện"), "", stuck=False)


@dataclass(frozen=True, slots=True)
class Open:
    """The request the agent has open."""

    id: str
    title: str
    facts: str
    insurance: str
    phone: str
    phone_words: str
    person_url: str
    says: str
    channel: str
    asked: str
    due: str
    chosen: str
    doctor: str
    state: str
    kind: str
    waiting: bool
    booked: bool
    code: str
    held_by_me: bool
    held_by_other: str
    tried: str
    form: CorrectionForm
    refusal: RefusalForm
    unreached: UnreachedForm
    move_reasons: list[tuple[str, str]]
    script: ScriptPart
    days: list[parts.Day]
    day_value: str
    day_words: str
    slots: list[parts.Slot]
    others: list[Other]
    history: list[BookingLine]
    contacts: list[tuple[str, str, str]]
    danger: bool
    outward: OutwardLine | None
    #: What follows here from visits this person missed; empty: nothing.
    missed: str = ""
    #: Full times of the day that the role may still add to, and what it is told of the full times.
    beyond: list[parts.Slot] = field(default_factory=list)
    beyond_words: str = ""


@dataclass(frozen=True, slots=True)
class ScreeningPage:
    """The desk's list and, when one is chosen, the request beside it. ``query``: the filters, kept along."""

    title: str
    place: str
    tabs: list[parts.Tab]
    lines: list[RequestLine]
    filters: Filters
    finished: list[BookingLine]
    done: bool
    topic: str
    list_url: str
    query: str
    #: Whether an exchange is connected, and at which set the agent sits.
    exchange: bool
    extension: str
    open: Open | None = None
    #: Numbers that asked by text and are nobody's account.
    call_backs: list[Line] = field(default_factory=list)


def contact_words(one: Contact, *, now: datetime) -> tuple[str, str, str]:
    """When, what, who."""
    said = {
        "called": _("Giữ để gọi"),
        "taken-over": _("Nhận thay"),
        "unreached": _("Gọi không được"),
        "ended": _("Thôi gọi, đã nhắn"),
        "corrected": _("Sửa thông tin"),
        "flagged": _("Dấu hiệu nguy hiểm"),
        "moved": _("Đổi giờ"),
        "overridden": _("Đổi giờ ngoài luật"),
        "confirmed": _("Xác nhận, đã nhắn mã"),
        "refused": _("Từ chối"),
        "duplicate": _("Trùng lượt khác"),
    }.get(one.kind, one.kind)
    note = "" if one.kind in ("duplicate", "ended") else one.note
    if one.kind == "taken-over":
        note = _("thay %(name)s") % {"name": one.note}
    same_day = local_day(one.at) == local_day(now)
    return (
        words.gio(one.at) if same_day else words.ngay(one.at),
        said,
        " · ".join(filter(None, [one.agent_name, note])),
    )


@dataclass(frozen=True, slots=True)
class CallerRecord:
    """All the desk knows of one person: who they are, how to reach them, what was booked and said."""

    title: str
    facts: str
    insurance: str
    phone: str
    phone_words: str
    address: str
    relatives: list[tuple[str, str, str]]
    coming: list[BookingLine]
    past: list[BookingLine]
    contacts: list[tuple[str, str, str]]
    back: str
