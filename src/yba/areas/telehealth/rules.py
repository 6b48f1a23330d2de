"""What a video visit may do when: pure verdicts, no reading and no writing.

States of a call and what FHIR calls the visit meanwhile (valueset-encounter-status). The exact state stands in the
Encounter's extension `STEP`, one entry a step, since FHIR has one word for several of them:

    opened    planned      the doctor sits there, the person has not come
    waiting   arrived      the person is in the waiting room
    admitted  in-progress  the doctor let the person in
    in-call   in-progress  both are connected
    phone     onleave      fell back: the person is called by telephone
    ended     in-progress  the call is over, the note is not signed (signing makes it `finished`)
    rebooked  cancelled    fell back: another time, free of charge
    missed    cancelled    somebody did not come
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.care.refusal import Refusal, refuse
from yba.care.remote import mode
from yba.fhir.r4.appointment import Appointment
from yba.ui import words

State = Literal["opened", "waiting", "admitted", "in-call", "phone", "ended", "rebooked", "missed"]
STATUS: Final[Mapping[str, str]] = {
    "opened": "planned", "waiting": "arrived", "admitted": "in-progress", "in-call": "in-progress", "phone": "onleave",
    "ended": "in-progress", "rebooked": "cancelled", "missed": "cancelled",
}  # fmt: skip
#: From which state a step leads where. Whoever asks for a step that leads nowhere is told so, and nothing happens.
LEADS: Final[Mapping[str, frozenset[str]]] = {
    "opened": frozenset({"waiting", "missed", "rebooked"}),
    "waiting": frozenset({"admitted", "phone", "missed", "rebooked"}),
    "admitted": frozenset({"in-call", "phone", "ended", "rebooked", "missed"}),
    "in-call": frozenset({"phone", "ended", "rebooked"}),
    "phone": frozenset({"in-call", "ended", "rebooked"}),
    "ended": frozenset(),
    "rebooked": frozenset(),
    "missed": frozenset(),
}
#: In which the room still takes people in.
OPEN: Final = frozenset({"opened", "waiting", "admitted", "in-call", "phone"})
#: The rungs of the ladder, highest first; each is recorded in the visit when it is reached.
LADDER: Final = ("video", "low", "audio", "phone", "rebooked")
#: What the page itself may step to: the others are acts of their own.
PAGE_RUNGS: Final = ("video", "low", "audio")

OPENS_BEFORE: Final = timedelta(minutes=15)
#: A doctor may be late: the room stays open for so long after the end of the booked time.
STAYS_AFTER: Final = timedelta(minutes=60)
#: Who has not come by then has not come.
GRACE: Final = timedelta(minutes=15)
#: A page tells every few seconds that it is there; who is silent for longer is gone.
GONE_AFTER: Final = timedelta(seconds=20)
#: Whoever follows a link has so many tries at the birth date in an hour.
MOST_GUESSES: Final = 5
GUESSES_WITHIN: Final = timedelta(hours=1)
#: An invitation is for this visit: it is followed within two hours, and ends with the room.
INVITED_FOR: Final = timedelta(hours=2)
#: A picture of each goes to each: with more than four an ordinary line is full.
MOST_IN_CALL: Final = 4
MOST_INVITED: Final = 4
_NAME: Final = re.compile(r"[^\W\d_][\w .'’-]{1,79}")

COMING: Final = frozenset({"booked", "arrived", "checked-in"})


@dataclass(frozen=True, slots=True)
class Hours:
    """When a visit takes place, and when its room is open."""

    starts: datetime
    ends: datetime

    @property
    def opens(self) -> datetime:
        return self.starts - OPENS_BEFORE

    @property
    def closes(self) -> datetime:
        return self.ends + STAYS_AFTER


def moment(text: str) -> datetime:
    """A FHIR instant as an aware time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def hours_of(appointment: Appointment) -> Hours | None:
    """Its hours; None where it has no time."""
    if not appointment.start or not appointment.end:
        return None
    return Hours(moment(appointment.start), moment(appointment.end))


def entering(appointment: Appointment, *, now: datetime) -> Refusal | None:
    """Why nobody may go into the room of this visit now."""
    hours = hours_of(appointment)
    if not mode.is_video(appointment) or hours is None:
        return refuse("video.not-video", _("Lượt này không phải khám qua video. Đến cơ sở theo giờ hẹn."))
    if appointment.status not in COMING:
        known = {
            "pending": _("Lượt này chưa được xác nhận. Bệnh viện gọi lại rồi mới vào được."),
            "proposed": _("Lượt này chưa được xác nhận. Bệnh viện gọi lại rồi mới vào được."),
        }
        over = _("Lượt này đã hủy hoặc đã xong, không vào được nữa.")
        return refuse("video.not-booked", known.get(appointment.status or "", over))
    if now < hours.opens:
        return refuse(
            "video.early", _("Phòng mở lúc %(when)s, trước giờ khám 15 phút."), when=words.when(hours.opens)
        )
    if now >= hours.closes:
        return refuse("video.late", _("Giờ khám này đã qua. Đặt giờ khác hoặc gọi bệnh viện."))
    return None


def may_step(state: str, wanted: str) -> bool:
    """Whether a call may go from one state to another; where it is already is no step."""
    return wanted in LEADS.get(state, frozenset())


def verdict_at_close(*, doctor_came: bool, patient_came: bool) -> Literal["no-show", "doctor-missed", "held"]:
    """Whose absence it was when a room closes: a no-show only where the doctor was there and the person never.

    By whose seat joined (the token of the visit), never by who was signed in somewhere.
    """
    if patient_came:
        return "held" if doctor_came else "doctor-missed"
    return "no-show" if doctor_came else "doctor-missed"


def invited_name(text: str) -> str | Refusal:
    """The name somebody is invited under, as both sides read it."""
    name = " ".join(text.split())
    if not _NAME.fullmatch(name):
        return refuse("video.name", _("Ghi họ tên người được mời, ít nhất hai chữ cái, không ký hiệu lạ."))
    return name


def same_birth(told: date, known: str | None) -> bool:
    """Whether a birth date is the one on record, as precise as the record is."""
    return bool(known) and told.isoformat()[: len(known or "")] == known


def is_here(seen_at: datetime | None, *, now: datetime) -> bool:
    """Whether a page that told of itself then still sits there."""
    return seen_at is not None and now - seen_at <= GONE_AFTER
