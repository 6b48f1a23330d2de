"""The public keys of apps: given with the registration, or fetched from the address the reviewer has seen.

SMART App Launch 2.2, "Client Authentication: Asymmetric". An address is called at open numbers only
(``yba.fhir.calling``); what comes back is kept no longer than its Cache-Control says, and an hour at most.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from yba.fhir.calling import called

LARGEST: Final = 64 * 1024
MOST_KEYS: Final = 20
SMALLEST_RSA: Final = 2048
SHORTEST, USUAL, LONGEST = 30.0, 300.0, 3600.0
TYPE_OF: Final = {"RS384": "RSA", "ES384": "EC"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})")

Get = Callable[[str], tuple[bytes, str]]
"""An address -> body and Cache-Control. Raises OSError, http.client.HTTPException, ValueError."""


class BadKeys(ValueError):
    """Not a set of keys that a signature can be checked with; the words say why."""


def checked(given: Any) -> dict[str, Any]:
    """A JWK Set of public RSA and P-384 keys, each with its own ``kid``. Raises BadKeys."""
    keys = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS:
        raise BadKeys("keys")
    seen = set()
    for key in keys:
        if not isinstance(key, dict) or not isinstance(key.get("kid"), str) or not key["kid"]:
            raise BadKeys("kid")
        if _PRIVATE & key.keys():
            raise BadKeys("private")
        if key["kid"] in seen:
            raise BadKeys("twice")
        seen.add(key["kid"])
        _strong(key)
    return {"keys": keys}


def _strong(key: Mapping[str, Any]) -> None:
    try:
        if key.get("kty") == "RSA":
            found = RSAKey.import_key(dict(key))
            if found.raw_value.key_size < SMALLEST_RSA:
                raise BadKeys("weak")
        elif key.get("kty") == "EC":
            if key.get("crv") != "P-384":
                raise BadKeys("curve")
            ECKey.import_key(dict(key))
        else:
            raise BadKeys("type")
    except (JoseError, TypeError, KeyError) as problem:
        raise BadKeys("unreadable") from problem
    except ValueError as problem:
        if isinstance(problem, BadKeys):
            raise
        raise BadKeys("unreadable") from problem


def key_of(keys: Mapping[str, Any], *, kid: str, algorithm: str) -> RSAKey | ECKey | None:
    """The one key of this id and of the type the algorithm needs; None when there is none, or more than one."""
    wanted = TYPE_OF.get(algorithm)
    found = [one for one in keys["keys"] if one.get("kid") == kid and one.get("kty") == wanted]
    if wanted is None or len(found) != 1:
        return None
    if found[0].get("use", "sig") != "sig":
        return None
    key = KeySet.import_key_set({"keys": found}).keys[0]
    return key if isinstance(key, RSAKey | ECKey) else None


def fetched(url: str) -> tuple[bytes, str]:
    """What an address answers; only at a number open to the world, never by a redirect."""
    parts = urlsplit(url)
    headers = [("Accept", "application/json")]
    with called(url, (f"{parts.scheme}://{parts.netloc}",), headers=headers, timeout=5, within=10) as answer:
        if answer.status != http.client.OK:
            raise ValueError(f"status {answer.status}")
        body = answer.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise ValueError("too large")
        return body, answer.getheader("Cache-Control") or ""


class Fetched:
    """Keys by address, remembered as long as their owner allows."""

    def __init__(self, get: Get = fetched, clock: Callable[[], float] = time.monotonic) -> None:
        self._get, self._clock = get, clock
        self._known: dict[str, tuple[float, float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def keys(self, url: str, *, kid: str) -> dict[str, Any]:
        """The keys at an address. A ``kid`` not among them is asked for anew, half a minute apart at most.

        Raises BadKeys when they can't be had.
        """
        now = self._clock()
        known = self._known.get(url)
        if known is not None and now < known[0]:
            has = any(one.get("kid") == kid for one in known[2]["keys"])
            if has or now < known[1] + SHORTEST:
                return known[2]
        try:
            body, control = self._get(url)
            keys = checked(json.loads(body))
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as problem:
            raise BadKeys("fetch") from problem
        with self._lock:
            if len(self._known) >= 1000:
                self._known.clear()
            self._known[url] = (now + _life(control), now, keys)
        return keys

    def forget(self) -> None:
        with self._lock:
            self._known.clear()


def _life(control: str) -> float:
    """Seconds a set may be kept: what its owner says, an hour at most."""
    control = control.lower()
    if "no-store" in control or "no-cache" in control:
        return 0.0
    said = _MAX_AGE.search(control)
    return min(float(said[1]), LONGEST) if said else USUAL


FETCHED = Fetched()
