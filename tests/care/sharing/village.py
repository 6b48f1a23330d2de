"""What tests of sharing share: two hospitals, a family with accounts, rows at hospital A, doctors at both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.builders import a_patient, an_observation, an_organization
from yba import fhir
from yba.care import people
from yba.care.identifiers import CCCD
from yba.fhir import errors
from yba.fhir.r4.condition import Condition
from yba.fhir.r4.datatypes import CodeableConcept, Coding, HumanName, Identifier, Meta, Period, Reference
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.site.accounts.models import Account
from yba.site.guards import guards
from yba.ui import requests

FACILITY = "https://yba.vn/fhir/facility"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
HIV = Coding(system=ACT, code="HIV")


def kept_by(facility: str, *labels: Coding) -> Meta:
    return Meta(tag=[Coding(system=FACILITY, code=facility)], security=list(labels))


class Village:
    """Bà Hạnh (phone 0905123456) with her child Na; rows at hospital A; a doctor at B who sees nothing of A yet."""

    def __init__(self, record: fhir.Record, monkeypatch: Any) -> None:
        self.record = record
        self.moment = datetime.now(UTC)
        monkeypatch.setattr(requests, "now", lambda: self.moment)
        record.clock = lambda: self.moment
        record.update(an_organization("Bệnh viện A", id="A"))
        record.update(an_organization("Bệnh viện B", id="B"))
        record.update(Practitioner(id="d1", name=[HumanName(text="BS. Lê Văn Khoa")]))
        self.own = self.person("Nguyễn Thị Hạnh", "1958-09-05", "046158005555", phone="0905123456")
        self.na = self.person("Nguyễn Bé Na", self.born(years=9))
        self.tot = self.person("Nguyễn Bé Tốt", self.born(years=4))
        self.hung = self.person("Lê Văn Hùng", "1955-02-03", "046055001111")
        for child in (self.na, self.tot):
            people.add_relative(record, child, relative=self.own, relation="parent")
        self.hanh = self.account("0905123456", self.own)
        self.result = self.observation(self.own)
        self.hidden = self.observation(self.own, HIV)
        self.illness = str(
            record.create(
                Condition(
                    subject=Reference(reference=f"Patient/{self.own.id}"), meta=kept_by("A"),
                    code=CodeableConcept(text="Tăng huyết áp"), recordedDate="2020-01-05",
                )
            ).id
        )  # fmt: skip
        self.doctor_account = Account.objects.create_account(
            "bs.khoa", role="doctor", name="BS. Lê Văn Khoa", facility="B", practitioner="d1"
        )

    def born(self, *, years: int) -> str:
        return (self.moment - timedelta(days=365.25 * years + 40)).date().isoformat()

    def person(self, name: str, born: str, number: str = "", phone: str = "") -> Patient:
        known = [Identifier(system=CCCD, value=number)] if number else []
        made = a_patient(name, identifier=known, birthDate=born, telecom=[])
        if phone:
            people.with_phone(made, phone)
        return self.record.create(made)

    def account(self, phone: str, own: Patient) -> Account:
        made = Account.objects.create_account(phone, role="citizen", name=people.name_of(own))
        made.links.create(patient_id=own.id or "", relation="ban-than")
        return made

    def observation(self, of: Patient, *labels: Coding, facility: str = "A", **fields: Any) -> str:
        return str(
            self.record.create(an_observation(of.id or "", meta=kept_by(facility, *labels), **fields)).id
        )

    def by(self, account: Account) -> fhir.Record:
        """The record as an account has it, with the house's guards."""
        return fhir.open(
            self.record.connection, actor=account.actor(), clock=lambda: self.moment, guards=guards(),
            transaction=self.record._transaction,
        )  # fmt: skip

    @property
    def doctor(self) -> fhir.Record:
        return self.by(self.doctor_account)

    def visit(self, of: Patient, facility: str = "B") -> Encounter:
        """Somebody comes to a facility: its doctors see who it is."""
        return self.record.create(
            Encounter(
                status="in-progress", class_=Coding(code="AMB"), subject=Reference(reference=f"Patient/{of.id}"),
                meta=kept_by(facility), period=Period(start=self.moment.isoformat()),
            )
        )  # fmt: skip

    def later(self, **more: float) -> None:
        self.moment += timedelta(**more)

    def sees(self, record: fhir.Record, identifier: str, kind: str = "Observation") -> bool:
        """By read, search and history alike."""
        answers = {bool(record.search(kind, [("_id", identifier)]).matches)}
        for asked in (record.read, lambda kind, key: record.history_stored(kind, key)):
            try:
                asked(kind, identifier)
                answers.add(True)
            except errors.NotFound:
                answers.add(False)
        assert len(answers) == 1
        return answers.pop()
