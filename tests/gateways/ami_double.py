"""A double of Asterisk's manager: banner, login, ActionIDs, Originate, events, and lines that break."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

SECRET = "s3cret"


@dataclass
class Manager:
    """What was asked, and how it answers."""

    port: int = 0
    banner: bytes = b"Asterisk Call Manager/7.0.3\r\n"
    asked: list[dict[str, str]] = field(default_factory=list)
    refuse: str = ""
    #: Sent before the answer to Originate, as events are in between.
    between: str = ""
    silent: bool = False
    listeners: list[socket.socket] = field(default_factory=list)
    logged_in: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def happens(self, **event: str) -> None:
        """An event, to every line that asked for them."""
        for line in list(self.listeners):
            line.sendall(packet(event))

    def drop(self) -> None:
        """The exchange restarts: every line ends."""
        for line in list(self.listeners):
            with suppress(OSError):  # it has let go already
                line.shutdown(socket.SHUT_RDWR)
        self.listeners.clear()

    def serve(self, line: socket.socket) -> None:
        line.sendall(self.banner)
        read = b""
        while part := line.recv(4096):
            read += part
            while b"\r\n\r\n" in read:
                text, _end, read = read.partition(b"\r\n\r\n")
                said = dict(row.split(": ", 1) for row in text.decode().split("\r\n"))
                self.asked.append(said)
                if not self.silent:
                    self.answer(line, said)

    def answer(self, line: socket.socket, said: dict[str, str]) -> None:
        answer = {"Response": "Success", "ActionID": said["ActionID"]}
        if said["Action"] == "Login":
            if said.get("Secret") != SECRET:
                answer |= {"Response": "Error", "Message": "Authentication failed"}
            line.sendall(packet(answer))
            if answer["Response"] == "Success" and said["Events"] != "off":
                self.listeners.append(line)
                line.sendall(packet({"Event": "FullyBooted", "Status": "Fully Booted"}))
                self.logged_in.release()
            return
        if said["Action"] == "Originate":
            if self.between:
                line.sendall(self.between.encode())
            if self.refuse:
                answer |= {"Response": "Error", "Message": self.refuse}
        line.sendall(packet(answer))


def packet(said: dict[str, str]) -> bytes:
    return ("\r\n".join(f"{key}: {value}" for key, value in said.items()) + "\r\n\r\n").encode()


@contextmanager
def manager() -> Iterator[Manager]:
    found = Manager()
    with socket.create_server(("127.0.0.1", 0)) as server:
        found.port = server.getsockname()[1]
        threading.Thread(target=_accept, args=[server, found], daemon=True).start()
        yield found
        found.drop()


def _accept(server: socket.socket, found: Manager) -> None:
    while True:
        try:
            line, _who = server.accept()
        except OSError:
            return
        threading.Thread(target=_served, args=[found, line], daemon=True).start()


def _served(found: Manager, line: socket.socket) -> None:
    try:
        found.serve(line)
    except OSError:
        pass
    finally:
        line.close()
