"""Who is told of an alert: danger at once at any hour, what is urgent while the facility's office is shut.

The team's page shows every alert; at night nobody sits before it. The text says that there is one and where it stands:
no name, no value, for it goes to a telephone that may lie open.
"""

from __future__ import annotations

from datetime import datetime

from yba.areas.telehealth.follow_up.measures import Level
from yba.areas.telehealth.models import OnDuty
from yba.care import messages
from yba.care.remote import office
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.organization import Organization
from yba.fhir.record import Record
from yba.ui.words import HANOI

KIND = "follow-up.on-duty"


def on_duty(facility: str) -> OnDuty | None:
    """Whom the facility has named."""
    return OnDuty.objects.filter(facility=facility).first()


def name_them(record: Record, *, name: str, phone: str) -> None:
    """Name whom to tell at the actor's own facility; nobody with an empty number. Written down with who said so."""
    facility = record.actor.facility or ""
    if not phone:
        OnDuty.objects.filter(facility=facility).delete()
    else:
        said = {"name": name, "phone": phone, "by": record.actor.name, "at": record.clock()}
        OnDuty.objects.update_or_create(facility=facility, defaults=said)
    record.audit(
        "policy", type_name="Organization", identifier=facility,
        detail=f"told of follow-up alerts: {f'…{phone[-3:]}' if phone else 'nobody'}",
    )  # fmt: skip


def tell(system: Record, *, facility: str, alert_id: str, level: Level, now: datetime) -> bool:
    """Tell whoever is on duty, once an alert; whether somebody was told."""
    found = on_duty(facility) if level else None
    if found is None or (level != "danger" and office.is_open(office.office_of(system, facility), now)):
        return False
    try:
        house = system.read(Organization, facility).name or ""
    except (NotFound, Gone):
        house = ""
    values = {"facility": house or "Y Ba", "when": now.astimezone(HANOI).isoformat()}
    return messages.write(KIND, found.phone, values, dedupe_key=f"{KIND}:{alert_id}", now=now)
