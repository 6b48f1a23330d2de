"""What an app asks of the sitting itself: prove yourself again, choose the account, show no page.

OpenID Connect Core 1.0 (with errata 2), 3.1.2.1 (``prompt``, ``max_age``) and 3.1.2.6 (what is answered then).
That somebody proved themselves *for this request* is kept in their own session, by a digest of what makes it this one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidRequestError
from django.http import HttpRequest

WORDS: Final = ("none", "login", "consent", "select_account")
#: Ten digits: three hundred years.
LONGEST_AGE: Final = 10
#: How long a request that somebody proved themselves for may be read before it is answered.
READING: Final = 900.0
KEPT: Final = 5
_KEY: Final = "oauth_prompted"
#: What makes two requests the same; whom staff pick meanwhile does not.
_SAME: Final = (
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "prompt",
    "max_age",
    "launch",
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """``words`` of ``prompt``; ``max_age`` in seconds, None where the app does not ask."""

    words: frozenset[str]
    max_age: int | None

    @property
    def silent(self) -> bool:
        return "none" in self.words

    @property
    def consent(self) -> bool:
        return "consent" in self.words

    @property
    def chooses(self) -> bool:
        return "select_account" in self.words

    @property
    def login(self) -> bool:
        """``max_age=0`` says the same as ``prompt=login``."""
        return "login" in self.words or self.max_age == 0


def read(data: Mapping[str, Any]) -> Prompt:
    """Raises InvalidRequestError: an unknown word, ``none`` beside another, an age that is no number of seconds."""
    words = frozenset(str(data.get("prompt", "")).split())
    if not words <= set(WORDS):
        raise InvalidRequestError(f"prompt can hold {', '.join(WORDS)}.")
    if "none" in words and len(words) > 1:
        raise InvalidRequestError("prompt=none stands alone.")
    age = str(data.get("max_age", ""))
    if "max_age" in data and not (age.isascii() and age.isdigit() and len(age) <= LONGEST_AGE):
        raise InvalidRequestError("max_age is a whole number of seconds.")
    return Prompt(words, int(age) if age else None)


def needs_proof(request: HttpRequest, prompt: Prompt, *, proved_at: datetime | None, now: datetime) -> bool:
    """Whether the person must prove themselves (again) before anything is asked or given."""
    state = _states(request).get(_digest(request), {})
    proof = proved_at.timestamp() if proved_at is not None else 0.0
    passed = state.get("passed", 0.0)
    if passed and passed == proof and now.timestamp() - state["at"] <= READING:
        return False
    if prompt.login:
        # Counted from when this request first asked: an older proof is what the app does not want.
        fresh = bool(state) and proof >= state["at"]
    else:
        fresh = prompt.max_age is None or (proof > 0 and now.timestamp() - proof <= prompt.max_age)
    if fresh and (prompt.login or prompt.max_age is not None):
        _keep(request, {**state, "at": now.timestamp(), "passed": proof})
    return not fresh


def asked(request: HttpRequest, *, now: datetime) -> None:
    """Note that this request has asked for a proof; only the first time counts."""
    if _digest(request) not in _states(request):
        _keep(request, {"at": now.timestamp()})


def needs_choice(request: HttpRequest, prompt: Prompt, account: Any) -> bool:
    """Whether the person must still say which account is meant."""
    return prompt.chooses and _states(request).get(_digest(request), {}).get("chosen") != str(account.pk)


def signed_in_for(request: HttpRequest, proved_at: datetime | None) -> bool:
    """Whether the person signed in because this request asked: nobody else was there to be chosen from."""
    state = _states(request).get(_digest(request))
    return state is not None and proved_at is not None and proved_at.timestamp() >= state["at"]


def chose(request: HttpRequest, account: Any, *, now: datetime) -> None:
    state = _states(request).get(_digest(request), {"at": now.timestamp()})
    _keep(request, state | {"chosen": str(account.pk)})


def forget(request: HttpRequest) -> None:
    """The request has been answered: the same one again is another."""
    states = _states(request)
    if states.pop(_digest(request), None) is not None:
        request.session[_KEY] = states


def _states(request: HttpRequest) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = dict(request.session.get(_KEY) or {})
    return found


def _keep(request: HttpRequest, state: dict[str, Any]) -> None:
    states = _states(request)
    states.pop(_digest(request), None)
    newest = sorted(states.items(), key=lambda one: one[1].get("at", 0.0))[-(KEPT - 1) :]
    request.session[_KEY] = dict(newest) | {_digest(request): state}


def _digest(request: HttpRequest) -> str:
    parts = "\x1f".join(f"{name}={request.GET.get(name, '')}" for name in _SAME)
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
