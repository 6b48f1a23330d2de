"""Sending to the national prescription system: the prescriber signs in with their link code, then sends.

Addresses: ``/api/auth/dang-nhap-bac-si`` gives a token, ``/api/v1/gui-don-thuoc`` takes a prescription. A token that is
no longer taken is asked for once more. The portal tells a code it has by a refusal in words.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from yba.care.messages import port
from yba.care.prescription_portal import (
    NO_LINK_CODE,
    WRONG_LINK_CODE,
    Failed,
    Known,
    Prescription,
    Refused,
)
from yba.gateways.asking import Answer, asked
from yba.gateways.prescriptions.body import body_of
from yba.ui.words import fold

_SIGN_IN: Final = "/api/auth/dang-nhap-bac-si"
_SEND: Final = "/api/v1/gui-don-thuoc"
#: Answers after which the same may work later; any other 4xx is a refusal.
_LATER: Final = frozenset({404, 408, 423, 425, 429})
_HAS_IT: Final = ("already exist", "da ton tai")
_SAID: Final = 160


@dataclass(frozen=True, slots=True)
class Prescriber:
    """A prescriber's link code and its password; never shown or logged."""

    code: str
    password: str = field(repr=False)


class Portal:
    """One facility's way to the portal. ``prescribers``: id of the Practitioner -> who that is there."""

    def __init__(self, url: str, code: str, prescribers: Mapping[str, Prescriber]) -> None:
        self._url, self._code, self._prescribers = url.rstrip("/"), code, dict(prescribers)
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def send(self, prescription: Prescription) -> str:
        """Send one prescription as its prescriber; the portal's words. Raises Failed, Refused or Known."""
        who = self._prescribers.get(prescription.prescriber)
        if who is None:
            raise Refused(NO_LINK_CODE)
        body = body_of(prescription)
        known = self._tokens.get(who.code)
        answer = self._sent(body, known or self._token(who))
        if answer.status == 401 and known:
            answer = self._sent(body, self._token(who))
        return _taken(answer)

    def _sent(self, body: dict[str, Any], token: str) -> Answer:
        return self._asked(_SEND, body, {"Authorization": f"Bearer {token}"})

    def _token(self, who: Prescriber) -> str:
        """A new token. Raises Refused where the portal does not take the link code or the password."""
        said = {
            "ma_lien_thong_bac_si": who.code,
            "password": who.password,
            "ma_lien_thong_co_so_kham_chua_benh": self._code,
        }
        answer = self._asked(_SIGN_IN, said, {})
        if answer.status in (400, 401, 403, 422):
            raise Refused(WRONG_LINK_CODE)
        if answer.status not in (200, 201):
            raise Failed(f"answer {answer.status} to the sign-in")
        try:
            token = str(answer.json()["token"])
        except (port.Failed, KeyError, TypeError):
            raise Failed("the answer to the sign-in has no token") from None
        with self._lock:
            self._tokens[who.code] = token
        return token

    def _asked(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        try:
            return asked(self._url + path, (self._url,), body=msgspec.json.encode(body), headers=headers)
        except port.Failed as problem:
            raise Failed(str(problem)) from None


def _taken(answer: Answer) -> str:
    if answer.status in (200, 201):
        return _words(answer) or "taken"
    if 400 <= answer.status < 500 and answer.status != 401 and answer.status not in _LATER:
        words = _words(answer)
        if any(one in fold(words) for one in _HAS_IT):
            raise Known(words)
        raise Refused(f"answer {answer.status}: {words}".rstrip(": "))
    raise Failed(f"answer {answer.status}")


def _words(answer: Answer) -> str:
    """What the portal says, in one short line; nothing where it says nothing we know how to read."""
    try:
        said = answer.json()
    except port.Failed:
        return ""
    keys = ("message", "error", "success")
    found = next((said[key] for key in keys if said.get(key)), "") if isinstance(said, dict) else ""
    return " ".join(found.split())[:_SAID] if isinstance(found, str) else ""
