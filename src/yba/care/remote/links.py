"""The short address in a message that leads into a video visit: the registration code and a proof of this house.

Nothing is stored: the proof is a MAC over the visit, so it holds as long as the visit does, moves with it, and a
cancelled visit's leads nowhere. Whoever follows it still says the birth date (`telehealth`): others may read a message.
"""

from __future__ import annotations

import base64
from typing import Final

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from yba.care.identifiers import REGISTRATION_CODE
from yba.fhir.r4.appointment import Appointment

_SALT: Final = "yba.care.remote.links"
#: Sixty bits: nobody tries that many at a counted door.
LENGTH: Final = 12


def proof_of(code: str, appointment_id: str) -> str:
    """The proof that belongs to a visit: twelve letters and digits."""
    mac = salted_hmac(_SALT, f"{code}/{appointment_id}", algorithm="sha256").digest()
    return base64.b32encode(mac).decode("ascii")[:LENGTH].lower()


def is_proof(proof: str, code: str, appointment_id: str) -> bool:
    """Whether a proof is the visit's."""
    return constant_time_compare(proof.lower(), proof_of(code, appointment_id))


def address(appointment: Appointment) -> str:
    """Where the person gets in; empty while the visit has no registration code, or where there are no video visits."""
    code = next(
        (one.value for one in appointment.identifier if one.system == REGISTRATION_CODE and one.value), ""
    )
    if not code or not appointment.id:
        return ""
    try:
        path = reverse("telehealth:by-link", args=[f"{code}-{proof_of(code, appointment.id)}"])
    except NoReverseMatch:
        return ""
    return f"{settings.YBA_ORIGIN}{path}"
