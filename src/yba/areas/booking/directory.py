"""Keeping what people choose by (`Post`) and when there is time (`OpenTime`) as the record says it.

Guards follow every write: a time in the same transaction, so that a seat that is taken or given back is so here too; a
post is marked and copied again before it is next looked at. What was loaded past the guards (a demo, an import) is
copied by ``rebuild``, which also runs every night.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final

from yba.areas.booking import capacity, free, ledger, policies, queries, rules
from yba.areas.booking.policies import Policy, policy_of
from yba.areas.booking.queries import Post
from yba.areas.booking.ratings import keeping
from yba.fhir.model.fold import fold
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Guard, Record, facility_of
from yba.fhir.store.rows import execute
from yba.ui.words import HANOI, local_day

_PAGE: Final = 500
#: So many posts are copied again while somebody waits; more wait for the minute's sweep.
WHILE_READING: Final = 50

_WRITE: Final = """
insert into booking_post (role_id, practitioner_id, facility, facility_name, location_id, specialty, specialty_name,
                          gender, languages, words, name, place, latitude, longitude, price, video, insured, active,
                          stale)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, false)
on conflict (role_id) do update set practitioner_id = excluded.practitioner_id, facility = excluded.facility,
    facility_name = excluded.facility_name, location_id = excluded.location_id, specialty = excluded.specialty,
    specialty_name = excluded.specialty_name, gender = excluded.gender, languages = excluded.languages,
    words = excluded.words, name = excluded.name, place = excluded.place, latitude = excluded.latitude,
    longitude = excluded.longitude, price = excluded.price, video = excluded.video, insured = excluded.insured,
    active = excluded.active, stale = false
returning role_id::varchar"""
_MARK_NEW: Final = """
insert into booking_post (role_id, practitioner_id, facility, facility_name, location_id, specialty, specialty_name,
                          gender, languages, words, name, place, video, insured, active, stale)
values (%s, '', '', '', '', '', '', '', '', '', '', '', false, false, false, true)
on conflict (role_id) do update set stale = true returning role_id::varchar"""
_MARK: Final = {
    "Practitioner": "update booking_post set stale = true where practitioner_id = %s returning role_id::varchar",
    "facility": "update booking_post set stale = true where facility = %s returning role_id::varchar",
}
_FORGET: Final = "delete from booking_post where role_id = %s returning role_id::varchar"
_STALE: Final = """
select role_id::varchar from booking_post where stale order by role_id limit %s for update skip locked"""

_FOLLOW: Final = """
insert into booking_opentime
       (slot_id, schedule_id, role_id, in_use, starts, open, kept, kept_until, asked_until, asked_from)
select slot, %(schedule)s, %(role)s, %(in_use)s, starts, open, kept, nullif(kept_until, '')::timestamptz,
       asked_until, asked_from
  from unnest(%(slots)s::text[], %(starts)s::timestamptz[], %(open)s::bool[], %(kept)s::text[], %(kept_until)s::text[],
              %(asked_until)s::timestamptz[], %(asked_from)s::timestamptz[])
       as t (slot, starts, open, kept, kept_until, asked_until, asked_from)
on conflict (slot_id) do update set schedule_id = excluded.schedule_id, role_id = excluded.role_id,
    in_use = excluded.in_use, starts = excluded.starts, open = excluded.open, kept = excluded.kept,
    kept_until = excluded.kept_until, asked_until = excluded.asked_until, asked_from = excluded.asked_from
