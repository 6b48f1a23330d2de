"""Alerts: acts that a person has to look at, found by rules that are data (``rules.yaml``), each told once.

The audit is read in the order in which it was finished, like the sealing reads it, so that nothing that commits late is
passed over. What came new says whose acts to look at; then the rule is put exactly, over its whole window. An alert is
one stretch of acts: what goes on belongs to it and only its count grows. Its key makes it one, whoever finds it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec
import psycopg
import yaml

from yba.fhir.access.labels import bits_of
from yba.fhir.audit import sealing
from yba.fhir.audit.acts import KINDS
from yba.fhir.audit.rows import COLUMNS, Row
from yba.fhir.audit.rows import row as row_of
from yba.fhir.audit.sealing import ZONE
from yba.fhir.store.rows import execute

LOCK: Final = 7_216_012
READER: Final = "alerts"
LOOK_BACK: Final = timedelta(days=2)
OPENS: Final = sorted(act for act, kind in KINDS.items() if kind.opens or act in ("update", "delete"))
ANYBODY: Final = "any"
DAY: Final = timedelta(days=1)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One rule; ``rules.yaml`` says what each kind means. ``within`` in minutes, ``from_`` and ``until`` in hours."""

    key: str
    kind: str
    more_than: int = 0
    at_least: int = 1
    within: int = 60
    from_: int = 22
    until: int = 5
    label: str = ""
    acts: tuple[str, ...] = ()
    broken_by: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules, and which roles are staff."""

    staff: tuple[str, ...]
    rules: tuple[Rule, ...]


class WrongRules(ValueError):
    """The rules can't be read; the sentence says what is wrong."""


@cache
def packaged() -> Rules:
    """The rules that come with the house."""
    return read(resources.files("yba.fhir.audit").joinpath("rules.yaml").read_text(encoding="utf-8"))


def rules_of(path: Path) -> Rules:
    """A facility's own rules where the file is there, else those of the house. Raises WrongRules."""
    return read(path.read_text(encoding="utf-8")) if path.exists() else packaged()


def read(text: str) -> Rules:
    """Rules from YAML. Raises WrongRules."""
    try:
        found = msgspec.convert(yaml.safe_load(text), Rules)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise WrongRules(f"The rules of alerts: {error}") from None
    for rule in found.rules:
        if rule.kind not in _FINDERS:
            raise WrongRules(
                f"The rules of alerts: '{rule.kind}' of '{rule.key}' is one of {', '.join(_FINDERS)}."
            )
    if len({rule.key for rule in found.rules}) != len(found.rules):
        raise WrongRules("The rules of alerts: two have one key.")
    return found


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of acts that a rule speaks of. ``first``: the row it begins with."""

    rule: str
    key: str
    since: datetime
    until: datetime
    row: Row
    count: int
    patient: str | None = None


# -- the watch -------------------------------------------------------------------------------------------------


def watch(connection: psycopg.Connection[Any], now: datetime, rules: Rules | None = None) -> int:
    """Look at what came since the last time; how many new alerts there are. One process looks at a time."""
    known = rules or packaged()
    made = 0
    while True:
        with connection.transaction():
            got = execute(connection, "select pg_try_advisory_xact_lock(%s)", (LOCK,)).fetchone()
            if got is None or not got[0]:
                return made
            rows, more = _fresh(connection, now)
            for rule in known.rules:
                roles = rule.roles or known.staff
                for finding in _FINDERS[rule.kind](connection, rule, roles, rows):
                    made += _keep(connection, finding, now)
        if not more:
            return made


def _fresh(connection: psycopg.Connection[Any], now: datetime) -> tuple[list[Row], bool]:
    """The rows that were finished since the place that is kept, at most a batch; and whether there may be more."""
    below = sealing.finished(connection)
    place = execute(
        connection, "select xid, seq from record.audit_reader where name = %s", (READER,)
    ).fetchone()
    if place is None:
        query = "select coalesce(min(xid), %(below)s) from record.audit a where coalesce(a.occurred, a.at) >= %(since)s"
        first = execute(connection, query, {"below": below, "since": now - LOOK_BACK}).fetchone()
        assert first is not None
        start = (min(first[0], below), 0)
    else:  # restored from a dump, where transactions are counted anew: on from now
        start = min((place[0], place[1] + 1), (below, 0))
    rows = sealing.stretch(connection, start, (below, 0), floor=0, limit=sealing.BATCH)
    more = len(rows) == sealing.BATCH
    end = (rows[-1].xid or 0, rows[-1].seq) if more else (below, 0)
    execute(
        connection,
        "insert into record.audit_reader (name, xid, seq) values (%(name)s, %(xid)s, %(seq)s)"
        " on conflict (name) do update set xid = excluded.xid, seq = excluded.seq",
        {"name": READER, "xid": end[0], "seq": end[1]},
    )
    return rows, more


_KEEP = """
insert into record.audit_alert (rule, key, found, since, until, actor, name, role, facility, patient, count)
values (%(rule)s, %(key)s, %(found)s, %(since)s, %(until)s, %(actor)s, %(name)s, %(role)s, %(facility)s, %(patient)s,
        %(count)s)
