"""What a person may do with a book: decided without I/O."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from yba.areas.citizen.privacy.models import BookCopy
from yba.areas.citizen.rules import Own
from yba.care.privacy import rules
from yba.care.refusal import Refusal, refuse


def copy_refusal(own: Own, *, today: date) -> Refusal | None:
    """Why no copy of this book is made for this account: an adult of the family asks for their own."""
    if rules.may_take_copy(own=own.is_self, birth_date=own.person.birth_date, today=today):
        return None
    return refuse(
        "copy.adult",
        _("%(name)s đã từ 16 tuổi nên tự xin bản sao, bằng tài khoản của mình hoặc tại quầy."),
        name=own.person.name,
    )


def state_now(copy: BookCopy, now: datetime) -> str:
    """The state as it is at a moment: what has run out is expired, whether or not it was swept."""
    if copy.state == BookCopy.State.READY and copy.expires_at is not None and copy.expires_at <= now:
        return BookCopy.State.EXPIRED
    return copy.state
