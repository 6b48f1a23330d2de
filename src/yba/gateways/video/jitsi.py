"""A Jitsi server: its IFrame API in our page, and a pass (JWT) for one person into one room for a short while.

Claims by Jitsi's handbook (devops-guide/token-authentication; lib-jitsi-meet doc/tokens.md): ``iss`` the application
id, ``aud``, ``sub`` the domain, ``room`` one name and never ``*``, ``exp``, ``nbf``, ``context.user`` with
``affiliation`` (for mod_token_affiliation) and ``moderator``. ``context.user.id`` comes back in the events of
jitsi-contrib's event_sync.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from yba.care.remote.engines import Attendee, Meeting

#: A pass is for getting in now; the page asks for another when it needs one.
LASTS: Final = timedelta(minutes=5)
#: Clocks of two servers may differ by this much.
SKEW: Final = timedelta(seconds=30)


class BadPass(ValueError):
    """A pass that opens nothing; the text is a stable key: ``wildcard``, ``room``, ``expired``, ``early``, ``claims``,
    ``signature``."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a valid pass says."""

    room: str
    seat: str
    number: str
    moderator: bool


@dataclass(frozen=True, slots=True)
class JitsiEngine:
    """``secret`` signs with HS256 (Prosody's app_secret); ``private_key`` (PEM) with ``key_id`` by RS256 instead."""

    domain: str
    app_id: str
    secret: str = ""
    private_key: str = ""
    key_id: str = ""
    audience: str = "jitsi"
    subject: str = ""
    scheme: Literal["https", "http"] = "https"
    name: str = "jitsi"

    def __post_init__(self) -> None:
        if not self.domain or not self.app_id or "*" in (self.audience, self.app_id, self.subject):
            raise ValueError("domain, app_id and audience name one server and one application, never *")
        if len([one for one in (self.secret, self.private_key) if one]) != 1:
            raise ValueError("either secret_file or private_key_file, not both and not none")
        if self.secret and len(self.secret) < 32:
            raise ValueError("the secret needs at least 32 characters (RFC 7518, 3.2)")

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.domain}"

    @property
    def frames(self) -> tuple[str, ...]:
        return (self.origin,)

    def entrance(self, meeting: Meeting, who: Attendee, *, now: datetime) -> Mapping[str, Any]:
        """Where the API is, which room, and the pass."""
        return {
            "script": f"{self.origin}/external_api.js",
            "domain": self.domain,
            "room": meeting.room,
            "name": who.name,
            "jwt": self.pass_for(meeting, who, now=now),
        }

    def pass_for(self, meeting: Meeting, who: Attendee, *, now: datetime) -> str:
        """The signed pass. It ends after five minutes, and never later than the visit."""
        if not meeting.room or "*" in meeting.room:
            raise ValueError("a pass is for one room")
        ends = min(now + LASTS, meeting.closes)
        claims = {
            "iss": self.app_id,
            "aud": self.audience,
            "sub": self.subject or self.domain,
            "room": meeting.room,
            "jti": secrets.token_urlsafe(16),
            "nbf": int((now - SKEW).timestamp()),
            "exp": int(ends.timestamp()),
            "context": {
                "user": {
                    "id": who.key,
                    "name": who.name,
                    "affiliation": "owner" if who.moderator else "member",
                    "moderator": who.moderator,
                },
                "features": dict.fromkeys(
                    ("livestreaming", "recording", "transcription", "outbound-call"), False
                ),
            },
        }
        header = {"alg": "RS256" if self.private_key else "HS256", "typ": "JWT"}
        if self.key_id:
            header["kid"] = self.key_id
        return jwt.encode(header, claims, self._key())

    def checked(self, token: str, *, room: str, now: datetime) -> Pass:
        """What a pass says, if it opens this room now. Raises BadPass."""
        algorithm = "RS256" if self.private_key else "HS256"
        try:
            claims = jwt.decode(token, self._key(), algorithms=[algorithm]).claims
        except (JoseError, ValueError):
            raise BadPass("signature") from None
        self._check_claims(claims, room=room, now=now)
        user = claims["context"]["user"]
        return Pass(claims["room"], str(user["id"]), str(claims.get("jti", "")), bool(user.get("moderator")))

    def _check_claims(self, claims: Mapping[str, Any], *, room: str, now: datetime) -> None:
        said = claims.get("room")
        if not isinstance(said, str) or "*" in said or "*" in str(claims.get("sub", "*")):
            raise BadPass("wildcard")
        if said.lower() != room.lower():
            raise BadPass("room")
        expected = (self.app_id, self.audience, self.subject or self.domain)
        if (claims.get("iss"), claims.get("aud"), claims.get("sub")) != expected or not claims.get("jti"):
            raise BadPass("claims")
        ends, begins = claims.get("exp"), claims.get("nbf")
        if not isinstance(ends, int) or ends <= now.timestamp():
            raise BadPass("expired")
        if isinstance(begins, int) and begins > (now + SKEW).timestamp():
            raise BadPass("early")
        context = claims.get("context")
        user = context.get("user") if isinstance(context, Mapping) else None
        if not isinstance(user, Mapping) or not user.get("id"):
            raise BadPass("claims")

    def _key(self) -> OctKey | RSAKey:
        return RSAKey.import_key(self.private_key) if self.private_key else OctKey.import_key(self.secret)
