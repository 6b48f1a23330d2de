"""How a conversation stands in the record: one Communication for the thread, one for each message that is part of it.

The thread (category ``chat-thread``) has no payload. Its ``status`` says whose turn it is: ``in-progress`` the person
waits for an answer, ``on-hold`` they were answered, ``completed`` closed; ``sent`` is since when the person waits, or
the last message. Its ``recipient`` is who answers now and the facility; ``about`` what it began with. A message
(category ``chat-message``, ``partOf`` the thread) is written once and never changed, but for an attachment that is
taken down.

FHIR R4 has one ``received`` a Communication and no mark for each reader, so read marks stand in the thread as `READ`:
who, and until when they have read. One row is written for a reader who comes back, however much they read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from yba.fhir.model import references
from yba.fhir.r4.codes import EventStatus
from yba.fhir.r4.communication import Communication
from yba.fhir.r4.datatypes import Attachment, CodeableConcept, Coding, Extension, Reference
from yba.fhir.record import facility_of
from yba.ui.words import HANOI, moment

CATEGORY: Final = "https://yba.vn/fhir/CodeSystem/communication-category"
THREAD: Final = "chat-thread"
MESSAGE: Final = "chat-message"
#: Of a thread in which a word of alarm waits for an answer; of the message it stood in.
URGENT: Final = "chat-urgent"
_EXTENSION: Final = "https://yba.vn/fhir/StructureDefinition/"
#: Of a thread: ``by`` has read until ``at``.
READ: Final = _EXTENSION + "chat-read"
#: Of a thread: when the person (``person``) and the team (``staff``) wrote last.
LAST: Final = _EXTENSION + "chat-last"
#: Of a thread: handed ``from`` one ``to`` another ``at`` a moment, ``why``.
HANDED: Final = _EXTENSION + "chat-handed-over"
#: Of a message that tells what was done (code): ``handed-over``, ``invited``, ``closed``.
DEED: Final = _EXTENSION + "chat-deed"
#: Of an attachment that was taken down: ``by``, ``at``, ``why``, and where it is kept (``kept``).
TAKEN_DOWN: Final = _EXTENSION + "chat-taken-down"
#: The form a message was sent with: a second click writes nothing.
ONCE: Final = "https://yba.vn/fhir/sid/chat-once"

WAITING, ANSWERED, CLOSED = "in-progress", "on-hold", "completed"


def instant(at: datetime) -> str:
    """A moment to the thousandth, so that messages keep their order."""
    return at.astimezone(HANOI).isoformat(timespec="milliseconds")


def categories(*codes: str) -> list[CodeableConcept]:
    return [CodeableConcept(coding=[Coding(system=CATEGORY, code=one)]) for one in codes]


def codes_of(found: Communication) -> frozenset[str]:
    """The house's categories of a Communication."""
    return frozenset(
        one.code for each in found.category for one in each.coding if one.system == CATEGORY and one.code
    )


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation. ``about``: type and id; ``reads``: reference -> read until; empty texts where nothing is said.

    ``handed``: who handed it over last, and the work to do.
    """

    id: str
    patient: str
    patient_name: str
    facility: str
    doctor: str
    doctor_name: str
    topic: str
    status: str
    since: datetime | None
    about: tuple[str, str] | None
    urgent: bool = False
    person_last: datetime | None = None
    staff_last: datetime | None = None
    reads: Mapping[str, datetime] = field(default_factory=dict)
    handed: tuple[str, str] = ("", "")

    @property
    def closed(self) -> bool:
        return self.status == CLOSED

    def read_by_staff(self) -> datetime | None:
        """Until when somebody of the team has read."""
        return max((at for by, at in self.reads.items() if not by.startswith("Patient/")), default=None)

    def read_by_person(self) -> datetime | None:
        """Until when the person, or who acts for them, has read."""
        return max((at for by, at in self.reads.items() if by.startswith("Patient/")), default=None)

    def unread_for_person(self) -> bool:
        """Whether the team wrote something nobody on the person's side has opened."""
        read = self.read_by_person()
        return self.staff_last is not None and (read is None or read < self.staff_last)

    def unread_for(self, reader: str) -> bool:
        """Whether the other side wrote something this reader has not opened."""
        last = self.staff_last if reader.startswith("Patient/") else self.person_last
        read = self.reads.get(reader)
        return last is not None and (read is None or read < last)


def thread_of(found: Communication) -> Thread | None:
    """The conversation a Communication is the thread of; None for any other."""
    if THREAD not in codes_of(found):
        return None
    subject, about = references.target(found.subject), references.target(next(iter(found.about), None))
    doctor, doctor_name = practitioner_in(found.recipient)
    last = _last(found)
    return Thread(
        id=found.id or "",
        patient=subject[1] if subject and subject[0] == "Patient" else "",
        patient_name=(found.subject.display if found.subject else "") or "",
        facility=facility_of(found) or "",
        doctor=doctor,
        doctor_name=doctor_name,
        topic=(found.topic.text if found.topic else "") or "",
        status=found.status or WAITING,
        since=moment(found.sent) if found.sent and "T" in found.sent else None,
        about=about,
        urgent=URGENT in codes_of(found),
        person_last=last.get("person"),
        staff_last=last.get("staff"),
        reads=reads_of(found),
        handed=_handed(found),
    )


