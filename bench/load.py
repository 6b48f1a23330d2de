"""Load from ``wrk``, its requests written as Lua."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.seed import observation

_HEAD = """
local token = "{token}"
local headers = {{ ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/fhir+json" }}
math.randomseed(os.time())
local bad = 0
"""
_TAIL = """
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %f %f\\n", summary.requests, summary.errors.status,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests a second, answers that were errors, and latencies in milliseconds."""

    rate: float
    errors: int
    p50: float
    p99: float


def read_script(token: str, ids: list[str]) -> str:
    listed = ",".join(f'"{one}"' for one in ids)
    return (
        _HEAD.format(token=token)
        + f"local ids = {{ {listed} }}\n"
        + 'request = function() return wrk.format("GET", "/fhir/Observation/" .. ids[math.random(#ids)], headers) end\n'
        + _TAIL
    )


def search_script(token: str, persons: int) -> str:
    return (
        _HEAD.format(token=token)
        + "request = function() return wrk.format('GET', '/fhir/Observation?patient=bench-' .. "
        + f"math.random(0, {persons - 1}) .. '&category=vital-signs&_sort=-date&_count=20', headers) end\n"
        + _TAIL
    )


def create_script(token: str, persons: int) -> str:
    body = (
        observation("@", 7)
        .decode()
        .replace('"status"', '"identifier":[{"system":"urn:bench","value":"#"}],"status"')
    )
    return (
        _HEAD.format(token=token)
        + f"local body = [[{body}]]\nlocal n = 0\nlocal seed = math.random(1000000000)\n"
        + "request = function()\n  n = n + 1\n"
        + f"  local own = body:gsub('@', 'bench-' .. math.random(0, {persons - 1})):gsub('#', seed .. '-' .. n)\n"
        + '  return wrk.format("POST", "/fhir/Observation", headers, own)\nend\n'
        + _TAIL
    )


def run(url: str, script: str, folder: Path, connections: int, seconds: int) -> Load:
    """One run of wrk. Raises SystemExit when it is not installed or answers nothing."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("bench: install 'wrk' (Debian: apt-get install wrk)")
    path = folder / "load.lua"
    path.write_text(script)
    done = subprocess.run(
        [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(path), url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"RESULT (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", done.stdout)
    if found is None:
        raise SystemExit(f"bench: wrk said {done.stdout[-300:]}{done.stderr[-300:]}")
    requests, errors, micros, p50, p99 = (float(one) for one in found.groups())
    return Load(requests / (micros / 1e6), int(errors), p50 / 1000, p99 / 1000)
