"""The page objects of telehealth: typed values the templates see, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.forms import Form
from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.telehealth import encounters, rules
from yba.areas.telehealth.forms import IDENTITIES
from yba.areas.telehealth.models import Room, Seat
from yba.areas.telehealth.queries import Due
from yba.care import people
from yba.care.messages.standing import taking_part
from yba.care.privacy.tables import Text
from yba.care.refusal import Refusal
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.slot import Slot
from yba.fhir.r4.task import Task
from yba.ui import parts, spoken, words
from yba.ui.words import local_day


def state_words(state: str) -> tuple[str, str]:
    """Kind of status and words of a state, in the reader's language."""
    return {
        "opened": ("wait", _("Chưa vào")),
        "waiting": ("wait", _("Đang chờ")),
        "admitted": ("call", _("Đã mời")),
        "in-call": ("now", _("Đang khám")),
        "phone": ("call", _("Chờ gọi điện")),
        "ended": ("done", _("Xong cuộc gọi")),
        "rebooked": ("off", _("Đã hẹn lại")),
        "missed": ("missed", _("Không gặp")),
    }.get(state, ("wait", _("Chưa vào")))


@dataclass(frozen=True, slots=True)
class CallPart:
    """What one seat's part of a page needs: addresses and topics."""

    key: str
    sync: str
    signal: str
    rung: str
    leave: str
    topic: str
    seat_topic: str


def call_part(seat: Seat) -> CallPart:
    """The part of a seat."""
    return CallPart(
        seat.key,
        reverse("telehealth:sync", args=[seat.key]),
        reverse("telehealth:signal", args=[seat.key]),
        reverse("telehealth:rung", args=[seat.key]),
        reverse("telehealth:leave", args=[seat.key]),
        f"call:{seat.room.name}",
        f"seat:{seat.key}",
    )


@dataclass(frozen=True, slots=True)
class VisitPage:
    """Before going in: when, with whom, what one agrees to, or why not now."""

    title: str
    when: str
    doctor: str
    patient: str
    facility: str
    hotline: str
    appointment_id: str
    refusal: str
    early: bool
    text: Text | None
    form: Form | None
    enter_url: str
    rebook_url: str
    topic: str = ""


def visit_page(
    appointment: Appointment,
    *,
    facility: tuple[str, str],
    text: Text,
    form: Form,
    now: datetime,
    enter_url: str,
    rebook_url: str = "",
) -> VisitPage:
    """The page of a visit at this moment."""
    refusal = rules.entering(appointment, now=now)
    hours = rules.hours_of(appointment)
    return VisitPage(
        title=_("Khám qua video"),
        when=spoken.when(hours.starts) if hours else "",
        doctor=taking_part(appointment, "Practitioner")[1],
        patient=taking_part(appointment, "Patient")[1],
        facility=facility[0],
        hotline=facility[1],
        appointment_id=appointment.id or "",
        refusal=refusal.message if refusal else "",
        early=refusal is not None and refusal.key == "video.early",
        text=text,
        form=None if refusal else form,
        enter_url=enter_url,
        rebook_url=rebook_url,
    )


@dataclass(frozen=True, slots=True)
class RebookPage:
    """Other times of the same doctor, by day."""

    title: str
    doctor: str
    before: str
    days: tuple[tuple[str, tuple[parts.Slot, ...]], ...]
    refusal: str
    hotline: str


def rebook_page(
    appointment: Appointment, times: Sequence[Slot], *, refusal: Refusal | None, hotline: str
) -> RebookPage:
    """The times by day."""
    hours = rules.hours_of(appointment)
    days: dict[str, list[parts.Slot]] = {}
    for one in times:
        start = rules.moment(one.start or "")
        days.setdefault(spoken.day_words(local_day(start)), []).append(parts.Slot(one.id or "", start))
    return RebookPage(
        title=_("Hẹn lại, không mất phí"),
        doctor=taking_part(appointment, "Practitioner")[1],
        before=spoken.when(hours.starts) if hours else "",
        days=tuple((day, tuple(found)) for day, found in days.items()),
        refusal=refusal.message if refusal else "",
        hotline=hotline,
    )


@dataclass(frozen=True, slots=True)
class CallRow:
    """Somebody who waits for a call."""

    id: str
    name: str
    phone: str
    doctor: str
    since: str
    late: bool
    taken: bool
    tries: int


@dataclass(frozen=True, slots=True)
class CallsPage:
    """The desk's list of calls."""

    title: str
    rows: tuple[CallRow, ...]
    topic: str


