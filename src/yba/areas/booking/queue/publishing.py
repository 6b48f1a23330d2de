"""The published rule of the line in words: for the public page, the wall, and "why am I where I am"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from yba.care.line import order
from yba.care.line.models import Ticket
from yba.ui import spoken


@dataclass(frozen=True, slots=True)
class ClassLine:
    """One class of the order."""

    name: str
    why: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RulePage:
    """Who is called next, and why: for everybody."""

    title: str
    classes: tuple[ClassLine, ...]
    sentences: tuple[str, ...]
    version: str


def rule_page() -> RulePage:
    """The rule in force, every number of it from the file."""
    known = order.rule()
    return RulePage(
        title=_("Thứ tự được mời"),
        classes=tuple(
            ClassLine(_said(one.name), _said(one.why), tuple(_said(each) for each in one.sources))
            for one in known.classes
        ),
        sentences=_sentences(known),
        version=known.version,
    )


def _sentences(known: order.Rule) -> tuple[str, ...]:
    return (
        _("Không ai bị người đến sau vượt quá %(times)s lần, trừ cấp cứu.") % {"times": known.most_passed},
        _("Có hẹn và đến đúng giờ: được mời trong vòng %(minutes)s phút từ giờ hẹn.")
        % {"minutes": _minutes(known.booked_within)},
        _("Được mời %(calls)s lần mà chưa vào là lỡ lượt, số vẫn giữ.") % {"calls": known.calls},
        _(
            "Trở lại trong %(minutes)s phút: xếp sau %(behind)s người. Trở lại muộn hơn: xếp cuối hàng. "
            "Quá %(most)s lần thì lấy số mới."
        )
        % {
            "minutes": _minutes(known.rejoin_within),
            "behind": known.rejoin_behind,
            "most": known.rejoin_most,
        },
        _("Cần đi đâu một lúc: báo nhân viên, chỗ được giữ %(minutes)s phút.")
        % {"minutes": _minutes(known.park_most)},
    )


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def _said(words: Mapping[str, str]) -> str:
    return words.get(spoken.language(), words["vi"])


def class_names() -> tuple[str, ...]:
    """The classes in their order, in short."""
    return tuple(_said(one.name) for one in order.rule().classes)


@dataclass(frozen=True, slots=True)
class Before:
    """So many of a class are before one."""

    count: int
    name: str


def why(before: Sequence[Ticket], *, now: datetime) -> tuple[Before, ...]:
    """Who is before, by the classes of the rule: how many, never who."""
    counted = Counter(order.class_of(one, now=now) for one in before)
    return tuple(
        Before(counted[one.key], _said(one.name)) for one in order.rule().classes if counted[one.key]
    )
