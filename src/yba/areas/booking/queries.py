"""What booking reads: doctors and their free times, a person's bookings, the desk's list. Few searches each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from yba.areas.booking import rules, services
from yba.areas.booking.free import free_for
from yba.areas.booking.ratings.rules import Figures
from yba.care import catalogues, people
from yba.care.chart.elements import display_of
from yba.care.identifiers import REGISTRATION_CODE, SERVICE
from yba.care.remote import mode
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model import references
from yba.fhir.model.fold import fold_words
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.charge_item_definition import ChargeItemDefinition
from yba.fhir.r4.datatypes import CodeableConcept, Reference, Resource
from yba.fhir.r4.healthcare_service import HealthcareService
from yba.fhir.r4.location import Location
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record, facility_of

MOST_POSTS: Final = 500
_IDS_AT_ONCE: Final = 200
#: Facilities have some twenty prices of examinations each: below the 5,000 of one answer.
_HOUSES_AT_ONCE: Final = 50
LANGUAGE_CS: Final = "urn:ietf:bcp:47"
#: So far ahead times are shown at all; how far each timetable is open is its own (``policies``).
MOST_DAYS: Final = 28
_INCLUDED: Final = (
    ("_include", "PractitionerRole:practitioner"),
    ("_include", "PractitionerRole:organization"),
    ("_include", "PractitionerRole:location"),
    ("_include:iterate", "Location:partof"),
)
_WHO_AND_WHERE: Final = _INCLUDED[:3]


@dataclass(frozen=True, slots=True)
class Post:
    """A practitioner at work in one facility, with the next free times when asked for."""

    role_id: str
    practitioner_id: str
    name: str
    gender: str
    specialty_code: str
    specialty: str
    facility_id: str
    facility: str
    place: str
    facility_phone: str
    location_id: str
    room: str
    price: int | None = None
    video: bool = False
    active: bool = True
    languages: tuple[str, ...] = ()
    insured: bool = False
    #: Latitude and longitude of the room, or of the house it is in.
    position: tuple[float, float] | None = None
    #: Where it was asked for: how people rate who is at work here.
    rated: Figures | None = None
    schedules: tuple[str, ...] = ()
    free: tuple[FreeSlot, ...] = field(default=())

    @property
    def words(self) -> set[str]:
        """Folded words it is found by."""
        return set(fold_words(f"{self.name} {self.specialty} {self.facility} {self.place}"))


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time of a schedule; ``free`` False: taken or closed."""

    id: str
    start: datetime
    end: datetime
    free: bool = True


def target_id(ref: Reference | None, kind: str) -> str:
    """The id a reference names, when it is of this type; else nothing."""
    target = references.target(ref) if ref is not None else None
    return target[1] if target is not None and target[0] == kind else ""


# -- doctors --------------------------------------------------------------------------------------------


def posts_by_id(record: Record, role_ids: Sequence[str], *, hidden: bool = False) -> list[Post]:
    """These posts, in the order of their ids as given; ``hidden``: also those who take no bookings now."""
    found: dict[str, Post] = {}
    for at in range(0, len(role_ids), _IDS_AT_ONCE):
        ids = ",".join(role_ids[at : at + _IDS_AT_ONCE])
        params = [("_id", ids), ("_count", str(_IDS_AT_ONCE)), *_INCLUDED]
        found |= {one.role_id: one for one in _posts(record, params)}
    return [found[one] for one in role_ids if one in found and (hidden or found[one].active)]


def posts_at(record: Record, facility: str) -> list[Post]:
    """Everyone at work in one facility, also those who take no bookings now."""
    params = [("organization", f"Organization/{facility}"), ("_count", str(MOST_POSTS)), *_INCLUDED]
    return _posts(record, params)


def _named(record: Record, params: Sequence[tuple[str, str]]) -> tuple[list[PractitionerRole], list[Post]]:
    """Posts with who and where they are, without what a visit costs and how it is given."""
    page = record.search(PractitionerRole, params)
    known: dict[str, Resource] = {f"{type(one).__name__}/{one.id}": one for one in page.included}
    roles = [one for one in page.matches if isinstance(one, PractitionerRole)]
    return roles, [_post(role, known) for role in roles]


def _posts(record: Record, params: Sequence[tuple[str, str]], *, priced: bool = True) -> list[Post]:
    roles, found = _named(record, params)
    prices = exam_prices(record, {one.facility_id for one in found}) if priced else {}
    by_video, insured = _by_service(record, roles)
    return [
        replace(
            one, price=prices.get((one.facility_id, one.specialty_code)), video=one.role_id in by_video,
            insured=one.role_id in insured,
        )
        for one in found
    ]  # fmt: skip


