"""What reception, wall and citizen read: who works where today, who is booked, who was looked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from yba.areas.booking import rules as booking
from yba.areas.booking.capacity import OVERBOOKED
from yba.areas.booking.queue import rules
from yba.care import catalogues, people
from yba.care.card_qr import CitizenCard, InsuranceQr, parse_citizen_qr, parse_insurance_qr
from yba.care.identifiers import CHANNEL_TAG, FACILITY_TAG, REGISTRATION_CODE
from yba.care.line import queries as line
from yba.care.line import rules as rules_of_line
from yba.care.line.actions import Leg
from yba.care.line.measures import Known
from yba.care.line.models import Stage, Ticket
from yba.care.money import prices
from yba.care.money.rules import Line as Fee
from yba.care.refusal import Refusal
from yba.care.remote import mode
from yba.fhir.model import codec
from yba.fhir.model.references import target
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Reference
from yba.fhir.r4.location import Location
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.record import Record, facility_of

if TYPE_CHECKING:
    from yba.areas.booking.queue.actions import Wish

CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class Post:
    """A doctor in a room of this facility."""

    role_id: str
    practitioner_id: str
    doctor: str
    specialty_code: str
    specialty: str
    room_id: str
    room: str

    @property
    def words(self) -> str:
        """As chosen from a list: "204 · Nội tim mạch · BS. CKII Trần Minh Khôi"."""
        return " · ".join(filter(None, [self.room, self.specialty, self.doctor]))


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as the desk shows it."""

    id: str
    person: people.Person
    start: datetime
    specialty: str
    doctor: str
    practitioner_id: str
    room_id: str
    room: str
    reason: str
    status: str
    code: str
    channel: str
    #: Why it was taken beyond the seats; empty: it was not.
    beyond: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the one field found: bookings of today first, people, a card that nobody has yet, or why nothing."""

    text: str
    bookings: tuple[Booking, ...] = ()
    people: tuple[people.Person, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    card: CitizenCard | InsuranceQr | None = None
    refusal: Refusal | None = None

    @property
    def is_empty(self) -> bool:
        """Nobody and nothing."""
        return not (self.bookings or self.people or self.tickets)


def facility_name(record: Record, facility: str) -> str:
    """The facility's name."""
    return record.read(Organization, facility).name or ""


def posts_of(record: Record, *, facility: str, room: str = "") -> list[Post]:
    """Who sees people here, by room; of one room where it is given. One search with what it includes.

    What a row says is read once for the same bytes: a hospital asks for its fifty doctors at every press.
    """
    asked = [
        ("organization", f"Organization/{facility}"), ("active", "true"), ("_count", "500"),
        ("_include", "PractitionerRole:practitioner"), ("_include", "PractitionerRole:location"),
    ]  # fmt: skip
    if room:
        asked.append(("location", f"Location/{room}"))
    page = record.search_stored("PractitionerRole", asked, strict=True)
    who = {one.id: one.content for one in page.included if one.type == "Practitioner"}
    where = {one.id: one.content for one in page.included if one.type == "Location"}
    roles = [(one.content or b"", _role(one.content or b"")) for one in page.matches]
    found = [
        _post(content, who.get(one.practitioner_id), where.get(one.room_id))
        for content, one in roles
        if one.room_id
    ]
    return sorted(found, key=lambda one: (one.room, one.doctor))


@lru_cache(maxsize=4096)
def _post(content: bytes, doctor: bytes | None, room: bytes | None) -> Post:
    """A role with the names of its doctor and its room."""
    role = _role(content)
    return replace(role, doctor=_doctor(doctor) or role.doctor, room=_room(room))


@lru_cache(maxsize=4096)
def _role(content: bytes) -> Post:
    """Of a role's bytes all it says itself; the room's name stands elsewhere, and as a rule the doctor's."""
    role = codec.decode(content, "PractitionerRole")
    assert isinstance(role, PractitionerRole)
    coding = role.specialty[0].coding[0] if role.specialty and role.specialty[0].coding else None
    code = (coding.code or "") if coding else ""
    known = catalogues.specialty(code)
    return Post(
        role_id=role.id or "",
        practitioner_id=_id(role.practitioner),
        doctor=role.practitioner.display or "" if role.practitioner else "",
        specialty_code=code,
        specialty=known.name_vi if known else (coding.display or "" if coding else ""),
        room_id=_id(role.location[0] if role.location else None),
        room="",
    )


@lru_cache(maxsize=4096)
def _room(content: bytes | None) -> str:
    room = codec.decode(content, "Location") if content else None
    return (room.name or "") if isinstance(room, Location) else ""


