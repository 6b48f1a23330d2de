"""Calls that read a text aloud, by a provider's HTTP: the same form as for texts, with accents, said twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from yba.care.messages.port import Parcel, Sent
from yba.gateways.sms.brandname import HttpGateway


@dataclass(frozen=True, slots=True)
class VoiceGateway:
    """A provider that calls a number and reads. What is a number of four digits or more is read digit by digit."""

    http: HttpGateway

    @property
    def price(self) -> int:
        return self.http.price

    def send(self, parcel: Parcel) -> Sent:
        """Ask for the call; its report says whether somebody listened."""
        return self.http.send(replace(parcel, text=spoken(parcel.text, parcel.language)))

    def read_report(self, said: Mapping[str, str]) -> tuple[str, bool, str] | None:
        """Whether somebody listened."""
        return self.http.read_report(said)


def spoken(text: str, language: str) -> str:
    """The text as it is to be read: numbers by their digits, all of it twice, as on a telephone line."""
    slow = re.sub(r"\d{4,}", lambda found: ", ".join(found[0]), text).strip()
    again = "Xin nhắc lại." if language != "en" else "Once more."
    return f"{slow} {again} {slow}"
