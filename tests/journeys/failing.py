"""A network that fails on purpose: a small carrier of UDP before a relay, that loses what it is told to lose."""

from __future__ import annotations

import random
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Line:
    """``loss``: the share of packets that are lost, each way; 1 is a line that is dead."""

    address: str
    loss: float = 0.0
    carried: int = 0
    lost: int = 0
    _lots: random.Random = field(default_factory=lambda: random.Random(7))

    def loses(self) -> bool:
        """Whether the next packet is lost."""
        gone = self._lots.random() < self.loss
        self.lost, self.carried = self.lost + gone, self.carried + (not gone)
        return gone


@contextmanager
def line_to(relay: str) -> Iterator[Line]:
    """A line to ``turn:<host>:<port>``; ``address`` is what browsers are told instead of it."""
    _scheme, host, port = relay.split(":")
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind((host, 0))
    line, stop = Line(f"turn:{host}:{front.getsockname()[1]}?transport=udp"), threading.Event()
    carrier = threading.Thread(target=_carry, args=(line, front, (host, int(port)), stop), daemon=True)
    carrier.start()
    try:
        yield line
    finally:
        stop.set()
        carrier.join(5)
        front.close()


def _carry(line: Line, front: socket.socket, relay: tuple[str, int], stop: threading.Event) -> None:
    """Each browser has a socket of its own towards the relay, as behind a router."""
    backs: dict[tuple[str, int], socket.socket] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(front, selectors.EVENT_READ, None)
        while not stop.is_set():
            for key, _events in ready.select(0.2):
                one = key.fileobj
                assert isinstance(one, socket.socket)
                try:
                    data, sender = one.recvfrom(65536)
                except OSError:  # the relay has closed that port
                    continue
                if line.loses():
                    continue
                if one is not front:
                    front.sendto(data, key.data)
                    continue
                if sender not in backs:
                    backs[sender] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    backs[sender].connect(relay)
                    ready.register(backs[sender], selectors.EVENT_READ, sender)
                backs[sender].send(data)
    for back in backs.values():
        back.close()
