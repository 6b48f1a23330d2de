"""The book that is open now: whose it is, among which people of the account, on which day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest

from yba.areas.citizen import pages, queries, rules
from yba.care import coverages
from yba.fhir.record import Record
from yba.ui.requests import record_of
from yba.ui.words import local_day


@dataclass(frozen=True, slots=True)
class OpenBook:
    """``own``: the people of the account, oneself first; ``one``: whose book it is."""

    record: Record
    own: list[rules.Own]
    one: rules.Own
    today: date

    @property
    def patient_id(self) -> str:
        return self.one.person.id

    @property
    def cover(self) -> pages.Cover:
        card = coverages.coverage_of(self.record, self.patient_id, self.today)
        return pages.cover(self.own, self.one, today=self.today, card=card)


def own_people(request: HttpRequest) -> list[rules.Own]:
    """The people of this account, oneself first."""
    account: Any = request.user
    links = sorted(
        account.links.values_list("patient_id", "relation", "id"), key=lambda it: (it[1] != rules.SELF, it[2])
    )
    return queries.own_people(record_of(request), [(patient, relation) for patient, relation, _id in links])


def open_book(request: HttpRequest, patient_id: str = "") -> OpenBook | None:
    """The open book, or that of ``patient_id``; None for somebody else's, and for an account without one."""
    record, own = record_of(request), own_people(request)
    one = rules.chosen(own, patient_id or request.session.get("person", ""))
    if one is None or (patient_id and one.person.id != patient_id):
        return None
    return OpenBook(record, own, one, local_day(record.clock()))
