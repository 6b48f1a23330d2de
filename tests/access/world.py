"""A store in which a leak would be seen: charts in every standing, rows of every type, a secret word in each.

Facilities A, B and C; doctor d1 of A in the department khoa-noi, d2 of A, d3 of B; the programme P; the app app-1; the
citizen `me` with a child, a teenager, and parents who let them act.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import psycopg

from tests.access.facts import (
    CODES,
    FACILITY,
    Denial,
    Facts,
    Row,
    Stand,
    coded,
    names,
    ref,
    said,
    when,
)
from tests.access.linking import weave
from tests.access.minimal import LINKS, UNDATED, linked, minimal
from tests.builders import NOW
from yba import fhir
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.errors import RecordError
from yba.fhir.model import codec
from yba.fhir.r4 import MODULES

# AuditEvents are the audit itself, with a table of their own; tests/fhir/audit tries them.
TYPES = [name for name in MODULES if name != "AuditEvent"]
PRIVACY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
}
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ROLE_CODE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
RELATED = "https://yba.vn/fhir/StructureDefinition/related-person-patient"
TREAT = frozenset({"TREAT", "ETREAT", "CAREMGT", "CLINTRCH", "COC", "POPHLTH"})
DOCTOR = Actor(user="u-d1", role="doctor", facility="A", practitioner="d1")
PERSONS = names(
    "stranger visit treat dept ended past calledoff booked unbooked bookingover team teamover followed transfer request"
    " consented part research time withdrawn expired future label programme app emergency emergencyover"
    " me child teen mum dad vip dead deadchild deadmum selfmade"
    " refused refusedpart refusedone refusedlabel refusedmum"
)  # fmt: skip
ELSEWHERE = names(
    "visit treat team transfer request consented research label emergency app programme me child mum stranger"
    " refused refusedpart refusedone refusedlabel refusedmum"
)
"""Of whom another facility keeps rows of every type, too."""
LABELLED = ("visit", "treat", "selfmade", "dept", "consented", "label", "emergency", "me", "child", "mum", "programme",
            "refused", "refusedlabel")  # fmt: skip
LABELLED_TYPES = ("Observation", "Condition", "MedicationRequest", "Invoice", "Claim", "Appointment", "Task")


class World(Facts):
    """The facts while they are made."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.by_doctor: list[Row] = []
        self._persons()
        self._standing()
        self._charts()
        self._labelled()
        self._unowned()
        weave(self)

    def add(
        self, type_name: str, facility: str | None = None, patient: str | None = None, *, own: str = "",
        labels: tuple[str, ...] = (), occurred: str | None = None, **fields: Any,
    ) -> Row:  # fmt: skip
        """A row with its secret; in the chart of the patient where its type can be in one."""
        self.number += 1
        secret = f"bimat{self.number:05d}"
        content = {name: value for name, value in (minimal(type_name) | fields).items() if value is not None}
        content["id"] = own or f"r{self.number}"
        meta: dict[str, Any] = {"source": f"urn:secret:{secret}"}
        if facility is not None:
            meta["tag"] = [{"system": FACILITY, "code": facility}]
        if labels:
            meta["security"] = [{"system": CODES[one][0], "code": CODES[one][1]} for one in labels]
        content["meta"] = meta
        owner = None
        if type_name == "Patient":
            owner = str(content["id"])
        elif type_name == "Binary" and patient is not None:
            content["securityContext"] = ref(f"Patient/{patient}")
            owner = patient
        elif patient is not None and ("start" in fields or linked(content, patient)):
            owner = patient
        if type_name not in ("Bundle", "Binary", "Parameters"):
            content["extension"] = [
                *content.get("extension", []),
                {"url": "http://e.x/s", "valueString": secret},
            ]
        if occurred is None and owner is not None and type_name not in UNDATED:
            occurred = next(
                (str(one)[:10] for one in content.values() if str(one).startswith("2026-06-01")), None
            )
        row = Row(
            type_name, str(content["id"]), content, secret, facility, owner, frozenset(labels), occurred
        )
        self.rows.append(row)
        return row

    def stand(self, patient: str, basis: str, *holders: str, **terms: Any) -> None:
        self.stands += [Stand(patient, one, basis, **terms) for one in holders]

    # -- who there is ------------------------------------------------------------------------------------------

    def _persons(self) -> None:
        self.vips.add("vip")
        self.dead |= {"dead", "deadchild", "deadmum"}
        for number, name in enumerate(PERSONS):
            fields: dict[str, Any] = {
                "name": [{"text": f"Người {name}", "family": name}],
                "birthDate": "1980-05-05",
                "identifier": [{"system": "http://e.x/so", "value": f"so{number}"}],
                "generalPractitioner": [ref("Practitioner/d1")],
                "managingOrganization": ref("Organization/A"),
                "link": [{"other": ref(f"Patient/{PERSONS[number - 1]}"), "type": "seealso"}],
            }
            if name in ("child", "deadchild"):
                fields["birthDate"] = "2020-05-05"
            if name == "teen":
                fields["birthDate"] = "2010-11-23"  # sixteen since yesterday
            if name in self.dead:
                fields["deceasedBoolean"] = True
            labels = ("vip",) if name == "vip" else ()
            facility = ("A", "B", None)[number % 3]
            self.add("Patient", facility, own=name, labels=labels, gender="female", **fields)
        for name, of in (("d1", "A"), ("d2", "A"), ("d3", "B")):
            self.add("Practitioner", of, own=name, name=[{"text": f"Bác sĩ {name}"}])
        for name in ("A", "B", "C", "P", "khoa-noi"):
            self.add("Organization", own=name, name=f"Cơ sở {name}")

    # -- how they stand ----------------------------------------------------------------------------------------

    def _visit(
        self, patient: str, facility: str, status: str, *, end: str | None = None, **more: Any
    ) -> None:
        period = {"start": said(-60), **({"end": end} if end else {})}
        self.add("Encounter", facility, patient, status=status, period=period, **more)

    def _standing(self) -> None:
        self._visits()
        self._teams()
        self._sharing()
        self._refusing()
        self._family()

    def _visits(self) -> None:
        for one in ("visit", "vip", "dead"):
            self._visit(one, "A", "in-progress")
            self.stand(one, "visit", "facility:A")
        self._visit("treat", "A", "in-progress", participant=[{"individual": ref("Practitioner/d1")}])
        self.stand("treat", "visit", "facility:A", "practitioner:d1")
        self._visit("selfmade", "A", "in-progress")
        self.by_doctor.append(self.rows[-1])
        self.stand("selfmade", "visit", "facility:A")
        self.stand("selfmade", "visit", "practitioner:d1", claimed=True)
        self._visit("dept", "A", "in-progress", serviceProvider=ref("Organization/khoa-noi"))
        self.stand(
            "dept", "visit", "facility:A", "facility:khoa-noi", "department:khoa-noi", "programme:khoa-noi"
        )
        self._visit("ended", "A", "finished", end=said(-10))
        self.stand("ended", "visit", "facility:A", until=when(20))
        self._visit("past", "A", "finished", end=said(-40))
        self._visit("calledoff", "A", "cancelled")
        for patient, status, start in (
            ("booked", "booked", 1),
            ("unbooked", "cancelled", 1),
            ("bookingover", "fulfilled", -8),
        ):
            who = [{"status": "accepted", "actor": ref(f"Patient/{patient}")},
                   {"status": "accepted", "actor": ref("Practitioner/d1")}]  # fmt: skip
            self.add(
                "Appointment",
                "A",
                patient,
                status=status,
                participant=who,
                start=said(start),
                end=said(start, 1),
            )
        self.stand("booked", "booking", "facility:A", "practitioner:d1", until=when(8, 1))
        self._visit(
            "transfer", "B", "finished", end=said(-1), hospitalization={"destination": ref("Organization/A")}
        )
        self.stand("transfer", "visit", "facility:B", until=when(29))
        self.stand("transfer", "transfer", "facility:A", until=when(29), kept=frozenset("B"))
        self.add("ServiceRequest", "B", "request", status="active", authoredOn=said(-1),
            performer=[ref("Organization/A")],
                 code=coded("http://snomed.info/sct", "19712007"))  # fmt: skip
        self.stand(
            "request",
            "transfer",
            "facility:A",
            "department:A",
            "programme:A",
            until=when(29),
            kept=frozenset("B"),
        )

    def _teams(self) -> None:
        members = [{"member": ref("Practitioner/d1")}]
        for patient, end in (("team", 3), ("teamover", -1)):
            period = {"start": said(-5), "end": said(end)}
            self.add(
                "CareTeam",
                "A",
                patient,
                own=f"team-{patient}",
                status="active",
                period=period,
                participant=members,
            )
        self.stand("team", "care-team", "facility:A", "practitioner:d1", since=when(-5), until=when(3))
        self.add(
            "EpisodeOfCare", None, "followed", status="active", managingOrganization=ref("Organization/P")
        )
        self.stand("followed", "care-team", "facility:P", "department:P", "programme:P")

    def _consent(self, patient: str, to: dict[str, Any], **terms: Any) -> None:
        provision = {
            "type": "permit", "actor": [{"role": {"text": "IRCP"}, "reference": to}],
            "purpose": [{"system": REASON, "code": "TREAT"}], **terms,
        }  # fmt: skip
        provision = {name: value for name, value in provision.items() if value}
        status = provision.pop("status", "active")
        self.add("Consent", None, patient, status=status, scope=PRIVACY, provision=provision)

    def _sharing(self) -> None:
        to_a = ref("Organization/A")
        a = ("facility:A", "department:A", "programme:A")
        types = "http://hl7.org/fhir/resource-types"
        self._consent("consented", to_a)
        self.stand("consented", "consent", *a, purposes=TREAT)
        self._consent("part", to_a, **{"class": [{"system": types, "code": "Observation"}]})
        self.stand("part", "consent", *a, purposes=TREAT, types=frozenset({"Observation"}))
        self._consent("research", to_a, purpose=[{"system": REASON, "code": "HRESCH"}])
        self.stand("research", "consent", *a, purposes=frozenset({"HRESCH"}))
        self._consent("time", to_a, dataPeriod={"start": "2026-01-01", "end": "2026-12-31"})
        self.stand("time", "consent", *a, purposes=TREAT, occurred=("2026-01-01", "2026-12-31"))
        self._consent("withdrawn", to_a, status="inactive")
        self._consent("expired", to_a, period={"start": said(-9), "end": said(-1)})
        self._consent("future", to_a, period={"start": said(2)})
        self.stand("future", "consent", *a, purposes=TREAT, since=when(2))
        self._consent("label", to_a, securityLabel=[{"system": CODES["hiv"][0], "code": "HIV"}])
        self.stand("label", "consent", *a, purposes=TREAT, labels=frozenset({"hiv"}))
        self._consent("programme", ref("Organization/P"), purpose=[{"system": REASON, "code": "PUBHLTH"}])
        self.stand("programme", "consent", "facility:P", "department:P", "programme:P",
                   purposes=frozenset({"PUBHLTH", "DISASTER", "THREAT"}))  # fmt: skip
        self._consent("app", {"identifier": {"system": "https://yba.vn/fhir/sid/app", "value": "app-1"}})
        self.stand("app", "consent", "app:app-1", purposes=TREAT)
        every = [{"system": system, "code": code} for system, code in CODES.values()]
        for patient, since in (("emergency", -1), ("emergencyover", -4)):
            period = {"start": said(0, since), "end": said(0, since + 3)}
            self._consent(patient, ref("Practitioner/d1"), purpose=[], period=period, securityLabel=every)
            self.rows[-1].content["category"] = [
                coded("https://yba.vn/fhir/CodeSystem/consent-category", "emergency")
            ]
        self.stand(
            "emergency",
            "emergency",
            "practitioner:d1",
            since=when(0, -1),
            until=when(0, 2),
            labels=frozenset(CODES),
        )

    def _deny(self, patient: str, denial: Denial, **terms: Any) -> None:
        self.add(
            "Consent", None, patient, status="active", scope=PRIVACY, provision={"type": "deny", **terms}
        )
        self.denials.append(denial)

    def _refusing(self) -> None:
        """Who has permitted, and denies as well: all, a part, to one, of a label; and to whom may act for them."""
        hiv = [{"system": CODES["hiv"][0], "code": "HIV"}]
        for patient in ("refused", "refusedpart", "refusedone", "refusedlabel"):
            self._consent(patient, ref("Organization/A"), securityLabel=hiv)
            self.stand(
                patient, "consent", "facility:A", "department:A", "programme:A", purposes=TREAT,
                labels=frozenset({"hiv"}),
            )  # fmt: skip
        self._deny("refused", Denial("refused"))
        kinds = [{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}]
        self._deny("refusedpart", Denial("refusedpart", types=frozenset({"Observation"})), **{"class": kinds})
        to_d1 = [{"role": {"text": "IRCP"}, "reference": ref("Practitioner/d1")}]
        self._deny("refusedone", Denial("refusedone", "practitioner:d1"), actor=to_d1)
        self._deny("refusedlabel", Denial("refusedlabel", labels=frozenset({"hiv"})), securityLabel=hiv)
        self._consent("refusedmum", ref("Patient/me"), purpose=[])
        self.stand("refusedmum", "delegate", "person:me")
        self._deny("refusedmum", Denial("refusedmum", types=frozenset({"Observation"})), **{"class": kinds})

    def _family(self) -> None:
        for child in ("child", "teen", "deadchild"):
            self.add("RelatedPerson", None, child, own=f"rel-{child}", active=True, relationship=[coded(ROLE_CODE,
                "MTH")],
                     extension=[{"url": RELATED, "valueReference": ref("Patient/me")}])  # fmt: skip
        self.stand(
            "child", "guardian", "person:me", until=NOW.replace(year=2036, month=5, day=4, hour=17, minute=0)
        )
        me = ref("Patient/me")
        types = "http://hl7.org/fhir/resource-types"
        self._consent("mum", me, purpose=[])
        self.stand("mum", "delegate", "person:me")
        self._consent("dad", me, purpose=[], **{"class": [{"system": types, "code": "Appointment"}]})
        self.stand("dad", "delegate", "person:me", types=frozenset({"Appointment"}))
        self._consent("deadmum", me, purpose=[])

    # -- what is kept ------------------------------------------------------------------------------------------

    def _charts(self) -> None:
        for type_name in (*LINKS, "Binary"):
            for patient in PERSONS:
                for facility in ("A", "B") if patient in ELSEWHERE else ("A",):
                    self.add(type_name, facility, patient)
            for patient in ("visit", "consented", "me", "child", "stranger"):
                self.add(type_name, None, patient)
        for patient in ("time", "consented"):
            for day in ("2026-06-01", "2020-06-01"):
                self.add("Observation", "B", patient, occurred=day, effectiveDateTime=day)
        categories = {
            "Observation": [("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"),
                            ("http://terminology.hl7.org/CodeSystem/observation-category", "imaging")],
            "DiagnosticReport": [("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB"),
                                 ("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD"), ("http://e.x", "LAB")],
            "ServiceRequest": [("http://snomed.info/sct", "108252007"), ("http://snomed.info/sct", "363679005")],
        }  # fmt: skip
        for type_name, codes in categories.items():
            for system, code in codes:
                for patient in ("visit", "stranger"):
                    for facility in ("A", "B"):
                        self.add(type_name, facility, patient, category=[coded(system, code)])
        for name in ("screening-answers", "first-help"):
            for patient in ("visit", "stranger"):
                for facility in ("A", "B"):
                    number = {
                        "system": f"https://yba.vn/fhir/sid/{name}",
                        "value": f"{name}.{facility}.{patient}",
                    }
                    self.add("QuestionnaireResponse", facility, patient, identifier=number)

    def _labelled(self) -> None:
        for type_name in LABELLED_TYPES:
            for patient in LABELLED:
                for label in CODES:
                    self.add(type_name, "A", patient, labels=(label,))
                    self.add(type_name, "B", patient, labels=(label,))
        self.add("Condition", "A", "visit", labels=("hiv", "mental"))
        marked = self.add("Condition", "A", "visit", code=coded("http://hl7.org/fhir/sid/icd-10", "B20.1"))
        marked.labels = frozenset({"hiv"})  # by its code, not by its meta

    def _unowned(self) -> None:
        for type_name in TYPES:
            if type_name in ("Patient", "Binary"):
                continue
            for facility in ("A", "B", None):
                row = self.add(type_name, facility)
                if type_name in LINKS:  # a chart's type that says of nobody whose it is
                    element = LINKS[type_name]
                    if element in minimal(type_name):
                        row.content[element] = minimal(type_name)[element]
            if type_name not in LINKS:
                self.add(type_name, "A", labels=("restricted",))


def _first(world: World, row: Row) -> dict[str, Any]:
    """The row as the system makes it: a world is filled in twice, and who wrote themselves in does so each time."""
    if row in world.by_doctor:
        return {name: value for name, value in row.content.items() if name != "participant"}
    return row.content


def fill(connection: psycopg.Connection[Any], world: World) -> None:
    """Store the world as the system; each row must be taken."""
    # Emergency openings are made by a rule that acts for somebody.
    record = fhir.open(connection, actor=replace(SYSTEM, origin="d1"), clock=lambda: NOW)
    for start in range(0, len(world.rows), 500):
        part = world.rows[start : start + 500]
        made = record.put_all([codec.decode(json.dumps(_first(world, one)).encode()) for one in part])
        for row, answer in zip(part, made, strict=True):
            assert not isinstance(answer, RecordError), (row, answer)
    doctor = fhir.open(connection, actor=DOCTOR, clock=lambda: NOW)
    for row in world.by_doctor:  # a doctor of the facility writes themselves in
        row.content["participant"] = [{"individual": ref("Practitioner/d1")}]
        doctor.update(codec.decode(json.dumps(row.content).encode()))
