"""What the vaccination desk reads: who has come today, today's shots of a person and what was seen after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yba.areas.programmes.actions import WATCHED
from yba.care.chart import display_of, id_of
from yba.care.identifiers import FACILITY_TAG
from yba.care.vaccines.reading import Chart
from yba.fhir.model import references
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record, facility_of
from yba.ui.words import local_day, moment

#: Visits of a day at one house that the desk lists.
LISTED: Final = 200
_HERE: Final = ("arrived", "triaged", "in-progress", "onleave", "finished")


@dataclass(frozen=True, slots=True)
class Come:
    """Somebody who has come today. ``shots``: what was given here today."""

    patient: Patient
    since: str
    shots: tuple[Immunization, ...]


def come_today(record: Record) -> tuple[list[Come], bool]:
    """Who has a visit at this house today, the youngest first; whether there are more. Three searches."""
    today = local_day(record.clock()).isoformat()
    here = ("_tag", f"{FACILITY_TAG}|{record.actor.facility}")
    page = record.search(
        Encounter, [here, _begun(record), ("status", ",".join(_HERE)), ("_count", str(LISTED))]
    )
    visits = {id_of(one.subject): one for one in page.matches if isinstance(one, Encounter) and one.subject}
    ids = [one for one in visits if one]
    if not ids:
        return [], False
    people = record.find(Patient, ("_id", ",".join(ids)))
    shots = record.find(Immunization, here, ("date", today), ("status", "completed"))
    found = [
        Come(
            one, _start(visits[one.id or ""]),
            tuple(it for it in shots if references.target(it.patient) == ("Patient", one.id)),
        )
        for one in people
    ]  # fmt: skip
    found.sort(key=lambda one: (one.patient.birthDate or "", one.patient.id or ""), reverse=True)
    return found, page.next is not None


def _begun(record: Record) -> tuple[str, str]:
    """Visits that began today: a period that is still open lies in no day (FHIR R4, search.html#date)."""
    return "date", f"sa{(local_day(record.clock()) - timedelta(days=1)).isoformat()}"


def _start(visit: Encounter) -> str:
    return (visit.period.start or "") if visit.period else ""


def visit_today(record: Record, patient_id: str) -> str:
    """The visit of a person at this house today; empty when there is none."""
    found = record.find(Encounter, ("patient", f"Patient/{patient_id}"), _begun(record))
    return next(
        (one.id or "" for one in found if facility_of(one) == record.actor.facility and one.status in _HERE),
        "",
    )


@dataclass(frozen=True, slots=True)
class ShotToday:
    """A shot of today here, with what was seen after it; ``seen`` None: still watched."""

    row: Immunization
    at: datetime
    seen: str | None


def shots_today(record: Record, chart: Chart) -> list[ShotToday]:
    """Today's shots of a person at this house, the newest first."""
    today = local_day(record.clock())
    rows = [
        (one, moment(one.occurrenceDateTime))
        for one in chart.rows
        if one.status == "completed" and facility_of(one) == record.actor.facility
        and one.occurrenceDateTime and "T" in one.occurrenceDateTime
        and local_day(moment(one.occurrenceDateTime)) == today
    ]  # fmt: skip
    if not rows:
        return []
    system, code = WATCHED
    watched = record.find(
        Observation, ("patient", f"Patient/{chart.patient.id}"), ("code", f"{system}|{code}")
    )
    seen = {
        id_of(part): one.valueString or "" for one in watched if one.status == "final" for part in one.partOf
    }
    return [
        ShotToday(one, at, seen.get(one.id or ""))
        for one, at in sorted(rows, key=lambda it: it[1], reverse=True)
    ]


def nurse_of(row: Immunization) -> str:
    """Who gave a shot."""
    return next(filter(None, (display_of(one.actor) for one in row.performer)), "")
