"""Where a request came from: a proxy of ours is believed, everybody else is who they are.

Limits per address, the audit and the decision whether a request came by TLS rest on this. A header a stranger sends
is taken away before anything reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Network = IPv4Network | IPv6Network

#: What a proxy may say of a request. X-Forwarded-Host and the like are never believed: hosts come from YBA_HOSTS.
FOR, PROTO = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"
NEVER = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_X_REAL_IP")
MOST_HOPS = 10


def believing(proxies: Sequence[str], application: Application) -> Application:
    """The application behind proxies of these networks: REMOTE_ADDR becomes the client's address."""
    networks = tuple(ip_network(one) for one in proxies)

    def handle(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        for name in NEVER:
            environ.pop(name, None)
        peer = str(environ.get("REMOTE_ADDR") or "")
        if not _is_proxy(peer, networks):
            environ.pop(FOR, None)
            environ.pop(PROTO, None)
        else:
            client = client_of(peer, str(environ.pop(FOR, "")), networks)
            if client != peer:
                environ["REMOTE_ADDR"] = client
            if environ.get(PROTO) not in (None, "http", "https"):
                del environ[PROTO]
        return application(environ, start_response)

    return handle


def client_of(peer: str, said: str, networks: tuple[Network, ...]) -> str:
    """The last address of the chain that is no proxy of ours: each proxy adds whom it heard at the right end."""
    hops = [hop.strip() for hop in said.split(",") if hop.strip()]
    found = peer
    for hop in reversed(hops[-MOST_HOPS:]):
        try:
            found = str(ip_address(hop))
        except ValueError:
            return found
        if not _is_proxy(found, networks):
            return found
    return found


@lru_cache(maxsize=4096)
def _is_proxy(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        number = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(number, "ipv4_mapped", None)
    return any((mapped or number) in network for network in networks)