@lru_cache(maxsize=4096)
def _doctor(content: bytes | None) -> str:
    doctor = codec.decode(content, "Practitioner") if content else None
    return _name(doctor) if isinstance(doctor, Practitioner) else ""


def _name(doctor: Practitioner) -> str:
    name = doctor.name[0] if doctor.name else None
    if name is None:
        return ""
    text = name.text or " ".join(filter(None, [name.family, *name.given]))
    prefix = " ".join(one for one in name.prefix if one)
    return text if not prefix or text.startswith(prefix) else f"{prefix} {text}"


def _id(ref: Reference | None) -> str:
    found = target(ref)
    return found[1] if found else ""


def post_in(record: Record, *, facility: str, room: str) -> Post | None:
    """Who sees people in one room; the first, where several do."""
    return next(iter(posts_of(record, facility=facility, room=room)), None) if room else None


def letter_of(posts: Iterable[Post], room_id: str) -> str:
    """The letter of a room: by its place among the facility's rooms."""
    return rules_of_line.letter_of(room_id, list(dict.fromkeys(one.room_id for one in posts)))


@dataclass(frozen=True, slots=True)
class Way:
    """Where somebody who checks in waits first, and where to after that. ``doctor``: they wait for this one alone."""

    first: Leg
    letter: str
    doctor: bool = True
    route: tuple[Leg, ...] = ()


def way_in(wish: Wish, *, facility: str, booked: bool) -> Way:
    """To the room; where it shares a queue, to whoever is free, unless a doctor was booked; first to vitals when the
    facility has a queue for them that leads there."""
    queues = line.queues_of(facility)
    shared = next((one for one in queues if wish.post.room_id in one.rooms), None)
    if shared is None:
        return Way(Leg(room=wish.post.room_id), wish.letter)
    goal = Leg(shared.code, wish.post.room_id if booked else "")
    vitals = next((one for one in queues if one.stage == Stage.VITALS and shared.code in one.then), None)
    if vitals is not None and wish.priority != "urgent":
        return Way(Leg(vitals.code), vitals.letter, booked, (goal,))
    return Way(goal, shared.letter, booked)


def fee_of(record: Record, post: Post, *, facility: str) -> Fee | None:
    """The examination fee of a post's specialty from the facility's price list."""
    exam = next(
        (
            one
            for one in catalogues.services()
            if one.group == "exam" and one.specialty == post.specialty_code
        ),
        None,
    )
    return prices.line_for(record, exam.code, facility) if exam else None


# -- bookings -------------------------------------------------------------------------------------------------


def bookings_of_day(record: Record, *, facility: str, day: date) -> list[Booking]:
    """The facility's confirmed bookings of a day that have not come yet, by time."""
    first, last = booking.day_bounds(day)
    found = record.find(
        Appointment,
        ("_tag", f"{FACILITY_TAG}|{facility}"),
        ("date", f"ge{first}"),
        ("date", f"lt{last}"),
        ("status", "booked"),
    )
    coming = [
        one for one in found if not mode.is_video(one)
    ]  # who is seen by video does not come to the desk
    return sorted(_bookings(record, coming), key=lambda one: one.start)


def booking_of(record: Record, appointment: Appointment) -> Booking:
    """One booking with its person."""
    return _bookings(record, [appointment])[0]


def _bookings(
    record: Record, appointments: list[Appointment], known: Mapping[str, people.Person] | None = None
) -> list[Booking]:
    """With their people; ``known``: those read already, by id."""
    known = known or {}
    wanted = {booking.patient_id_of(one) or "" for one in appointments} - known.keys()
    persons = {**known, **_persons(record, wanted)}
    return [_booking(one, persons) for one in appointments if booking.patient_id_of(one) in persons]


def _persons(record: Record, ids: set[str]) -> dict[str, people.Person]:
    wanted = sorted(ids - {""})
    found: dict[str, people.Person] = {}
    for at in range(0, len(wanted), CHUNK):
        for patient in record.find(Patient, ("_id", ",".join(wanted[at : at + CHUNK]))):
            found[patient.id or ""] = people.person_of(patient)
    return found


def _booking(appointment: Appointment, persons: dict[str, people.Person]) -> Booking:
    doctor = booking.reference_of(appointment, "Practitioner")
    room = booking.reference_of(appointment, "Location")
    specialty = appointment.specialty[0] if appointment.specialty else None
    tags = appointment.meta.tag if appointment.meta else []
    return Booking(
        id=appointment.id or "",
        person=persons[booking.patient_id_of(appointment) or ""],
        start=booking.moment(appointment.start or ""),
        specialty=(specialty.text or "") if specialty else "",
        doctor=(doctor.display or "") if doctor else "",
        practitioner_id=booking.practitioner_id_of(appointment) or "",
        room_id=booking.location_id_of(appointment) or "",
        room=(room.display or "") if room else "",
        reason=booking.reason_of(appointment),
        status=appointment.status or "",
        code=booking.code_of(appointment),
        channel=next((one.code or "" for one in tags if one.system == CHANNEL_TAG), ""),
        beyond=next(
            (
                one.valueString or ""
                for one in appointment.extension
                if one.url == OVERBOOKED and one.valueString
            ),
            "",
        ),
    )


