"""A citizen's own book, with a child's, a husband's and a stranger's beside it."""

from __future__ import annotations

from typing import Any

from tests.builders import a_patient, an_observation, an_organization
from yba import fhir
from yba.care import people
from yba.care.identifiers import CCCD, FACILITY_TAG
from yba.fhir.r4.datatypes import Coding, Identifier, Meta, Period, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.site.accounts.models import Account

HOUSE = "co-so-1"


def a_visit(patient: str, *, start: str = "2026-03-05T09:00:00+07:00", **fields: Any) -> Encounter:
    return Encounter(
        **{
            "meta": Meta(tag=[Coding(system=FACILITY_TAG, code=HOUSE)]),
            "status": "finished",
            "class_": Coding(system="http://terminology.hl7.org/CodeSystem/v3-ActCode", code="AMB"),
            "subject": Reference(reference=f"Patient/{patient}"),
            "period": Period(start=start, end=start),
            "serviceProvider": Reference(reference=f"Organization/{HOUSE}", display="Bệnh viện Hương Giang"),
            **fields,
        }
    )


class Book:
    """An account with its own book, a child's and a husband's."""

    def __init__(self, record: fhir.Record) -> None:
        record.update(an_organization("Bệnh viện Hương Giang", id=HOUSE))
        self.record = record
        self.own = self._person("Nguyễn Thị Hạnh", "1958-09-05", "046158005555")
        self.child = self._person("Nguyễn Bé Na", "2020-05-01")
        self.husband = self._person("Lê Văn Hùng", "1955-02-03")
        self.stranger = self._person("Trần Văn Lạ", "1990-01-01")
        self.account = Account.objects.create_account("0905123456", role="citizen", name="Nguyễn Thị Hạnh")
        for patient, relation in ((self.own, "ban-than"), (self.child, "con"), (self.husband, "vo-chong")):
            self.account.links.create(patient_id=patient.id, relation=relation)
        self.relative = people.add_relative(record, self.child, relative=self.own, relation="parent")
        self.visit = record.create(a_visit(self.own.id or ""))
        record.create(an_observation(self.own.id or ""))
        record.create(an_observation(self.stranger.id or "", code="4548-4"))

    def _person(self, name: str, born: str, number: str = "") -> Patient:
        known = [Identifier(system=CCCD, value=number)] if number else []
        return self.record.create(a_patient(name, identifier=known, birthDate=born))