def _by_service(record: Record, roles: Sequence[PractitionerRole]) -> tuple[set[str], set[str]]:
    """Ids of the roles one of whose services is given by video, and of those that health insurance pays for."""
    of_role = {
        one.id or "": {target_id(service, "HealthcareService") for service in one.healthcareService}
        for one in roles
    }
    wanted = sorted(set().union(*of_role.values()) - {""})
    found = []
    for at in range(0, len(wanted), _IDS_AT_ONCE):
        ids = ",".join(wanted[at : at + _IDS_AT_ONCE])
        found += record.find(HealthcareService, ("_id", ids), ("active", "true"))
    video = {one.id or "" for one in found if mode.service_mode(one) != "on-site"}
    insured = {one.id or "" for one in found if services.is_insured(one)}
    return (
        {key for key, its in of_role.items() if its & video},
        {key for key, its in of_role.items() if its & insured},
    )


def _post(role: PractitionerRole, known: dict[str, Resource]) -> Post:
    who = known.get((role.practitioner.reference or "") if role.practitioner else "")
    where = known.get((role.organization.reference or "") if role.organization else "")
    room_ref = role.location[0] if role.location else None
    room = known.get((room_ref.reference or "") if room_ref else "")
    facility = where if isinstance(where, Organization) else None
    coding = role.specialty[0].coding[0] if role.specialty and role.specialty[0].coding else None
    home = facility.address[0] if facility and facility.address else None
    return Post(
        role_id=role.id or "",
        practitioner_id=target_id(role.practitioner, "Practitioner"),
        name=name_of(who) if isinstance(who, Practitioner) else display_of(role.practitioner),
        gender=(who.gender or "") if isinstance(who, Practitioner) else "",
        specialty_code=(coding.code or "") if coding else "",
        specialty=_specialty_words(role),
        facility_id=target_id(role.organization, "Organization"),
        facility=(facility.name or "") if facility else display_of(role.organization),
        place=", ".join(filter(None, [home.city, home.state])) if home else "",
        facility_phone=next((t.value for t in facility.telecom if t.system == "phone" and t.value), "")
        if facility
        else "",
        location_id=target_id(room_ref, "Location"),
        room=(room.name or "") if isinstance(room, Location) else display_of(room_ref),
        active=role.active is not False,
        languages=languages_of(who) if isinstance(who, Practitioner) else (),
        position=_position(room if isinstance(room, Location) else None, known),
    )


def languages_of(who: Practitioner) -> tuple[str, ...]:
    """The languages somebody speaks (BCP 47, without the country); nothing said is Vietnamese."""
    said = [
        (one.code or "").split("-")[0].lower()
        for concept in who.communication
        for one in concept.coding
        if one.system in (None, LANGUAGE_CS)
    ]
    return tuple(dict.fromkeys(filter(None, said))) or ("vi",)


def _position(room: Location | None, known: Mapping[str, Resource]) -> tuple[float, float] | None:
    """Where a room is: its own position, else that of what it is a part of."""
    for _step in range(5):
        if room is None:
            return None
        at = room.position
        if at is not None and at.latitude is not None and at.longitude is not None:
            return float(at.latitude), float(at.longitude)
        above = known.get((room.partOf.reference or "") if room.partOf else "")
        room = above if isinstance(above, Location) else None
    return None


def name_of(practitioner: Practitioner) -> str:
    """The name with its degrees, as on the door."""
    for name in practitioner.name:
        bare = name.text or " ".join(filter(None, [name.family, *name.given]))
        prefix = " ".join(filter(None, name.prefix))
        return bare if bare.startswith(prefix) else f"{prefix} {bare}"
    return ""


def _specialty_words(role: PractitionerRole) -> str:
    if not role.specialty:
        return ""
    concept: CodeableConcept = role.specialty[0]
    code = (concept.coding[0].code or "") if concept.coding else ""
    known = catalogues.specialty(code) if code else None
    return (
        concept.text
        or (known.name_vi if known else "")
        or (concept.coding[0].display or "" if concept.coding else "")
    )


