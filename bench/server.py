"""The real server process under load: the site where it is there, else the record's endpoint alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yba.site.environment import WEB_THREADS

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Running:
    """Where it listens, the token it takes, which application it is, and the site's environment (empty without)."""

    url: str
    token: str
    name: str
    environment: dict[str, str]
    process: int

    def memory(self) -> float:
        """Megabytes in memory of the largest web process."""
        return max(int(_proc(pid, "statm").split()[1]) for pid in _family(self.process)) * PAGE / 1e6

    def processor(self) -> float:
        """Seconds of processor time the web process and its workers have taken."""
        return (
            sum(
                sum(map(int, _proc(pid, "stat").rpartition(")")[2].split()[11:13]))
                for pid in _family(self.process)
            )
            / TICKS
        )


PAGE, TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


def _proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def _family(pid: int) -> list[int]:
    """A process and its children: on Linux only."""
    children = _proc(pid, f"task/{pid}/children").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def environment(uri: str, data: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "YBA_DATABASE_URL": uri,
        "YBA_DATA": str(data),
        "BENCH_TOKEN": "bench",
        "DJANGO_SETTINGS_MODULE": "yba.site.settings",
    }


def site_token(environment: dict[str, str]) -> str | None:
    """Migrate the site and draw a token; None where the site does not get up."""
    command = [sys.executable, "-c", "import sys; from yba.site.command import main; sys.exit(main())"]
    for arguments in (["migrate"], ["token", "--role", "system"]):
        done = subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"bench: the site does not start ({' '.join(arguments)}): {done.stderr.strip()[-300:]}")
            return None
    return done.stdout.strip().splitlines()[-1]


@contextmanager
def running(
    uri: str, data: Path, *, alone: bool = False, threads: int = WEB_THREADS, workers: int = 2
) -> Iterator[Running]:
    """A server for the length of the block."""
    environ = environment(uri, data)
    token = None if alone else site_token(environ)
    name = "yba.site.wsgi:application" if token else "bench.served:application"
    with site(environ, name, threads=threads, workers=workers) as (url, pid):
        yield Running(f"{url}/fhir", token or "bench", name, environ if token else {}, pid)


@contextmanager
def site(
    environ: dict[str, str], name: str, *, threads: int = WEB_THREADS, workers: int = 2
) -> Iterator[tuple[str, int]]:
    """A web process of an application by its name; its address and number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
         "--workers", str(workers), "--blocking-threads", str(threads), "--blocking-threads-idle-timeout", "600",
         "--backlog", "1024", "--no-ws", "--log-level", "error", name],
        env=environ,
        cwd=ROOT,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/fhir/metadata", process)
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # a worker that does not end is no reason to lose what was measured
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit("bench: the server did not start")
