"""A booked visit to a hospital system's FHIR R4 server: person and appointment in one transaction.

Both are conditional updates by our own identifiers (``PUT Appointment?identifier=...``): told twice, there once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

import msgspec

from yba.care import people
from yba.care.hospital_systems import Failed, News, Refused
from yba.care.identifiers import BASE, BHYT, CCCD
from yba.care.messages import port
from yba.fhir.model import codec
from yba.gateways.asking import Answer, asked

#: Our name for a visit and a person there.
APPOINTMENT: Final = BASE + "appointment"
PATIENT: Final = BASE + "patient"
#: Answers after which the same may work later; any other 4xx is a refusal.
_LATER: Final = frozenset({401, 403, 404, 408, 409, 412, 423, 425, 429})
_NUMBERS: Final = (CCCD, BHYT)


class FhirSystem:
    """A FHIR server that takes transactions."""

    def __init__(self, url: str, token: str = "", places: Sequence[str] = ()) -> None:
        self._url, self._token, self._places = url.rstrip("/"), token, (url, *places)

    def tell(self, news: News) -> str:
        """Send the transaction; the other side's words for what it made of the visit."""
        headers = {
            "Content-Type": "application/fhir+json",
            "Accept": "application/fhir+json",
            "X-Request-Id": news.id,
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            answer = asked(self._url, self._places, body=msgspec.json.encode(bundle(news)), headers=headers)
        except port.Failed as problem:
            raise Failed(str(problem)) from None
        return _taken(answer)


def _taken(answer: Answer) -> str:
    if answer.status in (200, 201):
        try:
            rows = answer.json()["entry"]
            return str(rows[-1]["response"].get("location") or rows[-1]["response"]["status"])[:200]
        except (port.Failed, KeyError, IndexError, TypeError, AttributeError):
            raise Failed("the answer is no transaction-response") from None
    if 400 <= answer.status < 500 and answer.status not in _LATER:
        raise Refused(f"answer {answer.status}")
    raise Failed(f"answer {answer.status}")


def bundle(news: News) -> dict[str, Any]:
    """The transaction: the same bytes for the same state, so that a second try says the same."""
    person, visit = news.patient, news.appointment
    who = f"urn:uuid:{uuid5(NAMESPACE_URL, f'{PATIENT}|{person.id}')}"
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            _entry("Patient", who, PATIENT, person.id or "", _person(news)),
            _entry(
                "Appointment", f"urn:uuid:{uuid5(NAMESPACE_URL, f'{APPOINTMENT}|{visit.id}')}", APPOINTMENT,
                visit.id or "", _visit(news, who),
            ),
        ],
    }  # fmt: skip


def _entry(kind: str, url: str, system: str, value: str, content: dict[str, Any]) -> dict[str, Any]:
    content["identifier"] = [{"system": system, "value": value}, *content.get("identifier", [])]
    ask = urlencode({"identifier": f"{system}|{value}"})
    return {"fullUrl": url, "resource": content, "request": {"method": "PUT", "url": f"{kind}?{ask}"}}


def _person(news: News) -> dict[str, Any]:
    """Who comes, as reception there has to know them: no charts, no relatives, no numbers nobody has compared."""
    kept = msgspec.json.decode(codec.encode(news.patient))
    found = {
        name: kept[name] for name in ("name", "telecom", "gender", "birthDate", "address") if name in kept
    }
    proved = people.proved_number(news.patient.identifier)
    found["identifier"] = [
        one
        for one in kept.get("identifier", [])
        if one.get("system") in _NUMBERS and (one["system"] != CCCD or one.get("value") == proved)
    ]
    return {"resourceType": "Patient", **found}


def _visit(news: News, who: str) -> dict[str, Any]:
    kept = msgspec.json.decode(codec.encode(news.appointment))
    names = (
        "status", "cancelationReason", "specialty", "reasonCode", "priority", "start", "end", "created", "comment",
        "identifier",
    )  # fmt: skip
    found = {"resourceType": "Appointment"} | {name: kept[name] for name in names if name in kept}
    found["participant"] = [_participant(one, who) for one in kept.get("participant", [])]
    return found


def _participant(one: dict[str, Any], who: str) -> dict[str, Any]:
    """Our ids mean nothing there: the person is the entry beside, doctor and room go by name and number."""
    actor = one.get("actor", {})
    kind, _, number = str(actor.get("reference", "")).partition("/")
    told: dict[str, Any]
    if kind == "Patient":
        told = {"reference": who}
    else:
        told = {"type": kind, "identifier": {"system": f"{BASE}{kind.lower()}", "value": number}}
    if actor.get("display"):
        told["display"] = actor["display"]
    return {name: one[name] for name in ("type", "required", "status") if name in one} | {"actor": told}
