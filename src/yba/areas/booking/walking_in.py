"""Those who walk in take seats of the same ledger, so that nobody is promised the time they are being seen in.

A hospital turns nobody away at the door: where no seat is left for them they join the line all the same (the queue's
rules decide when they are seen), and no seat is written.
"""

from __future__ import annotations

from typing import Final

from yba.areas.booking import ledger, rules
from yba.areas.booking.ledger import Taker
from yba.fhir.errors import Conflict
from yba.fhir.model import references
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.schedule import Schedule
from yba.fhir.r4.slot import Slot
from yba.fhir.record import Record, facility_of
from yba.ui.words import local_day

#: States of a visit in which it takes its seat; afterwards the time has been used.
_COMING: Final = frozenset({"planned", "arrived", "triaged"})
_NEVER_WAS: Final = frozenset({"cancelled", "entered-in-error"})


def follow(record: Record, old: Encounter | None, new: Encounter | None) -> None:
    """Take the next seat for somebody who walked in; give it back when the visit never was."""
    one = new or old
    assert one is not None
    if old is None and new is not None and _walked_in(record, new):
        _take_next(record, new)
    elif (new is None or new.status in _NEVER_WAS) and old is not None and not old.appointment:
        give_back(record, one.id or "")


def _walked_in(record: Record, visit: Encounter) -> bool:
    """A visit that begins here and now without a booking; one that was loaded or written up later is none."""
    begins = visit.period.start if visit.period else None
    return (
        not visit.appointment
        and visit.status in _COMING
        and visit.class_.code == "AMB"
        and begins is not None
        and "T" in begins
        and local_day(rules.moment(begins)) == local_day(record.clock())
        and bool(_practitioner(visit))
    )


def _practitioner(visit: Encounter) -> str:
    for one in visit.participant:
        target = references.target(one.individual) if one.individual is not None else None
        if target is not None and target[0] == "Practitioner":
            return target[1]
    return ""


def _patient(visit: Encounter) -> str:
    target = references.target(visit.subject) if visit.subject is not None else None
    return target[1] if target is not None and target[0] == "Patient" else ""


def _take_next(record: Record, visit: Encounter) -> None:
    taker = Taker(
        "walk-in", visit.id or "", patient_id=_patient(visit), channel="desk", role=record.actor.role
    )
    candidates = _candidates(record, visit)
    found = ledger.locked(record, candidates, known=candidates)
    for held in sorted(found.values(), key=lambda one: one.starts):
        try:
            ledger.take(record, held, taker)
        except Conflict:
            continue
        return


#: So many of the next times are looked at: who comes when all are taken joins the line without a seat.
_LOOKED_AT: Final = 6


def _candidates(record: Record, visit: Encounter) -> list[str]:
    """The next slots of the practitioner at this facility today that look free, in the order of the clock."""
    system, now = record.as_system(), record.clock()
    found = system.find(Schedule, ("actor", f"Practitioner/{_practitioner(visit)}"), ("active", "true"))
    own = [one for one in found if facility_of(one) in (None, record.actor.facility, facility_of(visit))]
    if not own:
        return []
    end = rules.day_bounds(local_day(now))[1]
    page = system.search(
        Slot,
        [
            ("schedule", ",".join(f"Schedule/{one.id}" for one in own)), ("status", "free"),
            ("start", f"ge{rules.instant(now)}"), ("start", f"lt{end}"), ("_sort", "start"),
            ("_count", str(_LOOKED_AT)),
        ],
    )  # fmt: skip
    return [one.id or "" for one in page.matches]


def give_back(record: Record, holder: str) -> None:
    """Free what a visit has taken."""
    slots = ledger.held_by(record, holder)
    for slot_id, held in ledger.locked(record, slots, known=slots).items():
        ledger.release(record, slot_id, held, holder)
