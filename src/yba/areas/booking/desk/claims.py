"""Who is calling whom: a request, and with it the person and the number, is one agent's for some minutes.

A number is often a household's (a mother asks for two children): who calls it about one calls it about both. Claims of
one facility's desk are kept apart by advisory locks of person and number, so that two agents who press at the same
moment are one after the other, also where they press on different requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yba.areas.booking import actions, queries
from yba.areas.booking import rules as booking
from yba.areas.booking.desk import rules
from yba.areas.booking.models import Claim, Contact
from yba.care import asked
from yba.fhir.access import Actor
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record
from yba.fhir.store.rows import execute

#: Always in one order: two who ask for some of the same never wait for each other.
_ONE_BY_ONE: Final = """
select pg_advisory_xact_lock(hashtextextended(name, 4))
  from (select name from unnest(%s::text[]) name order by name collate "C") x"""
_OF_A_CLAIM: Final = ("agent", "agent_name", "taken_at", "facility", "patient_id", "phone")
_TAKE: Final = """
insert into booking_claim (appointment_id, agent, agent_name, taken_at, facility, patient_id, phone)
values (%s, %s, %s, %s, %s, %s, %s)
on conflict (appointment_id) do update
   set agent = excluded.agent, agent_name = excluded.agent_name, taken_at = excluded.taken_at,
       facility = excluded.facility, patient_id = excluded.patient_id, phone = excluded.phone
returning appointment_id"""
_KNOWN: Final = """
select {columns} from booking_claim
 where appointment_id = %s or (%s <> '' and patient_id = %s) or (%s <> '' and phone = %s) order by appointment_id"""


@dataclass(frozen=True, slots=True)
class Taken:
    """The claim that counts now; ``before``: whose it was until it ran out, when it is another's now."""

    claim: Claim
    mine: bool
    before: Claim | None = None


def is_live(claim: Claim, *, now: datetime) -> bool:
    """Whether a claim still counts: an agent who left holds nobody up for long."""
    return now - claim.taken_at < rules.book().claim


def live_claims(ids: Sequence[str], *, now: datetime) -> dict[str, Claim]:
    """Claims that still count, by appointment."""
    found = Claim.objects.filter(appointment_id__in=ids, taken_at__gt=now - rules.book().claim)
    return {one.appointment_id: one for one in found}


def take(record: Record, appointment: Appointment) -> Taken:
    """Claim a request for the agent, or say who calls this person or this number already.

    Who holds it already holds it for another while.
    """
    now, me, key = record.clock(), record.actor, appointment.id or ""
    patient, phone = booking.patient_id_of(appointment) or "", number_of(record, appointment)
    with record.atomic():
        names = [f"desk.{one}/{me.facility}" for one in (patient, phone, key) if one]
        execute(record.connection, _ONE_BY_ONE, (names,)).fetchall()
        known = _known(key, patient, phone)
        other = next((one for one in known if _is_others(one, me, now=now)), None)
        if other is not None:
            return Taken(other, mine=False)
        old = next((one for one in known if one.appointment_id == key), None)
        fresh = Claim(
            appointment_id=key, agent=me.user, agent_name=me.name, taken_at=now, facility=me.facility or "",
            patient_id=patient, phone=phone,
        )  # fmt: skip
        asked.values(_TAKE, [getattr(fresh, one) for one in ("appointment_id", *_OF_A_CLAIM)])
        if old is not None and old.agent == me.user and is_live(old, now=now):
            return Taken(fresh, mine=True)
        before = old if old is not None and old.agent != me.user else None
        kind = Contact.Kind.TAKEN_OVER if before is not None else Contact.Kind.CALLED
        actions.note_contact(record, appointment, kind, note=before.agent_name if before else "")
        actions.tell(record, facility=me.facility or "")
        return Taken(fresh, mine=True, before=before)


def _known(key: str, patient: str, phone: str) -> list[Claim]:
    """The claims of this request, this person and this number, whosesoever."""
    return asked.rows(Claim, _KNOWN, [key, patient, patient, phone, phone])


def _is_others(claim: Claim, me: Actor, *, now: datetime) -> bool:
    """Whether another agent of this desk calls now."""
    return claim.facility == (me.facility or "") and claim.agent != me.user and is_live(claim, now=now)


def number_of(record: Record, appointment: Appointment) -> str:
    """The number this person is called at."""
    said = actions.call_back_of(appointment)
    patient = booking.patient_id_of(appointment)
    return said or (queries.caller(record, patient).phone if patient else "")


def let_go(record: Record, appointment_id: str) -> None:
    """Give a request back to the list."""
    with record.atomic():
        Claim.objects.filter(appointment_id=appointment_id, agent=record.actor.user).delete()
        actions.tell(record, facility=record.actor.facility or "")