def _handed(found: Communication) -> tuple[str, str]:
    """From whom whoever answers now has it, and why; the last time."""
    last = next((one for one in reversed(found.extension) if one.url == HANDED), None)
    parts = {one.url: one for one in last.extension} if last is not None else {}
    by, why = parts.get("from"), parts.get("why")
    name = by.valueReference.display if by is not None and by.valueReference is not None else ""
    return name or "", (why.valueString if why is not None else "") or ""


def _last(found: Communication) -> dict[str, datetime]:
    parts = (part for one in found.extension if one.url == LAST for part in one.extension)
    return {part.url or "": moment(part.valueInstant) for part in parts if part.valueInstant}


def write_last(found: Communication, side: str, at: datetime) -> None:
    """Note that a side wrote."""
    last = {**_last(found), side: at}
    parts = [Extension(url=one, valueInstant=instant(then)) for one, then in sorted(last.items())]
    others = [one for one in found.extension if one.url != LAST]
    found.extension = [*others, Extension(url=LAST, extension=parts)]


def reads_of(found: Communication) -> dict[str, datetime]:
    """Who has read until when."""
    reads: dict[str, datetime] = {}
    for one in found.extension:
        if one.url != READ:
            continue
        by = next((part.valueReference.reference for part in one.extension if part.valueReference), None)
        at = next((part.valueInstant for part in one.extension if part.valueInstant), None)
        if by and at:
            reads[by] = moment(at)
    return reads


def write_read(found: Communication, by: Reference, at: datetime) -> None:
    """Note that somebody has read until then."""
    others = [
        one
        for one in found.extension
        if one.url != READ
        or all(
            part.valueReference is None or part.valueReference.reference != by.reference
            for part in one.extension
        )
    ]
    parts = [Extension(url="by", valueReference=by), Extension(url="at", valueInstant=instant(at))]
    found.extension = [*others, Extension(url=READ, extension=parts)]


# -- messages ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class File:
    """Something attached. ``down``: why it was taken down; empty: it is there."""

    number: int
    name: str
    kind: str
    size: int
    binary: str
    down: str = ""

    @property
    def picture(self) -> bool:
        return self.kind in ("image/jpeg", "image/png") and not self.down

    @property
    def sound(self) -> bool:
        return self.kind.startswith("audio/") and not self.down


@dataclass(frozen=True, slots=True)
class Said:
    """A message. ``by``: type and id of who wrote it.

    ``deed``: what it tells of, empty for words of a person; ``to``: who was handed the conversation by it.
    """

    id: str
    by: tuple[str, str]
    name: str
    text: str
    at: datetime | None
    files: Sequence[File] = ()
    deed: str = ""
    urgent: bool = False
    to: str = ""

    @property
    def of_person(self) -> bool:
        """Whether the person's side wrote it."""
        return self.by[0] in ("Patient", "RelatedPerson")


def said_of(found: Communication) -> Said:
    """A message of a conversation."""
    return Said(
        id=found.id or "",
        by=references.target(found.sender) or ("", ""),
        name=(found.sender.display if found.sender else "") or "",
        text="\n".join(one.contentString for one in found.payload if one.contentString),
        at=moment(found.sent) if found.sent and "T" in found.sent else None,
        files=tuple(_file(number, one) for number, one in enumerate(attachments(found))),
        deed=next((one.valueCode or "" for one in found.extension if one.url == DEED), ""),
        urgent=URGENT in codes_of(found),
        to=practitioner_in(found.recipient)[1],
    )


def practitioner_in(found: Sequence[Reference]) -> tuple[str, str]:
    """Id and name of the first practitioner among references."""
    for one in found:
        target = references.target(one)
        if target is not None and target[0] == "Practitioner":
            return target[1], one.display or ""
    return "", ""


def attachments(found: Communication) -> list[Attachment]:
    """What is attached, in order; the number of one never changes."""
    return [one.contentAttachment for one in found.payload if one.contentAttachment is not None]


def _file(number: int, one: Attachment) -> File:
    target = references.parse(one.url or "")
    return File(
        number, one.title or "", one.contentType or "", one.size or 0,
        target.id if target is not None and target.type == "Binary" else "", _why_down(one),
    )  # fmt: skip


def _why_down(one: Attachment) -> str:
    parts = (part for each in one.extension if each.url == TAKEN_DOWN for part in each.extension)
    return next((part.valueString or "" for part in parts if part.url == "why"), "")


def status_after(side: str) -> EventStatus:
    """Whose turn it is after a side wrote."""
    return "in-progress" if side == "person" else "on-hold"
