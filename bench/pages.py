"""Times of whole pages, each asked as its reader, one after another."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

from bench.server import ROOT, Running

ROUNDS = 20


def report(running: Running) -> None:
    """Print the median and slowest time of each page; nothing where only the record's endpoint runs."""
    if not running.environment:
        return
    prepared = subprocess.run(
        [sys.executable, "-m", "bench.readers"],
        env=running.environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if prepared.returncode:
        print(f"\nbench: the pages' readers could not be made: {prepared.stderr.strip()[-500:]}")
        return
    base = running.url.removesuffix("/fhir")
    print(f"\n{'page':38}{'median ms':>10}{'slowest':>9}{'kB':>7}")
    pages = {"welcome": ("/", "")} | json.loads(prepared.stdout.strip().splitlines()[-1])
    for title, (path, session) in pages.items():
        asked = urllib.request.Request(
            base + path, headers={"Cookie": f"sessionid={session}"} if session else {}
        )
        times, size = [], 0
        try:
            urllib.request.urlopen(asked, timeout=20).read()  # warm: templates compiled, plans prepared
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                size = len(urllib.request.urlopen(asked, timeout=20).read())
                times.append((time.perf_counter() - begun) * 1000)
        except urllib.error.HTTPError as error:
            print(f"{title:38} answers {error.code}")
            continue
        times.sort()
        print(f"{title:38}{times[len(times) // 2]:10.1f}{times[-1]:9.1f}{size / 1000:7.1f}")
