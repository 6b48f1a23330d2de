"""Gateways of the tests: what is handed over is kept, and they fail as they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable

from yba.care.messages.port import Gateway, Parcel, Sent


class Kept:
    """Keeps what it gets. ``answers``: taken one after the other; an exception is raised; then all is well."""

    price = 350

    def __init__(self, answers: list[Exception | Sent | Callable[[Parcel], Sent]] | None = None) -> None:
        self.answers, self.got = list(answers or []), list[Parcel]()
        self._lock = threading.Lock()

    def send(self, parcel: Parcel) -> Sent:
        with self._lock:
            self.got.append(parcel)
            number = len(self.got)
            answer = self.answers.pop(0) if self.answers else Sent(provider_id=f"p{number}")
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Sent) else answer(parcel)


HERE: dict[str, Gateway] = {}


def gateway_of(channel: str) -> Gateway | None:
    return HERE.get(channel)
