"""A province's morning: facilities, rooms with a doctor each, people and what they do; and what must be true after.

Everybody is invented. Wants Django set up on the database that the measured server uses.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

from bench.sessions import session_of

Way = Literal["citizen", "desk", "fhir"]
WAYS: Final[tuple[Way, ...]] = ("citizen", "citizen", "desk", "fhir")
_SPECIALTIES: Final = (
    ("tim-mach", "Tim mạch"), ("nhi", "Nhi khoa"), ("san", "Sản phụ khoa"), ("mat", "Mắt"), ("noi", "Nội khoa"),
)  # fmt: skip
_FAMILY: Final = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Võ", "Đặng", "Bùi")
_GIVEN: Final = ("Văn An", "Thị Bình", "Minh Châu", "Thị Dung", "Quốc Huy", "Thị Lan", "Gia Bảo", "Ngọc Mai")
_AGENTS: Final = 2
_DESKS: Final = 3


@dataclass(frozen=True, slots=True)
class Size:
    """How large: facilities, rooms in all, journeys, and over how many minutes of the morning they arrive."""

    facilities: int = 4
    rooms: int = 200
    journeys: int = 1200
    minutes: float = 20


@dataclass(frozen=True, slots=True)
class Journey:
    """One person's way from the wish to the number. ``slots``: tried in this order; the first may be another's."""

    at: float
    way: Way
    patient: str
    phone: str
    role: str
    slots: tuple[str, ...]
    bodies: tuple[str, ...]
    key: str
    agent: str
    desk: str


@dataclass(frozen=True, slots=True)
class Morning:
    """What was made: when the clock begins, and the journeys in the order of their arrival (seconds from then)."""

    begins: datetime
    journeys: list[Journey]


def make(size: Size, *, day: date, seed: int = 5) -> Morning:
    """Write the province and draw the journeys: the same ones for the same seed."""
    from django.db import connection, transaction

    from yba import fhir
    from yba.areas.booking import guards, opening
    from yba.fhir.access import SYSTEM

    begins = datetime(day.year, day.month, day.day, 6, 30, tzinfo=UTC) - timedelta(hours=7)
    connection.ensure_connection()
    record = fhir.open(
        connection.connection, actor=SYSTEM, clock=lambda: begins, guards=guards.GUARDS, transaction=transaction.atomic
    )  # fmt: skip
    with record.atomic():
        roles = [_room(record, number, size.facilities) for number in range(size.rooms)]
        for number in range(size.facilities):
            _facility(record, number)
    with record.atomic():
        opening.open_slots(record, until=day, today=day)
    chance = random.Random(seed)
    with record.atomic():
        journeys = _journeys(record, size, roles, chance)
    return Morning(begins, journeys)


def _facility(record: Any, number: int) -> None:
    from yba.fhir.r4.datatypes import ContactPoint
    from yba.fhir.r4.organization import Organization

    phone = ContactPoint(system="phone", value=f"0234355501{number}")
    name = f"Bệnh viện Đa khoa số {number + 1}"
    record.update(Organization(id=f"bv-{number}", name=name, active=True, meta=_tag(number), telecom=[phone]))


def _tag(facility: int) -> Any:
    from yba.care.identifiers import FACILITY_TAG
    from yba.fhir.r4.datatypes import Coding, Meta

    return Meta(tag=[Coding(system=FACILITY_TAG, code=f"bv-{facility}")])


def _room(record: Any, number: int, facilities: int) -> str:
    """A room, its doctor and what they do there every day of the week; the role's id."""
    from yba.care.identifiers import SPECIALTY_CS
    from yba.fhir.r4.datatypes import CodeableConcept, Coding, HumanName, Reference
    from yba.fhir.r4.location import Location
    from yba.fhir.r4.practitioner import Practitioner
    from yba.fhir.r4.practitioner_role import PractitionerRole, PractitionerRoleAvailableTime

    facility, (code, name) = number % facilities, _SPECIALTIES[number % len(_SPECIALTIES)]
    meta, room = _tag(facility), f"{100 + number}"
    record.update(Location(id=f"p-{number}", name=room, meta=meta))
    doctor = HumanName(text=f"BS. {_name(number)}")
    record.update(Practitioner(id=f"bs-{number}", active=True, name=[doctor], gender="male", meta=meta))
    record.update(
        PractitionerRole(
            id=f"vt-{number}", active=True, meta=meta,
            practitioner=Reference(reference=f"Practitioner/bs-{number}"),
            organization=Reference(reference=f"Organization/bv-{facility}"),
            specialty=[CodeableConcept(coding=[Coding(system=SPECIALTY_CS, code=code)], text=name)],
            location=[Reference(reference=f"Location/p-{number}", display=room)],
            availableTime=[
                PractitionerRoleAvailableTime(
                    daysOfWeek=["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                    availableStartTime="07:30:00", availableEndTime="11:30:00",
                )
            ],
        )
    )  # fmt: skip
    return f"vt-{number}"


def _name(number: int) -> str:
    return f"{_FAMILY[number % len(_FAMILY)]} {_GIVEN[number // len(_FAMILY) % len(_GIVEN)]}"


def _journeys(record: Any, size: Size, roles: list[str], chance: random.Random) -> list[Journey]:
    """One free time each; every tenth pair wants the same one first, so one of the two must choose again."""
    from yba.areas.booking import queries

    staff = {number: _staff(number) for number in range(size.facilities)}
    schedules = queries.schedules_of(record, roles)
    free = [
        (role, one.id)
        for role in roles
        for one in queries.times_of(record, queries.ids_of(schedules[role]), now=record.clock())
        if one.free
    ]
    if len(free) < size.journeys:
        raise SystemExit(f"bench: {size.journeys} journeys want {len(free)} times; give more rooms")
    chosen = chance.sample(free, size.journeys)
    ats = sorted(chance.uniform(0, size.minutes * 60) for _ in chosen)
    made = []
    for number, ((role, slot), at) in enumerate(zip(chosen, ats, strict=True)):
        wanted: tuple[str, ...] = (slot,)
        pair, first = number - number % 2, number % 20 < 2
        if first and pair + 1 < len(chosen) and _one_house(chosen[pair][0], chosen[pair + 1][0], size):
            role, _ = chosen[pair + 1]
            wanted = (chosen[pair + 1][1], chosen[pair][1])
        facility = int(role.removeprefix("vt-")) % size.facilities
        agents, desks = staff[facility]
        made.append(
            _journey(
                record,
                number,
                at,
                role,
                wanted,
                chance.choice(agents),
                chance.choice(desks),
                chance.choice(WAYS),
            )
        )
    return made


def _one_house(role: str, other: str, size: Size) -> bool:
    """Whether both work in one facility: nobody chooses again elsewhere."""
    return (int(role.removeprefix("vt-")) - int(other.removeprefix("vt-"))) % size.facilities == 0


def _staff(facility: int) -> tuple[list[str], list[str]]:
    """Sessions of a facility's care desk and of its reception."""
    from yba.site.accounts.models import Account

    def signed_in(role: str, count: int) -> list[str]:
        return [
            session_of(
                Account.objects.create_account(
                    f"nv-{role}-{facility}-{one}", role=role, facility=f"bv-{facility}", name=_name(one)
                )
            )
            for one in range(count)
        ]

    return signed_in("customer_care", _AGENTS), signed_in("receptionist", _DESKS)


def _journey(
    record: Any, number: int, at: float, role: str, slots: tuple[str, ...], agent: str, desk: str, way: Way
) -> Journey:
    """The person, the account or token they come with, and what a client of the API will send."""
    from yba.fhir.r4.datatypes import ContactPoint, HumanName
    from yba.fhir.r4.patient import Patient
    from yba.site.accounts.actions import make_token
    from yba.site.accounts.models import Account

    patient, phone, key = f"ng-{number}", f"09{number:08}", ""
    record.update(
        Patient(
            id=patient, name=[HumanName(text=_name(number))], gender="female" if number % 2 else "male",
            birthDate=f"{1940 + number % 80}-03-{number % 28 + 1:02}",
            telecom=[ContactPoint(system="phone", value=phone)],
        )
    )  # fmt: skip
    if way == "citizen":
        account = Account.objects.create_account(phone, role="citizen", name=_name(number))
        account.links.create(patient_id=patient, relation="ban-than")
        key = session_of(account)
    elif way == "fhir":
        key = make_token(role="citizen", person=patient, now=datetime.now(UTC))
    bodies = tuple(_appointment(record, one, patient, phone) for one in slots) if way == "fhir" else ()
    return Journey(at, way, patient, phone, role, slots, bodies, key, agent, desk)


def _appointment(record: Any, slot: str, patient: str, phone: str) -> str:
    """A request for a time as another system writes it."""
    from yba.areas.booking import actions, queries
    from yba.fhir.model import codec
    from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
    from yba.fhir.r4.datatypes import ContactPoint, Extension, Reference

    person = AppointmentParticipant(
        actor=Reference(reference=f"Patient/{patient}"), required="required", status="accepted"
    )
    asked = Appointment(
        status="pending", participant=[person],
        extension=[Extension(url=actions.CALL_BACK, valueContactPoint=ContactPoint(system="phone", value=phone))],
    )  # fmt: skip
    actions.place(asked, *queries.slot_and_post(record, slot))
    said: dict[str, Any] = json.loads(codec.encode(asked))
    return json.dumps(said)


# -- what must be true after -----------------------------------------------------------------------------------

_FAULTS: Final[dict[str, str]] = {
    "a seat given twice": """
        select slot_id, count(*) from booking_seat where kind = 'booking' group by slot_id having count(*) > 1""",
    "a practitioner or room twice at once": """
        select one.slot_id, other.slot_id from booking_seat one join booking_seat other
            on one.id < other.id and one.slot_id <> other.slot_id
           and one.starts < other.ends and other.starts < one.ends
           and (one.practitioner_id = other.practitioner_id or one.location_id = other.location_id)
         where one.kind = 'booking' and other.kind = 'booking'""",
    "a booking told not exactly once": """
        select seat.holder, count(message.id) from booking_seat seat
          left join messages message on message.subject = seat.holder and message.kind = 'booking.confirmed'
         where seat.kind = 'booking' group by seat.holder having count(message.id) <> 1""",
    "a word of no booking": """
        select message.id from messages message left join booking_seat seat on message.subject = seat.holder
         where message.kind = 'booking.confirmed' and seat.id is null""",
    "a number out of order, left out or repeated": """
        select * from (select facility, queue, day, number,
               row_number() over (partition by facility, queue, day order by id) as drawn from line_ticket) numbered
         where number <> drawn""",
    "a counter that does not stand at its last number": """
        select counter.queue, counter.last from line_counter counter
         where counter.last <> (select count(*) from line_ticket ticket where ticket.facility = counter.facility
               and ticket.queue = counter.queue and ticket.day = counter.day)""",
    "a number of no booking": """
        select ticket.id from line_ticket ticket left join booking_seat seat on seat.holder = ticket.appointment_id
         where seat.id is null""",
}  # fmt: skip


def faults(numbers: int, say: Callable[[str], None] = print) -> int:
    """How many promises were broken, each said; ``numbers``: how many tickets the clients were shown."""
    from django.db import connection

    broken = 0
    with connection.cursor() as cursor:
        for name, query in _FAULTS.items():
            cursor.execute(query)
            rows = cursor.fetchall()
            if rows:
                broken += 1
                say(f"BROKEN: {name}: {len(rows)}, the first {rows[0]}")
        cursor.execute("select count(*) from line_ticket")
        drawn = cursor.fetchone()[0]
    if drawn != numbers:
        broken += 1
        say(f"BROKEN: {drawn} numbers drawn, {numbers} shown to clients")
    return broken
