"""Which answers an actor got only because a chart stands open in an emergency: asked when the audit is written.

A read pays nothing for it: the acts of staff wait with what they answered, and are looked at together, once it is known
that one of them has a chart open in an emergency at all. Source: HL7 v3-ActReason, ETREAT.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import psycopg

from yba.fhir.access.actor import Actor
from yba.fhir.store.rows import Stored, execute

PURPOSE: Final = "ETREAT"
_OPEN = """
select s.holder::varchar, s.patient::varchar, s.since, s.until from record.standing s
 where s.holder = any(%(holders)s) and s.basis = 'emergency' and s.since <= %(last)s and s.until > %(first)s"""
_ELSE = """
select distinct s.patient::varchar from record.standing s
 where s.patient = any(%(patients)s) and s.holder = any(%(holders)s) and s.basis <> 'emergency' and s.basis <> 'denial'
   and s.since <= %(at)s and s.until > %(at)s"""
_ROWS = (
    "select r.patient::varchar, count(*) from record.unwalled_resource r"
    " where r.type = %(e_type)s and r.id = any(%(e_ids)s)"
    " and r.patient = any(%(e_patients)s) and ({without}) is not true group by r.patient"
)


class Doubt(NamedTuple):
    """Who was answered, without a purpose of their own, and which rows (type and id); none where they are not known."""

    actor: Actor
    practitioner: str
    rows: tuple[tuple[str, str], ...] = ()


def doubt_of(actor: Actor, rows: Iterable[Stored]) -> Doubt | None:
    """What is to be asked of an act of this actor; None for who opens nothing in an emergency, or has said why."""
    if actor.practitioner is None or actor.purpose is not None or actor.role == "system":
        return None
    return Doubt(actor, actor.practitioner, tuple([(one.type, one.id) for one in rows]))


@dataclass(frozen=True, slots=True)
class Openings:
    """The emergency openings of some practitioners."""

    found: Mapping[str, tuple[tuple[str, datetime, datetime], ...]]

    def of(self, practitioner: str, at: datetime) -> frozenset[str]:
        """The persons whose charts stood open to a practitioner at a moment."""
        rows = self.found.get(f"practitioner:{practitioner}", ())
        return frozenset(patient for patient, since, until in rows if since <= at < until)


def openings(
    connection: psycopg.Connection[Any], practitioners: Iterable[str], first: datetime, last: datetime
) -> Openings:
    """The openings of these practitioners between two moments: one question for all."""
    asked = {
        "holders": sorted({f"practitioner:{one}" for one in practitioners}), "first": first, "last": last,
    }  # fmt: skip
    found: dict[str, tuple[tuple[str, datetime, datetime], ...]] = {}
    for holder, *rest in execute(connection, _OPEN, asked).fetchall():
        found[holder] = (*found.get(holder, ()), (rest[0], rest[1], rest[2]))
    return Openings(found)


def only_by_it(
    connection: psycopg.Connection[Any], doubt: Doubt, patients: Collection[str], at: datetime
) -> dict[str, int]:
    """Of these persons those who were answered of only by an opening, with how many rows were.

    The door is asked again without emergencies, row by row; where the rows are not known, whether anything else stood.
    """
    # Not above: it imports search, and search the store, whose audit imports this module.
    from yba.fhir.access import policy

    if not doubt.rows:
        asked = {"patients": sorted(patients), "holders": policy.holders(doubt.actor), "at": at}
        others = {row[0] for row in execute(connection, _ELSE, asked).fetchall()}
        return dict.fromkeys(set(patients) - others, 1)
    by_type: dict[str, list[str]] = {}
    for kind, identifier in doubt.rows:
        by_type.setdefault(kind, []).append(identifier)
    found: dict[str, int] = {}
    for kind, ids in by_type.items():
        may = policy.condition(doubt.actor, kind, now=at)
        if may.sql is None:
            continue
        text = _ROWS.format(without=policy.without_emergency(may.sql.as_string(None)))
        values = {**may.params, "e_type": kind, "e_ids": ids, "e_patients": sorted(patients)}
        for patient, count in execute(connection, text, values).fetchall():
            found[patient] = found.get(patient, 0) + count
    return found
