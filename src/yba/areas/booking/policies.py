"""What a timetable lets people do: notice, closing hour, days ahead, cut-offs, moves, overbooking. Kept in Schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal

from yba.areas.booking import rules
from yba.fhir.r4.datatypes import Extension
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.schedule import Schedule
from yba.ui.words import HANOI, local_day

#: One complex extension of Schedule; what is not said is as in ``Policy()``.
POLICY: Final = "https://yba.vn/fhir/extension/booking-policy"
#: Roles the rules of notice, closing and cut-offs hold for; staff decide for themselves (and it is audited).
BOUND: Final = frozenset({"citizen", "outside_system"})


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one timetable.

    ``notice``: how long before the start one may still ask. ``closes``: the hour of the day before after which the
    next day takes no more. ``days_ahead``: how far ahead one may ask. ``cancel_before``, ``move_before``: until when
    it may be called off or moved. ``most_moves``: how often one booking may be moved by its person.
    ``series_most``, ``series_ahead``: how many visits one series has, and how many days ahead it may reach.
    ``overbooking``: by role, how many beyond the seats in a day.
    """

    notice: timedelta = timedelta()
    closes: time | None = None
    days_ahead: int = rules.HORIZON_DAYS
    cancel_before: timedelta = timedelta()
    move_before: timedelta = timedelta()
    most_moves: int = 3
    series_most: int = 40
    series_ahead: int = 120
    overbooking: Mapping[str, int] = field(default_factory=dict)


_MINUTES: Final = (("notice", "notice"), ("cancel-before", "cancel_before"), ("move-before", "move_before"))
_COUNTS: Final = (
    ("days-ahead", "days_ahead"),
    ("most-moves", "most_moves"),
    ("series-most", "series_most"),
    ("series-ahead", "series_ahead"),
)


def policy_of(schedule: Schedule | None) -> Policy:
    """The rules of a timetable."""
    found = next((one for one in schedule.extension if one.url == POLICY), None) if schedule else None
    if found is None:
        return Policy()
    parts = {one.url: one for one in found.extension}
    said: dict[str, object] = {}
    for url, name in _MINUTES:
        if url in parts:
            said[name] = timedelta(minutes=parts[url].valueUnsignedInt or 0)
    for url, name in _COUNTS:
        if url in parts and parts[url].valueUnsignedInt is not None:
            said[name] = parts[url].valueUnsignedInt
    closes = parts["closes"].valueTime if "closes" in parts else None
    if closes:
        said["closes"] = time.fromisoformat(closes)
    said["overbooking"] = {
        role: count
        for one in found.extension
        if one.url == "overbooking"
        for role, count in [_of_role(one)]
        if role and count
    }
    return Policy(**said)  # type: ignore[arg-type]  # names and kinds are those of the table above


def _of_role(one: Extension) -> tuple[str, int]:
    parts = {part.url: part for part in one.extension}
    role, count = parts.get("role"), parts.get("count")
    return (role.valueCode or "") if role else "", (count.valueUnsignedInt or 0) if count else 0


