"""The page objects of the chat."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from yba.areas.telehealth.chat import rules
from yba.areas.telehealth.chat.forms import HandOverForm, HoursForm, SayForm
from yba.areas.telehealth.chat.threads import ANSWERED, File, Said, Thread
from yba.care.chart import Chart
from yba.care.remote.office import Office
from yba.fhir.r4.appointment import Appointment
from yba.ui import spoken, words
from yba.ui.words import HANOI, local_day


def address(name: str, *args: str) -> str:
    """An address of another area, empty where this house does not have it."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def topic_words(thread: Thread) -> str:
    """What a conversation is about: a booking, a visit or a result, with its day."""
    kind = {
        "Appointment": _("Lượt hẹn"), "Encounter": _("Lần khám"), "DiagnosticReport": _("Kết quả"),
    }.get(thread.about[0] if thread.about else "", "")  # fmt: skip
    return " ".join(filter(None, [kind, thread.topic])) or _("Hỏi đáp")


def age_words(wait: timedelta) -> str:
    """How long somebody waits, in the largest whole unit."""
    minutes = int(wait.total_seconds() // 60)
    if minutes < 60:
        return ngettext("%(n)s phút", "%(n)s phút", max(minutes, 0)) % {"n": max(minutes, 0)}
    if minutes < 48 * 60:
        return ngettext("%(n)s giờ", "%(n)s giờ", minutes // 60) % {"n": minutes // 60}
    return ngettext("%(n)s ngày", "%(n)s ngày", minutes // 1440) % {"n": minutes // 1440}


def promise_words(found: Office, at: datetime) -> str:
    """The sentence beside the field: until when what is written now is answered."""
    due = rules.promise(found, at)
    when = {"when": spoken.when(due.by)}
    if due.open:
        return _("Thường trả lời trước %(when)s.") % when
    return _("Ngoài giờ làm việc. Trả lời trước %(when)s.") % when


# -- messages ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileView:
    """Something attached, as the page shows it."""

    url: str
    name: str
    size: str
    picture: bool
    sound: bool
    down: str
    message: str
    number: int


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message; ``day``: the words of its day where it is the first of it; ``seen``: the other side opened it."""

    id: str
    mine: bool
    name: str
    text: str
    time: str
    day: str
    deed: str
    urgent: bool
    seen: bool
    files: tuple[FileView, ...]


def deed_words(one: Said) -> str:
    """What the team did, in the reader's language."""
    return {
        "invited": _("Nên gặp để khám. Chọn giờ khám bằng nút Đặt lịch khám."),
        "closed": _("Cuộc trò chuyện đã kết thúc. Viết tiếp ở đây khi cần hỏi thêm."),
        "handed-over": _("%(by)s chuyển cuộc trò chuyện cho %(to)s.") % {"by": one.name, "to": one.to},
    }.get(one.deed, one.text)


def bubbles(thread: Thread, said: Sequence[Said], *, side: str) -> tuple[Bubble, ...]:
    """The messages as one side reads them."""
    read = thread.read_by_staff() if side == "person" else thread.read_by_person()
    found: list[Bubble] = []
    last = None
    for one in said:
        day = local_day(one.at) if one.at else None
        mine = one.of_person == (side == "person")
        found.append(
            Bubble(
                one.id, mine, one.name, deed_words(one), words.gio(one.at) if one.at else "",
                spoken.day_words(day) if day and day != last else "", one.deed, one.urgent,
                mine and read is not None and one.at is not None and read >= one.at,
                tuple(_file_view(thread.id, one.id, each) for each in one.files),
            )
        )  # fmt: skip
        last = day
    return tuple(found)


def _file_view(thread: str, message: str, one: File) -> FileView:
    size = (
        f"{one.size / 1024 / 1024:.1f}{words.NBSP}MB"
        if one.size >= 1024 * 1024
        else f"{max(one.size // 1024, 1)}{words.NBSP}kB"
    )
    if spoken.language() != "en":
        size = size.replace(".", ",")
    url = reverse("telehealth:chat-file", args=[thread, message, one.number])
    return FileView(url, one.name, size, one.picture, one.sound, one.down, message, one.number)


@dataclass(frozen=True, slots=True)
class Log:
    """The part of a page that is fetched again. ``mark``: of all it shows; where it is the same nothing is swapped,
    so that a sound that is heard goes on."""

    bubbles: tuple[Bubble, ...]
    topic: str
    url: str
    earlier: str
    alarm: bool
    staff: bool
    taking_down: str = ""
    mark: str = ""


def log(
    thread: Thread,
    said: Sequence[Said],
    *,
    side: str,
    url: str,
    pages: int,
    more: bool,
    taking_down: str = "",
) -> Log:
    """The messages of a conversation. The alarm stands as long as the team has not answered."""
    found = bubbles(thread, said, side=side)
    alarm = thread.urgent and not thread.closed
    mark = hashlib.sha256(repr((found, alarm)).encode()).hexdigest()[:16]
    again = f"{url}?trang={pages}&dau={mark}"
    return Log(
        found, f"chat:{thread.id}", again, f"{url}?trang={pages + 1}" if more else "",
        alarm=alarm, staff=side == "staff", taking_down=taking_down, mark=mark,
    )  # fmt: skip


# -- the person's pages ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A conversation in the person's list."""

    url: str
    title: str
    note: str
    when: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True)
class ChatsPage:
    """The person's conversations, and what they may ask about."""

    title: str
    lines: tuple[Line, ...]
    ask: tuple[Line, ...]
    topics: tuple[str, ...] = ()


def line(thread: Thread, *, own: str, facility: str) -> Line:
    """A conversation as its person reads it in the list."""
    kind, state = ("off", _("Đã kết thúc")) if thread.closed else ("wait", _("Chờ trả lời"))
    if not thread.closed and thread.status == ANSWERED:
        kind, state = "done", _("Đã trả lời")
    if thread.unread_for(f"Patient/{own}"):
        kind, state = "call", _("Tin mới")
    moments = [one for one in (thread.person_last, thread.staff_last) if one]
    who = "" if thread.patient == own else thread.patient_name
    return Line(
        reverse("telehealth:chat", args=[thread.id]), thread.doctor_name or facility or _("Cơ sở khám"),
        ", ".join(filter(None, [topic_words(thread), who])), spoken.when(max(moments)) if moments else "", kind, state,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChatPage:
    """A conversation, or the first message of one (``log`` None), as the person sees it.

    ``alarm``: what was not sent has a word of alarm in it.
    """

    title: str
    about: str
    facility: str
    hotline: str
    log: Log | None
    form: SayForm
    action: str
    promise: str
    refusal: str = ""
    book_url: str = ""
    visit_url: str = ""
    visit_words: str = ""
    patient: str = ""
    alarm: bool = False


def visit_link(found: Appointment | None) -> str:
    """The words of the next visit with this doctor."""
    return spoken.when(found.start) if found is not None and found.start else ""


# -- the team's pages --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the team's list."""

    url: str
    name: str
    about: str
    doctor: str
    wait: str
    late: bool
    urgent: bool
    unread: bool
    kind: str
    state: str


def row(thread: Thread, *, office: Office, now: datetime, own: str) -> Row:
    """A conversation as the team reads it in the list."""
    waits = thread.status == "in-progress"
    kind, state = ("wait", _("Chờ trả lời")) if waits else ("done", _("Đã trả lời"))
    if thread.closed:
        kind, state = "off", _("Đã kết thúc")
    moment = thread.since.astimezone(HANOI) if thread.since else None
    return Row(
        reverse("telehealth:talk", args=[thread.id]), thread.patient_name, topic_words(thread), thread.doctor_name,
        age_words(rules.waits(thread, now=now)) if waits else (spoken.when(moment) if moment else ""),
        waits and rules.is_late(office, thread, now=now), thread.urgent and waits,
        thread.unread_for(own), kind, state,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class InboxPage:
    """The team's conversations: the unanswered first."""

    title: str
    waiting: tuple[Row, ...]
    answered: tuple[Row, ...]
    mine: bool
    may_mine: bool
    topic: str
    url: str
    more_waiting: str = ""
    more_answered: str = ""


@dataclass(frozen=True, slots=True)
class TalkPage:
    """A conversation as the team sees it, with the record beside it. ``waits``: somebody else has to answer, too."""

    title: str
    about: str
    about_url: str
    doctor: str
    log: Log | None
    form: SayForm
    action: str
    chart: Chart | None
    facts: str = ""
    phone: str = ""
    closed: bool = False
    hand: HandOverForm | None = None
    urls: dict[str, str] = field(default_factory=dict)
    follow_url: str = ""
    late: str = ""
    visit_words: str = ""
    refusal: str = ""
    waits: bool = False
    handed: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class HoursPage:
    """When the facility answers."""

    title: str
    form: HoursForm
    set_: bool
    example: str
