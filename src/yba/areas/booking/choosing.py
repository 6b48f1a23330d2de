"""Choosing among all who can be booked: by specialty, words, place and distance, day and hour, language, price, ...

One statement finds and orders over ``directory``'s copies; what it names is then read from the record, through the
door, and each time is asked of the ledger (``free``), so that nothing is shown that is not so now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, cast

from yba.areas.booking import capacity, directory, policies, queries, rules
from yba.areas.booking.free import free_for
from yba.areas.booking.queries import FreeSlot, Post
from yba.areas.booking.ratings import keeping
from yba.areas.booking.ratings.rules import ENOUGH
from yba.care import catalogues
from yba.fhir.condition import Condition
from yba.fhir.errors import TooCostly
from yba.fhir.model.fold import fold_words
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record
from yba.fhir.store.rows import execute

POSTS_A_PAGE: Final = 10
#: Further than this nobody pages: the answer says to narrow the question.
MOST_SHOWN: Final = 300
#: The times of one doctor that are read at once.
_TIMES: Final = 8
_IDS_AT_ONCE: Final = 200
Order = Literal["soon", "near", "price", "name", "rating"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for; what is empty or None narrows nothing. ``centre`` is latitude and longitude."""

    text: str = ""
    specialties: tuple[str, ...] = ()
    place: str = ""
    centre: tuple[float, float] | None = None
    within_km: float | None = None
    first: datetime | None = None
    last: datetime | None = None
    hours: tuple[int, int] | None = None
    language: str = ""
    most_price: int | None = None
    insured: bool = False
    women: bool = False
    video: bool = False
    #: At least this average, in tenths of a star.
    least_rating: int | None = None
    order: Order = "soon"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Those who fit, the first of them with their next times; ``found``: how many fit, before times are asked."""

    posts: list[Post]
    found: int
    left: int


@dataclass(frozen=True, slots=True)
class Places:
    """What can be chosen from: specialties by code, facilities by id, communes; centres by facility and commune."""

    specialties: list[tuple[str, str]]
    facilities: list[tuple[str, str]]
    communes: list[str]
    centres: dict[str, tuple[float, float]]
    languages: list[str]


_METRES: Final = """2 * 6371008.8 * asin(sqrt(least(1, sin(radians(p.latitude - %(latitude)s::float8) / 2) ^ 2
       + cos(radians(%(latitude)s::float8)) * cos(radians(p.latitude))
       * sin(radians(p.longitude - %(longitude)s::float8) / 2) ^ 2)))"""
#: The average as it is shown, with one decimal, halves up; null where there are not enough ratings for one.
_AVERAGE: Final = (
    f"case when p.rated_count >= {ENOUGH} then round(p.rated_sum::numeric / p.rated_count, 1) end"
)
_FITTING: Final = f"""
select p.role_id, p.name, p.price, {_METRES} as metres, {_AVERAGE} as average, p.rated_count
  from booking_post p
 where p.active
   and (%(specialties)s::text[] is null or p.specialty = any(%(specialties)s::text[]))
   and (%(place)s::text = '' or p.facility = %(place)s::text or p.place = %(place)s::text)
   and (%(language)s::text = '' or p.languages like '%%,' || %(language)s::text || ',%%')
   and (%(price)s::int is null or p.price <= %(price)s::int)
   and (not %(insured)s::bool or p.insured)
   and (not %(women)s::bool or p.gender = 'female')
   and (not %(video)s::bool or p.video)
   and (%(rated)s::int is null or 10 * {_AVERAGE} >= %(rated)s::int)
   and p.words like all(%(words)s::text[])
   and (%(within)s::float8 is null or {_METRES} <= %(within)s::float8)"""  # noqa: S608 - no value is in it
#: The times of one, soonest first. "offset 0" keeps the bounds of time out of the choice of an index: the planner
#: holds an index on time to be as good, and then goes through everybody's.
_OF_ONE: Final = """(select * from booking_opentime
        where role_id = {}.role_id and open and in_use order by starts, slot_id offset 0) t"""
_OPEN: Final = """t.open and t.in_use and t.starts >= %(first)s and t.starts < %(last)s
   and (not %(bound)s::bool or (t.asked_until >= %(now)s and t.asked_from <= %(now)s))
   and (t.kept = '' or t.kept = %(share)s::text or t.kept_until <= %(now)s)
   and (%(from_hour)s::int is null or extract(hour from t.starts at time zone 'Asia/Ho_Chi_Minh')
        between %(from_hour)s::int and %(to_hour)s::int - 1)"""
#: The first time of each who fits: looked up one by one where few fit, ...
_ONE_BY_ONE: Final = f"""left join lateral (select t.starts from {_OF_ONE.format("f")}
      where {_OPEN} order by t.starts limit 1) t on true"""  # noqa: S608 - no value is in it
#: ... and of everybody's times in a few days, where nearly all fit.
_AT_ONCE: Final = f"""left join (select t.role_id, min(t.starts) as starts from booking_opentime t
      where {_OPEN} group by t.role_id) t on t.role_id = f.role_id"""  # noqa: S608 - no value is in it
_FIND: Final = f"""
with fitting as materialized ({_FITTING} {{door}})
select f.role_id::varchar, t.starts, count(*) over ()
  from fitting f {{times}}
 where not %(timed)s::bool or t.starts is not null
 order by t.starts is null,
       case %(order)s::text when 'near' then f.metres when 'price' then f.price end nulls last,
       case when %(order)s::text = 'rating' then f.average end desc nulls last,
       case when %(order)s::text = 'rating' and f.average is not null then f.rated_count end desc nulls last,
       case when %(order)s::text <> 'name' then t.starts end, f.name, f.role_id
 limit %(limit)s"""  # noqa: S608 - no value is in it
#: Days whose times are looked at all together, and how many specialties are few.
_DAYS_AT_ONCE: Final = timedelta(days=2)
_FEW: Final = 3
_NEXT: Final = f"""
select r.role_id::varchar, t.slot_id::varchar
  from unnest(%(roles)s::text[], %(after)s::timestamptz[], %(after_slot)s::text[]) r (role_id, after, after_slot)
  cross join lateral (select t.slot_id, t.starts from {_OF_ONE.format("r")}
       where {_OPEN} and (t.starts, t.slot_id) > (r.after, r.after_slot)
       order by t.starts, t.slot_id limit %(most)s) t"""  # noqa: S608 - no value is in it
_OPTIONS: Final = """
select 'specialty', specialty::varchar, max(specialty_name)::varchar, null::float8, null::float8
  from booking_post where active and specialty <> '' group by specialty