returning slot_id::varchar"""
#: A change that leaves the time where it is: no timetable has to be read for it.
_OPEN: Final = """
update booking_opentime set open = %s where slot_id = %s and starts = %s and schedule_id = %s
returning slot_id::varchar"""
_DROP: Final = "delete from booking_opentime where slot_id = %s returning slot_id::varchar"
#: Of a timetable whose slots were taken out of the record past the guards.
_DROP_OTHERS: Final = """
delete from booking_opentime where schedule_id = %s and slot_id <> all(%s::text[]) returning slot_id::varchar"""
_DROP_PAST: Final = "delete from booking_opentime where starts < %s returning slot_id::varchar"
_DROP_GONE: Final = "delete from booking_post where role_id <> all(%s::text[]) returning role_id::varchar"
_STANDING: Final = """
select exists (select from booking_post), exists (select from booking_post where stale)"""


# -- posts ------------------------------------------------------------------------------------------------


def mark_role(record: Record, before: Resource | None, after: Resource | None) -> None:
    """A guard: somebody begins to work somewhere, or what they do changes."""
    one = after or before
    assert one is not None
    execute(record.connection, _MARK_NEW if after is not None else _FORGET, (one.id,)).fetchall()


def mark_practitioner(record: Record, before: Resource | None, after: Resource | None) -> None:
    """A guard: a name, a sex or a language changes."""
    one = after or before
    assert one is not None
    execute(record.connection, _MARK["Practitioner"], (one.id,)).fetchall()


def mark_facility(record: Record, before: Resource | None, after: Resource | None) -> None:
    """A guard: a facility, one of its places, services or prices changes."""
    one = after or before
    assert one is not None
    own = one.id if type(one).__name__ == "Organization" else facility_of(one)
    if own:
        execute(record.connection, _MARK["facility"], (own,)).fetchall()


def catch_up(record: Record, *, most: int = _PAGE) -> int:
    """Copy again what is marked, so many posts at most; how many. What somebody else is at is passed over."""
    system = record.as_system()
    row = execute(record.connection, _STANDING).fetchone()
    some, stale = row if row is not None else (False, False)
    if not some:
        return rebuild(system)
    if not stale:
        return 0
    with record.atomic():
        ids = [str(row[0]) for row in execute(record.connection, _STALE, (most,)).fetchall()]
        if ids:
            _copy(system, ids)
    return len(ids)


def _copy(system: Record, role_ids: Sequence[str]) -> None:
    found = {one.role_id: one for one in queries.posts_by_id(system, role_ids, hidden=True)}
    for role_id in role_ids:
        if role_id in found:
            execute(system.connection, _WRITE, _row(found[role_id])).fetchall()
        else:
            execute(system.connection, _FORGET, (role_id,)).fetchall()
    keeping.count(system, sorted(found))


def _row(post: Post) -> tuple[object, ...]:
    latitude, longitude = post.position or (None, None)
    return (
        post.role_id, post.practitioner_id, post.facility_id, post.facility[:200], post.location_id,
        post.specialty_code[:64], post.specialty[:200], post.gender[:8],
        f",{','.join(post.languages)},"[:200] if post.languages else "",
        "".join(f" {one}" for one in sorted(post.words))[:1000], fold(post.name)[:200], post.place[:200], latitude,
        longitude, post.price, post.video, post.insured, post.active,
    )  # fmt: skip


# -- times ------------------------------------------------------------------------------------------------


def follow_slot(record: Record, before: Resource | None, after: Resource | None) -> None:
    """A guard: a time is opened, taken, given back, changed or taken away."""
    slot = after if isinstance(after, Slot) else None
    one = after or before
    assert one is not None
    if slot is None or slot.status == "entered-in-error" or not slot.start or not slot.id:
        execute(record.connection, _DROP, (one.id,)).fetchall()
        return
    schedule_id = queries.target_id(slot.schedule, "Schedule")
    if isinstance(before, Slot) and before.extension == slot.extension:
        said = (_is_open(slot), slot.id, rules.moment(slot.start), schedule_id)
        if execute(record.connection, _OPEN, said).fetchone() is not None:
            return
    schedule = free.schedules_by_id(record, [schedule_id]).get(schedule_id)
    _follow(record, schedule_id, schedule, [slot])


def follow_schedule(record: Record, before: Resource | None, after: Resource | None) -> None:
    """A guard: a timetable changes its rules, whose it is, or whether it is in use."""
    new = after if isinstance(after, Schedule) else None
    old = before if isinstance(before, Schedule) else None
    one = new or old
    if one is None or one.id is None or old is None:
        return
    if new is None or (new.active, new.actor, new.extension) != (old.active, old.actor, old.extension):
        _follow(record, one.id, new, _coming(record.as_system(), one.id))


def _coming(system: Record, schedule_id: str) -> list[Slot]:
    start = rules.instant(system.clock())
    return system.find(Slot, ("schedule", f"Schedule/{schedule_id}"), ("start", f"ge{start}"))


def _is_open(slot: Slot) -> bool:
    return slot.status in ("free", "busy-tentative")


def _follow(record: Record, schedule_id: str, schedule: Schedule | None, slots: Sequence[Slot]) -> None:
    """Write the times of one timetable as they are."""
    good = [one for one in slots if one.start and one.status != "entered-in-error"]
    policy = policy_of(schedule)
    starts = [rules.moment(one.start or "") for one in good]
    places = [capacity.places_of(one) for one in good]
    execute(
        record.connection,
        _FOLLOW,
        {
            "schedule": schedule_id,
            "role": ledger.actor_of(schedule, "PractitionerRole"),
            "in_use": schedule is not None and schedule.active is not False,
            "slots": [one.id for one in good],
            "starts": starts,
            "open": [_is_open(one) for one in good],
            "kept": [next(iter(one.kept), "") if one.seats == 1 else "" for one in places],
            "kept_until": [rules.instant(one.freed_at) if one.freed_at else "" for one in places],
            "asked_until": [policies.last_asking(one, policy) for one in starts],
            "asked_from": [_asked_from(one, policy) for one in starts],
        },
    ).fetchall()


def _asked_from(starts: datetime, policy: Policy) -> datetime:
    """The first moment of the day on which a time may be asked for."""
    return datetime.combine(local_day(starts) - timedelta(days=policy.days_ahead), time(), HANOI)


# -- all --------------------------------------------------------------------------------------------------


def rebuild(system: Record) -> int:
    """Copy everything anew; how many posts. Every night, after a load, and when there is nothing yet."""
    known: list[str] = []
    for some in _pages(system, "PractitionerRole"):
        with system.atomic():
            ids = [one.id or "" for one in some if isinstance(one, PractitionerRole)]
            _copy(system, ids)
            known += ids
    execute(system.connection, _DROP_GONE, (known,)).fetchall()
    execute(system.connection, _DROP_PAST, (system.clock() - timedelta(days=1),)).fetchall()
    for some in _pages(system, "Schedule"):
        for one in some:
            if isinstance(one, Schedule) and one.id:
                with system.atomic():
                    slots = _coming(system, one.id)
                    execute(system.connection, _DROP_OTHERS, (one.id, [slot.id for slot in slots])).fetchall()
                    _follow(system, one.id, one, slots)
    return len(known)


def _pages(record: Record, kind: str) -> Iterator[Sequence[Resource]]:
    after: str | None = None
    while True:
        page = record.search(kind, [("_count", str(_PAGE)), *([("_cursor", after)] if after else [])])
        yield page.matches
        after = page.next
        if after is None:
            return


GUARDS: Final[Mapping[str, Sequence[Guard]]] = {
    "PractitionerRole": (mark_role,),
    "Practitioner": (mark_practitioner,),
    **dict.fromkeys(
        ("Organization", "Location", "HealthcareService", "ChargeItemDefinition"), (mark_facility,)
    ),
    "Slot": (follow_slot,),
    "Schedule": (follow_schedule,),
}
