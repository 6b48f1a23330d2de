"""The page objects of booking and how they are filled: from what was read to what is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.booking import queries, rules
from yba.areas.booking.desk import rules as desk
from yba.areas.booking.policies import Standing
from yba.areas.booking.ratings import rules as rated
from yba.care.people import Person
from yba.ui import parts, spoken, words
from yba.ui.words import local_day

if TYPE_CHECKING:
    from yba.areas.booking.forms import BookingForm, CallerForm
    from yba.areas.booking.holding import HeldTime
    from yba.areas.booking.offers import OfferLine
    from yba.areas.booking.ratings.queries import Shown

#: States of a booking: kind of the status sign and the words of it.
_STATES: dict[str, tuple[str, Callable[[], str]]] = {
    "proposed": ("wait", lambda: _("Chờ bệnh viện gọi")),
    "pending": ("wait", lambda: _("Chờ bệnh viện gọi")),
    "booked": ("done", lambda: _("Đã xác nhận")),
    "arrived": ("now", lambda: _("Đã đến")),
    "checked-in": ("now", lambda: _("Đã đến")),
    "fulfilled": ("done", lambda: _("Đã khám")),
    "cancelled": ("off", lambda: _("Đã hủy")),
    "noshow": ("missed", lambda: _("Không đến")),
    "entered-in-error": ("off", lambda: _("Ghi nhầm")),
    "waitlist": ("wait", lambda: _("Chờ có chỗ")),
}


#: Languages a practitioner may speak (BCP 47), in words.
LANGUAGES: Final = {
    "vi": gettext_lazy("Tiếng Việt"), "en": gettext_lazy("Tiếng Anh"), "fr": gettext_lazy("Tiếng Pháp"),
    "zh": gettext_lazy("Tiếng Trung"), "ja": gettext_lazy("Tiếng Nhật"), "ko": gettext_lazy("Tiếng Hàn"),
    "km": gettext_lazy("Tiếng Khmer"), "lo": gettext_lazy("Tiếng Lào"), "hmn": gettext_lazy("Tiếng Mông"),
    "tyz": gettext_lazy("Tiếng Tày"), "cjm": gettext_lazy("Tiếng Chăm"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of several to choose from."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class FindPage:
    """Doctors that fit, each with the next free times."""

    title: str
    q: str
    specialties: list[Choice]
    symptoms: list[Choice]
    places: list[Choice]
    distances: list[Choice]
    days: list[Choice]
    dates: list[Choice]
    day_parts: list[Choice]
    prices: list[Choice]
    languages: list[Choice]
    orders: list[Choice]
    ratings: list[Choice]
    women_only: bool
    video_only: bool
    insured_only: bool
    narrowed: bool
    heading: str
    doctors: list[parts.Doctor]
    left: int
    more_url: str
    any_url: str = ""
    #: First help said that it should be today; said again whatever is asked for here.
    pressing: bool = False
    held: list[HeldTime] = field(default_factory=list)


def doctor_of(post: queries.Post, *, today: date, centre: tuple[float, float] | None = None) -> parts.Doctor:
    """A line of the directory; ``centre``: from where the distance is told."""
    url = reverse("booking:book", args=[post.role_id])
    facts = [
        parts.Fact("map-pin", " · ".join(filter(None, [post.facility, post.place, _away(post, centre)])))
    ]
    facts += [parts.Fact("star", rated.figure_words(post.rated))] if post.rated is not None else []
    facts += [parts.Fact("banknote", spoken.money(post.price))] if post.price else []
    facts += [parts.Fact("door-open", _("Phòng %(room)s") % {"room": post.room})] if post.room else []
    facts += [parts.Fact("video", _("Khám qua video được"))] if post.video else []
    facts += [parts.Fact("shield-check", _("Nhận BHYT"))] if post.insured else []
    spoken_here = [str(LANGUAGES.get(one, one)) for one in post.languages if one != "vi"]
    facts += [parts.Fact("languages", ", ".join(spoken_here))] if spoken_here else []
    return parts.Doctor(
        name=post.name,
        url=url,
        specialty=post.specialty,
        facts=tuple(facts),
        slots=_links(post, url),
        slots_words=_left_words(post, today),
        more_url=url,
        more_words=_("Giờ khác") if post.free else "",
    )


def _away(post: queries.Post, centre: tuple[float, float] | None) -> str:
    """ "2,3 km", as the crow flies; nothing where either place is not known."""
    if centre is None or post.position is None:
        return ""
    kilometres = rules.kilometres(centre, post.position)
    return _("cách %(km)s km") % {"km": f"{kilometres:.1f}".replace(".", ",")}


def _links(post: queries.Post, url: str) -> tuple[parts.Link, ...]:
    if not post.free:
        return ()
    first = local_day(post.free[0].start)
    same = [one for one in post.free if local_day(one.start) == first][:3]
    return tuple(parts.Link(words.gio(one.start), f"{url}?gio={one.id}#gio") for one in same)


def _left_words(post: queries.Post, today: date) -> str:
    if not post.free:
        return _("Hết chỗ trong %(days)s ngày tới.") % {"days": rules.HORIZON_DAYS}
    first = local_day(post.free[0].start)
    if first == today:
        return _("Còn chỗ hôm nay")
    if first == today + timedelta(days=1):
        return _("Còn chỗ mai")
    return _("Còn chỗ %(day)s") % {"day": spoken.day_words(first)}


@dataclass(frozen=True, slots=True)
class RatedPart:
    """How a doctor is rated: the figures in words, what was asked, the newest words with their month."""

    figures: str
    aspects: list[tuple[str, str]]
    words: list[tuple[str, int, str]]


def rated_part(found: Shown) -> RatedPart:
    """The ratings of a doctor in words."""
    return RatedPart(
        rated.figure_words(found.figures),
        [(text, _("%(percent)s%% nói có") % {"percent": percent}) for text, percent in found.aspects],
        [(one.words, one.stars, rated.month_words(one.month)) for one in found.words],
    )


@dataclass(frozen=True, slots=True)
class BookPage:
    """One doctor: days, times, and the form."""

    title: str
    doctor: str
    facts: str
    days: list[parts.Day]
    day: date | None
    day_value: str
    day_words: str
    slots: list[parts.Slot]
    slot: str
    price: str
    form: BookingForm
    taken: str = ""
    services: list[parts.Tab] = field(default_factory=list)
    service: str = ""
    preparation: str = ""
    remote: str = ""
    role_id: str = ""
    ratings: RatedPart | None = None


def days_of(
    times: Sequence[queries.FreeSlot], *, today: date, also: Collection[date] = ()
) -> list[parts.Day]:
    """The days of the horizon, each with how many times are left; ``also``: full ones that may be chosen."""
    days = []
    last = max((local_day(one.start) for one in times), default=today)
    for ahead in range(max(rules.HORIZON_DAYS, (last - today).days + 1)):
        day = today + timedelta(days=ahead)
        of_day = [one for one in times if local_day(one.start) == day]
        free = sum(one.free for one in of_day)
        none = _("hết") if of_day else _("nghỉ")
        note = _("còn %(count)s") % {"count": free} if free else none
        days.append(parts.Day(day.isoformat(), day, note=note, disabled=not free and day not in also))
    return days


def slots_on(times: Sequence[queries.FreeSlot], day: date | None) -> list[parts.Slot]:
    """The times of a day, taken ones shown as such."""
    return [
        parts.Slot(one.id, one.start.astimezone(words.HANOI), disabled=not one.free)
        for one in times
        if day is not None and local_day(one.start) == day
    ]


def taken_short(start: datetime) -> str:
    """ "Giờ 9:30 vừa có người đặt."."""
    return _("Giờ %(time)s vừa có người đặt.") % {"time": words.gio(start)}


def taken_words(start: datetime, free: Sequence[datetime]) -> str:
    """ "Giờ 9:30 vừa có người đặt. Còn 10:00 và 11:00."."""
    left = [words.gio(one) for one in rules.nearest(free, start)]
    said = taken_short(start)
    if not left:
        return f"{said} {_('Ngày này không còn giờ nào. Chọn ngày khác.')}"
    return f"{said} {_('Còn %(times)s.') % {'times': _(' và ').join(left)}}"


@dataclass(frozen=True, slots=True)
class BookingLine:
    """A booking in a citizen's list, or alone on its slip."""

    id: str
    when: str
    start: datetime | None
    day: str
    patient: str
    doctor: str
    place: str
    room: str
    specialty: str
    reason: str
    symptoms: str
    code: str
    kind: str
    state: str
    refusal: str
    cancellable: bool
    waiting: bool
    booked: bool
    question: str
    video: bool = False
    movable: bool = False
    called_by: datetime | None = None
    #: The series it is of, and "Lượt 3 của chuỗi".
    series: str = ""
    in_series: str = ""


