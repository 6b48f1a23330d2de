"""The port to a hospital's own system: what is told of a booked visit, what comes back, and which facility has one.

A facility that keeps its appointments in a system of its own is told of each visit that is booked here, moves or is
called off. Which system that is, the operator's file says; `yba.site.hospital_systems` builds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient

Kind = Literal["booked", "moved", "cancelled"]


@dataclass(frozen=True, slots=True)
class News:
    """What is told of one visit. ``id`` (at most 20 signs) is the same for every try, so that a second one is known."""

    id: str
    kind: Kind
    at: datetime
    appointment: Appointment
    patient: Patient
    facility: Organization


class Failed(Exception):
    """It did not work this time; another try may."""


class Refused(Failed):
    """The other system has read it and will not take it: a person has to look."""


class HospitalSystem(Protocol):
    """A system that is told of visits."""

    def tell(self, news: News) -> str:
        """Tell; the other side's own number or words for it. Raises Failed or Refused."""
        ...


def system_of(facility: str) -> HospitalSystem | None:
    """The system a facility keeps its appointments in; None where reception's list here is all there is."""
    path = getattr(settings, "YBA_HOSPITAL_SYSTEMS", "")
    found: HospitalSystem | None = import_string(path)(facility) if path else None
    return found
