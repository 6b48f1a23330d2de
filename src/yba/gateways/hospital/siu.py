"""A booked visit as HL7 v2.5.1: SIU^S12 booked, S13 moved, S15 called off (chapter 10), and its acknowledgement.

The visit is named by our id in SCH-1 (placer appointment), whatever happens to it; MSH-10 is the same for each try.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message

from yba.care import identifiers, people
from yba.care.hospital_systems import Failed, Kind, News, Refused
from yba.fhir.model import references
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Address, Reference
from yba.fhir.r4.patient import Patient
from yba.gateways.hospital.mllp import Place, exchanged
from yba.ui.words import HANOI

VERSION: Final = "2.5.1"
#: Table 0276, appointment reason.
ROUTINE: Final = "ROUTINE"
_EVENT: Final[Mapping[Kind, str]] = {"booked": "S12", "moved": "S13", "cancelled": "S15"}
#: Table 0206, segment action code.
_ACTION: Final[Mapping[Kind, str]] = {"booked": "A", "moved": "U", "cancelled": "D"}
#: Table 0278, filler status.
_STATUS: Final[Mapping[Kind, str]] = {"booked": "Booked", "moved": "Booked", "cancelled": "Cancelled"}
_SEX: Final = {"male": "M", "female": "F", "other": "O"}
_ESCAPED: Final = str.maketrans(
    {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": " ", "\n": " "}
)


@dataclass(frozen=True, slots=True)
class Names:
    """Who is spoken to (MSH-5, MSH-6) and under which name we speak (MSH-3); ``processing``: P, T or D (MSH-11)."""

    application: str
    facility: str
    sender: str = "YBA"
    processing: str = "P"


class SiuSystem:
    """A hospital system that takes SIU messages over MLLP."""

    def __init__(self, names: Names, place: Place) -> None:
        self._names, self._place = names, place

    def tell(self, news: News) -> str:
        """Send, and read the acknowledgement: its text or code."""
        return acknowledged(exchanged(self._place, written(news, self._names)), news.id)


def written(news: News, names: Names) -> bytes:
    """The message as bytes, UTF-8 (MSH-18)."""
    kind, one = news.kind, news.appointment
    message = Message("SIU_S12", version=VERSION, validation_level=VALIDATION_LEVEL.TOLERANT)
    own = identifiers_of(one)
    _fill(
        message.msh,
        {
            3: names.sender, 4: _said(news.facility.id), 5: _said(names.application), 6: _said(names.facility),
            7: _time(news.at), 9: f"SIU^{_EVENT[kind]}^SIU_S12", 10: news.id, 11: names.processing, 12: VERSION,
            17: "VNM", 18: "UNICODE UTF-8",
        },
    )  # fmt: skip
    starts, ends = _moment(one.start), _moment(one.end)
    minutes = str(int((ends - starts).total_seconds() // 60)) if starts and ends else ""
    reason = (one.cancelationReason.text if one.cancelationReason else "") or ""
    _fill(
        message.sch,
        {
            1: f"{_said(one.id)}^{names.sender}",
            6: f"{ROUTINE}^{_said(reason)}" if kind == "cancelled" else ROUTINE,
            7: f"^{_said(one.reasonCode[0].text)}" if one.reasonCode else "", 8: "NORMAL", 9: minutes,
            10: "min^^ISO+" if minutes else "", 11: f"^^^{_time(starts)}^{_time(ends)}" if starts else "",
            16: "^YBA", 20: "^YBA", 25: _STATUS[kind],
        },
    )  # fmt: skip
    if one.comment:
        _fill(message.add_segment("NTE"), {1: "1", 3: _said(one.comment)})
    _person(message, news.patient, own)
    _resources(message, one, kind, starts, minutes)
    return str(message.to_er7()).encode("utf-8")


def identifiers_of(one: Appointment) -> str:
    """The registration code the person shows at reception."""
    return next(
        (row.value or "" for row in one.identifier if row.system == identifiers.REGISTRATION_CODE), ""
    )


def _person(message: Any, patient: Patient, code: str) -> None:
    group = message.add_group("SIU_S12_PATIENT")
    person = people.person_of(patient)
    numbers = [f"{_said(patient.id)}^^^YBA^PI"]
    numbers += [
        f"{_said(proved)}^^^VNM^NI" for proved in [people.proved_number(patient.identifier)] if proved
    ]
    card = people.identifier_of(patient.identifier, identifiers.BHYT)
    numbers += [f"{_said(card)}^^^BHXH^HC"] if card else []
    name = patient.name[0] if patient.name else None
    family = (name.family or "") if name else ""
    given = " ".join(filter(None, name.given)) if name and family else person.name
    home = patient.address[0] if patient.address else None
    _fill(
        group.pid,
        {
            1: "1", 3: "~".join(numbers), 5: f"{_said(family)}^{_said(given)}^^^^^L",
            7: (patient.birthDate or "").replace("-", ""), 8: _SEX.get(patient.gender or "", "U"),
            11: _address(home) if home else "",
            13: f"{_said(person.phone)}^PRN^CP" if person.phone else "",
        },
    )  # fmt: skip
    _fill(group.pv1, {1: "1", 2: "O", 50: f"{_said(code)}^^^YBA^VN" if code else ""})


def _address(home: Address) -> str:
    street = " ".join(filter(None, home.line)) or home.text
    return f"{_said(street)}^^{_said(home.city)}^{_said(home.state)}^^VNM"


def _resources(message: Any, one: Appointment, kind: Kind, starts: datetime | None, minutes: str) -> None:
    group = message.add_group("SIU_S12_RESOURCES")
    _fill(group.rgs, {1: "1", 2: _ACTION[kind]})
    when = {4: _time(starts)} if starts else {}
    length = {7: minutes, 8: "min^^ISO+"} if minutes else {}
    concept = one.specialty[0] if one.specialty else None
    code = concept.coding[0].code if concept and concept.coding else ""
    service = group.add_group("SIU_S12_SERVICE")
    words = (concept.text if concept else "") or ""
    _fill(service.ais, {1: "1", 2: _ACTION[kind], 3: f"{_said(code)}^{_said(words)}^YBA", **when, **length})
    room, doctor = _part(one, "Location"), _part(one, "Practitioner")
    if room is not None:
        place = group.add_group("SIU_S12_LOCATION_RESOURCE")
        _fill(
            place.ail,
            {1: "1", 2: _ACTION[kind], 3: f"^{_said(room.display) or _id(room)}", 4: "R^^YBA"}
            | ({6: _time(starts), 9: minutes, 10: "min^^ISO+"} if starts and minutes else {}),
        )
    if doctor is not None:
        who = group.add_group("SIU_S12_PERSONNEL_RESOURCE")
        _fill(
            who.aip,
            {1: "1", 2: _ACTION[kind], 3: f"{_id(doctor)}^{_said(doctor.display)}", 4: "D^^YBA"}
            | ({6: _time(starts), 9: minutes, 10: "min^^ISO+"} if starts and minutes else {}),
        )


def _fill(segment: Any, fields: Mapping[int, str]) -> None:
    """Write fields; one that repeats comes with ``~`` between."""
    for number, text in fields.items():
        if not text:
            continue
        name = f"{segment.name.lower()}_{number}"
        first, *more = text.split("~")
        setattr(segment, name, first)
        for one in more:
            segment.add_field(name).value = one


def _said(text: str | None) -> str:
    """Text with the signs that divide a message written as escapes (chapter 2.7)."""
    return (text or "").translate(_ESCAPED)


def _part(one: Appointment, kind: str) -> Reference | None:
    for row in one.participant:
        target = references.target(row.actor) if row.actor is not None else None
        if target is not None and target[0] == kind:
            return row.actor
    return None


def _id(ref: Reference) -> str:
    target = references.target(ref)
    return _said(target[1]) if target is not None else ""


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def _time(at: datetime | None) -> str:
    """A time with its zone (TS, chapter 2.A.77)."""
    return f"{at.astimezone(HANOI):%Y%m%d%H%M%S}+0700" if at is not None else ""


def acknowledged(answer: bytes, number: str) -> str:
    """What an acknowledgement says: AA is taken; AE may be tried again; AR and what is not ours is not taken.

    Raises Failed, Refused. Source: HL7 v2.5.1, 2.9.2 and table 0008.
    """
    # Read by hand: whatever version the other side says it speaks, these three fields have stood here since 2.1.
    lines = answer.decode("utf-8", "replace").replace("\n", "\r").split("\r")
    divider = lines[0][3:4] if lines[0].startswith("MSH") else ""
    said = next((one for one in lines[1:] if divider and one.startswith(f"MSA{divider}")), "")
    code, about, text = (*said.split(divider or "|")[1:4], "", "", "")[:3]
    if not said:
        raise Failed("the answer is no acknowledgement")
    if about != number:
        raise Failed("the acknowledgement is of another message")
    if code in ("AA", "CA"):
        return text or code
    if code in ("AR", "CR"):
        raise Refused(f"{code} {text}".strip())
    raise Failed(f"{code} {text}".strip())