def line_of(one: queries.Booking, *, now: datetime, facility: str = "") -> BookingLine:
    """A booking in words."""
    kind, state = _STATES.get(one.status, ("wait", lambda: one.status))
    when = spoken.when(one.start) if one.start else ""
    open_still = one.status in rules.OPEN | {"waitlist"} and (one.start is None or one.start > now)
    return BookingLine(
        id=one.id,
        when=when,
        start=one.start,
        day=words.ngay(one.start) if one.start else "",
        patient=one.patient,
        doctor=one.doctor,
        place=facility,
        room=one.room,
        specialty=one.specialty,
        reason=one.reason,
        symptoms=one.symptoms,
        code=one.code,
        kind=kind,
        state=_("Bệnh viện không nhận") if one.status == "cancelled" and one.refusal else state(),
        refusal=one.refusal,
        cancellable=open_still,
        waiting=one.status in rules.WAITING,
        booked=one.status == "booked",
        question=_("Hủy lượt khám %(when)s?") % {"when": when} if when else _("Hủy lượt khám này?"),
        video=one.video,
        movable=open_still and one.start is not None,
        called_by=called_by(one.asked_at, now),
        series=one.series,
        in_series=_("Lượt %(number)s của chuỗi") % {"number": one.number} if one.series else "",
    )


