"""Opening slots from timetables, and changing a timetable with the bookings it touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal

from django.utils.translation import gettext as _

from yba.areas.booking import actions, capacity, free, ledger, policies, queries, rules, timetable
from yba.areas.booking.models import Seat
from yba.areas.booking.timetable import Opening
from yba.fhir.errors import Conflict, Gone, Invalid, NotFound
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Coding, Meta
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record, facility_of
from yba.ui.words import local_day

Choice = Literal["move", "keep", "cancel"]
_PAGE: Final = 500


# -- every night -----------------------------------------------------------------------------------------


def open_slots(record: Record, *, until: date, today: date) -> int:
    """Make the slots of every timetable from ``today`` to ``until`` or as far ahead as it is open; how many are new.

    Run as often as one likes: what exists is left as it is. A transaction a practitioner; slots keep the facility.
    A role without a timetable gets one, of the hours the role says.
    """
    made = 0
    for roles in _pages(record, "PractitionerRole", ("active", "true")):
        found = [one for one in roles if isinstance(one, PractitionerRole)]
        schedules = queries.schedules_of(record, [one.id or "" for one in found], also_closed=True)
        for role in found:
            with record.atomic():
                of_role = schedules.get(role.id or "") or [_new_schedule(record, role)]
                in_use = [one for one in of_role if one.active is not False]
                made += sum(_open(record, one, role, today=today, until=until) for one in in_use)
    for some in _pages(record, "Schedule", ("active", "true"), ("actor:missing", "false")):
        for schedule in some:
            if isinstance(schedule, Schedule) and not ledger.actor_of(schedule, "PractitionerRole"):
                with record.atomic():
                    made += _open(record, schedule, None, today=today, until=until)
    return made


def _pages(record: Record, kind: str, *params: tuple[str, str]) -> Iterator[Sequence[object]]:
    after: str | None = None
    while True:
        asked = [*params, ("_count", str(_PAGE)), *([("_cursor", after)] if after else [])]
        page = record.search(kind, asked)
        yield page.matches
        after = page.next
        if after is None:
            return


def _new_schedule(record: Record, role: PractitionerRole) -> Schedule:
    return record.create(schedule_for(role))


def schedule_for(role: PractitionerRole) -> Schedule:
    """An empty timetable of a role, with its practitioner and first room."""
    actors = [reference("PractitionerRole", role.id)]
    actors += [one for one in (role.practitioner, *role.location[:1]) if one is not None]
    facility = queries.target_id(role.organization, "Organization") or facility_of(role) or ""
    return Schedule(active=True, actor=actors, specialty=role.specialty, meta=_tagged(facility))


def _tagged(facility: str | None) -> Meta | None:
    return Meta(tag=[Coding(system=rules.FACILITY_TAG, code=facility)]) if facility else None


def _open(
    record: Record, schedule: Schedule, role: PractitionerRole | None, *, today: date, until: date
) -> int:
    record.lock(Schedule, schedule.id or "")
    wanted = _wanted(schedule, role, today=today, until=until)
    known = _known(record, schedule.id or "", since=rules.day_bounds(today)[0])
    starts = {rules.moment(one.start or "") for one in known}
    new = [one for one in wanted if one.start not in starts]
    for one in new:
        _make(record, schedule, one)
    return len(new)


def _wanted(schedule: Schedule, role: PractitionerRole | None, *, today: date, until: date) -> list[Opening]:
    said = timetable.timetable_of(schedule, role)
    ahead_of = policies.policy_of(schedule).days_ahead
    last = max(until, today + timedelta(days=ahead_of)) if ahead_of > rules.HORIZON_DAYS else until
    days = (today + timedelta(days=ahead) for ahead in range((last - today).days + 1))
    return [one for day in days for one in timetable.openings(said, day, role=role)]


def _known(record: Record, schedule_id: str, *, since: str) -> list[Slot]:
    return record.find(
        Slot, ("schedule", f"Schedule/{schedule_id}"), ("start", f"ge{since}"), ("_sort", "start")
    )


def slot_of(schedule: Schedule, one: Opening) -> Slot:
    """The slot an opening would be; not stored, under the id it would have."""
    return Slot(
        id=one.id_in(schedule.id or ""), schedule=reference("Schedule", schedule.id), status="free",
        specialty=schedule.specialty, serviceType=schedule.serviceType, start=rules.instant(one.start),
        end=rules.instant(one.end), extension=capacity.written(one.places), meta=_tagged(facility_of(schedule)),
    )  # fmt: skip


def _make(record: Record, schedule: Schedule, one: Opening) -> None:
    made = slot_of(schedule, one)
    made.id = None
    record.as_system().create_stored(made, identifier=one.id_in(schedule.id or ""))


def open_these(record: Record, schedule: Schedule, wanted: Sequence[Opening]) -> None:
    """Open single times further ahead than the timetable is open, for a series (``planning.opened``)."""
    for one in wanted:
        _make(record, schedule, one)


# -- changing a timetable --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Touched:
    """A booking whose time the changed timetable has no more, and where it could go."""

    appointment_id: str
    starts: datetime
    to_slot: str = ""
    to_start: datetime | None = None
    to_doctor: str = ""
    choice: Choice = "keep"


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of a timetable does."""

    schedule: Schedule
    opened: int = 0
    closed: int = 0
    touched: list[Touched] = field(default_factory=list)


