"""A facility, a doctor, two people and their video visits: what the tests of telehealth stand on."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.test import Client

from tests.areas.clinic.stage import DOCTOR, DOCTOR_NAME, HOUSE, ROOM, put, tagged
from tests.builders import NOW, a_patient, an_organization
from yba.areas.telehealth.models import Room, Seat
from yba.care.identifiers import REGISTRATION_CODE
from yba.care.remote import mode
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import CodeableConcept, ContactPoint, Identifier, Reference
from yba.fhir.r4.location import Location
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.record import Record
from yba.site.accounts.models import Account

PERSON, OTHER = "nb-thu", "nb-khac"
NAME = "Nguyễn Thị Hạnh"


def stage(system: Record) -> None:
    """The house, its doctor and two people."""
    put(
        system,
        an_organization(meta=tagged(), telecom=[ContactPoint(system="phone", value="02343555017")]),
        HOUSE,
    )
    house = Reference(reference=f"Organization/{HOUSE}")
    put(system, Location(meta=tagged(), name="204", managingOrganization=house), ROOM)
    put(system, Practitioner(meta=tagged()), DOCTOR)
    put(system, a_patient(NAME), PERSON)
    other = a_patient("Lê Văn Hùng", phone="0905999888", birthDate="1990-01-02", identifier=[])
    put(system, other, OTHER)


def video_visit(
    system: Record, person: str = PERSON, *, start: datetime = NOW, code: str = "7K2M9Q", status: str = "booked",
    doctor: str = DOCTOR, video: bool = True,
) -> Appointment:  # fmt: skip
    """A confirmed visit by video, of twenty minutes."""
    patient = system.read(Patient, person)
    visit = Appointment(
        meta=tagged(),
        status=status,  # type: ignore[arg-type]  # a test's own word
        identifier=[Identifier(system=REGISTRATION_CODE, value=code)],
        start=start.isoformat(),
        end=(start + timedelta(minutes=20)).isoformat(),
        reasonCode=[CodeableConcept(text="Tăng huyết áp, xin đơn thuốc")],
        participant=[
            AppointmentParticipant(
                actor=Reference(reference=f"Patient/{person}", display=patient.name[0].text),
                status="accepted",
            ),
            AppointmentParticipant(
                actor=Reference(reference=f"Practitioner/{doctor}", display=DOCTOR_NAME), status="accepted"
            ),
        ],
    )
    return system.create(mode.set_video(visit, video))


def citizen(*persons: str) -> Client:
    """The phone of whoever answers for these people, the first of them oneself."""
    account = Account.objects.create_account(f"c-{persons[0]}", role="citizen", name=NAME)
    for at, one in enumerate(persons):
        account.links.create(patient_id=one, relation="ban-than" if at == 0 else "con")
    client = Client()
    client.force_login(account)
    return client


def staff(
    role: str = "doctor", *, practitioner: str = DOCTOR, facility: str = HOUSE, name: str = DOCTOR_NAME
) -> Client:
    """A member of staff at work."""
    account = Account.objects.create_account(
        f"{role}-{facility}-{practitioner}", role=role, name=name, facility=facility,
        practitioner=practitioner if role == "doctor" else "", location=ROOM if facility == HOUSE else "",
    )  # fmt: skip
    client = Client()
    client.force_login(account)
    return client


def agree(client: Client, appointment: Appointment, **fields: str) -> Any:
    """Consent and go into the waiting room; the answer."""
    sent = {"agree": "on", "version": "1", **fields}
    return client.post(f"/kham-tu-xa/luot/{appointment.id}/vao", sent)


def seated(client: Client, appointment: Appointment) -> str:
    """The key of the seat after going in."""
    answer = agree(client, appointment)
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"].startswith("/kham-tu-xa/ghe/"), answer["Location"]
    return str(answer["Location"].rsplit("/", 1)[1])


def open_as_doctor(client: Client, appointment: Appointment, *, admit: bool = False) -> Room:
    """The doctor goes into the room."""
    client.post(f"/kham-tu-xa/mo/{appointment.id}", {"admit": "1"} if admit else {})
    return Room.objects.get(appointment_id=appointment.id)


def doctors_seat(room: Room) -> Seat:
    return Seat.objects.get(room=room, kind=Seat.Kind.DOCTOR)


def told(client: Client, key: str, what: str = "dong-bo", **body: Any) -> Any:
    """What the page of a seat asks or tells; the answer."""
    if what == "dong-bo":
        body = {"epoch": "a" * 12, "after": 0, "take": True, **body}
    return client.post(f"/kham-tu-xa/ghe/{key}/{what}", json.dumps(body), content_type="application/json")
