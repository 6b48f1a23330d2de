"""Which records of a person must be kept, by whom and until when: each visit falls under a class of retention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from yba.care import chart
from yba.care.identifiers import ICD10
from yba.care.privacy import rules
from yba.fhir.model import references
from yba.fhir.model.dates import period_of
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import Coding
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Record, facility_of
from yba.ui.words import local_day

#: `Encounter.hospitalization.dischargeDisposition` of one who died.
DEATH: Final = frozenset({"exp"})


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """Visits at one facility that fall under one class; ``until`` None: for ever."""

    facility: str
    facility_name: str
    name: str
    article: str
    until: date | None
    visits: tuple[str, ...] = field(default=())

    @property
    def count(self) -> int:
        return len(self.visits)

    def is_past(self, today: date) -> bool:
        return self.until is not None and self.until < today


def kept_of(record: Record, patient: str) -> list[KeptGroup]:
    """The visits of a person by facility, class and last day of keeping."""
    whose = ("patient", f"Patient/{patient}")
    codes: dict[str, list[str]] = defaultdict(list)
    for one in record.find(Condition, whose):
        target = references.target(one.encounter)
        codes[target[1] if target else ""] += _icd10(one)
    groups: dict[tuple[str, str, str, date | None], list[str]] = defaultdict(list)
    names: dict[str, str] = {}
    for visit in record.find(Encounter, whose):
        provider = references.target(visit.serviceProvider)
        facility = facility_of(visit) or (provider[1] if provider else "")
        names[facility] = names.get(facility) or chart.display_of(visit.serviceProvider)
        found = rules.kept(
            ended=_ended(visit, record), codes=codes.get(visit.id or "", []), died=_died(visit)
        )
        groups[facility, found.by.name, found.by.article, found.until].append(visit.id or "")
    return [
        KeptGroup(facility, names[facility], name, article, until, tuple(ids))
        for (facility, name, article, until), ids in sorted(
            groups.items(), key=lambda it: (it[0][:3], it[0][3] or date.max)
        )
    ]


def _ended(visit: Encounter, record: Record) -> date:
    """The day the work ended; a visit that goes on, or says no day, is as of today."""
    said = (visit.period.end or visit.period.start) if visit.period else None
    return local_day(period_of(said)[0] if said else record.clock())


def _icd10(one: Condition) -> list[str]:
    said: Sequence[Coding] = one.code.coding if one.code else ()
    return [coding.code for coding in said if coding.system == ICD10 and coding.code]


def _died(one: Encounter) -> bool:
    said = one.hospitalization.dischargeDisposition if one.hospitalization else None
    return said is not None and any(coding.code in DEATH for coding in said.coding)
