"""The JavaScript client fhir-kit-client against a running house (installed by npm from package-lock.json)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.houses import House

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def packages() -> None:
    if shutil.which("npm") is None:
        pytest.fail("npm is missing: .ci/run installs it.")
    if not (FOLDER / "node_modules" / "fhir-kit-client").is_dir():
        command = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.usefixtures("packages")
def test_what_its_users_do_all_day(house: House) -> None:
    token = house.command("token", "--role", "system").stdout.strip().splitlines()[-1]
    done = subprocess.run(
        ["node", "story.mjs", f"{house.address}/fhir", token],
        cwd=FOLDER, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {
        "fhirVersion": "4.0.1",
        "made": "1",
        "family": "Fhirkit",
        "updated": "2",
        "vread": None,
        "patched": "female",
        "history": ["PATCH", "PUT", "POST"],
        "transaction": ["201 Created"] * 7,
        "batch": ["200", "404"],
        "days": [
            ["2026-03-01", "2026-03-02", "2026-03-03"],
            ["2026-03-04", "2026-03-05", "2026-03-06"],
            ["2026-03-07"],
        ],
        "posted": 1,
        "compartment": 7,
        "references": True,
        "operation": 8,
        "deleted": [410, "OperationOutcome"],
    }
