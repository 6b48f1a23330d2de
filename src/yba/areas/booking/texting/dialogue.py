"""Answering one text: times, a hold, a request, what is booked, the number in line. One transaction with the answer.

A number an account has proved books for that account's people, as in the app: the same door, rules and seats, a
request the desk confirms. Any other number gets no word of anybody's record: a time is held for it and the desk calls
back (`call_backs`). The time is held in the ledger at once, on the seats kept for the telephone. What a text does twice
it does once: the same choice is the same hold, the same OK the same booking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from yba import fhir
from yba.areas.booking import actions, any_doctor, holds, ledger, queries, rules
from yba.areas.booking.models import Talk
from yba.areas.booking.texting import call_backs, places, words
from yba.areas.booking.texting.words import Said
from yba.care import people
from yba.care.identifiers import REGISTRATION_CODE
from yba.care.line import queries as line
from yba.care.line.models import Status, Ticket
from yba.care.messages import people as readers
from yba.care.messages import reminders, texts
from yba.care.messages.incoming import Asked
from yba.fhir.access import Actor
from yba.fhir.errors import Conflict, Gone, Invalid, NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.location import Location
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.fhir.store.rows import execute
from yba.ui.words import HANOI, local_day

#: So long a question stands; after it a choice chooses nothing.
STANDS: Final = timedelta(minutes=30)
#: Times of one answer lie at least so far apart.
APART: Final = timedelta(hours=1)
TIMES: Final = 3
MOST_PEOPLE: Final = 6
MOST_VISITS: Final = 3
_LETTERS: Final = "abcdef"
_DAYS: Final = {
    "vi": ("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_OWN_HOLD: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 2))"


@dataclass(slots=True)
class Turn:
    """One text with all it needs. ``record``: of its account, or of a stranger who may find times and no more."""

    record: Record
    asked: Asked
    known: bool
    said: Say
    kept: dict[str, Any]

    @property
    def phone(self) -> str:
        return self.asked.phone

    @property
    def owners(self) -> frozenset[str]:
        return frozenset({ledger.owner_by_phone(self.phone)})


@dataclass(frozen=True, slots=True)
class Say:
    """Answers in the reader's language."""

    asked: Asked
    language: str

    def __call__(self, kind: str, **values: str) -> None:
        self.asked.answer(f"text.{kind}", **values)

    def short(self, at: datetime) -> str:
        """``9:30 T3 24/11``."""
        here = at.astimezone(HANOI)
        return f"{here.hour}:{here.minute:02} {_DAYS[self.language][here.weekday()]} {here.day:02}/{here.month:02}"


def stranger(phone: str) -> Actor:
    """Who texts from a number no account has proved: a citizen with nobody's record."""
    return Actor(user=f"sms:{hashlib.sha256(phone.encode()).hexdigest()[:16]}", role="citizen", name="SMS")


def heard(record: Record, asked: Asked, *, known: bool) -> str:
    """Answer a text; what it was understood as. ``known``: the record's actor is the account that proved the number."""
    said = words.read(asked.text, today=local_day(record.clock()))
    talk = Talk.objects.filter(phone=asked.phone).first()
    stands = talk is not None and record.clock() - talk.at <= STANDS
    language = readers.reader_of(asked.phone).language
    say = Say(asked, language if language in _DAYS else "vi")
    turn = Turn(record, asked, known, say, dict(talk.said) if talk is not None and stands else {})
    _ACTS[said.act](turn, said)
    Talk.objects.update_or_create(phone=asked.phone, defaults={"said": turn.kept, "at": record.clock()})
    return said.act


# -- times ------------------------------------------------------------------------------------------------


def _find(turn: Turn, said: Said) -> None:
    found = places.match(places.offered(turn.record), said.rest)
    if found.offered is None:
        turn.said("which", choices=", ".join(texts.short_place(one) for one in found.choices))
        return
    one = found.offered
    wanted = {"day": said.day.isoformat() if said.day else "", "hours": list(said.hours or ())}
    turn.kept = {"where": [one.facility, one.specialty, one.place, one.called], "wanted": wanted, "after": "",
                 **_still_held(turn)}  # fmt: skip
    _list(turn, "times")


def _still_held(turn: Turn) -> dict[str, Any]:
    """What is held and asked for stays so until another time is chosen."""
    return {key: turn.kept[key] for key in ("held", "call", "visits") if key in turn.kept}


def _more(turn: Turn, _said: Said) -> None:
    if turn.kept.get("where"):
        _list(turn, "times")
    else:
        turn.said("over")


