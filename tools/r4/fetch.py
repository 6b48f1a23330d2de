"""Get the published definitions once: `python -m tools.r4.fetch`."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = ROOT / "definitions"
CACHE = DEFINITIONS / "cache"


class Unfetched(Exception):
    """The archive is missing or is not the one that was pinned; the message says what to do."""


@dataclass(frozen=True)
class Pin:
    """Which archive is the right one."""

    package: str
    version: str
    file: str
    sha256: str

    @property
    def path(self) -> Path:
        return CACHE / self.file


def pin() -> Pin:
    kept = json.loads((DEFINITIONS / "hl7.fhir.r4.examples.json").read_text())
    return Pin(kept["package"], kept["version"], kept["file"], kept["sha256"])


def archive() -> Path:
    """The pinned archive, fetched if it is not there yet. Raises Unfetched."""
    wanted = pin()
    if not wanted.path.exists():
        fetch(wanted)
    found = hashlib.sha256(wanted.path.read_bytes()).hexdigest()
    if found != wanted.sha256:
        raise Unfetched(
            f"{wanted.path.relative_to(ROOT)} has SHA-256 {found}, expected {wanted.sha256}: delete it and fetch again"
        )
    return wanted.path


def fetch(wanted: Pin) -> None:
    name = f"{wanted.package}@{wanted.version}"
    if shutil.which("npm") is None:
        raise Unfetched(
            f"the R4 definitions are missing and npm is not installed: put {wanted.file} into {CACHE}"
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["npm", "pack", "--silent", name, "--pack-destination", str(CACHE)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not wanted.path.exists():
        raise Unfetched(f"the R4 definitions are missing and `npm pack {name}` failed: {done.stderr.strip()}")


def main() -> int:
    try:
        path = archive()
    except Unfetched as problem:
        print(f"tools.r4: {problem}", file=sys.stderr)
        return 2
    print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
