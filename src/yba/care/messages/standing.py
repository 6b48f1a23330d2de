"""Whether what a message says still holds: asked of the booking itself, locked, in the transaction that sends it.

Nothing has to call a reminder back when a visit moves: the reminder of the old time finds that it is none any more.
"""

from __future__ import annotations

from typing import Final

from yba.care import jobs
from yba.care.messages import calendar
from yba.care.messages.kinds import Kind
from yba.care.messages.models import Message
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model import references
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import now
from yba.ui.words import moment

#: Roles of those who take part, as FHIR names them, in a version.
_PLACE: Final = "Location"


def taking_part(one: Appointment, kind: str) -> tuple[str, str]:
    """Id and name of who takes part in a visit: ``Patient``, ``Location``."""
    for part in one.participant:
        target = references.target(part.actor) if part.actor is not None else None
        if target is not None and target[0] == kind:
            return target[1], (part.actor.display if part.actor else "") or ""
    return "", ""


def version_of(one: Appointment) -> str:
    """What a person has to know again when it changes: the time and the room. A corrected name changes nothing."""
    if not one.start:
        return ""
    return f"{moment(one.start):%Y%m%dT%H%MZ}@{taking_part(one, _PLACE)[0]}"


def no_longer(row: Message, kind: Kind) -> str:
    """Why a message about a visit is not true any more; empty while it is."""
    if not row.subject or not kind.holds:
        return ""
    try:
        found = jobs.record().lock(Appointment, row.subject)
    except (NotFound, Gone):
        return "the visit is not there any more"
    if found.status not in kind.holds:
        return f"the visit is {found.status}"
    if row.version and version_of(found) != row.version:
        return "the visit is at another time or place"
    return ""


def calendar_of(row: Message) -> bytes:
    """The visit as a calendar file, for an e-mail; nothing where there is none."""
    try:
        found = jobs.record().read(Appointment, row.subject) if row.subject else None
    except (NotFound, Gone):
        found = None
    if found is None or not found.start or not found.end:
        return b""
    version = found.meta.versionId if found.meta else ""
    return calendar.visit(
        uid=found.id or "", starts=moment(found.start), ends=moment(found.end), place=row.values.get("facility", ""),
        room=row.values.get("room", ""), changes=int(version) if version and version.isdigit() else 0,
        cancelled=found.status == "cancelled", now=now(),
    )  # fmt: skip
