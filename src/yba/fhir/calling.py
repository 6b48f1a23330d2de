"""Calls to other machines: only where the operator allows, at the very number that was checked.

A name is resolved once; what it led to is held against the operator's list and then connected to, so that a second
answer of the name's owner (DNS re-binding) changes nothing. A redirect is a new address, checked like the first.
Calls go straight, never through a proxy of the environment: a proxy would resolve the name again.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from urllib.parse import urljoin, urlsplit

from yba.fhir.addresses import allowed, may_reach

MOST_REDIRECTS = 5
LONGEST_CONNECT = 60
REDIRECTS = (301, 302, 303, 307, 308)
FRAMING = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that say where a message goes and where it ends (RFC 9110, RFC 9112): never a caller's."""

Resolve = Callable[[str, int], Sequence[str]]
"""A host's name and a port -> the numbers it leads to."""


class NotAllowed(OSError):
    """The operator does not allow a call there; the words say where it would have gone."""


def resolved(host: str, port: int) -> list[str]:
    """The numbers a name leads to now."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@contextmanager
def called(
    url: str,
    places: Sequence[str],
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Sequence[tuple[str, str]] = (),
    timeout: float,
    within: float | None = None,
    redirects: int = 0,
    resolve: Resolve = resolved,
) -> Iterator[http.client.HTTPResponse]:
    """The answer to one request, whatever its status. ``within``: seconds until the call as a whole is given up.

    ``timeout`` is for each step of it. At most ``redirects`` redirects are followed, of GET alone.
    Raises NotAllowed, OSError, http.client.HTTPException.
    """
    left = redirects
    while True:
        connection = _connection(url, places, timeout, resolve)
        clock = threading.Timer(within, _cut, [connection]) if within is not None else None
        try:
            if clock is not None:
                clock.daemon = True
                clock.start()
            connection.connect()
            _ask(connection, method, url, body, headers)
            answer = connection.getresponse()
            where = answer.getheader("Location")
            if not (left and method == "GET" and answer.status in REDIRECTS and where):
                yield answer
                return
        finally:
            if clock is not None:
                clock.cancel()
            connection.close()
        left -= 1
        url = urljoin(url, where)


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    url: str,
    body: bytes | None,
    headers: Sequence[tuple[str, str]],
) -> None:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.putrequest(method, target, skip_accept_encoding=True)
    own = {"user-agent": ("User-Agent", "yba"), "connection": ("Connection", "close")}
    sent = own | {name.lower(): (name, value) for name, value in headers if name.lower() not in FRAMING}
    if body is not None:
        sent["content-length"] = ("Content-Length", str(len(body)))
    for name, value in sent.values():
        connection.putheader(name, value)
    connection.endheaders(body)


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a call whose time is over; who waits for it gets an error."""
    try:
        if connection.sock is not None:
            socket.socket.shutdown(
                connection.sock, socket.SHUT_RDWR
            )  # below TLS: it would wait for an answer
    except OSError:
        return  # it has ended by itself


def _connection(
    url: str, places: Sequence[str], timeout: float, resolve: Resolve
) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not allowed(url, places):
        raise NotAllowed(f"the operator allows no call to {url[:200]}")
    kind = _Tls if parts.scheme == "https" else _Plain
    try:
        return kind(parts.hostname, parts.port, places, timeout, resolve)
    except (ValueError, http.client.InvalidURL):
        raise NotAllowed(f"{url[:200]} has no port that could be called") from None


class _Plain(http.client.HTTPConnection):
    """A connection to a number that was checked, and under the name that was asked."""

    def __init__(
        self, host: str, port: int | None, places: Sequence[str], timeout: float, resolve: Resolve
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self._places, self._resolve = places, resolve

    def connect(self) -> None:
        """Resolve once, check, connect to what was checked."""
        self.sock = _reached(self.host, self.port, self._places, self.timeout, self._resolve)


class _Tls(http.client.HTTPSConnection):
    """The same with TLS: the certificate is held against the name."""

    def __init__(
        self, host: str, port: int | None, places: Sequence[str], timeout: float, resolve: Resolve
    ) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(host, port, timeout=timeout, context=self._tls)
        self._places, self._resolve = places, resolve

    def connect(self) -> None:
        """Resolve once, check, connect to what was checked."""
        plain = _reached(self.host, self.port, self._places, self.timeout, self._resolve)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock.do_handshake()


def _reached(
    host: str, port: int, places: Sequence[str], timeout: float | None, resolve: Resolve
) -> socket.socket:
    numbers = resolve(host, port)
    may = [one for one in numbers if may_reach(host, one, places)]
    if not may:
        raise NotAllowed(
            f"{host} leads to {', '.join(numbers) or 'nothing'}, into a network of this machine's own; the operator "
            "allows such by naming the network beside the address"
        )
    end = monotonic() + (timeout or LONGEST_CONNECT)
    problem: OSError = TimeoutError(f"{host} does not answer")
    for number in may:
        try:
            found = socket.create_connection((number, port), max(end - monotonic(), 0.01))
            found.settimeout(timeout)
            return found
        except OSError as error:
            problem = error
    raise problem
