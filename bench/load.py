"""Load from ``wrk``, its requests written as Lua."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
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


def get_script(token: str, path: str, values: list[str]) -> str:
    """GETs of a path with one of the values in the place of ``%s``, drawn at random."""
    listed = ",".join(f'"{one}"' for one in values)
    before, after = (part.replace("|", "%7C") for part in path.split("%s"))
    return (
        _HEAD.format(token=token)
        + f"local values = {{ {listed} }}\n"
        + f"local before, after = '/fhir{before}', '{after}'\n"
        + "request = function()\n  local one = values[math.random(#values)]\n"
        + "  return wrk.format('GET', before .. one .. after, headers)\nend\n"
        + _TAIL
    )


def door_script(tokens: Mapping[str, str], asked: str, in_a_row: int) -> str:
    """GETs about persons drawn at random, some in a row about each, with the token for that person."""
    listed = ",".join(f'{{"{person}","{token}"}}' for person, token in tokens.items())
    return (
        _HEAD.format(token="")
        + f"local all = {{ {listed} }}\nlocal n, one = 0, nil\nlocal asked = [[/fhir/{asked}]]\n"
        + "request = function()\n"
        + f"  if n % {in_a_row} == 0 then one = all[math.random(#all)] end\n  n = n + 1\n"
        + "  headers['Authorization'] = 'Bearer ' .. one[2]\n"
        + "  return wrk.format('GET', (asked:gsub('#', (one[1]:gsub('%%', '%%%%')))), headers)\nend\n"
        + _TAIL
    )


def update_script(token: str, ids: list[str]) -> str:
    """PUTs over known Observations, each with another value."""
    listed = ",".join(f'"{one}"' for one in ids)
    body = (
        observation("@", 7)
        .decode()
        .replace('"status"', '"id":"#","status"')
        .replace('"value":67.7', '"value":~')
    )
    return (
        _HEAD.format(token=token)
        + f"local ids = {{ {listed} }}\nlocal body = [[{body}]]\n"
        + "request = function()\n  local id = ids[math.random(#ids)]\n"
        + "  local person = id:match('^(bench%-%d+)')\n"
        + "  local own = body:gsub('@', person):gsub('#', id):gsub('~', math.random(40, 180))\n"
        + '  return wrk.format("PUT", "/fhir/Observation/" .. id, headers, own)\nend\n'
        + _TAIL
    )


def created(patient: str, value: str) -> str:
    """What a create sends: an Observation with an identifier."""
    body = observation(patient, 7).decode()
    return body.replace('"status"', f'"identifier":[{{"system":"urn:bench","value":"{value}"}}],"status"', 1)


def create_script(token: str, persons: int) -> str:
    return (
        _HEAD.format(token=token)
        + f"local body = [[{created('@', '#')}]]\nlocal n = 0\nlocal seed = math.random(1000000000)\n"
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
