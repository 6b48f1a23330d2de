"""Engines of video visits: passes for Jitsi read by another JOSE library, passes for TURN, the operator's file."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt as pyjwt  # independent of joserfc, which signs
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from yba.care.remote.engines import Attendee, Meeting
from yba.gateways.video.jitsi import BadPass, JitsiEngine
from yba.gateways.video.peer import PeerEngine
from yba.gateways.video.turn import Relays
from yba.site import video
from yba.site.messaging import GatewayProblem

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SECRET = "s" * 40
MEETING = Meeting("yba-0123456789abcdef01234567", NOW - timedelta(minutes=15), NOW + timedelta(minutes=80))
DOCTOR, PERSON = Attendee("d1", "BS. Trần Minh Khôi", True), Attendee("p1", "Nguyễn Thị Hạnh", False)


def engine(**more: Any) -> JitsiEngine:
    return JitsiEngine(**{"domain": "meet.example.vn", "app_id": "yba", "secret": SECRET, **more})


def told(token: str, key: Any = SECRET, algorithm: str = "HS256") -> dict[str, Any]:
    """The claims as PyJWT reads them, its own clock aside."""
    return pyjwt.decode(
        token, key, algorithms=[algorithm], audience="jitsi", issuer="yba",
        options={"verify_exp": False, "verify_nbf": False, "require": ["exp", "nbf", "iss", "aud", "sub", "room"]},
    )  # fmt: skip


def test_a_pass_has_the_claims_of_the_handbook() -> None:
    entrance = engine().entrance(MEETING, DOCTOR, now=NOW)
    assert (entrance["script"], entrance["domain"], entrance["room"]) == (
        "https://meet.example.vn/external_api.js", "meet.example.vn", MEETING.room,
    )  # fmt: skip
    token = entrance["jwt"]
    assert pyjwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    claims = told(token)
    number = claims.pop("jti")
    assert len(number) >= 20
    assert claims == {
        "iss": "yba",
        "aud": "jitsi",
        "sub": "meet.example.vn",
        "room": MEETING.room,
        "nbf": int(NOW.timestamp()) - 30,
        "exp": int(NOW.timestamp()) + 300,
        "context": {
            "user": {"id": "d1", "name": "BS. Trần Minh Khôi", "affiliation": "owner", "moderator": True},
            "features": {
                "livestreaming": False,
                "recording": False,
                "transcription": False,
                "outbound-call": False,
            },
        },
    }
    person = told(engine().pass_for(MEETING, PERSON, now=NOW))
    assert person["context"]["user"] == {
        "id": "p1", "name": "Nguyễn Thị Hạnh", "affiliation": "member", "moderator": False,
    }  # fmt: skip
    assert person["jti"] != number


def test_a_pass_never_outlives_the_visit() -> None:
    late = MEETING.closes - timedelta(minutes=1)
    assert told(engine().pass_for(MEETING, PERSON, now=late))["exp"] == int(MEETING.closes.timestamp())


def test_a_key_of_ones_own_signs_by_its_id() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    own = engine(secret="", private_key=pem, key_id="yba/2026")
    token = own.pass_for(MEETING, PERSON, now=NOW)
    assert pyjwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": "yba/2026"}
    assert told(token, private.public_key(), "RS256")["room"] == MEETING.room
    assert own.checked(token, room=MEETING.room, now=NOW).seat == "p1"


def forged(**changes: Any) -> str:
    """A pass somebody else made with the right secret: every claim but these is right."""
    claims: dict[str, Any] = pyjwt.decode(
        engine().pass_for(MEETING, PERSON, now=NOW), options={"verify_signature": False}
    )
    claims.update(changes)
    return pyjwt.encode(
        {key: one for key, one in claims.items() if one is not None}, SECRET, algorithm="HS256"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"room": "*"}, "wildcard"),
        ({"room": "yba-*"}, "wildcard"),
        ({"sub": "*"}, "wildcard"),
        ({"room": None}, "wildcard"),
        ({"room": "yba-" + "f" * 24}, "room"),
        ({"exp": int(NOW.timestamp())}, "expired"),
        ({"exp": None}, "expired"),
        ({"nbf": int(NOW.timestamp()) + 60}, "early"),
        ({"iss": "other"}, "claims"),
        ({"aud": "*"}, "claims"),
        ({"jti": None}, "claims"),
        ({"context": {}}, "claims"),
        ({"context": {"user": {"name": "Ai đó"}}}, "claims"),
    ],
)
def test_a_pass_that_is_not_ours_opens_nothing(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(BadPass, match=f"^{why}$"):
        engine().checked(forged(**changes), room=MEETING.room, now=NOW)


@pytest.mark.parametrize("kind", ["other secret", "none", "nonsense"])
def test_a_signature_of_others_opens_nothing(kind: str) -> None:
    claims = pyjwt.decode(forged(), options={"verify_signature": False})
    token = {
        "other secret": lambda: pyjwt.encode(claims, "x" * 40, algorithm="HS256"),
        "none": lambda: pyjwt.encode(claims, None, algorithm="none"),
        "nonsense": lambda: "a.b.c",
    }[kind]()
    with pytest.raises(BadPass, match="signature"):
        engine().checked(token, room=MEETING.room, now=NOW)


def test_a_right_pass_says_who_it_is() -> None:
    found = engine().checked(forged(), room=MEETING.room.upper(), now=NOW)
    assert (found.room, found.seat, found.moderator) == (MEETING.room, "p1", False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": ""},
        {"audience": "*"},
        {"secret": "short"},
        {"private_key": "x"},
        {"secret": ""},
        {"app_id": "*"},
    ],
)
def test_a_server_is_named_whole(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        engine(**wrong)


# -- TURN --------------------------------------------------------------------------------------------------


def test_a_relay_pass_is_coturns_rest_scheme() -> None:
    relays = Relays(("turn:turn.example.vn:3478",), "shared-secret-of-both", ("stun:stun.example.vn",))
    ice = PeerEngine(relays).entrance(MEETING, PERSON, now=NOW)["ice"]
    until = int((MEETING.closes + timedelta(minutes=30)).timestamp())
    mac = hmac.new(b"shared-secret-of-both", f"{until}:p1".encode(), hashlib.sha1).digest()
    assert ice == [
        {"urls": ["stun:stun.example.vn"]},
        {
            "urls": ["turn:turn.example.vn:3478"],
            "username": f"{until}:p1",
            "credential": base64.b64encode(mac).decode(),
        },
    ]


def test_a_fresh_machine_needs_no_server_at_all() -> None:
    assert PeerEngine().entrance(MEETING, PERSON, now=NOW) == {"ice": [], "policy": "all"}


# -- the operator's file -----------------------------------------------------------------------------------


def written(folder: Path, text: str, **secrets: str) -> Path:
    for name, content in secrets.items():
        file = folder / name
        file.write_text(content)
        file.chmod(0o600)
    path = folder / "gateways.yaml"
    path.write_text(text)
    return path


def test_the_file_names_engines_the_first_for_new_visits(tmp_path: Path) -> None:
    text = (
        "video: {by: jitsi, domain: meet.example.vn, app_id: yba, secret_file: app, callback_file: back}\n"
        "turn: {urls: ['turns:turn.example.vn:443?transport=tcp'], secret_file: relay}\n"
    )
    found = video.made(written(tmp_path, text, app=SECRET, relay="r" * 20, back="b" * 32))
    assert list(found) == ["jitsi", "peer"]
    assert tuple(found["jitsi"].frames) == ("https://meet.example.vn",)
    assert list(video.made(written(tmp_path, "sms: {by: http}\n"))) == ["peer"]


@pytest.mark.parametrize(
    "text",
    [
        "video: {by: zoom}",
        "video: {by: jitsi, app_id: yba}",
        "turn: {urls: ['http://x']}",
        "turn: {urls: ['turn:x']}",
        "video: {by: jitsi, domain: d, app_id: a, secret_file: gone}",
    ],
)
def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, text: str) -> None:
    with pytest.raises((GatewayProblem, OSError, SystemExit)):
        video.made(written(tmp_path, text))