# -- the one field ----------------------------------------------------------------------------------------------


def find(record: Record, text: str, *, facility: str, today: date) -> Found:
    """Bookings, tickets and people by whatever was scanned or typed."""
    scan = rules.scan_of(text)
    if scan.kind == "code":
        return _by_code(record, text, scan.value, facility, today)
    if scan.kind == "ticket":
        letter, number = scan.value.split(" ")
        found = Ticket.objects.filter(facility=facility, day=today, letter=letter, number=int(number))
        return Found(text, tickets=tuple(found))
    if scan.kind == "citizen-qr":
        return _by_citizen_card(record, text, facility, today)
    if scan.kind == "insurance-qr":
        return _by_insurance_card(record, text, facility, today)
    if scan.kind == "nothing":
        return Found(text)
    return found_of(record, text, people.find_people(record, scan.value), facility=facility, today=today)


def _by_code(record: Record, text: str, code: str, facility: str, today: date) -> Found:
    found = record.find(Appointment, ("identifier", f"{REGISTRATION_CODE}|{code}"))
    own = [one for one in found if facility_of(one) == facility]
    tickets = [line.ticket_of(record, appointment=one.id or "") for one in own]
    return Found(text, bookings=tuple(_bookings(record, own)), tickets=tuple(one for one in tickets if one))


def _by_citizen_card(record: Record, text: str, facility: str, today: date) -> Found:
    card = parse_citizen_qr(text, today=today)
    if isinstance(card, Refusal):
        return Found(text, refusal=card)
    known = people.people_of_number(record, card.number)
    return found_of(record, text, known, facility=facility, today=today, card=card)


def _by_insurance_card(record: Record, text: str, facility: str, today: date) -> Found:
    card = parse_insurance_qr(text, today=today)
    if isinstance(card, Refusal):
        return Found(text, refusal=card)
    patients = people.patients_of_card(record, card.card.number)
    return found_of(record, text, patients, facility=facility, today=today, card=card)


def found_of(
    record: Record,
    text: str,
    patients: list[Patient],
    *,
    facility: str,
    today: date,
    card: CitizenCard | InsuranceQr | None = None,
) -> Found:
    """These people with their bookings and numbers of today."""
    ids = {one.id or "" for one in patients}
    first, last = booking.day_bounds(today)
    booked: list[Appointment] = []
    for at in range(0, len(patients), CHUNK):
        asked = ",".join(f"Patient/{one.id}" for one in patients[at : at + CHUNK])
        booked += record.find(
            Appointment,
            ("patient", asked),
            ("date", f"ge{first}"),
            ("date", f"lt{last}"),
            ("status", "booked,pending"),
        )
    own = [one for one in booked if facility_of(one) == facility]
    tickets = Ticket.objects.filter(facility=facility, day=today, patient_id__in=ids)
    persons = {one.id or "": people.person_of(one) for one in patients}
    return Found(
        text,
        bookings=tuple(sorted(_bookings(record, own, persons), key=lambda one: one.start)),
        people=tuple(persons.values()),
        tickets=tuple(tickets),
        card=card,
    )


# -- rooms ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoomState:
    """A room with its doctors and its line now."""

    room_id: str
    room: str
    specialty: str
    doctor: str
    line: line.Line = field(default_factory=lambda: line.Line(""))
    known: Known | None = None


def rooms_of(record: Record, *, facility: str, posts: list[Post]) -> list[RoomState]:
    """Every room of the facility in order, with today's line and its measures: so many queries for one as for all."""
    lines = line.lines_of(record, facility=facility)
    known = line.known_of(record, {one.place.key: one.place for one in lines.values()}.values())
    by_room: dict[str, list[Post]] = {}
    for post in posts:
        by_room.setdefault(post.room_id, []).append(post)
    return [
        RoomState(
            room_id,
            own[0].room,
            ", ".join(dict.fromkeys(one.specialty for one in own)),
            own[0].doctor if len(own) == 1 else "",
            found := lines.get(room_id, line.Line(room_id)),
            known.get(found.place.key),
        )
        for room_id, own in by_room.items()
    ]
