"""Times of whole pages, each asked as its reader, one after another."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from urllib.parse import urlsplit

from bench.server import ROOT, Running

ROUNDS = 20


def report(running: Running) -> bool:
    """Print the median and slowest time of each page; whether all were answered to their readers.

    Nothing, and True, where only the record's endpoint runs.
    """
    if not running.environment:
        return True
    prepared = subprocess.run(
        [sys.executable, "-m", "bench.readers"],
        env=running.environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if prepared.returncode:
        print(f"\nbench: the pages' readers could not be made: {prepared.stderr.strip()[-500:]}")
        return False
    print(f"\n{'page':38}{'median ms':>10}{'slowest':>9}{'kB':>7}")
    pages = {"welcome": ("/", "")} | json.loads(prepared.stdout.strip().splitlines()[-1])
    answered = [_timed(running.url, title, *one) for title, one in pages.items()]
    return all(answered)


def _timed(url: str, title: str, path: str, session: str) -> bool:
    """Print one page's times. False where it answers anything but the page: a redirect leads to another one."""
    times = []
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    headers = {"Cookie": f"sessionid={session}"} if session else {}
    for _ in range(1 + ROUNDS):  # the first compiles templates and prepares plans
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        size = len(answer.read())
        times.append((time.perf_counter() - begun) * 1000)
        if answer.status != http.HTTPStatus.OK:
            where = answer.getheader("Location")
            print(
                f"{title:38} answers {answer.status}{f', to {where}' if where else ''}, where 200 is wanted"
            )
            return False
    times = sorted(times[1:])
    print(f"{title:38}{times[len(times) // 2]:10.1f}{times[-1]:9.1f}{size / 1000:7.1f}")
    return True