def call_row(task: Task, appointment: Appointment, phone: str, *, now: datetime) -> CallRow:
    """A line of the list; no health words."""
    since = rules.moment(task.authoredOn or "")
    waited = int((now - since).total_seconds() // 60)
    return CallRow(
        id=task.id or "",
        name=taking_part(appointment, "Patient")[1],
        phone=phone,
        doctor=taking_part(appointment, "Practitioner")[1],
        since=_("%(minutes)s phút") % {"minutes": waited},
        late=waited >= 5,
        taken=task.status == "accepted",
        tries=sum(1 for one in task.note if one.text == "Không nghe máy"),
    )


@dataclass(frozen=True, slots=True)
class BirthPage:
    """Before a link opens."""

    title: str
    facility: str
    form: Form
    error: str = ""


@dataclass(frozen=True, slots=True)
class InvitedPage:
    """Before an invited person goes in."""

    title: str
    name: str
    doctor: str
    facility: str
    when: str
    token: str


@dataclass(frozen=True, slots=True)
class SeatPage:
    """In the waiting room and in the call: the person, or somebody invited."""

    title: str
    when: str
    doctor: str
    facility: str
    hotline: str
    guest: bool
    open: bool
    called_back: bool
    call: CallPart
    invite: Form | None
    invite_url: str
    phone_url: str
    rebook_url: str
    link: str = ""
    link_for: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a room, as the doctor's list shows them."""

    key: str
    name: str
    role: str
    here: bool
    admitted: bool
    guest: bool
    pending: bool
    doubled: bool


@dataclass(frozen=True, slots=True)
class DoctorPart:
    """The doctor's side of a call: the call, who is there, identity, the ways out, where the note is."""

    call: CallPart
    room: str
    state: str
    kind: str
    state_words: str
    open: bool
    people: tuple[Person, ...]
    identities: tuple[tuple[str, str], ...]
    identified: str
    invite: Form
    phone: str
    note_url: str
    to_phone: str
    topic: str
    link: str = ""
    link_for: str = ""


def role_words(kind: str) -> str:
    """What a seat's kind is called."""
    return {
        "patient": _("người bệnh"),
        "doctor": _("bác sĩ"),
        "relative": _("người nhà"),
        "interpreter": _("phiên dịch"),
    }.get(kind, kind)


def doctor_part(
    room: Room, encounter: Encounter, seat: Seat, seats: list[Seat], *, now: datetime, invite: Form, phone: str,
    note_url: str, link: tuple[str, str] = ("", ""),
) -> DoctorPart:  # fmt: skip
    """The doctor's side of a room at this moment."""
    identified = encounters.identity_of(encounter)
    kind, said = state_words(room.state)
    return DoctorPart(
        call=call_part(seat),
        room=room.name,
        state=room.state,
        kind=kind,
        state_words=said,
        open=room.ended_at is None and room.state in rules.OPEN,
        people=tuple(
            Person(
                one.key,
                one.name,
                role_words(one.kind),
                rules.is_here(one.seen_at, now=now),
                one.admitted_at is not None,
                one.kind not in (Seat.Kind.PATIENT, Seat.Kind.DOCTOR),
                not one.holder,
                one.doubled_at is not None,
            )
            for one in seats
            if one.pk != seat.pk
        ),
        identities=tuple((key, str(label)) for key, label in IDENTITIES),
        identified=next((str(label) for key, label in IDENTITIES if key == identified), ""),
        invite=invite,
        phone=phone,
        note_url=note_url,
        to_phone=reverse("telehealth:phone", args=[room.name]),
        topic=f"call:{room.name}",
        link=link[0],
        link_for=link[1],
    )


@dataclass(frozen=True, slots=True)
class DueRow:
    """One video visit of the day."""

    appointment_id: str
    time: str
    name: str
    facts: str
    kind: str
    state: str
    waiting: str
    room: str
    openable: bool
    note_url: str
    here: bool


@dataclass(frozen=True, slots=True)
class TodayPage:
    """The doctor's video visits of today."""

    title: str
    rows: tuple[DueRow, ...]
    topic: str


def due_row(due: Due, *, now: datetime, today: date) -> DueRow:
    """A line of the day."""
    hours = rules.hours_of(due.appointment)
    room, patient = due.room, due.patient
    kind, state = state_words(room.state if room else "opened")
    if due.appointment.status == "noshow":
        kind, state = state_words("missed")
    here = any(one.kind == Seat.Kind.PATIENT and rules.is_here(one.seen_at, now=now) for one in due.seats)
    since = next((one.seen_at for one in due.seats if one.kind == Seat.Kind.PATIENT), None)
    facts = []
    if patient is not None:
        facts = [
            spoken.gender(patient.gender) if patient.gender else "",
            spoken.age(patient.birthDate, today),
        ]
    under_way = room is not None and room.state in ("admitted", "in-call", "phone", "ended")
    return DueRow(
        appointment_id=due.appointment.id or "",
        time=words.gio(hours.starts) if hours else "",
        name=people.name_of(patient) if patient else taking_part(due.appointment, "Patient")[1],
        facts=", ".join(filter(None, facts)),
        kind=kind,
        state=state,
        waiting=_("đang ở phòng chờ")
        if here
        else _("chưa thấy ở phòng chờ")
        if since is None
        else _("vừa rời phòng chờ"),
        room=room.name if room and room.ended_at is None else "",
        openable=rules.entering(due.appointment, now=now) is None and (room is None or room.ended_at is None),
        note_url=reverse("clinic:visit", args=[room.encounter_id]) if room and under_way else "",
        here=here,
    )