on conflict (rule, key) do update
   set until = greatest(audit_alert.until, excluded.until), count = greatest(audit_alert.count, excluded.count)
returning (xmax = 0)
"""


def _keep(connection: psycopg.Connection[Any], one: Finding, now: datetime) -> int:
    """Make the alert, or let the one there is grow; 1 when it is new."""
    row = one.row
    found = execute(
        connection,
        _KEEP,
        {
            "rule": one.rule, "key": one.key, "found": now, "since": one.since, "until": one.until,
            "actor": who(row), "name": row.name, "role": row.role, "facility": row.actor_facility or row.facility,
            "patient": one.patient, "count": one.count,
        },
    ).fetchone()  # fmt: skip
    return int(found is not None and bool(found[0]))


def who(row: Row) -> str:
    """The account that acted, also where a rule of the house acted for it."""
    return row.origin or row.actor


# -- whose books -------------------------------------------------------------------------------------------------

_ACTS_OF = f"""
select {COLUMNS} from record.audit a
 where (a.actor = %(actor)s or a.origin = %(actor)s) and a.at > %(since)s and a.at <= %(until)s
   and a.act = any(%(acts)s) and a.content is null order by a.at, a.seq
"""  # noqa: S608 - our own names
_THEIRS = """
select p.id::varchar from unnest(%(patients)s::text[]) p(id)
 where p.id = %(person)s
    or exists (select from record.standing s where s.patient = p.id and s.holder = any(%(holders)s) and not s.claimed)
    or exists (select from record.resource r where r.patient = p.id and r.facility = %(facility)s
                  and r.type in ('Appointment', 'Encounter', 'EpisodeOfCare', 'CareTeam', 'ServiceRequest'))
