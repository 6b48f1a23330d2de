"""A whole house as a child process, for tests that need the real thing: `yba serve` on its own data and port."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from yba.site.lifetime import signal_when_parent_dies

START_SECONDS = 180


def _ends_with_us() -> Callable[[], None] | None:
    """A run that is killed leaves no house behind; by the main thread only: the kernel minds who asks."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal_when_parent_dies(signal.SIGTERM)


#: Below the ports systems give to outgoing connections: a house that is down for a moment must find its own again.
PORTS = range(15_000, 31_000)


def free_port() -> int:
    """A port that is free together with the next one, where live events go."""
    for _ in range(50):
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise RuntimeError("No two free ports in a row.")


class House:
    """`yba serve` with its output in a file."""

    def __init__(
        self,
        data: Path,
        *,
        port: int,
        arguments: tuple[str, ...] = (),
        settings: dict[str, str] | None = None,
    ) -> None:
        self.data = data
        self.port = port
        self.arguments = arguments
        self.settings = settings or {}
        self.address = f"http://127.0.0.1:{port}"
        self.live = f"http://127.0.0.1:{port + 1}"
        self.output = data.parent / f"{data.name}.out"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environ(self) -> dict[str, str]:
        """What its commands need to find the same data."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("YBA_", "DJANGO_"))}
        kept |= {
            "YBA_DATA": str(self.data),
            "YBA_PORT": str(self.port),
            "PYTHONPATH": os.pathsep.join(sys.path),
            **self.settings,
        }
        return kept

    @property
    def conninfo(self) -> str:
        return f"host={self.data / 'socket'} dbname=yba user=yba"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another `yba` command on the same data."""
        line = [sys.executable, "-m", "yba.site.command", *words]
        return subprocess.run(line, env=self.environ, capture_output=True, text=True, timeout=300)

    def start(self) -> float:
        """Start and wait until it says it is ready; the seconds it took."""
        began = time.monotonic()
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "yba.site.command", "serve", *self.arguments],
                env=self.environ,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_ends_with_us(),
            )
        while "is ready in" not in self.said():
            if self.process.poll() is not None or time.monotonic() - began > START_SECONDS:
                raise AssertionError(f"yba serve did not start:\n{self.said()}")
            time.sleep(0.05)
        return time.monotonic() - began

    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to stop, as Ctrl-C does; its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def kill(self) -> None:
        """What a power cut does to the supervisor."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return answer.status, answer.read().decode()

    def processes(self) -> list[int]:
        """The processes that belong to this house: those that carry its data folder in their environment or line."""
        found = []
        mark = str(self.data).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal() or int(entry.name) == os.getpid():
                continue
            try:
                words = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if state != "Z" and (mark + b"\0" in words or mark + b"/" in words):
                found.append(int(entry.name))
        return found


def furnish(data: Path) -> None:
    """Give a house that has not started yet the demo province, which is loaded once a run and copied from there."""

    def load(model: House) -> None:
        model.start()
        model.stop()

    _copy("model", load, data)


def roof(data: Path) -> None:
    """Give a house that has not started yet its tables, empty, and its static files: made once a run, and copied.

    What makes them itself is held in `tests/site/test_lifecycle.py`. Keys and secrets are each house's own.
    """
    _copy("roof", _raise, data)


def _raise(model: House) -> None:
    done = model.command("migrate")
    assert done.returncode == 0, done.stderr
    code = "from yba.site import setup; setup.django(); setup.collect_static()"
    subprocess.run([sys.executable, "-c", code], env=model.environ, check=True)
    for name in ("secret", "audit-key", "lock", "postgres.log"):
        (model.data / name).unlink(missing_ok=True)


def _copy(name: str, make: Callable[[House], None], data: Path) -> None:
    """The first of all processes of a run makes the model; the others wait for it."""
    model = (
        Path(os.environ["YBA_TESTS_SHARED"]) / name
    )  # the folder of the one that started them: see conftest.py
    with model.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not model.exists():
            # Beside its place: one that fails half-way is nobody's model.
            draft = House(model.with_suffix(".draft"), port=free_port())
            make(draft)
            draft.data.rename(model)
    data.parent.mkdir(parents=True, exist_ok=True)
    # With its owners: started by root, the database belongs to a user of its own.
    subprocess.run(["cp", "-a", str(model), str(data)], check=True)
