"""Who is calling whom: a request, and with it the person and the number, is one agent's for some minutes.

A number is often a household's (a mother asks for two children): who calls it about one calls it about both. Claims of
one facility's desk are kept apart by advisory locks of person and number, so that two agents who press at the same
moment are one after the other, also where they press on different requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from yba.areas.booking import actions, queries
from yba.areas.booking import rules as booking
from yba.areas.booking.desk import rules
from yba.areas.booking.models import Claim, Contact
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record
from yba.fhir.store.rows import execute


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
        for name in sorted(f"desk.{one}/{me.facility}" for one in (patient, phone, key) if one):
            execute(record.connection, "select pg_advisory_xact_lock(hashtextextended(%s, 4))", (name,))
        other = _others(record, key, patient, phone, now=now)
        if other is not None:
            return Taken(other, mine=False)
        old = Claim.objects.filter(appointment_id=key).first()
        fresh, _made = Claim.objects.update_or_create(
            appointment_id=key,
            defaults={
                "agent": me.user, "agent_name": me.name, "taken_at": now, "facility": me.facility or "",
                "patient_id": patient, "phone": phone,
            },
        )  # fmt: skip
        if old is not None and old.agent == me.user and is_live(old, now=now):
            return Taken(fresh, mine=True)
        before = old if old is not None and old.agent != me.user else None
        kind = Contact.Kind.TAKEN_OVER if before is not None else Contact.Kind.CALLED
        actions.note_contact(record, appointment, kind, note=before.agent_name if before else "")
        actions.tell(record, facility=me.facility or "")
        return Taken(fresh, mine=True, before=before)


def _others(record: Record, key: str, patient: str, phone: str, *, now: datetime) -> Claim | None:
    same = Q(appointment_id=key)
    same |= Q(patient_id=patient) if patient else Q()
    same |= Q(phone=phone) if phone else Q()
    found: Claim | None = (
        Claim.objects.filter(
            same, facility=record.actor.facility or "", taken_at__gt=now - rules.book().claim
        )
        .exclude(agent=record.actor.user)
        .first()
    )
    return found


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