def exam_prices(record: Record, facilities: Collection[str]) -> dict[tuple[str, str], int]:
    """The price of an examination by facility and specialty, from these facilities' price lists; VND."""
    exams = {one.code: one.specialty for one in catalogues.services() if one.group == "exam"}
    prices: dict[tuple[str, str], int] = {}
    codes = ",".join(f"{SERVICE}|{code}" for code in exams)
    wanted = sorted(filter(None, facilities))
    for at in range(0, len(wanted), _HOUSES_AT_ONCE):
        tags = ",".join(f"{rules.FACILITY_TAG}|{one}" for one in wanted[at : at + _HOUSES_AT_ONCE])
        said = (("identifier", codes), ("status", "active"), ("_tag", tags))
        for definition in record.find(ChargeItemDefinition, *said):
            code, facility, amount = _service_code(definition), facility_of(definition), _amount(definition)
            if code in exams and facility is not None and amount is not None:
                prices[(facility, exams[code])] = amount
    return prices


def _service_code(definition: ChargeItemDefinition) -> str:
    return (definition.code.coding[0].code or "") if definition.code and definition.code.coding else ""


def _amount(definition: ChargeItemDefinition) -> int | None:
    for group in definition.propertyGroup:
        for component in group.priceComponent:
            if component.amount is not None and component.amount.value is not None:
                return int(component.amount.value)
    return None


def ids_of(schedules: Iterable[Schedule]) -> tuple[str, ...]:
    """The ids of timetables."""
    return tuple(one.id or "" for one in schedules)


def schedules_of(
    record: Record, role_ids: Sequence[str], *, also_closed: bool = False
) -> dict[str, list[Schedule]]:
    """Role id -> its timetables that are in use (or all)."""
    if not role_ids:
        return {}
    found = record.find(Schedule, ("actor", ",".join(f"PractitionerRole/{one}" for one in role_ids)))
    by_role: dict[str, list[Schedule]] = {}
    for schedule in sorted(found, key=lambda one: one.id or ""):
        for actor in schedule.actor:
            role = target_id(actor, "PractitionerRole")
            if role and (also_closed or schedule.active is not False):
                by_role.setdefault(role, []).append(schedule)
    return by_role


def _free_slot(slot: Slot, free: Collection[str]) -> FreeSlot:
    starts, ends = rules.moment(slot.start or ""), rules.moment(slot.end or "")
    return FreeSlot(slot.id or "", starts, ends, slot.id in free)


def times_of(
    record: Record,
    schedules: Sequence[str],
    *,
    now: datetime,
    days: int = MOST_DAYS,
    owners: Collection[str] = (),
) -> list[FreeSlot]:
    """All times of some timetables from now on, taken ones too; what ``owners`` hold is free for them."""
    if not schedules:
        return []
    last = rules.instant(now + timedelta(days=days))
    found = record.find(
        Slot, ("schedule", ",".join(f"Schedule/{one}" for one in schedules)),
        ("start", f"ge{rules.instant(now)}"), ("start", f"lt{last}"), ("_sort", "start"),
    )  # fmt: skip
    free = free_for(record, found, owners=owners)
    return [_free_slot(slot, free) for slot in found if slot.status != "entered-in-error"]


def times_of_slot(record: Record, slot_id: str, *, now: datetime) -> list[FreeSlot]:
    """All times, from now on, of the schedule a slot belongs to; none when the slot is gone."""
    try:
        slot = record.read(Slot, slot_id) if slot_id else None
    except (NotFound, Gone):
        return []
    return times_of(record, [target_id(slot.schedule, "Schedule")], now=now) if slot is not None else []


def post(record: Record, role_id: str) -> Post:
    """One post with its schedule. Raises NotFound."""
    found = _posts(record, [("_id", role_id), *_INCLUDED])
    if not found:
        raise _no_post()
    return replace(found[0], schedules=ids_of(schedules_of(record, [role_id]).get(role_id, ())))


def post_to_book(record: Record, role_id: str) -> Post:
    """One post as a booking wants it: without its price and its timetables. Raises NotFound."""
    found = _posts(record, [("_id", role_id), *_INCLUDED], priced=False)
    if not found:
        raise _no_post()
    return found[0]


def _no_post() -> NotFound:
    return NotFound("booking.no-post", "There is no such practitioner here.")


@dataclass(frozen=True, slots=True)
class Time:
    """A slot, the timetable it is in, and whose it is (``post_of``)."""

    slot: Slot
    schedule: Schedule
    post: Post


def time_of(record: Record, slot_id: str, *, known: Post | None = None) -> Time:
    """A slot with whose it is; ``known``: a post read already for this request. Raises NotFound, Gone."""
    slot = record.read(Slot, slot_id)
    schedule = record.read(Schedule, target_id(slot.schedule, "Schedule"))
    return Time(slot, schedule, post_of(record, schedule, known=known))


def slot_and_post(record: Record, slot_id: str) -> tuple[Slot, Post]:
    """A slot and whose it is. Raises NotFound, Gone."""
    found = time_of(record, slot_id)
    return found.slot, found.post


