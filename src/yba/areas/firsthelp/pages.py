"""Page objects of first help, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from yba.areas.firsthelp import queries
from yba.areas.firsthelp.data import Book, Hotline, Level, Words
from yba.areas.firsthelp.rules import LIST, NONE, UNSURE, Answers, Screen, Verdict, facts_of
from yba.care import catalogues
from yba.care.free_times import EmergencyPlace, FreeTime
from yba.ui import spoken, words

#: Emergency departments shown at once; the rest are counted.
MOST_PLACES = 6


def said(text: Words | None) -> str:
    return text.of(spoken.language()) if text else ""


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    #: A way out of the list: none of these, not sure.
    apart: bool = False


@dataclass(frozen=True, slots=True)
class AboutData:
    """What this is and is not."""

    version: str
    reviewed: str
    reviewed_by: str
    overdue: bool
    sources: list[str]


@dataclass(frozen=True, slots=True)
class QuestionPage:
    title: str
    screen: str
    token: str
    number: int
    question: str
    help: str
    choices: list[Choice]
    several: bool
    typed: bool
    for_child: bool
    may_go_back: bool
    about: AboutData
    first: bool
    error: str = ""
    begun_anew: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    name: str
    shown: str
    dialled: str
    hours: str


@dataclass(frozen=True, slots=True)
class Time:
    when: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class ResultPage:
    title: str
    level: str
    is_emergency: bool
    is_today: bool
    heading: str
    deed: str
    reasons: list[str]
    unsure: bool
    about_what: list[str]
    advice: list[str]
    hotlines: list[Number]
    places: list[EmergencyPlace]
    places_left: int
    specialty: str
    find_url: str
    times: list[Time]
    signs: list[str]
    token: str
    people: list[Choice]
    may_keep: bool
    for_child: bool
    about: AboutData = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class KeptLine:
    person: str
    when: str
    level: str
    specialty: str
    about: str
    findings: str


@dataclass(frozen=True, slots=True)
class KeptPage:
    title: str
    lines: list[KeptLine]


# -- questions -------------------------------------------------------------------------------------------------


def question_page(
    book: Book,
    screen: Screen,
    answers: Answers,
    token: str,
    *,
    today: date,
    error: str = "",
    begun_anew: bool = False,
) -> QuestionPage:
    """One question as the page shows it."""
    child = "age.child" in facts_of(book, answers)
    question, help_ = _asked(screen, child=child)
    return QuestionPage(
        title=_("Hỏi triệu chứng"),
        screen=screen.id,
        token=token,
        number=len(answers.given) + 1,
        question=question,
        help=help_,
        choices=[Choice(value, said(text) or _own_words(screen, value)) for value, text in screen.choices]
        + _ways_out(screen),
        several=screen.kind == "list",
        typed=screen.kind == "words",
        for_child=child,
        may_go_back=bool(answers.given),
        about=about_data(book, today),
        first=not answers.given,
        error=error,
        begun_anew=begun_anew,
    )


def _asked(screen: Screen, *, child: bool) -> tuple[str, str]:
    """The question, and what helps to answer it."""
    kind, _colon, _name = screen.id.partition(":")
    several = _("Chọn mọi điều đúng.")
    if kind == "flags":
        text = (
            _("%(about)s: bé có dấu hiệu nào sau đây?") if child else _("%(about)s: có dấu hiệu nào sau đây?")
        )
        return text % {"about": said(screen.about)}, several
    if kind == "signs":
        text = _("%(about)s: bé còn điều nào sau đây?") if child else _("%(about)s: còn điều nào sau đây?")
        return text % {"about": said(screen.about)}, several
    if kind == "question":
        return said(screen.text), ""
    return {
        "danger": (_("Ngay lúc này có điều nào sau đây?"), several),
        "age": (_("Người cần giúp bao nhiêu tuổi?"), ""),
        "sex": (_("Là nam hay nữ?"), ""),
        "pregnancy": (_("Có thai hoặc mới sinh?"), _("Một số dấu hiệu nặng hơn khi có thai.")),
        "words": (
            _("Bé khó chịu thế nào?") if child else _("Khó chịu thế nào?"),
            _("Viết như nói, có dấu hay không dấu, ví dụ “dau bung tu hom qua, oi 2 lan”. Không ghi tên."),
        ),
        "confirm": (
            _("Có đúng là có những điều này?"),
            _("Máy hiểu lời vừa viết như sau. Chọn những điều đúng."),
        ),
        "complaint": (_("Điều nào gần nhất?"), ""),
    }[kind]


def _own_words(screen: Screen, value: str) -> str:
    """The words of choices that are not in the data."""
    return {
        "0-3m": _("Dưới 3 tháng"), "3m-2": _("3 tháng đến dưới 2 tuổi"), "2-5": _("2 đến 5 tuổi"),
        "6-11": _("6 đến 11 tuổi"), "12-15": _("12 đến 15 tuổi"), "16-39": _("16 đến 39 tuổi"),
        "40-64": _("40 đến 64 tuổi"), "65": _("65 tuổi trở lên"),
        "female": pgettext("giới tính", "Nữ"), "male": pgettext("giới tính", "Nam"),
        "no": pgettext("thai kỳ", "Không"), "early": _("Có thai, dưới 20 tuần"), "late": _("Có thai, từ 20 tuần"),
        "maybe": _("Trễ kinh, có thể có thai"), "after": _("Sinh hoặc sảy thai trong 6 tuần qua"),
    }[value]  # fmt: skip


def _ways_out(screen: Screen) -> list[Choice]:
    if screen.kind != "list":
        return []
    if screen.id == "confirm":
        return [
            Choice(LIST, _("Còn điều khác, chọn từ danh sách"), apart=True),
            Choice(NONE, _("Không đúng điều nào"), apart=True),
        ]
    return [
        Choice(NONE, _("Không có điều nào"), apart=True),
        Choice(UNSURE, _("Không chắc"), apart=True),
    ]


def about_data(book: Book, today: date) -> AboutData:
    about = book.about
    return AboutData(
        version=about.version,
        reviewed=words.ngay(about.reviewed),
        reviewed_by=said(about.reviewed_by),
        overdue=about.review_due < today,
        sources=[said(one) for one in about.sources],
    )


# -- result ----------------------------------------------------------------------------------------------------


def level_words(level: Level) -> tuple[str, str]:
    """What a level is called and what it asks for."""
    return {
        Level.EMERGENCY: (
            _("Cấp cứu ngay"),
            _("Gọi 115, hoặc đến khoa cấp cứu gần nhất ngay bây giờ. Không tự lái xe, không chờ xem sao."),
        ),
        Level.TODAY: (
            _("Khám trong hôm nay"),
            _("Đến khám trong hôm nay. Hết giờ khám thì đến khoa cấp cứu."),
        ),
        Level.DAYS: (_("Khám trong vài ngày tới"), _("Đặt lượt khám trong 1 đến 3 ngày.")),
        Level.LEISURE: (_("Khám khi thuận tiện"), _("Không gấp. Đặt lượt khám trong vài tuần tới.")),
        Level.SELF_CARE: (
            _("Tự chăm sóc tại nhà"),
            _("Theo dõi tại nhà. Sau 3 ngày không đỡ, hoặc thấy điều gì mới, thì đi khám."),
        ),
    }[level]


def result_page(
    book: Book,
    verdict: Verdict,
    answers: Answers,
    token: str,
    *,
    today: date,
    times: list[FreeTime],
    places: list[EmergencyPlace],
    people: list[tuple[str, str]],
) -> ResultPage:
    """The level, what to do, why, and where to."""
    heading, deed = level_words(verdict.level)
    facts = facts_of(book, answers)
    return ResultPage(
        title=_("Hỏi triệu chứng"),
        level=verdict.level.code,
        is_emergency=verdict.level == Level.EMERGENCY,
        is_today=verdict.level == Level.TODAY,
        heading=heading,
        deed=deed,
        reasons=[said(book.findings[one].say) for one in verdict.reasons],
        unsure=verdict.unsure,
        about_what=[said(one.name) for one in verdict.presentations],
        advice=[said(one.advice) for one in verdict.presentations if one.advice],
        hotlines=_hotlines(book, verdict, facts),
        places=places[:MOST_PLACES],
        places_left=max(len(places) - MOST_PLACES, 0),
        specialty=specialty_name(verdict.specialty),
        find_url=_find_url(verdict),
        times=[_time(one) for one in times],
        signs=[said(book.findings[one].say) for one in book.danger],
        token=token,
        people=[Choice(id_, name) for id_, name in people],
        may_keep=bool(people),
        for_child="age.child" in facts,
        about=about_data(book, today),
    )


def _find_url(verdict: Verdict) -> str:
    """The specialty's doctors; of today, and said so there, where it should be today."""
    said = {"khoa": verdict.specialty} | (
        {"ngay": "nay", "muc": "nay"} if verdict.level == Level.TODAY else {}
    )
    return f"{reverse('booking:find')}?{urlencode(said)}"


