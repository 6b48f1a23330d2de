"""The supervisor: database, web, worker and live events as children, started and stopped in order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

from yba.site.database import DatabaseProblem, Embedded, check_outside
from yba.site.environment import WEB_THREADS, Environment
from yba.site.lifetime import signal_when_parent_dies

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
#: A child that ends sooner than this after its start waits before it is started again.
CALM_SECONDS = 5.0


class Stopped(Exception):
    """Somebody asked the server to stop."""


@dataclass
class Child:
    """One process beside the supervisor."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    again_at: float = field(default=0.0)

    def start(self, environ: dict[str, str]) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own programs
            self.command,
            env=environ,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the supervisor only, which stops the rest in order
            preexec_fn=signal_when_parent_dies(signal.SIGKILL),
            umask=0o077,  # what a child writes (exports, logs of jobs) is its owner's alone
        )

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait_until_stopped(self, seconds: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def children(env: Environment) -> list[Child]:
    """The programs that make up a running house."""
    granian = [sys.executable, "-m", "granian", "--host", env.host, "--no-ws", "--workers-kill-timeout", "5"]
    web = [*granian, "--port", str(env.port), "--interface", "wsgi", "--workers", str(env.workers)]
    # Its one warning is that there are more threads than two a core; they wait for the database, most of the time.
    web += [
        "--log-level",
        "error",
        "--blocking-threads",
        str(WEB_THREADS),
        "--blocking-threads-idle-timeout",
        "600",
        "--backlog",
        "1024",
        "yba.site.wsgi:application",
    ]
    live = [*granian, "--port", str(env.port + 1), "--interface", "asgi", "--workers", "1"]
    live += ["--log-level", "warning", "yba.site.live:application"]
    return [
        Child("web", web),
        Child("live", live),
        Child("worker", [sys.executable, "-m", "yba.site.worker"]),
        Child("background", [sys.executable, "-m", "yba.site.background"]),
    ]


class Supervisor:
    """Keeps the house running until someone asks it to stop."""

    def __init__(self, env: Environment, *, say: Callable[[str], None]) -> None:
        self.env = env
        self.say = say
        self.embedded = None if env.database_url else Embedded(env)
        self.children = children(env)
        self.environ = {**os.environ, "YBA_CHILD": "1", "DJANGO_SETTINGS_MODULE": "yba.site.settings"}

    def start_database(self) -> None:
        if self.embedded is not None:
            self.embedded.start()
        elif self.env.database_url:
            check_outside(self.env.database_url)

    def start_children(self, *, collected: bool) -> None:
        if collected:
            self.environ["YBA_COLLECTED"] = "1"
        for child in self.children:
            child.start(self.environ)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        for port in (self.env.port, self.env.port + 1):
            while not _answers(f"http://{_reachable(self.env.host)}:{port}/health", self.env):
                if time.monotonic() > deadline:
                    raise DatabaseProblem("The web did not answer within a minute; see the lines above.")
                if any(
                    child.process is not None and child.process.poll() is not None for child in self.children
                ):
                    raise DatabaseProblem("A part of the server ended while starting; see the lines above.")
                time.sleep(0.05)

    def watch(self) -> None:
        """Start again what ends, with a message, until `Stopped` is raised."""
        while True:
            time.sleep(0.5)
            self._watch_database()
            for child in self.children:
                self._watch_child(child)

    def _watch_database(self) -> None:
        if (
            self.embedded is not None
            and self.embedded.process is not None
            and self.embedded.process.poll() is not None
        ):
            self.say("The database ended unexpectedly; starting it again. Nothing acknowledged is lost.")
            self.embedded.start()

    def _watch_child(self, child: Child) -> None:
        if child.process is None or child.process.poll() is None:
            return
        now = time.monotonic()
        if child.again_at == 0.0:
            self.say(f"The {child.name} process ended (code {child.process.returncode}); starting it again.")
            child.again_at = now if now - child.started > CALM_SECONDS else now + 2.0
        if now >= child.again_at:
            child.again_at = 0.0
            child.start(self.environ)

    def stop(self) -> None:
        """First those who ask, then the database: whatever was acknowledged is on disk."""
        for child in self.children:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children:
            child.wait_until_stopped(deadline - time.monotonic())
        if self.embedded is not None:
            self.embedded.stop()


def stop_on_signals() -> None:
    """Ctrl-C, `kill` and a closed terminal all end in an orderly stop."""

    def raise_stopped(number: int, frame: FrameType | None) -> None:
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)  # once is enough: stopping must not be cut short
        raise Stopped

    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, raise_stopped)


def port_problem(env: Environment) -> str | None:
    """A sentence when something else listens on our ports."""
    for port in (env.port, env.port + 1):
        with socket.socket(socket.AF_INET6 if ":" in env.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((env.host, port))
            except OSError as problem:
                return (
                    f"Port {port} can't be used ({problem.strerror}). Y Bạ needs {env.port} for pages and "
                    f"{env.port + 1} for live events; choose others with YBA_PORT, for example YBA_PORT=8100."
                )
    return None


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - a lookup, not a bind


def _answers(url: str, env: Environment) -> bool:
    """Whether a child is there; it is asked by a name it answers to."""
    named = {"Host": env.hosts[0].lstrip(".")} if env.hosts and env.hosts[0] != "*" else {}
    request = urllib.request.Request(url, headers={"X-Forwarded-Proto": "https", **named})  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False