def _list(turn: Turn, kind: str) -> None:
    """The next few times, an hour apart, and what they are numbered."""
    facility, specialty, place, called = turn.kept["where"]
    shown = _next_times(turn, facility, specialty)
    turn.kept["times"] = [rules.instant(one) for one in shown]
    if not shown:
        turn.kept["after"] = ""
        hotline = queries.facility_name(turn.record, facility)[1]
        turn.said("none", facility=place, specialty=called, hotline=hotline)
        return
    turn.kept["after"] = rules.instant(shown[-1])
    said = "; ".join(f"{number}) {turn.said.short(one)}" for number, one in enumerate(shown, 1))
    values = {"facility": place, "specialty": called} if kind == "times" else {}
    turn.said(kind, times=said, **values)


def _next_times(turn: Turn, facility: str, specialty: str) -> list[datetime]:
    wanted, after = turn.kept["wanted"], rules.moment_or_none(turn.kept.get("after", ""))
    hours = wanted["hours"] or (0, 24)
    found: list[datetime] = []
    for one in any_doctor.times(
        turn.record, facility=facility, specialty=specialty, owners=turn.owners, way="sms"
    ):
        here = one.start.astimezone(HANOI)
        fits = hours[0] <= here.hour < hours[1] and (
            not wanted["day"] or here.date().isoformat() >= wanted["day"]
        )
        last = found[-1] if found else after
        if fits and (last is None or one.start >= last + APART) and len(found) < TIMES:
            found.append(one.start)
    return found


# -- a hold -----------------------------------------------------------------------------------------------


def _choose(turn: Turn, said: Said) -> None:
    times, number = turn.kept.get("times", []), int(said.rest)
    if not 1 <= number <= len(times):
        turn.said("over")
        return
    facility, specialty, _place, _called = turn.kept["where"]
    starts = rules.moment(times[number - 1])
    now = turn.record.clock()
    lasts = holds.LASTS if turn.known else call_backs.held_for(now, specialty=specialty, starts=starts)
    if not turn.known and call_backs.asked_often(turn.phone, now=now):
        _refused(turn, facility)
        return
    try:
        made = turn.record.attempt(lambda: _hold(turn, facility, specialty, starts, lasts))
    except (Conflict, Invalid):
        turn.kept["after"] = ""
        _list(turn, "gone")
        return
    turn.kept["held"] = {"id": made.id, "slot": made.slots[0], "start": rules.instant(starts)}
    if turn.known:
        _ask_who(turn, made)
    else:
        _call_back(turn, made)


def _hold(turn: Turn, facility: str, specialty: str, starts: datetime, lasts: timedelta) -> holds.Hold:
    """Hold the time with whoever has the fewest people then; what this number held before by text is free again."""
    record, house = turn.record, turn.record.as_system()
    owner = ledger.owner_by_phone(turn.phone)
    execute(record.connection, _OWN_HOLD, (f"booking.owner/{owner}",))
    own = [one for one in holds.own_holds(record, turn.owners) if one.channel == "sms"]
    same = next((one for one in own if _at(turn, one, starts)), None)
    if same is not None:
        return same
    chosen = any_doctor.choose(
        record, facility=facility, specialty=specialty, starts=starts, owners=turn.owners, way="sms"
    )
    for one in own:
        holds.let_go(house, one.id, phone=turn.phone)
    return holds.hold(house, [chosen], phone=turn.phone, channel="sms", lasts=lasts)


def _at(turn: Turn, hold: holds.Hold, starts: datetime) -> bool:
    held = turn.kept.get("held") or {}
    return hold.id == held.get("id") and rules.moment(held["start"]) == starts


def _ask_who(turn: Turn, made: holds.Hold) -> None:
    names = _people(turn)
    turn.kept["people"] = [one for one, _name in names]
    values = {"facility": turn.kept["where"][2], "when": turn.kept["held"]["start"],
              "until": _clock(turn, made.until)}  # fmt: skip
    if len(names) == 1:
        turn.said("held", person=names[0][1], **values)
        return
    said = ", ".join(
        f"{sign.upper()} {name}" for sign, (_key, name) in zip(_LETTERS, _given(names), strict=False)
    )
    turn.said("who", people=said, **values)


def _people(turn: Turn) -> list[tuple[str, str]]:
    """The account's people, oneself first: ids and names."""
    actor = turn.record.actor
    ids = sorted(actor.persons, key=lambda one: (one != actor.person, one))[:MOST_PEOPLE]
    return [(one, people.name_of(turn.record.read(Patient, one))) for one in ids]


