"""The desk's telephone: which set an agent sits at, calling from it, and who is calling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from yba.areas.booking import rules as booking
from yba.areas.booking.models import Extension, Ring
from yba.care import identifiers, people, telephone
from yba.care.refusal import Refusal
from yba.care.telephone import Heard
from yba.fhir.r4.appointment import Appointment
from yba.fhir.record import Record
from yba.ui import live

#: How long after it began a call is shown, where its end was never heard.
SHOWN: Final = timedelta(minutes=30)
FORGOTTEN: Final = timedelta(days=1)
MOST_CALLERS: Final = 5


def topic_of(extension: str) -> str:
    """The live topic of a set."""
    return f"rings:{extension}"


def set_of(record: Record) -> str:
    """The set the actor sits at; empty: none was said, or it is no set of their facility (any more)."""
    number = Extension.objects.filter(agent=record.actor.user).values_list("number", flat=True).first() or ""
    return number if number and _is_here(record, number) else ""


def _is_here(record: Record, number: str) -> bool:
    """Whether a set is of the actor's facility, as the operator has said; without an exchange no set rings."""
    exchange = telephone.exchange()
    return exchange is None or exchange.facility_of(number) == record.actor.facility


def sit_at(record: Record, number: str) -> str:
    """Sit at a set, or at none; else whose it is: by name where somebody of this facility sits there."""
    me = record.actor
    if not number:
        Extension.objects.filter(agent=me.user).delete()
        return ""
    if not _is_here(record, number):
        return _("nơi khác; tổng đài không ghi máy này cho cơ sở mình")
    try:
        with transaction.atomic():
            Extension.objects.update_or_create(
                agent=me.user,
                defaults={"agent_name": me.name, "facility": me.facility or "", "number": number},
            )
    except IntegrityError:
        other = Extension.objects.filter(number=number, facility=me.facility or "").first()
        return other.agent_name if other is not None else _("bàn của nơi khác")
    return ""


def note(heard: Heard, *, now: datetime) -> None:
    """Note what the exchange said; told twice (by two workers that listen) it is noted once."""
    known = {"number": heard.number} if heard.number else {}
    with transaction.atomic():
        if heard.state == "ringing":
            row, made = Ring.objects.get_or_create(
                call=heard.call, extension=heard.extension,
                defaults={"number": heard.number, "state": heard.state, "at": now},
            )  # fmt: skip
            if not made and row.number == heard.number:
                return
            Ring.objects.filter(pk=row.pk).update(**known)
        else:
            open_ones = Ring.objects.filter(call=heard.call, extension=heard.extension)
            if heard.state == "answered":
                open_ones = open_ones.filter(state=Ring.State.RINGING)
            if not open_ones.exclude(state=heard.state).update(state=heard.state):
                return
        live.changed(topic_of(heard.extension))


def forget(*, now: datetime) -> int:
    """Forget the calls of yesterday."""
    return Ring.objects.filter(at__lt=now - FORGOTTEN).delete()[0]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose number this is, and what they have asked for here."""

    name: str
    url: str
    requests: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Ringing:
    """A call at the agent's set."""

    number: str
    state: str
    callers: list[Caller]
    book_url: str


def ringing(record: Record, extension: str) -> Ringing | None:
    """The call at a set now: who may be calling, from the people of that number."""
    now = record.clock()
    row = (
        Ring.objects.filter(extension=extension, at__gt=now - SHOWN)
        .exclude(state=Ring.State.ENDED)
        .order_by("-at", "-pk")
        .first()
    )
    if row is None:
        return None
    checked = identifiers.check_phone(row.number) if row.number else None
    number = row.number if checked is None or isinstance(checked, Refusal) else checked.value
    found = people.find_people(record, number, limit=MOST_CALLERS) if number else []
    asked = _asked(record, [one.id or "" for one in found])
    callers = [
        Caller(people.name_of(one), reverse("booking:caller", args=[one.id]), asked.get(one.id or "", []))
        for one in found
    ]
    return Ringing(number, row.state, callers, f"{reverse('booking:book_for')}?{urlencode({'q': number})}")


def _asked(record: Record, patients: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Patient -> address and reason of each open request here."""
    if not patients:
        return {}
    found = record.find(
        Appointment,
        ("patient", ",".join(f"Patient/{one}" for one in patients)),
        ("status", "pending,proposed,booked"),
        ("_tag", f"{booking.FACILITY_TAG}|{record.actor.facility}"),
    )
    asked: dict[str, list[tuple[str, str]]] = {}
    for one in found:
        url = reverse("booking:request", args=[one.id])
        asked.setdefault(booking.patient_id_of(one) or "", []).append(
            (url, booking.reason_of(one) or one.id or "")
        )
    return asked


def connected() -> bool:
    """Whether an exchange is connected here."""
    return telephone.exchange() is not None
