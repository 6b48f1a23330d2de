"""Zalo notifications (ZNS): the provider holds the approved template, the house sends its values.

The access token lives an hour or so; its refresh token counts once (Zalo OA, OAuth v4). Both are kept in one file that
only its owner can read, changed under a lock, so that two workers never spend the same refresh token.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from yba.care.messages.port import Failed, Parcel, Refused, Sent
from yba.gateways.asking import asked
from yba.gateways.sms.brandname import international

SEND: Final = "https://business.openapi.zalo.me/message/template"
TOKENS: Final = "https://oauth.zaloapp.com/v4/oa/access_token"
#: The token is not accepted (any more): renew and try once again.
_EXPIRED: Final = frozenset({-124, -216})
#: This number will not get it on Zalo: no account, blocked, not allowed for this template (ZNS error codes).
_NEVER: Final = frozenset({-108, -114, -118, -119, -137, -139, -140, -141, -144, -145})
#: A token is renewed this long before its end.
EARLY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ZaloApp:
    """The official account's application. ``templates``: the house's name of a template -> the provider's number."""

    app_id: str
    secret: str
    tokens: Path
    templates: Mapping[str, str]
    price: int = 0
    send_url: str = SEND
    token_url: str = TOKENS

    @property
    def places(self) -> tuple[str, ...]:
        return self.send_url, self.token_url


@dataclass(frozen=True, slots=True)
class ZaloGateway:
    """Sends by template."""

    app: ZaloApp
    clock: Callable[[], datetime]

    @property
    def price(self) -> int:
        return self.app.price

    def send(self, parcel: Parcel) -> Sent:
        """One call; with a token that was refused, one more."""
        template = self.app.templates.get(parcel.template, "")
        if not template:
            raise Refused("no approved template for this kind")
        answer = self._asked(parcel, template, self._token())
        if answer.get("error") in _EXPIRED:
            answer = self._asked(parcel, template, self._token(renew=True))
        code = answer.get("error")
        if code == 0:
            return Sent(provider_id=str((answer.get("data") or {}).get("msg_id", "")))
        said = f"{code}: {str(answer.get('message', ''))[:200]}"
        raise (Refused if code in _NEVER else Failed)(said)

    def read_report(self, said: Mapping[str, str]) -> tuple[str, bool, str] | None:
        """The provider's event that a phone has got it (``user_received_message``)."""
        number = said.get("message.msg_id", "")
        return (number, True, "") if said.get("event_name") == "user_received_message" and number else None

    def _asked(self, parcel: Parcel, template: str, token: str) -> dict[str, Any]:
        body = {
            "phone": international(parcel.to), "template_id": template, "template_data": dict(parcel.values),
            "tracking_id": parcel.id,
        }  # fmt: skip
        answer = asked(
            self.app.send_url, self.app.places, body=json.dumps(body, ensure_ascii=False).encode(),
            headers={"access_token": token, "Content-Type": "application/json; charset=utf-8"},
        )  # fmt: skip
        found = answer.json()
        if not isinstance(found, dict):
            raise Failed("the answer is no object")
        return found

    # -- tokens -------------------------------------------------------------------------------------------

    def _token(self, *, renew: bool = False) -> str:
        with open(self.app.tokens.with_suffix(".lock"), "w", opener=_only_owner) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = json.loads(self.app.tokens.read_text("utf-8"))
            until = datetime.fromisoformat(kept["until"]) if kept.get("until") else None
            fresh = until is not None and self.clock() + EARLY < until
            if kept.get("access_token") and fresh and not (renew and not self._just_renewed(kept)):
                return str(kept["access_token"])
            return self._renewed(kept)

    def _just_renewed(self, kept: Mapping[str, Any]) -> bool:
        """Whether another worker renewed it while this one asked with the old one."""
        at = kept.get("renewed")
        return bool(at) and self.clock() - datetime.fromisoformat(str(at)) < timedelta(seconds=30)

    def _renewed(self, kept: Mapping[str, Any]) -> str:
        form = {
            "refresh_token": kept.get("refresh_token", ""),
            "app_id": self.app.app_id,
            "grant_type": "refresh_token",
        }
        answer = asked(
            self.app.token_url, self.app.places, body=urlencode(form).encode(),
            headers={"secret_key": self.app.secret, "Content-Type": "application/x-www-form-urlencoded"},
        ).json()  # fmt: skip
        if not isinstance(answer, dict) or not answer.get("access_token") or not answer.get("refresh_token"):
            raise Failed("Zalo gave no new token; connect the official account again")
        now = self.clock()
        until = now + timedelta(seconds=int(answer.get("expires_in") or 3600))
        _keep(
            self.app.tokens,
            {
                "access_token": answer["access_token"], "refresh_token": answer["refresh_token"],
                "until": until.isoformat(), "renewed": now.isoformat(),
            },
        )  # fmt: skip
        return str(answer["access_token"])


def _only_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _keep(path: Path, tokens: Mapping[str, Any]) -> None:
    """Whole or not at all, readable by its owner alone: a lost refresh token means connecting by hand again."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    with open(draft, "x", opener=_only_owner) as file:
        json.dump(tokens, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