def _hotlines(book: Book, verdict: Verdict, facts: frozenset[str]) -> list[Number]:
    names = {one.hotlines for one in verdict.presentations if one.hotlines}
    if "suicide-now" in facts or "overdose" in facts:
        names.add("crisis")
    found: dict[str, Hotline] = {
        one.number: one for name in sorted(names) for one in book.hotlines[name] if one.number != "115"
    }
    return [
        Number(
            said(one.name),
            words.phone(one.number) if len(one.number) > 5 else one.number,
            one.number,
            said(one.hours),
        )
        for one in found.values()
    ]


def specialty_name(code: str) -> str:
    known = catalogues.specialty(code)
    if known is None:
        return ""
    return known.name_en if spoken.language().startswith("en") else known.name_vi


def _time(one: FreeTime) -> Time:
    return Time(
        when=spoken.when(one.start),
        note=" · ".join(filter(None, [one.doctor, one.facility])),
        url=f"{reverse('booking:book', args=[one.role_id])}?gio={one.slot_id}",
    )


# -- kept ------------------------------------------------------------------------------------------------------


def kept_page(book: Book, found: list[queries.Kept]) -> KeptPage:
    return KeptPage(_("Kết quả đã giữ"), [_kept_line(book, one) for one in found])


def _kept_line(book: Book, one: queries.Kept) -> KeptLine:
    level = next((level for level in Level if level.code == one.level), None)
    about = [found for name in one.about if (found := book.presentation(name)) is not None]
    findings = [book.findings[name] for name in one.findings if name in book.findings]
    return KeptLine(
        person=one.person,
        when=", ".join(filter(None, (words.gio(one.at), words.ngay(one.at)))) if one.at else "",
        level=level_words(level)[0] if level is not None else one.level,
        specialty=specialty_name(one.specialty),
        about="; ".join(said(found.name) for found in about),
        findings="; ".join(said(found.say) for found in findings),
    )