def policy_extension(policy: Policy) -> Extension:
    """The same rules as the extension that keeps them."""
    parts = [
        Extension(url=url, valueUnsignedInt=int(getattr(policy, name).total_seconds() // 60))
        for url, name in _MINUTES
    ]
    parts += [Extension(url=url, valueUnsignedInt=getattr(policy, name)) for url, name in _COUNTS]
    if policy.closes is not None:
        parts.append(Extension(url="closes", valueTime=policy.closes.isoformat(timespec="seconds")))
    for role, count in sorted(policy.overbooking.items()):
        if count:
            pair = [
                Extension(url="role", valueCode=role),
                Extension(url="count", valueUnsignedInt=count),
            ]
            parts.append(Extension(url="overbooking", extension=pair))
    return Extension(url=POLICY, extension=parts)


def last_asking(starts: datetime, policy: Policy) -> datetime:
    """Until when a time may be asked for."""
    last = starts - policy.notice
    if policy.closes is not None:
        eve = local_day(starts) - timedelta(days=1)
        last = min(last, datetime.combine(eve, policy.closes, HANOI))
    return last.astimezone(UTC)


def asking_refusal(starts: datetime, policy: Policy, *, now: datetime) -> str | None:
    """The key of the refusal when a time is asked for too late or too early; None: it may be."""
    if now > last_asking(starts, policy):
        return "booking.too-late"
    if local_day(starts) > local_day(now) + timedelta(days=policy.days_ahead):
        return "booking.too-early"
    return None


def cancel_refusal(starts: datetime, policy: Policy, *, now: datetime) -> str | None:
    """The key of the refusal when it is too late to call off."""
    return "booking.cancel-late" if now > starts - policy.cancel_before else None


def move_refusal(starts: datetime, policy: Policy, *, moves: int, now: datetime) -> str | None:
    """The key of the refusal when it is too late to move, or it has been moved often enough."""
    if moves >= policy.most_moves:
        return "booking.moves-used"
    return "booking.move-late" if now > starts - policy.move_before else None


# -- visits nobody came to ---------------------------------------------------------------------------------

#: One complex extension of a facility's Organization; what is not said follows not.
MISSED: Final = "https://yba.vn/fhir/extension/missed-visits-rule"
_MISSED_COUNTS: Final = (
    ("within", "within"),
    ("telephone-after", "telephone_after"),
    ("telephone-days", "telephone_days"),
    ("closed-after", "closed_after"),
    ("closed-days", "closed_days"),
)


@dataclass(frozen=True, slots=True)
class MissedRule:
    """What follows at a facility from visits nobody came to; 0 is never.

    ``telephone_after`` missed visits in ``within`` days: for ``telephone_days`` a request is confirmed only once the
    person has been spoken to. ``closed_after``: for ``closed_days`` no requests by app. ``day_end``: the house marks
    who did not come at the end of the day; else people at the desk alone do.
    """

    within: int = 90
    telephone_after: int = 0
    telephone_days: int = 0
    closed_after: int = 0
    closed_days: int = 0
    day_end: bool = False

    @property
    def follows(self) -> bool:
        """Whether anything follows at all."""
        return bool(
            (self.telephone_after and self.telephone_days) or (self.closed_after and self.closed_days)
        )

    @property
    def reach(self) -> int:
        """So many days of the past can matter today."""
        return self.within + max(self.telephone_days, self.closed_days) + 1


@dataclass(frozen=True, slots=True)
class Standing:
    """What follows for a person: ``closed`` or ``telephone``, until when, from how many missed in how many days."""

    kind: Literal["closed", "telephone"]
    until: datetime
    count: int
    within: int


def missed_rule_of(organization: Organization | None) -> MissedRule:
    """The rule a facility has."""
    found = next((one for one in organization.extension if one.url == MISSED), None) if organization else None
    if found is None:
        return MissedRule()
    parts = {one.url: one for one in found.extension}
    counts = {
        name: parts[url].valueUnsignedInt or 0
        for url, name in _MISSED_COUNTS
        if url in parts and parts[url].valueUnsignedInt is not None
    }
    return MissedRule(**counts, day_end="day-end" in parts and parts["day-end"].valueBoolean is True)


def missed_extension(rule: MissedRule) -> Extension:
    """The same rule as the extension that keeps it."""
    parts = [Extension(url=url, valueUnsignedInt=getattr(rule, name)) for url, name in _MISSED_COUNTS]
    return Extension(url=MISSED, extension=[*parts, Extension(url="day-end", valueBoolean=rule.day_end)])


def standing(missed: Sequence[datetime], rule: MissedRule, *, now: datetime) -> Standing | None:
    """What follows now from visits missed at these moments: the stronger one first. None: nothing."""
    ordered = sorted(missed)
    steps: tuple[tuple[Literal["closed", "telephone"], int, int], ...] = (
        ("closed", rule.closed_after, rule.closed_days),
        ("telephone", rule.telephone_after, rule.telephone_days),
    )
    for kind, after, days in steps:
        if not after or not days:
            continue
        reached = [
            ordered[at]
            for at in range(after - 1, len(ordered))
            if ordered[at] - ordered[at - after + 1] <= timedelta(days=rule.within)
        ]
        if reached and reached[-1] + timedelta(days=days) > now:
            return Standing(kind, reached[-1] + timedelta(days=days), after, rule.within)
    return None
