"""What a slot holds and for whom: seats, shares kept for a way in, rests before and after. Pure.

A slot of a timetable carries its own figures as extensions of the house, so that what was opened stays as it was opened
when the timetable changes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from yba.areas.booking import rules
from yba.fhir.r4.datatypes import Extension
from yba.fhir.r4.slot import Slot

_EXTENSION: Final = "https://yba.vn/fhir/extension/"
#: How many persons a slot takes (positiveInt); R4's Slot has no element for it. None: one.
SEATS: Final = _EXTENSION + "slot-seats"
#: Seats kept for one way in: ``share`` (code), ``count`` (positiveInt).
KEPT: Final = _EXTENSION + "slot-kept-seats"
#: From when on the kept seats are everybody's (instant); none: never.
FREED: Final = _EXTENSION + "slot-kept-until"
#: Minutes nobody else is seen, before and after (positiveInt).
REST_BEFORE: Final = _EXTENSION + "slot-rest-before"
REST_AFTER: Final = _EXTENSION + "slot-rest-after"
#: Why one more than the seats is taken, on the Appointment (string). Only staff, as far as the timetable allows.
OVERBOOKED: Final = _EXTENSION + "overbooking-reason"

Share = Literal["walk-in", "phone", "app", "his"]
#: The ways in that may have seats kept for them.
SHARES: Final[tuple[Share, ...]] = ("walk-in", "phone", "app", "his")
_SHARE_OF_CHANNEL: Final[Mapping[str, Share]] = {
    "desk": "walk-in",
    "kiosk": "walk-in",
    "phone": "phone",
    "sms": "phone",
    "his": "his",
}
_CHANNEL_OF_ROLE: Final = {"citizen": "app", "outside_system": "his", "customer_care": "phone"}


def channel_of(role: str, said: str) -> str:
    """The way in: what staff say it is; a citizen and an outside system come their own way whatever they say."""
    if role in ("citizen", "outside_system"):
        return _CHANNEL_OF_ROLE[role]
    return said or _CHANNEL_OF_ROLE.get(role, "desk")


def share_of(channel: str) -> Share:
    """Whose kept seats a way in may use: reception and kiosk are for who stands there."""
    return _SHARE_OF_CHANNEL.get(channel, "app")


@dataclass(frozen=True, slots=True)
class Places:
    """The figures of one slot."""

    seats: int = 1
    kept: Mapping[str, int] = field(default_factory=dict)
    freed_at: datetime | None = None
    rest_before: timedelta = timedelta()
    rest_after: timedelta = timedelta()

    def kept_at(self, now: datetime) -> Mapping[str, int]:
        """The seats still kept for a way in."""
        return {} if self.freed_at is not None and self.freed_at <= now else self.kept


def places_of(slot: Slot) -> Places:
    """The figures a slot carries; one seat for anybody where it says nothing."""
    kept: dict[str, int] = {}
    for one in slot.extension:
        if one.url == KEPT:
            share = next((part.valueCode for part in one.extension if part.url == "share"), None)
            count = next((part.valuePositiveInt for part in one.extension if part.url == "count"), None)
            if share and count:
                kept[share] = kept.get(share, 0) + count
    freed = next((one.valueInstant for one in slot.extension if one.url == FREED), None)
    return Places(
        seats=_number(slot, SEATS) or 1,
        kept=kept,
        freed_at=rules.moment(freed) if freed else None,
        rest_before=timedelta(minutes=_number(slot, REST_BEFORE)),
        rest_after=timedelta(minutes=_number(slot, REST_AFTER)),
    )


def _number(slot: Slot, url: str) -> int:
    return next((one.valuePositiveInt or 0 for one in slot.extension if one.url == url), 0)


def written(places: Places) -> list[Extension]:
    """The same figures as extensions; nothing for what is usual."""
    made = [Extension(url=SEATS, valuePositiveInt=places.seats)] if places.seats > 1 else []
    for share in SHARES:
        if places.kept.get(share):
            parts = [
                Extension(url="share", valueCode=share),
                Extension(url="count", valuePositiveInt=places.kept[share]),
            ]
            made.append(Extension(url=KEPT, extension=parts))
    if places.kept and places.freed_at is not None:
        made.append(Extension(url=FREED, valueInstant=rules.instant(places.freed_at)))
    for url, rest in ((REST_BEFORE, places.rest_before), (REST_AFTER, places.rest_after)):
        if rest:
            made.append(Extension(url=url, valuePositiveInt=int(rest.total_seconds() // 60)))
    return made


def left_for(share: str, *, seats: int, kept: Mapping[str, int], used: Mapping[str, int]) -> int:
    """How many seats one way in may still take.

    Each way in fills the seats kept for it first; what it takes beyond comes out of those kept for nobody.
    """
    common = seats - sum(kept.values())
    common -= sum(max(count - kept.get(one, 0), 0) for one, count in used.items())
    own = max(kept.get(share, 0) - used.get(share, 0), 0)
    return max(min(own + max(common, 0), seats - sum(used.values())), 0)


def spread(total: int, kept: Mapping[str, int]) -> list[dict[str, int]]:
    """Over ``total`` slots of one seat, which are kept for whom, evenly along the session.

    ``kept`` says how many of the ``total`` each way in has. A slot is kept for one at most.
    """
    places: list[dict[str, int]] = [{} for _ in range(total)]
    for share in SHARES:
        for nth in range(min(kept.get(share, 0), total)):
            wanted = int((nth + 0.5) * total / kept[share])
            at = next((one for one in _around(wanted, total) if not places[one]), None)
            if at is not None:
                places[at] = {share: 1}
    return places


def _around(wanted: int, total: int) -> Iterable[int]:
    """Places from the wanted one outwards."""
    return sorted(range(total), key=lambda one: (abs(one - wanted), one))


def shares_of(percent: Mapping[str, int], *, slots: int, seats: int) -> list[dict[str, int]]:
    """What is kept in each of a session's slots, where ``percent`` of its seats are kept for each way in.

    Rounded down over the whole session, so that what is kept never passes what there is (Hypothesis holds it).
    """
    if seats == 1:
        whole: dict[str, int] = {one: slots * percent.get(one, 0) // 100 for one in SHARES}
        return spread(slots, whole)
    each = {one: seats * percent.get(one, 0) // 100 for one in SHARES}
    return [{one: count for one, count in each.items() if count} for _ in range(slots)]
