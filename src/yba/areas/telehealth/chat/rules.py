"""What may be said in a conversation, when an answer is due, how grave a wait is: pure verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from yba.areas.telehealth.chat.threads import Thread
from yba.care.refusal import Refusal, refuse
from yba.care.remote import office
from yba.care.remote.office import Office

#: Longer than any message of a person; a paper is attached.
LONGEST: Final = 4000
LONGEST_REASON: Final = 300
MOST_FILES: Final = 4
#: Messages shown at once; the earlier ones by a link.
SHOWN: Final = 60
#: Conversations a page of the team's list shows.
LISTED: Final = 50
#: What a conversation may begin with, and whose it is then.
ABOUT: Final = ("Appointment", "Encounter", "DiagnosticReport")
STAFF: Final = ("doctor", "nurse", "head_of_department")


@dataclass(frozen=True, slots=True)
class Promise:
    """When an answer is due, and whether the office is open now."""

    by: datetime
    open: bool


def promise(found: Office, at: datetime) -> Promise:
    """Until when what is written at a moment will be answered."""
    return Promise(office.answer_by(found, at), office.is_open(found, at))


def saying(text: str, files: int) -> Refusal | None:
    """Why a message can't be sent."""
    if not text.strip() and not files:
        return refuse("chat.empty", _("Viết vài chữ, hoặc gắn ảnh, giấy tờ, lời ghi âm."))
    if len(text) > LONGEST:
        return refuse(
            "chat.long", _("Tin dài %(count)s ký tự, nhiều nhất %(most)s. Chia thành nhiều tin."),
            count=len(text), most=LONGEST,
        )  # fmt: skip
    return None


def unanswerable() -> Refusal:
    """Nobody at the facility treats this person any more, so nobody there could read what they write."""
    return refuse(
        "chat.over",
        _(
            "Cơ sở không còn theo dõi lần khám này nên không ai đọc được tin mới. Đặt lịch khám để được hỏi tiếp."
        ),
    )


def is_late(found: Office, thread: Thread, *, now: datetime) -> bool:
    """Whether a person waits longer than they were told."""
    return thread.since is not None and now > office.answer_by(found, thread.since)


def waits(thread: Thread, *, now: datetime) -> timedelta:
    """For how long the person waits."""
    return now - thread.since if thread.since else timedelta()