class _LookedAt(Exception):
    def __init__(self, change: Change) -> None:
        super().__init__()
        self.change = change


def looked_at(record: Record, schedule: Schedule) -> Change:
    """What a change would do: it is done, looked at, and taken back, so that what is shown is what would come."""
    try:
        with record.atomic():
            raise _LookedAt(change_timetable(record, schedule, choices={}))
    except _LookedAt as seen:
        return seen.change


def change_timetable(record: Record, schedule: Schedule, *, choices: Mapping[str, Choice]) -> Change:
    """Store a timetable, open and close its slots from now on, and do with each booking it touches what was chosen.

    A booking nobody chose anything for is kept at its old time, which others cannot book any more. Raises what the door
    says of the actor's right to the Schedule.
    """
    with record.atomic():
        stored = record.update(schedule) if schedule.id else record.create(schedule)
        system, now = record.as_system(), record.clock()
        role = role_of(system, stored)
        known = _known(system, stored.id or "", since=rules.instant(now))
        opened_until = max(
            (local_day(rules.moment(one.start or "")) for one in known), default=local_day(now)
        )
        usual = {one.start for one in _coming(stored, role, now=now)}
        # Series reach further than the timetable is open (``series``): their times are looked at, no others opened.
        wanted = {one.start: one for one in _coming(stored, role, now=now, until=opened_until)}
        _lock_bookings(system, known)
        stays = [one for one in known if _is_same(one, wanted.get(rules.moment(one.start or "")))]
        others = [one for one in known if one not in stays]
        held = ledger.locked(record, [one.id or "" for one in others], known=[one.id or "" for one in others])
        bookings = _bookings([one.id or "" for one in others])
        closed = sum(
            _settle(record, one, wanted.get(one.starts), booked=bool(bookings[one.id]))
            for one in held.values()
        )
        starts = {rules.moment(one.start or "") for one in known}
        new = [one for at, one in wanted.items() if at in usual and at not in starts]
        for one in new:
            _make(record, stored, one)
        gone = {
            one.id: one.starts
            for one in held.values()
            if bookings[one.id] and not _fits(one, wanted.get(one.starts))
        }
        touched = _touched(
            record, stored, [(who, at) for key, at in gone.items() for who in bookings[key]], choices
        )
        return Change(stored, len(new), closed, [_do(record, one) for one in touched])


def _coming(
    schedule: Schedule, role: PractitionerRole | None, *, now: datetime, until: date | None = None
) -> list[Opening]:
    """The openings from now on; none of a timetable that is closed."""
    if schedule.active is False:
        return []
    today = local_day(now)
    usual = today + timedelta(days=rules.HORIZON_DAYS)
    found = _wanted(schedule, role, today=today, until=max(usual, until or usual))
    return [one for one in found if one.start > now]


def role_of(system: Record, schedule: Schedule) -> PractitionerRole | None:
    """The role a timetable is of; None for one of a room alone."""
    role_id = ledger.actor_of(schedule, "PractitionerRole")
    try:
        return system.read(PractitionerRole, role_id) if role_id else None
    except (NotFound, Gone):
        return None


def _lock_bookings(system: Record, slots: Sequence[Slot]) -> None:
    """Bookings before slots, as whoever calls one off locks them."""
    holders = Seat.objects.filter(slot_id__in=[one.id for one in slots], kind="booking")
    for one in sorted(set(holders.values_list("holder", flat=True))):
        system.lock(Appointment, one)


