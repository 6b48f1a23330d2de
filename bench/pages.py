"""Times of whole pages: areas that want their page measured add its path here."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from bench.server import Running

# title -> path on the server; pages that need no sign-in
PAGES: dict[str, str] = {"welcome": "/"}
ROUNDS = 20


def report(running: Running) -> None:
    """Print the median time of each page; nothing where only the record's endpoint runs."""
    if not running.name.startswith("yba.site"):
        return
    base = running.url.removesuffix("/fhir")
    print()
    for title, path in PAGES.items():
        times = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            try:
                urllib.request.urlopen(base + path, timeout=10).read()
            except urllib.error.HTTPError as error:
                print(f"page {title}: answers {error.code}")
                break
            times.append((time.perf_counter() - begun) * 1000)
        else:
            print(f"page {title}: {sorted(times)[len(times) // 2]:.1f} ms")