def _given(names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Given names alone, each as long as there is room for all."""
    most = 56 // len(names) - 4
    return [(key, texts.shortened_person(name.split()[-1] if name else "?", most)) for key, name in names]


def _clock(turn: Turn, at: datetime) -> str:
    """Until when: the hour, and the day where that is another."""
    here = at.astimezone(HANOI)
    day = "" if here.date() == local_day(turn.record.clock()) else f" {here.day:02}/{here.month:02}"
    return f"{here.hour}:{here.minute:02}{day}"


def _call_back(turn: Turn, made: holds.Hold) -> None:
    facility, specialty, place, called = turn.kept["where"]
    held = turn.kept["held"]
    call_backs.ask(
        turn.record, phone=turn.phone, facility=facility, specialty=specialty, called=called, hold=made,
        starts=rules.moment(held["start"]),
    )  # fmt: skip
    turn.kept["call"] = True
    turn.said("call-back", facility=place, when=held["start"], until=_clock(turn, made.until))


# -- a request --------------------------------------------------------------------------------------------


def _yes(turn: Turn, _said: Said) -> None:
    ids, held = turn.kept.get("people", []), turn.kept.get("held")
    if turn.kept.get("booked"):
        _say_booked(turn, turn.record.read(Appointment, turn.kept["booked"]))
    elif not held:
        turn.said("over")
    elif not turn.known:
        _call_back(turn, _own_hold(turn))
    elif len(ids) == 1:
        _book(turn, ids[0])
    else:
        _ask_who(turn, _own_hold(turn))


def _person(turn: Turn, said: Said) -> None:
    ids, at = turn.kept.get("people", []), _LETTERS.find(said.rest)
    if turn.kept.get("booked"):
        _say_booked(turn, turn.record.read(Appointment, turn.kept["booked"]))
    elif turn.kept.get("held") and 0 <= at < len(ids):
        _book(turn, ids[at])
    else:
        turn.said("over")


def _own_hold(turn: Turn) -> holds.Hold:
    return holds.own_hold(
        turn.record, turn.kept["held"]["id"], turn.owners | {ledger.owner_of(turn.record.actor)}
    )


def _book(turn: Turn, patient: str) -> None:
    """Ask for the held time, as the app does; the desk calls and confirms."""
    held, facility = turn.kept["held"], turn.kept["where"][0]
    try:
        _own_hold(turn)
        made = turn.record.attempt(
            lambda: actions.book_appointment(
                turn.record, slot_id=held["slot"], patient_id=patient, reason="", phone=turn.phone, channel="sms",
                once=held["id"], called_from=[turn.phone],
            )
        )  # fmt: skip
    except Gone:
        turn.kept.pop("held", None)
        turn.said("over")
    except Conflict as refusal:
        if refusal.key in ("booking.blocked", "booking.too-many"):
            _refused(turn, facility)
        else:
            turn.kept["after"] = ""
            _list(turn, "gone")
    else:
        turn.kept = {"booked": made.id, "visits": [made.id]}
        _say_booked(turn, made)


def _say_booked(turn: Turn, made: Appointment) -> None:
    person = rules.reference_of(made, "Patient")
    turn.said(
        "booked", facility=_place_of(turn, made), when=made.start or "",
        person=(person.display or "") if person is not None else "",
    )  # fmt: skip


def _place_of(turn: Turn, one: Appointment) -> str:
    return queries.facility_name(turn.record.as_system(), facility_of(one) or "")[0]


def _refused(turn: Turn, facility: str) -> None:
    name, hotline = queries.facility_name(turn.record, facility)
    turn.said("refused", facility=name, hotline=hotline)


def _let_go(turn: Turn, said: Said) -> None:
    """What is held goes; with nothing held, what could be called off."""
    held = turn.kept.pop("held", None)
    if not held:
        _visits(turn, said)
        return
    for phone in (turn.phone, ""):
        holds.let_go(turn.record.as_system() if phone else turn.record, held["id"], phone=phone)
    call_backs.withdrawn(turn.record, turn.phone)
    turn.kept.pop("call", None)
    turn.said("let-go", when=held["start"])


# -- what is booked ---------------------------------------------------------------------------------------


def _visits(turn: Turn, _said: Said) -> None:
    if not turn.known:
        turn.said("stranger")
        return
    today = local_day(turn.record.clock()).isoformat()
    ids = ",".join(f"Patient/{one}" for one in sorted(turn.record.actor.persons))
    asked = (("patient", ids), ("status", "pending,booked"), ("date", f"ge{today}"), ("_sort", "date"))
    found = [one for one in turn.record.find(Appointment, *asked) if one.start]
    lines: list[str] = []
    turn.kept["visits"] = []
    for one in found[:MOST_VISITS]:
        place = texts.shortened_place(_place_of(turn, one), 18)
        parts = (
            f"{len(lines) + 1})",
            turn.said.short(rules.moment(one.start or "")),
            place,
            rules.code_of(one),
        )
        line_ = " ".join(filter(None, parts))
        if texts.septets("; ".join([*lines, line_])) > 112:
            break
        lines.append(line_)
        turn.kept["visits"].append(one.id)
    if lines:
        turn.said("visits", visits="; ".join(lines))
    else:
        turn.said("no-visit")


def _cancel(turn: Turn, said: Said) -> None:
    """By the registration code, or by the number in the list just sent: of one's own people, or told to this number."""
    found = _meant(turn, said.rest)
    if found is None:
        turn.said("no-visit")
        return
    facility = facility_of(found) or ""
    record = _who_may(turn, found)
    try:
        outcome = record.attempt(
            lambda: actions.cancel_appointment(record, found.id or "", reason="SMS", answers=turn.phone)
        )
    except Conflict as refusal:
        if refusal.key != "booking.cancel-late":
            raise
        outcome = None
    name, hotline = queries.facility_name(turn.record, facility)
    if outcome is None or outcome.result == "missing":
        turn.said("cancel-late", facility=name, hotline=hotline)
        return
    turn.kept.pop("booked", None)
    turn.said("cancelled", facility=name, when=found.start or "")


def _meant(turn: Turn, rest: str) -> Appointment | None:
    """The visit a code or a number of the list names, when it is this number's to call off."""
    house, kept = turn.record.as_system(), turn.kept.get("visits", [])
    if len(rest) <= 2 and rest.isdigit():
        at = int(rest)
        if not 1 <= at <= len(kept):
            return None
        try:
            found: Appointment | None = turn.record.read(Appointment, kept[at - 1])
        except (NotFound, Gone):
            return None
    else:
        found = house.first(Appointment, ("identifier", f"{REGISTRATION_CODE}|{rest.upper()}"))
    if found is None or not found.start:
        return None
    own = rules.patient_id_of(found) in turn.record.actor.persons
    return found if own or reminders.phone_of(house, found) == turn.phone else None


def _who_may(turn: Turn, found: Appointment) -> Record:
    """Who calls it off: the account; else whoever holds the number it was told to, for this person alone.

    The code went to that number, and nobody else knows both; cut-offs hold for them as for every citizen.
    """
    patient = rules.patient_id_of(found) or ""
    if patient in turn.record.actor.persons:
        return turn.record
    alone = stranger(turn.phone)
    actor = Actor(user=alone.user, role="citizen", name="SMS", person=patient, persons=frozenset({patient}))
    return fhir.open(
        turn.record.connection, actor=actor, clock=turn.record.clock, guards=turn.record.guards,
        transaction=transaction.atomic,
    )  # fmt: skip


# -- the line, and the rest -------------------------------------------------------------------------------


def _number(turn: Turn, _said: Said) -> None:
    """The number in line today of one's own people; of several the next to be called."""
    if not turn.known:
        turn.said("stranger")
        return
    record = turn.record.as_system()
    over = (Status.DONE, Status.CANCELLED, Status.MISSED)
    rows = Ticket.objects.filter(patient_id__in=turn.record.actor.persons, day=local_day(record.clock()))
    found = rows.exclude(status__in=over).order_by("called_at", "queued_at").first()
    if found is None:
        turn.said("no-number")
        return
    values = {"facility": queries.facility_name(record, found.facility)[0], "code": found.code,
              "room": _room(record, found.room)}  # fmt: skip
    if found.status != Status.WAITING:
        turn.said("called", **values)
        return
    told = line.told(record, found)
    wait = f"{told.wait.low}-{told.wait.high}" if told.wait.high else ""
    turn.said("number", ahead=str(told.ahead), wait=wait, **values)


def _room(record: Record, room: str) -> str:
    try:
        return (record.read(Location, room).name or "") if room else ""
    except (NotFound, Gone):
        return ""


def _stop(turn: Turn, _said: Said) -> None:
    readers.stop(turn.phone, now=turn.record.clock())
    turn.said("stopped")


def _start(turn: Turn, _said: Said) -> None:
    readers.start(turn.phone)
    turn.said("started")


def _emergency(turn: Turn, _said: Said) -> None:
    turn.said("emergency")


def _help(turn: Turn, _said: Said) -> None:
    turn.said("help")


_ACTS: Final[Mapping[str, Callable[[Turn, Said], None]]] = {
    "find": _find, "more": _more, "choose": _choose, "person": _person, "yes": _yes, "let-go": _let_go,
    "cancel": _cancel, "visits": _visits, "number": _number, "help": _help, "stop": _stop, "start": _start,
    "emergency": _emergency, "unknown": _help,
}  # fmt: skip