def post_of(record: Record, schedule: Schedule, *, known: Post | None = None) -> Post:
    """Whose times a timetable has: a practitioner's, or a room's alone (a dialysis chair). Raises NotFound.

    Without price and how it is given, which booking never asks. ``known``: a post read already for this request.
    """
    role_id = next(filter(None, (target_id(one, "PractitionerRole") for one in schedule.actor)), "")
    if role_id:
        if known is None or known.role_id != role_id:
            _roles, found = _named(record, [("_id", role_id), *_WHO_AND_WHERE])
            if not found:
                raise _no_post()
            known = found[0]
        return replace(known, schedules=(schedule.id or "",))
    room = next((one for one in schedule.actor if target_id(one, "Location")), None)
    if room is None:
        raise _no_post()
    concept = schedule.specialty[0] if schedule.specialty else None
    coding = concept.coding[0] if concept is not None and concept.coding else None
    facility_id = facility_of(schedule) or ""
    name, phone = facility_name(record, facility_id)
    return Post(
        role_id="", practitioner_id="", name="", gender="", specialty_code=(coding.code or "") if coding else "",
        specialty=(concept.text or "") if concept is not None else "", facility_id=facility_id, facility=name,
        place="", facility_phone=phone, location_id=target_id(room, "Location"), room=display_of(room),
        schedules=(schedule.id or "",),
    )  # fmt: skip


# -- bookings -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as pages show it."""

    id: str
    status: str
    start: datetime | None
    patient_id: str
    patient: str
    doctor: str
    room: str
    specialty: str
    facility_id: str
    reason: str
    symptoms: str
    code: str
    asked_at: datetime
    refusal: str
    version: str
    video: bool = False
    #: The series it is a visit of, which one, and (where it stands for the others) how many wait with it.
    series: str = ""
    number: int = 0
    series_count: int = 0


def booking_of(appointment: Appointment) -> Booking:
    """The values of an Appointment."""
    reason = appointment.cancelationReason
    return Booking(
        id=appointment.id or "",
        status=appointment.status or "",
        start=rules.moment(appointment.start) if appointment.start else None,
        patient_id=rules.patient_id_of(appointment) or "",
        patient=display_of(rules.reference_of(appointment, "Patient")),
        doctor=display_of(rules.reference_of(appointment, "Practitioner")),
        room=display_of(rules.reference_of(appointment, "Location")),
        specialty=(appointment.specialty[0].text or "") if appointment.specialty else "",
        facility_id=facility_of(appointment) or "",
        reason=rules.reason_of(appointment),
        symptoms=appointment.comment or "",
        code=rules.code_of(appointment),
        asked_at=rules.asked_at(appointment),
        refusal=(reason.text or "") if reason is not None else "",
        version=(appointment.meta.versionId or "") if appointment.meta else "",
        video=mode.is_video(appointment),
        series=rules.series_of(appointment),
        number=rules.number_of(appointment),
    )


def bookings_of(record: Record, patient_ids: Iterable[str], *, limit: int = 50) -> list[Booking]:
    """The bookings of these people, newest first."""
    ids = ",".join(f"Patient/{one}" for one in sorted(patient_ids))
    if not ids:
        return []
    page = record.search(Appointment, [("patient", ids), ("_sort", "-date"), ("_count", str(limit))])
    return [booking_of(one) for one in page.matches if isinstance(one, Appointment)]


def facility_name(record: Record, facility_id: str) -> tuple[str, str]:
    """Name and phone of a facility; empty when it is not there."""
    try:
        found = record.read(Organization, facility_id) if facility_id else None
    except (NotFound, Gone):
        found = None
    if found is None:
        return "", ""
    return found.name or "", next((t.value for t in found.telecom if t.system == "phone" and t.value), "")


def facility_names(record: Record, ids: Iterable[str]) -> dict[str, str]:
    """Facility id -> name, in one search."""
    wanted = sorted(set(filter(None, ids)))
    found = record.find(Organization, ("_id", ",".join(wanted))) if wanted else []
    return {one.id or "": one.name or "" for one in found}


def code_is_used(record: Record, code: str) -> bool:
    """Whether a registration code names a booking already."""
    return record.as_system().first(Appointment, ("identifier", f"{REGISTRATION_CODE}|{code}")) is not None


# -- the desk -------------------------------------------------------------------------------------------


def caller(record: Record, patient_id: str) -> people.Person:
    """The person to call. Raises NotFound."""
    return people.person_of(record.read(Patient, patient_id))