union all
select 'facility', facility::varchar, max(facility_name)::varchar, avg(latitude), avg(longitude)
  from booking_post where active and facility <> '' group by facility
union all
select 'commune', place::varchar, '', avg(latitude), avg(longitude)
  from booking_post where active and place <> '' group by place
union all
select 'language', languages::varchar, '', null, null from booking_post where active group by languages"""


def choose(
    record: Record, asked: Asked, *, count: int = POSTS_A_PAGE, owners: Collection[str] = ()
) -> Chosen:
    """The first ``count`` who fit, in the order asked for, each with its next free times.

    By words: of name, specialty and place; where nobody is called so, by the specialties the words complain of.
    Raises TooCostly beyond ``MOST_SHOWN``.
    """
    if count > MOST_SHOWN:
        raise TooCostly(
            "booking.too-many-shown", f"More than {MOST_SHOWN} are not shown. Narrow the question."
        )
    directory.catch_up(record, most=directory.WHILE_READING)
    words, limit = fold_words(asked.text), 3 * count + 20
    found = _ordered(record, asked, words=words, limit=limit)
    if not found and words:
        codes = tuple(one.code for one in catalogues.search_specialties(asked.text))
        narrowed = tuple(one for one in codes if not asked.specialties or one in asked.specialties)
        if narrowed:
            asked, words = replace(asked, specialties=narrowed), []
            found = _ordered(record, asked, words=words, limit=limit)
    shown = _confirmed(record, asked, found, count=count, owners=owners)
    while len(shown) < count and len(found) == limit:  # many had no time after all: held, or excluded
        limit *= 4
        found = _ordered(record, asked, words=words, limit=limit)
        shown = _confirmed(record, asked, found, count=count, owners=owners)
    total = found[0][2] if found else 0
    rated = keeping.figures(record, [one.role_id for one in shown])
    shown = [replace(one, rated=rated[one.role_id]) for one in shown]
    return Chosen(shown, total, max(total - len(shown), 0))


def _ordered(
    record: Record, asked: Asked, *, words: Sequence[str], limit: int
) -> list[tuple[str, datetime | None, int]]:
    """The ids of the first who fit, the first time each may have, and how many fit."""
    params = _params(record, asked) | {
        "words": [f"% {one}%" for one in words], "limit": limit, "timed": asked.first is not None,
    } | _door_values(record.may("PractitionerRole"))  # fmt: skip
    few = words or asked.place or asked.within_km or 0 < len(asked.specialties) <= _FEW
    if not few:
        first, last = _first(params), _last(params)
        soonest = asked.order == "soon" and asked.first is None
        if soonest or last - first <= _DAYS_AT_ONCE:
            found = _run(record, _AT_ONCE, params | {"last": min(last, first + _DAYS_AT_ONCE)})
            if not soonest or (found and found[-1][1] is not None and len(found) == limit):
                return found
    return _run(record, _ONE_BY_ONE, params)


def _first(params: dict[str, object]) -> datetime:
    return cast("datetime", params["first"])


def _last(params: dict[str, object]) -> datetime:
    return cast("datetime", params["last"])


def _run(record: Record, times: str, params: dict[str, object]) -> list[tuple[str, datetime | None, int]]:
    query = _FIND.replace("{times}", times).replace("{door}", _door(record.may("PractitionerRole")))
    rows = execute(record.connection, query, params, prepare=False).fetchall()
    return [(str(row[0]), row[1], int(row[2])) for row in rows]


def _door(condition: Condition) -> str:
    """The door itself, where it does not let every row of the type through: then nobody behind it is counted."""
    if condition.sql is None:
        return ""
    return (
        "and exists (select from record.resource r where r.type = 'PractitionerRole' and r.id = p.role_id"
        f" and {condition.sql.as_string(None)})"
    )


def _door_values(condition: Condition) -> dict[str, object]:
    return dict(condition.params) if condition.sql is not None else {}


def _params(record: Record, asked: Asked) -> dict[str, object]:
    now = record.clock()
    latitude, longitude = asked.centre or (None, None)
    return {
        "now": now,
        "first": max(asked.first or now, now),
        "last": asked.last or now + timedelta(days=rules.HORIZON_DAYS),
        "from_hour": asked.hours[0] if asked.hours else None,
        "to_hour": asked.hours[1] if asked.hours else None,
        "bound": record.actor.role in policies.BOUND,
        "share": capacity.share_of(capacity.channel_of(record.actor.role, "")),
        "specialties": list(asked.specialties) or None,
        "place": asked.place,
        "latitude": latitude,
        "longitude": longitude,
        "within": asked.within_km * 1000 if asked.within_km is not None and asked.centre else None,
        "language": asked.language,
        "price": asked.most_price,
        "insured": asked.insured,
        "women": asked.women,
        "video": asked.video,
        "rated": asked.least_rating,
        "order": asked.order,
    }


def _confirmed(
    record: Record,
    asked: Asked,
    found: Sequence[tuple[str, datetime | None, int]],
    *,
    count: int,
    owners: Collection[str],
) -> list[Post]:
    """The first of those found, with the times they have by the ledger; soonest first means by these."""
    by_time = asked.order == "soon"
    kept: list[Post] = []
    for at in range(0, len(found), count):
        batch = found[at : at + count]
        posts = queries.posts_by_id(record, [one[0] for one in batch])
        times = free_times(record, asked, [one.role_id for one in posts], owners=owners)
        for post in posts:
            own = times.get(post.role_id, ())
            if own or asked.first is None:
                kept.append(replace(post, free=tuple(own)))
        following = found[at + count][1] if at + count < len(found) else None
        done = [one for one in kept if one.free and (following is None or one.free[0].start <= following)]
        if len(done) >= count or (not by_time and sum(bool(one.free) for one in kept) >= count):
            break
        if following is None and len(kept) >= count:
            break
    if by_time:
        last = datetime.max.replace(tzinfo=record.clock().tzinfo)
        kept.sort(key=lambda one: one.free[0].start if one.free else last)
    else:
        kept.sort(key=lambda one: not one.free)
    return kept[:count]


def free_times(
    record: Record, asked: Asked, role_ids: Sequence[str], *, owners: Collection[str] = (), most: int = _TIMES
) -> dict[str, list[FreeSlot]]:
    """The next times of these posts that are free by the ledger, in the order of the clock."""
    times: dict[str, list[FreeSlot]] = {}
    beginning = (datetime.min.replace(tzinfo=record.clock().tzinfo, year=2000), "")
    after = dict.fromkeys(role_ids, beginning)
    while after:
        rows = _next(record, asked, after, most=most)
        ids = sorted(set().union(*rows.values()))
        slots = {one.id or "": one for one in slots_by_id(record, ids)}
        free = free_for(record, list(slots.values()), owners=owners)
        again: dict[str, tuple[datetime, str]] = {}
        for role_id, of_role in rows.items():
            own = [slots[one] for one in of_role if one in free]
            times[role_id] = [_free_slot(one) for one in own]
            if not own and len(of_role) == most and of_role[-1] in slots:
                again[role_id] = (rules.moment(slots[of_role[-1]].start or ""), of_role[-1])
        after = again
    return times


def _next(
    record: Record, asked: Asked, after: dict[str, tuple[datetime, str]], *, most: int
) -> dict[str, list[str]]:
    params = _params(record, asked) | {
        "roles": list(after), "after": [at for at, _ in after.values()],
        "after_slot": [slot for _, slot in after.values()], "most": most,
    }  # fmt: skip
    found: dict[str, list[str]] = {}
    for role_id, slot_id in execute(record.connection, _NEXT, params, prepare=False).fetchall():
        found.setdefault(str(role_id), []).append(str(slot_id))
    return found


def slots_by_id(record: Record, ids: Sequence[str]) -> list[Slot]:
    """These slots, as far as the actor may see them."""
    return [
        one
        for at in range(0, len(ids), _IDS_AT_ONCE)
        for one in record.find(Slot, ("_id", ",".join(ids[at : at + _IDS_AT_ONCE])))
    ]


def _free_slot(slot: Slot) -> FreeSlot:
    return FreeSlot(slot.id or "", rules.moment(slot.start or ""), rules.moment(slot.end or ""))


def options(record: Record) -> Places:
    """What there is to choose from; nothing where the door does not let all of the directory through."""
    found = Places([], [], [], {}, [])
    if record.may("PractitionerRole").sql is not None or record.may("Organization").sql is not None:
        return found
    directory.catch_up(record, most=directory.WHILE_READING)
    languages: set[str] = set()
    for kind, key, name, latitude, longitude in execute(record.connection, _OPTIONS).fetchall():
        if kind in (b"language", "language"):
            languages.update(filter(None, str(key).split(",")))
            continue
        if latitude is not None and longitude is not None:
            found.centres[str(key)] = (float(latitude), float(longitude))
        if kind in (b"specialty", "specialty"):
            found.specialties.append((str(key), str(name)))
        elif kind in (b"facility", "facility"):
            found.facilities.append((str(key), str(name)))
        else:
            found.communes.append(str(key))
    for some in (found.specialties, found.facilities):
        some.sort(key=lambda one: (one[1], one[0]))
    found.communes.sort()
    found.languages.extend(sorted(languages))
    return found