@dataclass(frozen=True, slots=True)
class MinePage:
    """A citizen's bookings: those to come, and those behind."""

    title: str
    coming: list[BookingLine]
    past: list[BookingLine]
    topics: list[str] = field(default_factory=list)
    held: list[HeldTime] = field(default_factory=list)
    offers: list[OfferLine] = field(default_factory=list)
    #: Whether missed visits have a consequence they should know of, or can appeal.
    missed: bool = False


@dataclass(frozen=True, slots=True)
class SlipPage:
    """One booking: what is held, what happens next, the code to show."""

    title: str
    line: BookingLine
    sentence: str
    hotline: str
    price: str
    topic: str
    reasons: list[tuple[str, str]] = field(default_factory=list)
    #: The start as it is shown here, for an act sent later.
    seen: str = ""
    #: What the service asks to be prepared, as it was shown when the time was chosen.
    preparation: str = ""


@dataclass(frozen=True, slots=True)
class MovePage:
    """Another time for one booking."""

    title: str
    line: BookingLine
    doctor: str
    facts: str
    days: list[parts.Day]
    day_value: str
    day_words: str
    slots: list[parts.Slot]
    slot: str
    refused: str = ""


def standing_words(one: Standing) -> str:
    """What follows from missed visits: why, what, and until when."""
    said = {"count": one.count, "within": one.within, "until": spoken.when(one.until)}
    if one.kind == "closed":
        return _("Lỡ %(count)s lượt trong %(within)s ngày: chưa đặt qua ứng dụng được đến %(until)s.") % said
    return (
        _("Lỡ %(count)s lượt trong %(within)s ngày: đến %(until)s, cơ sở gọi điện rồi mới xác nhận.") % said
    )


def called_by(asked_at: datetime, now: datetime) -> datetime | None:
    """By when the care desk calls somebody who asked, by its hours; None when that has passed."""
    due = desk.due_at(asked_at, level="routine", specialty="")
    return due if due > now else None


def waiting_words(when: str, by: datetime | None) -> str:
    """What somebody is told whose time is held until the desk has called."""
    if by is None:
        return _("Đã giữ chỗ %(when)s. Bệnh viện gọi chậm hơn đã hẹn, xin chờ thêm.") % {"when": when}
    return _("Đã giữ chỗ %(when)s. Bệnh viện gọi lại trước %(by)s.") % {"when": when, "by": spoken.when(by)}


def held_words(line: BookingLine) -> str:
    """What has come of a request, in a sentence."""
    if not line.when:  # asked for elsewhere, and given no time yet (app-3 lets it be absent)
        return _("Bệnh viện chưa xếp giờ.") if line.cancellable else line.state
    if line.waiting:
        return waiting_words(line.when, line.called_by)
    if line.booked and line.video:
        return _("Đã xác nhận %(when)s, khám qua video. Phòng mở trước 15 phút.") % {"when": line.when}
    if line.booked:
        return _("Đã xác nhận %(when)s. Đến trước 15 phút và đưa mã cho bàn tiếp đón.") % {"when": line.when}
    if line.refusal:
        return _("Bệnh viện không nhận lượt %(when)s. %(reason)s") % {
            "when": line.when,
            "reason": line.refusal,
        }
    if line.when:
        return f"{line.state}: {line.when}"
    return _("Đang chờ có chỗ. Có ai trả giờ là nhắn ngay.") if line.cancellable else line.state


# -- for a caller ---------------------------------------------------------------------------------------


def person_facts(person: Person, *, today: date) -> str:
    """Age, sex, citizen number, home."""
    parts_ = [
        ", ".join(filter(None, [spoken.age(person.birth_date, today), spoken.gender(person.gender)])),
        spoken.citizen_number(person.citizen_number, claimed=person.claimed),
        person.commune or person.address,
    ]
    return " · ".join(filter(None, parts_))


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person found, and where to go on with them."""

    name: str
    note: str
    url: str
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class CallerPage:
    """Booking for a caller: the person, then doctor and day, then time and reason."""

    title: str
    q: str
    found: list[PersonLine]
    searched: bool
    patient_id: str
    name: str
    facts: str
    doctors: list[Choice]
    role_id: str
    days: list[parts.Day]
    day_value: str
    day_words: str
    slots: list[parts.Slot]
    slot: str
    form: CallerForm
    #: Full times of the day that the role may still add to, and what it is told of the full times.
    beyond: list[parts.Slot] = field(default_factory=list)
    beyond_words: str = ""
    taken: str = ""
    by_video: bool = False
    series_url: str = ""
    #: The number of a call-back asked for by text, and what is held for it.
    by_text: int = 0
    by_text_words: str = ""
