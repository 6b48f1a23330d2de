"""What ratings decide: figures in words, words that tell too much, what may be disputed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.care.refusal import Refusal, refuse
from yba.fhir.access import labels
from yba.fhir.model.fold import fold_words
from yba.ui import spoken

#: So many ratings before an average, a count or words are shown: with fewer one could tell who said what.
ENOUGH: Final = 5
MOST_WORDS: Final = 600
#: Averages somebody may ask for, in tenths of a star.
LEAST: Final = (40, 45)
STARS: Final = {
    1: gettext_lazy("Rất không hài lòng"), 2: gettext_lazy("Không hài lòng"), 3: gettext_lazy("Tạm được"),
    4: gettext_lazy("Hài lòng"), 5: gettext_lazy("Rất hài lòng"),
}  # fmt: skip
#: Why somebody says that a rating should not be shown.
REASONS: Final = {
    "not-here": gettext_lazy("Nhầm bác sĩ hoặc nhầm cơ sở"),
    "insult": gettext_lazy("Xúc phạm, lời lẽ thô tục"),
    "private": gettext_lazy("Lộ chuyện riêng của ai đó"),
    "advert": gettext_lazy("Quảng cáo, không nói về lần khám"),
    "untrue": gettext_lazy("Sai sự thật, có giấy tờ chứng minh"),
    "other": gettext_lazy("Lý do khác"),
}
_NUMBER: Final = re.compile(r"(?:\d[\s.\-]?){8,}")
_ADDRESS: Final = re.compile(r"\S+@\S+|https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a visit. ``answers``: question -> ``yes``, ``partly``, ``no``, of what was answered."""

    stars: int
    answers: Mapping[str, str] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """How somebody is rated: how many ratings, and their stars together."""

    count: int = 0
    sum: int = 0

    @property
    def enough(self) -> bool:
        return self.count >= ENOUGH

    @property
    def average(self) -> Decimal:
        """With one decimal, halves up: the number shown is the number ordered by."""
        return (Decimal(self.sum) / max(self.count, 1)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def figure_words(figures: Figures) -> str:
    """ "4,6 trên 5 · 23 đánh giá", or that there are not enough."""
    if not figures.enough:
        return _("Chưa đủ đánh giá")
    return _("%(average)s trên 5 · %(count)s đánh giá") % {
        "average": spoken.decimal(figures.average),
        "count": figures.count,
    }


def month_words(day: date) -> str:
    """ "tháng 11/2026"."""
    return _("tháng %(month)s/%(year)s") % {"month": day.month, "year": day.year}


def words_refusal(words: str, *, names: tuple[str, ...]) -> Refusal | None:
    """Why words can't be shown as they are: everybody reads them. ``names``: of the person and of who writes."""
    plain = f" {' '.join(fold_words(words))} "
    if any(len(fold_words(one)) > 1 and f" {' '.join(fold_words(one))} " in plain for one in names):
        return refuse(
            "rating.name", gettext_lazy("Lời viết có họ tên người khám. Ai cũng đọc được: bỏ tên ra rồi gửi.")
        )
    if _NUMBER.search(words) or _ADDRESS.search(words):
        return refuse(
            "rating.number",
            gettext_lazy(
                "Lời viết có số điện thoại, số giấy tờ hoặc địa chỉ. Ai cũng đọc được: bỏ ra rồi gửi."
            ),
        )
    if any(f" {one} " in plain for one in labels.rules().words):
        return refuse(
            "rating.health",
            gettext_lazy("Lời viết có tên bệnh hoặc thuốc nhạy cảm. Ai cũng đọc được: bỏ ra rồi gửi."),
        )
    return None
