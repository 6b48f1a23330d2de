"""Asterisk Manager Interface: packets of ``Key: Value`` lines over TCP; login, Originate, and the events of sets.

Source: Asterisk documentation, "AMI v2 Specification", "AMI Events" (Newstate, DialBegin, Hangup). A packet ends with
an empty line; an answer carries the ``ActionID`` of its question; between them events come as they happen.
"""

from __future__ import annotations

import logging
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from yba.care.telephone import EXTENSION, NUMBER, Heard, NotCalled, OnHeard

log = logging.getLogger(__name__)
Packet = Mapping[str, str]
#: No packet of Asterisk's is near this long; who sends more is something else.
LARGEST: Final = 65_536
#: Seconds between attempts to reach an exchange that went away.
BACK_OFF: Final = (1, 2, 5, 10, 30)
#: ``PJSIP/101-00000012``: the set a channel belongs to; ``Local`` channels are the exchange's own.
_SPAN: Final = re.compile(r"(?P<first>[0-9]{1,9})-(?P<last>[0-9]{1,9})")
_CHANNEL: Final = re.compile(r"(?!Local/)[A-Za-z0-9]+/(?P<set>[^-@/;]+)-")


@dataclass(frozen=True, slots=True)
class Account:
    """Where the manager answers and under which name. ``channel``: how a set is named, ``context`` where it dials.

    ``prefix`` goes before the number (a trunk's digit); ``caller`` is what the person's telephone shows.
    """

    host: str
    user: str
    secret: str
    port: int = 5038
    tls: bool = False
    channel: str = "PJSIP/{extension}"
    context: str = "from-internal"
    prefix: str = ""
    caller: str = ""
    seconds: float = 10.0
    #: Seconds of silence after which it is asked whether anybody is there.
    quiet: float = 30.0
    #: Facility -> its sets, each a name or a span of numbers: ``{"bv-hue": ("101-119", "130")}``.
    sets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in (each for given in self.sets.values() for each in given):
            if not EXTENSION.fullmatch(one) and not _SPAN.fullmatch(one):
                raise ValueError(f"sets: {one!r} is no set and no span of sets such as 101-119")


class Broken(Exception):
    """The line to the exchange broke, or it does not speak as it should."""


class Line:
    """One logged-in connection."""

    def __init__(self, account: Account, *, events: bool) -> None:
        self._account = account
        self._read = b""
        self._waiting: list[Packet] = []
        try:
            self._socket = self._connected()
            banner = self._until(b"\r\n")
            if not banner.startswith(b"Asterisk Call Manager/"):
                raise Broken("what answers is no Asterisk manager")
            said = self.ask(
                "Login", Username=account.user, Secret=account.secret, Events="call" if events else "off"
            )
            if said.get("response") != "Success":
                raise Broken(said.get("message", "the login was refused"))
        except Broken:
            self.close()
            raise
        except OSError as problem:
            self.close()
            raise Broken(f"{account.host}:{account.port} does not answer: {type(problem).__name__}") from None

    def _connected(self) -> socket.socket:
        account = self._account
        plain = socket.create_connection((account.host, account.port), timeout=account.seconds)
        self._socket = plain
        return (
            ssl.create_default_context().wrap_socket(plain, server_hostname=account.host)
            if account.tls
            else plain
        )

    def ask(self, action: str, **fields: str) -> Packet:
        """Do something; the answer to it. Events that come before are kept for `packets`. Raises Broken."""
        number = secrets.token_hex(8)
        lines = [
            f"Action: {action}",
            f"ActionID: {number}",
            *(f"{key}: {one}" for key, one in fields.items()),
        ]
        if any("\r" in one or "\n" in one for one in lines):
            raise Broken("a value holds the end of a line")
        try:
            self._socket.settimeout(self._account.seconds)
            self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
            ends = monotonic() + self._account.seconds
            while monotonic() < ends:
                found = self._packet()
                if found.get("actionid") == number and "response" in found:
                    return found
                self._waiting.append(found)
        except OSError as problem:
            raise Broken(f"no answer to {action}: {type(problem).__name__}") from None
        raise Broken(f"no answer to {action}")

    def packets(self) -> Iterator[Packet]:
        """What comes, for as long as the line holds; every silent while it is asked after. Raises Broken."""
        while True:
            while self._waiting:
                yield self._waiting.pop(0)
            try:
                self._socket.settimeout(self._account.quiet)
                yield self._packet()
            except TimeoutError:
                self.ask("Ping")
            except OSError as problem:
                raise Broken(f"the line ended: {type(problem).__name__}") from None

    def _packet(self) -> Packet:
        text = self._until(b"\r\n\r\n").decode("utf-8", "replace")
        pairs = (line.partition(":") for line in text.split("\r\n") if ":" in line)
        return {key.strip().lower(): value.strip() for key, _colon, value in pairs}

    def _until(self, end: bytes) -> bytes:
        while end not in self._read:
            part = self._socket.recv(4096)
            if not part:
                raise Broken("the exchange hung up")
            self._read += part
            if len(self._read) > LARGEST:
                raise Broken("what comes has no end")
        found, _end, self._read = self._read.partition(end)
        return found

    def close(self) -> None:
        """Let go; the other side may be gone."""
        line = getattr(self, "_socket", None)
        if line is not None:
            line.close()