def _bookings(slot_ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    rows = Seat.objects.filter(slot_id__in=slot_ids, kind="booking").order_by("starts", "seat_no")
    for slot_id, holder in rows.values_list("slot_id", "holder"):
        found[slot_id].append(holder)
    return found


def _is_same(slot: Slot, opening: Opening | None) -> bool:
    return (
        opening is not None
        and slot.status not in ledger.SHUT
        and rules.moment(slot.end or "") == opening.end
        and capacity.places_of(slot) == opening.places
    )


def _fits(held: ledger.Held, opening: Opening | None) -> bool:
    """Whether who is booked there can stay: the same time, whatever its figures."""
    return opening is not None and opening.end == held.ends


def _settle(record: Record, held: ledger.Held, opening: Opening | None, *, booked: bool) -> int:
    """Give a slot the figures of its opening, or close it; 1 where it was open and is closed."""
    slot, was_open = held.slot, held.slot.status not in ledger.SHUT
    if opening is not None and (not booked or _fits(held, opening)):
        others = [one for one in slot.extension if one not in capacity.written(held.places)]
        slot.end, slot.extension = rules.instant(opening.end), [*others, *capacity.written(opening.places)]
        if not was_open and slot.status != "entered-in-error":
            slot.status = "free"
        record.as_system().update(slot)
        if booked:
            ledger.shown_again(record, [held.id])
        return 0
    if not was_open:
        return 0
    slot.status = "busy-unavailable"
    record.as_system().update(slot)
    Seat.objects.filter(slot_id=held.id, kind__in=["hold", "offer"]).delete()
    return 1


def _touched(
    record: Record, schedule: Schedule, gone: Sequence[tuple[str, datetime]], choices: Mapping[str, Choice]
) -> list[Touched]:
    """Each booking that lost its time, with the nearest time left: of the same practitioner, else of the specialty."""
    found: list[Touched] = []
    if not gone:
        return found
    options = _options(record, schedule)
    for who, at in sorted(gone, key=lambda one: one[1]):
        best = min(options, key=lambda one: (not one[2], abs(one[0] - at), one[1]), default=None)
        if best is None:
            found.append(Touched(who, at, choice="cancel" if choices.get(who) == "cancel" else "keep"))
            continue
        options.remove(best)
        found.append(Touched(who, at, best[1], best[0], best[3], choices.get(who, "keep")))
    return found


def _options(record: Record, schedule: Schedule) -> list[tuple[datetime, str, bool, str]]:
    """Free times of the facility for the specialty: start, slot, whether it is the same practitioner's, whose."""
    system, facility = record.as_system(), facility_of(schedule)
    codes = [f"{one.system}|{one.code}" for each in schedule.specialty for one in each.coding]
    own = ledger.actor_of(schedule, "Practitioner")
    asked = [("schedule", f"Schedule/{schedule.id}")]
    if codes and facility:
        asked = [("specialty", ",".join(codes)), ("_tag", f"{rules.FACILITY_TAG}|{facility}")]
    slots = system.find(Slot, *asked, ("status", "free"), ("start", f"ge{rules.instant(record.clock())}"))
    left = free.free_for(system, slots)
    schedules = free.schedules_by_id(system, {queries.target_id(one.schedule, "Schedule") for one in slots})
    found = []
    for one in slots:
        of = schedules.get(queries.target_id(one.schedule, "Schedule"))
        if one.id in left and of is not None and of.active is not False:
            mine = ledger.actor_of(of, "Practitioner") == own
            found.append((rules.moment(one.start or ""), one.id or "", mine, _whose(of)))
    return found


def _whose(schedule: Schedule) -> str:
    return next(
        (one.display for one in schedule.actor if one.display and queries.target_id(one, "Practitioner")), ""
    ) or (schedule.comment or "")


def _do(record: Record, one: Touched) -> Touched:
    system = record.as_system()
    if one.choice == "move" and one.to_slot:
        try:
            with record.atomic():
                actions.move_request(system, one.appointment_id, slot_id=one.to_slot)
        except (Conflict, Invalid):  # taken meanwhile, or not given as it was booked: by video, on the spot
            return Touched(one.appointment_id, one.starts)
    if one.choice == "cancel":
        actions.refuse_request(
            system, one.appointment_id, reason=_("Cơ sở đổi lịch khám, giờ này không còn.")
        )
    return one
