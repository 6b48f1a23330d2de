"""One HTTP call to a provider: where the operator allows, with a time limit, and its answer read whole."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from yba.care.messages.port import Failed
from yba.fhir.calling import NotAllowed, called

SECONDS: Final = 20.0
LARGEST: Final = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said."""

    status: int
    text: str

    def json(self) -> Any:
        """The body as JSON; Failed when it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise Failed(f"answer {self.status} is not JSON") from None


def asked(
    url: str,
    places: Sequence[str],
    *,
    method: str = "POST",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Call once. Raises Failed when nobody answers or the operator allows no call there."""
    try:
        with called(
            url, places, method=method, body=body, headers=list((headers or {}).items()), timeout=SECONDS,
            within=SECONDS * 2,
        ) as answer:  # fmt: skip
            return Answer(answer.status, answer.read(LARGEST).decode("utf-8", "replace"))
    except NotAllowed:
        raise Failed("the operator allows no call there") from None
    except (OSError, http.client.HTTPException) as problem:
        raise Failed(f"no answer: {type(problem).__name__}") from None
