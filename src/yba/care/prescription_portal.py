"""The port to the national prescription system: what is sent of a signed prescription, and which facility is connected.

A prescription is sent once, right after the visit, and is immutable there: a change is a new prescription under a new
code. Sources: TT 26/2025/TT-BYT, QĐ 808/QĐ-BYT (2022), part V. Which portal and which link codes, the operator's file
says; `yba.site.prescription_portal` builds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Line:
    """One medicine. ``brand``: empty where it is prescribed by its substance alone; ``how``: dose, times, moment."""

    code: str
    name: str
    brand: str
    unit: str
    quantity: Decimal
    how: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A diagnosis by ICD-10."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Prescription:
    """A signed prescription. ``weight_kg`` and ``companion`` are said of a child under 72 months.

    ``born`` is a FHIR date: a year alone may be all that is known. ``days_until_return``: None, nothing is planned.
    """

    code: str
    at: datetime
    facility: str
    prescriber: str
    name: str
    born: str
    gender: str
    citizen_number: str
    card: str
    address: str
    companion: str
    weight_kg: Decimal | None
    diagnoses: tuple[Diagnosis, ...]
    lines: tuple[Line, ...] = field(default=())
    advice: str = ""
    days_until_return: int | None = None

    @property
    def day(self) -> date:
        return self.at.date()


#: Why a prescription waits for a person, where pages have words of their own for it.
NO_LINK_CODE: Final = "prescriber without a link code"
WRONG_LINK_CODE: Final = "link code or password not taken"


class Failed(Exception):
    """It did not work this time; another try may."""


class Refused(Failed):
    """The portal has read it and will not take it, or somebody's link code is missing: a person has to look."""


class Known(Refused):
    """The portal has a prescription under this code already."""


class PrescriptionPortal(Protocol):
    """The national system, as one facility reaches it."""

    def send(self, prescription: Prescription) -> str:
        """Send; the portal's own words for it. Raises Failed, Refused or Known."""
        ...


def portal_of(facility: str) -> PrescriptionPortal | None:
    """How a facility reaches the portal; None where it is not connected."""
    path = getattr(settings, "YBA_PRESCRIPTION_PORTAL", "")
    found: PrescriptionPortal | None = import_string(path)(facility) if path else None
    return found