"""


def _acts(
    connection: psycopg.Connection[Any], actor: str, since: datetime, until: datetime, acts: Sequence[str]
) -> list[Row]:
    asked = {"actor": actor, "since": since, "until": until, "acts": list(acts)}
    return [row_of(one) for one in execute(connection, _ACTS_OF, asked).fetchall()]


def _opened(row: Row) -> list[str]:
    """The persons whose books an act has opened; a search that found nothing opens none, nor does the audit."""
    if row.act not in OPENS or row.type == "AuditEvent" or row.outcome != "ok" or row.answered == 0:
        return []
    return row.persons


def _theirs(connection: psycopg.Connection[Any], row: Row, patients: Collection[str]) -> set[str]:
    """Of these persons those who stand to the one who acts: by a visit, a care team, a consent, or as themselves."""
    holders = [
        f"{kind}:{one}"
        for kind, one in (
            ("facility", row.actor_facility), ("practitioner", row.practitioner), ("app", row.app),
            ("person", row.person),
        )
        if one
    ]  # fmt: skip
    asked = {
        "patients": sorted(patients), "person": row.person, "holders": holders, "facility": row.actor_facility,
    }  # fmt: skip
    return {one[0] for one in execute(connection, _THEIRS, asked).fetchall()}


def _counted(row: Row, roles: Collection[str]) -> bool:
    """Whether a row is an act of one of the roles; what a rule does for somebody counts as theirs."""
    return ANYBODY in roles or row.role in roles or (row.origin is not None and row.practitioner is not None)


def _strangers(connection: psycopg.Connection[Any], rows: Sequence[Row]) -> list[tuple[Row, list[str]]]:
    """Each row with the persons on it who are not theirs."""
    if not rows:
        return []
    everybody = {one for row in rows for one in _opened(row)}
    theirs = _theirs(connection, rows[-1], everybody) if everybody else set()
    return [(row, [one for one in _opened(row) if one not in theirs]) for row in rows]


def _of_actors(rows: Iterable[Row], roles: Collection[str]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if _counted(row, roles):
            found.setdefault(who(row), []).append(row)
    return found


# -- the kinds of rules ------------------------------------------------------------------------------------------


def _books(
    connection: psycopg.Connection[Any], rule: Rule, roles: Collection[str], rows: Sequence[Row]
) -> Iterable[Finding]:
    """More than so many persons not theirs within any window of so many minutes."""
    window = timedelta(minutes=rule.within)
    for actor, own in _of_actors([row for row in rows if _opened(row)], roles).items():
        since = min(row.at for row in own) - 2 * window
        acts = [
            row
            for row in _acts(connection, actor, since, max(row.at for row in own), OPENS)
            if _counted(row, roles)
        ]
        yield from _stretches(
            connection,
            rule,
            actor,
            window,
            [(row, persons) for row, persons in _strangers(connection, acts) if persons],
        )


def _stretches(
    connection: psycopg.Connection[Any], rule: Rule, actor: str, window: timedelta,
    acts: Sequence[tuple[Row, list[str]]],
) -> Iterable[Finding]:  # fmt: skip
    """The stretches in which more persons stand in the window than the rule lets pass."""
    inside: deque[tuple[datetime, str]] = deque()
    count: dict[str, int] = {}
    first: datetime | None = None
    begun: Row | None = None
    most, last = 0, None
    for row, persons in acts:
        for one in persons:
            inside.append((row.at, one))
            count[one] = count.get(one, 0) + 1
        while inside and inside[0][0] <= row.at - window:
            _, gone = inside.popleft()
            count[gone] -= 1
            if not count[gone]:
                del count[gone]
        if len(count) > rule.more_than:
            first = first or inside[0][0]
            begun, most, last = begun or row, max(most, len(count)), row
        elif first is not None and begun is not None and last is not None and row.at - last.at > window:
            yield _stretch(connection, rule, actor, (first, begun, last), most, window)
            first, begun, most, last = None, None, 0, None
    if first is not None and begun is not None and last is not None:
        yield _stretch(connection, rule, actor, (first, begun, last), most, window)


def _stretch(
    connection: psycopg.Connection[Any], rule: Rule, actor: str, span: tuple[datetime, Row, Row], count: int,
    window: timedelta,
) -> Finding:  # fmt: skip
    """The finding; with the key of the alert it goes on from, where one of this account ended a window ago or less.

    ``span``: when the first act of the window was that was too many, the row that was, and the last one.
    """
    first, begun, last = span
    query = (
        "select key::varchar, since from record.audit_alert where rule = %s and starts_with(key, %s)"
        " and since <= %s and until >= %s"
        " order by since limit 1"
    )
    known = execute(connection, query, (rule.key, f"{actor}|", last.at, begun.at - window)).fetchone()
    key, since = (known[0], known[1]) if known is not None else (f"{actor}|{begun.seq}", first)
    return Finding(rule.key, key, since, last.at, last, count)


def _night(
    connection: psycopg.Connection[Any], rule: Rule, roles: Collection[str], rows: Sequence[Row]
) -> Iterable[Finding]:
    """More than so many persons not theirs in one night; a night has the date of its evening."""
    dark = [row for row in rows if _opened(row) and _night_of(rule, row.at) is not None]
    for actor, own in _of_actors(dark, roles).items():
        for evening in sorted({one for row in own if (one := _night_of(rule, row.at)) is not None}):
            acts = [
                row
                for row in _acts(connection, actor, evening - timedelta(microseconds=1), evening + DAY, OPENS)
                if _night_of(rule, row.at) == evening and _counted(row, roles)
            ]
            met = [(row, persons) for row, persons in _strangers(connection, acts) if persons]
            strangers = {one for _, persons in met for one in persons}
            if len(strangers) > rule.more_than:
                key = f"{actor}|{evening.date().isoformat()}"
                yield Finding(rule.key, key, met[0][0].at, met[-1][0].at, met[-1][0], len(strangers))


def _night_of(rule: Rule, moment: datetime) -> datetime | None:
    """When the night of a moment began, in the house's time zone; None by day."""
    local = moment.astimezone(ZONE)
    evening = local.replace(hour=rule.from_, minute=0, second=0, microsecond=0)
    if rule.from_ <= rule.until:
        return evening if rule.from_ <= local.hour < rule.until else None
    if local.hour >= rule.from_:
        return evening
    return evening - DAY if local.hour < rule.until else None