class Asterisk:
    """An exchange by its manager: a short connection for a call, one that stays for what is heard."""

    def __init__(self, account: Account, heard: OnHeard) -> None:
        self._account, self._heard = account, heard
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._line: Line | None = None

    def call(self, extension: str, number: str) -> None:
        """Ring the agent's set; when it is taken up, the exchange dials the number. Raises NotCalled."""
        account = self._account
        if not EXTENSION.fullmatch(extension) or not NUMBER.fullmatch(number):
            raise NotCalled("this is no number that can be dialled")
        more = {"CallerID": account.caller} if account.caller else {}
        try:
            line = Line(account, events=False)
            try:
                said = line.ask(
                    "Originate", Channel=account.channel.format(extension=extension), Context=account.context,
                    Exten=f"{account.prefix}{number}", Priority="1", Timeout="30000", Async="true", **more,
                )  # fmt: skip
                line.ask("Logoff")
            finally:
                line.close()
        except Broken as problem:
            raise NotCalled(str(problem)) from None
        if said.get("response") != "Success":
            raise NotCalled(said.get("message", "the exchange refused"))

    def facility_of(self, extension: str) -> str:
        """The first facility that names the set."""
        given = self._account.sets.items()
        return next((one for one, sets in given if any(_is_in(extension, each) for each in sets)), "")

    def stay_awake(self) -> None:
        """Listen in a thread of this process, if it does not yet."""
        with self._lock:
            if self._stopped.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._listen, name="telephone", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._stopped.set()
        line = self._line
        if line is not None:
            line.close()

    def _listen(self) -> None:
        tries = 0
        while not self._stopped.is_set():
            try:
                line = self._line = Line(self._account, events=True)
                tries = 0
                self._hear(line)
            except Broken as problem:
                if not self._stopped.is_set():
                    log.warning("the telephone exchange is away: %s", problem)
            finally:
                if self._line is not None:
                    self._line.close()
            self._stopped.wait(BACK_OFF[min(tries, len(BACK_OFF) - 1)])
            tries += 1

    def _hear(self, line: Line) -> None:
        for packet in line.packets():
            found = heard_of(packet)
            if found is None:
                continue
            try:
                self._heard(found)
            except Exception:
                log.exception("what the exchange said could not be noted")


def _is_in(extension: str, given: str) -> bool:
    span = _SPAN.fullmatch(given)
    if span is None:
        return extension == given
    first, last = span["first"], span["last"]
    numbered = extension.isascii() and extension.isdigit() and len(extension) == len(first)
    return numbered and int(first) <= int(extension) <= int(last)


def heard_of(packet: Packet) -> Heard | None:
    """What an event says of a set; None: nothing the desk wants to know.

    A set that rings for its own agent's call (Originate) has no other side yet, and is no caller.
    """
    event = packet.get("event", "")
    make: Callable[[Packet], Heard | None] | None = {
        "Newstate": _state,
        "DialBegin": _dialled,
        "Hangup": _ended,
    }.get(event)
    return make(packet) if make is not None else None


def _state(packet: Packet) -> Heard | None:
    number = _number(packet.get("connectedlinenum", ""))
    said = packet.get("channelstatedesc")
    if said == "Ringing" and number:
        return _heard(packet, "", number, "ringing")
    return _heard(packet, "", number, "answered") if said == "Up" else None


def _dialled(packet: Packet) -> Heard | None:
    number = _number(packet.get("calleridnum", ""))
    return _heard(packet, "dest", number, "ringing") if number else None


def _ended(packet: Packet) -> Heard | None:
    return _heard(packet, "", _number(packet.get("connectedlinenum", "")), "ended")


def _heard(packet: Packet, side: str, number: str, state: str) -> Heard | None:
    channel = _CHANNEL.match(packet.get(f"{side}channel", ""))
    call = packet.get(f"{side}linkedid") or packet.get("linkedid") or packet.get(f"{side}uniqueid", "")
    if channel is None or not call or not EXTENSION.fullmatch(channel["set"]):
        return None
    return Heard(call[:64], channel["set"], number, state)  # type: ignore[arg-type]  # one of three words of this module


def _number(text: str) -> str:
    """The number of the other side; nothing where it is hidden."""
    return text if NUMBER.fullmatch(text) else ""
