"""The clock of a breach and what must be done before it is closed: decided without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from django.utils.translation import gettext_lazy as _

from yba.areas.administration.privacy.models import Breach
from yba.care.privacy.rules import BREACH_KEPT_YEARS, NOTICE_WITHIN
from yba.care.refusal import Refusal, refuse

Clock = Literal["running", "late", "in-time", "reported-late", "not-needed"]


def due_at(detected: datetime) -> datetime:
    """When the authority must know: the clock starts when the breach was found, not when it happened."""
    return detected + NOTICE_WITHIN


def clock_of(breach: Breach, now: datetime) -> Clock:
    """How the notice to the authority stands."""
    if breach.reported_at is not None:
        return "in-time" if breach.reported_at <= breach.due_at else "reported-late"
    if breach.unreported_because:
        return "not-needed"
    return "running" if now <= breach.due_at else "late"


@dataclass(frozen=True, slots=True)
class Left:
    """Whole hours and minutes to go, or since the time ran out."""

    hours: int
    minutes: int
    late: bool


def left(breach: Breach, now: datetime) -> Left:
    distance = breach.due_at - now
    late = distance < timedelta(0)
    minutes = int(abs(distance).total_seconds() // 60)
    return Left(minutes // 60, minutes % 60, late)


def times_refusal(*, detected: datetime, happened: datetime | None, now: datetime) -> Refusal | None:
    """Whether the times of an entry can be."""
    if detected > now:
        return refuse("breach.future", _("Lúc phát hiện nằm ở phía trước."))
    if happened is not None and happened > detected:
        return refuse("breach.order", _("Sự việc xảy ra sau lúc phát hiện thì không đúng."))
    return None


def notice_refusal(breach: Breach, *, at: datetime, now: datetime) -> Refusal | None:
    """Whether a notice could have been sent at a time."""
    if at > now:
        return refuse("breach.future", _("Lúc báo nằm ở phía trước."))
    if at < breach.detected_at:
        return refuse("breach.order", _("Chưa phát hiện thì chưa báo được: xem lại giờ báo."))
    return None


def close_refusal(breach: Breach) -> Refusal | None:
    """What is still missing before a breach can be closed."""
    if breach.closed_at is not None:
        return refuse("breach.closed", _("Vi phạm này đã khép lại."))
    if breach.reported_at is None and not breach.unreported_because:
        return refuse("breach.unreported", _("Báo cơ quan chuyên trách, hoặc ghi vì sao không phải báo."))
    if breach.must_tell and breach.told_at is None:
        return refuse(
            "breach.untold", _("Có dữ liệu sinh trắc hoặc vị trí: báo cho người bị ảnh hưởng trước.")
        )
    if not breach.measures.strip():
        return refuse("breach.measures", _("Ghi việc đã làm để khắc phục."))
    return None


def kept_until(closed: date) -> date:
    """The file is kept at least five years (NĐ 356/2025 Đ29)."""
    return date(closed.year + BREACH_KEPT_YEARS, 12, 31)
