"""The engines of video visits of this installation: what the operator's file says, else browser to browser.

The file is the one of the message gateways (YBA_GATEWAYS), under the names ``video`` and ``turn``
(docs/howto/connect-jitsi.md). Secrets are not in it: it names files that only their owner can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings

from yba.care.remote.engines import Engine
from yba.gateways.video.jitsi import JitsiEngine
from yba.gateways.video.peer import PeerEngine
from yba.gateways.video.turn import Relays
from yba.site import secret_files
from yba.site.messaging import GatewayProblem


@cache
def engines() -> Mapping[str, Engine]:
    """By name, the one of new visits first. Browser to browser is always there."""
    path = settings.YBA_MESSAGE_CHANNEL
    return made(Path(path)) if path else {"peer": PeerEngine()}


@cache
def callback_secret() -> str:
    """What a Jitsi server proves itself with when it asks or tells; empty: there is none, and nobody is answered."""
    path = settings.YBA_MESSAGE_CHANNEL
    said = _said(Path(path)).get("video") if path else None
    return _secret(dict(said or {}), Path(path).parent, "callback") if said else ""


def made(path: Path) -> Mapping[str, Engine]:
    """The engines of a file. Raises GatewayProblem."""
    said = _said(path)
    try:
        relays = _relays(dict(said.get("turn") or {}), path.parent)
        peer = PeerEngine(relays, relay_only=bool((said.get("turn") or {}).get("only", False)))
        video = said.get("video")
        found: dict[str, Engine] = {}
        if video and video.get("by") == "jitsi":
            found["jitsi"] = _jitsi(dict(video), path.parent)
        elif video and video.get("by") != "peer":
            raise ValueError(f"by is {video.get('by')!r}; it can be jitsi or peer")
        return {**found, "peer": peer}
    except (KeyError, TypeError, ValueError) as problem:
        raise GatewayProblem(f"yba: {path}, video: {type(problem).__name__} {problem}") from None


def _said(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError) as problem:
        raise GatewayProblem(f"yba: {path} can't be read: {problem}") from None
    return found


def _relays(given: dict[str, Any], folder: Path) -> Relays:
    given.pop("only", None)
    secret = _secret(given, folder, "secret")
    return Relays(tuple(given.pop("urls", ())), secret, tuple(given.pop("stun", ())), **given)


def _jitsi(given: dict[str, Any], folder: Path) -> JitsiEngine:
    given.pop("by")
    given.pop("callback_file", None)
    secret, key = _secret(given, folder, "secret"), _secret(given, folder, "private_key")
    return JitsiEngine(secret=secret, private_key=key, **given)


def _secret(given: dict[str, Any], folder: Path, name: str) -> str:
    """The content of a file named by ``<name>_file``, beside the operator's file or at an absolute path."""
    file = given.pop(f"{name}_file", "")
    return secret_files.read(folder / file).decode().strip() if file else ""
