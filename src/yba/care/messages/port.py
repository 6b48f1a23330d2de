"""The port every way out is behind: what is handed over, what comes back, and which gateway a channel has here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to one address. ``id`` is the same for every try, so that a provider can tell a second one."""

    id: str
    to: str
    kind: str
    text: str
    language: str = "vi"
    title: str = ""
    template: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    urgent: bool = False
    #: For how long it is worth delivering.
    seconds: int = 86_400
    calendar: bytes = b""
    #: Of an answer: the number that was written to, and the provider's id of what it answers.
    sender: str = ""
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """It is out. ``provider_id``: by which its report will come; ``delivered``: nothing more will come."""

    provider_id: str = ""
    parts: int = 1
    delivered: bool = False


class Failed(Exception):
    """It did not work this time; another try may."""


class Refused(Failed):
    """It will never work with this address on this channel."""


class Gone(Refused):
    """The address itself no longer exists (a push subscription that ended)."""


class Gateway(Protocol):
    """A way out. ``price``: đồng for one part."""

    @property
    def price(self) -> int: ...

    def send(self, parcel: Parcel) -> Sent:
        """Hand over. Raises Failed or Refused."""
        ...


class Demo:
    """Nothing leaves this machine: `/demo/messages` shows the words."""

    price = 0
    #: In a demo people text from its own page.
    number = "8000"

    def send(self, parcel: Parcel) -> Sent:
        """It counts as delivered."""
        return Sent(provider_id=f"demo-{parcel.id}", delivered=True)


def number_to_text() -> str:
    """The number people can text to; empty where no gateway takes their texts."""
    return str(getattr(gateway_of("sms"), "number", ""))


def gateway_of(channel: str) -> Gateway | None:
    """The gateway of a channel in this installation; None where none is connected."""
    path = getattr(settings, "YBA_GATEWAYS", "")
    found: Gateway | None = import_string(path)(channel) if path else None
    return found
