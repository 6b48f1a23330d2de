"""Sensitive labels of a conversation: those of what it is about, and of the words that are written in it.

The door tells labels by codes and by what codes are called; what a person types has neither, so it is looked at here by
the same words (`labels.yaml`) and marked by hand, message by message.
"""

from __future__ import annotations

from typing import Final

import msgspec

from yba.fhir.access import labels
from yba.fhir.r4.datatypes import Coding
from yba.fhir.record import Record

_ACT: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CODINGS: Final = (
    (labels.HIV, Coding(system=_ACT, code="HIV")),
    (labels.MENTAL, Coding(system=_ACT, code="PSY")),
    (labels.REPRODUCTIVE, Coding(system=_ACT, code="SEX")),
    (labels.VIP, Coding(system=_ACT, code="VIP")),
    (labels.RESTRICTED, Coding(system="http://terminology.hl7.org/CodeSystem/v3-Confidentiality", code="R")),
)


def of_row(system: Record, type_name: str, identifier: str, *, minor: bool) -> list[Coding]:
    """The labels of what a conversation is about."""
    stored = system.read_stored(type_name, identifier)
    return _codings(labels.found_in(type_name, stored.content or b"{}"), minor=minor)


def of_text(text: str, *, minor: bool) -> list[Coding]:
    """The labels of what somebody writes."""
    return _codings(labels.found_in("Communication", msgspec.json.encode({"text": text})), minor=minor)


def _codings(found: labels.Found, *, minor: bool) -> list[Coding]:
    bits = found.bits | (found.of_minors if minor else 0)
    return [coding for bit, coding in _CODINGS if bits & bit]


def together(first: list[Coding], more: list[Coding]) -> list[Coding]:
    """Each label once."""
    known = {(one.system, one.code) for one in first}
    return [*first, *(one for one in more if (one.system, one.code) not in known)]