_LABELLED = """
select r.id::varchar from record.resource r
 where r.type = 'Patient' and r.id = any(%(patients)s) and r.sensitive & %(bits)s <> 0
"""


def _labelled(
    connection: psycopg.Connection[Any], rule: Rule, roles: Collection[str], rows: Sequence[Row]
) -> Iterable[Finding]:
    """Each account and person with the label once a day."""
    seen = {one for row in rows if _counted(row, roles) for one in _opened(row)}
    if not seen:
        return
    asked = {"patients": sorted(seen), "bits": bits_of([rule.label])}
    labelled = {one[0] for one in execute(connection, _LABELLED, asked).fetchall()}
    if not labelled:
        return
    for actor, own in _of_actors(rows, roles).items():
        for row, persons in _strangers(connection, own):
            for one in sorted(labelled & set(persons)):
                day = row.at.astimezone(ZONE).date()
                yield Finding(rule.key, f"{actor}|{one}|{day.isoformat()}", row.at, row.at, row, 1, one)


def _in_a_row(
    connection: psycopg.Connection[Any], rule: Rule, roles: Collection[str], rows: Sequence[Row]
) -> Iterable[Finding]:
    """So many acts of these kinds within the window, none that breaks the row between them."""
    window = timedelta(minutes=rule.within)
    fresh = [row for row in rows if row.act in rule.acts and _counted(row, roles)]
    for key in sorted({_whom(row) for row in fresh}):
        own = [row for row in fresh if _whom(row) == key]
        since, until = min(row.at for row in own) - 2 * window, max(row.at for row in own)
        acts = _acts(connection, who(own[0]), since, until, [*rule.acts, *rule.broken_by])
        inside: deque[Row] = deque()
        first, begun, most, last = None, None, 0, None
        for row in acts:
            if _whom(row) != key:
                continue
            if row.act in rule.broken_by:
                inside.clear()
                continue
            inside.append(row)
            while inside[0].at <= row.at - window:
                inside.popleft()
            if len(inside) >= rule.at_least:
                first = first or inside[0].at
                begun, most, last = begun or row, max(most, len(inside)), row
        if first is not None and begun is not None and last is not None:
            yield _stretch(connection, rule, key, (first, begun, last), most, window)


def _whom(row: Row) -> str:
    """Of a sign-in that failed: the account it was tried for, else the address it came from."""
    if row.act.startswith("sign-in") and row.actor == "anonymous":
        return row.address or "anonymous"
    return who(row)


_OPENINGS = """
select v.id::varchar, v.patient::varchar from record.version v
 where v.type = 'Consent' and v.version = 1 and v.id = any(%(ids)s)
   and jsonb_path_exists(v.content::jsonb, '$.policyRule.coding[*] ? (@.code == "BTG")')
"""


def _opening(
    connection: psycopg.Connection[Any], rule: Rule, roles: Collection[str], rows: Sequence[Row]
) -> Iterable[Finding]:
    """Each emergency opening once."""
    made = {
        row.id: row
        for row in rows
        if row.type == "Consent" and row.act in ("create", "update") and row.version == 1
    }
    if not made:
        return
    found = execute(connection, _OPENINGS, {"ids": sorted(one for one in made if one)}).fetchall()
    for identifier, patient in found:
        row = made[identifier]
        yield Finding(rule.key, f"Consent/{identifier}", row.at, row.at, row, 1, patient)


_FINDERS: Final = {
    "books": _books, "night": _night, "labelled": _labelled, "row": _in_a_row, "opening": _opening,
}  # fmt: skip
