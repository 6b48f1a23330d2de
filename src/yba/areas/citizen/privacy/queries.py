"""What the pages of one's rights read: the visits a request can be about, and who keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from yba.areas.citizen.queries import place_of, title_of
from yba.care import chart
from yba.fhir.model import references
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Record, facility_of
from yba.ui import spoken, words


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit of the book, as a choice."""

    id: str
    words: str
    day: date | None
    facility: str
    facility_name: str


def visits_of(record: Record, patient: str) -> list[Visit]:
    """The visits of a person, newest first."""
    found = record.find(Encounter, ("patient", f"Patient/{patient}"), ("_sort", "-date"))
    return [_visit(one) for one in found if one.status not in ("cancelled", "entered-in-error", "planned")]


def _visit(one: Encounter) -> Visit:
    start = (one.period.start or "") if one.period else ""
    target = references.target(one.serviceProvider)
    when = spoken.when(start) if "T" in start else words.ngay(start)
    return Visit(
        one.id or "",
        " · ".join(filter(None, [when, title_of(one), place_of(one)])),
        words.as_date(start),
        facility_of(one) or (target[1] if target else ""),
        chart.display_of(one.serviceProvider),
    )


def facilities_of(visits: Sequence[Visit]) -> list[tuple[str, str]]:
    """Who keeps something of a person: id and name, the newest visit first."""
    found: dict[str, str] = {}
    for one in visits:
        if one.facility:
            found[one.facility] = found.get(one.facility) or one.facility_name or one.facility
    return list(found.items())
