"""One HL7 v2 message over TCP and its acknowledgement: the Minimal Lower Layer Protocol (HL7 v2 transport, appendix C).

A connection for each message: a clinic sends some hundreds a day, and a line that is not kept open can't be half dead.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from time import monotonic
from typing import Final

from yba.care.hospital_systems import Failed

BEGIN: Final = b"\x0b"
END: Final = b"\x1c\x0d"
#: An acknowledgement is a few hundred bytes; who sends more is no MLLP server.
LARGEST: Final = 65_536


@dataclass(frozen=True, slots=True)
class Place:
    """Where messages go. ``ca_file``: whom to believe where the system's certificate is the hospital's own."""

    host: str
    port: int
    tls: bool = False
    ca_file: str = ""
    seconds: float = 20.0


def exchanged(place: Place, message: bytes) -> bytes:
    """Send a message and read the answer within `place.seconds`. Raises Failed."""
    ends = monotonic() + place.seconds
    try:
        with socket.create_connection((place.host, place.port), timeout=place.seconds) as plain:
            if not place.tls:
                return _exchanged(plain, message, ends)
            context = ssl.create_default_context(cafile=place.ca_file or None)
            with context.wrap_socket(plain, server_hostname=place.host) as secured:
                return _exchanged(secured, message, ends)
    except OSError as problem:
        raise Failed(f"no answer from {place.host}:{place.port}: {type(problem).__name__}") from None


def _exchanged(line: socket.socket, message: bytes, ends: float) -> bytes:
    line.sendall(BEGIN + message + END)
    read = b""
    while END not in read:
        left = ends - monotonic()
        if left <= 0:
            raise Failed("the answer did not end in time")
        line.settimeout(left)
        part = line.recv(4096)
        if not part:
            raise Failed("the line was closed without an answer")
        read += part
        if len(read) > LARGEST:
            raise Failed("what came is no acknowledgement")
    start = read.rfind(BEGIN, 0, read.index(END))
    if start < 0:
        raise Failed("what came is not framed as MLLP says")
    return read[start + 1 : read.index(END)]
