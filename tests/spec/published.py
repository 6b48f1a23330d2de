"""Where the published cases are: beside the checkout, or where YBA_TESTDATA says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
TESTDATA = Path(os.environ.get("YBA_TESTDATA") or _ROOT.parent / "shared" / "testdata")


def folder(name: str) -> Path:
    """A folder of published cases; the test is skipped, saying why, where they are not at hand."""
    path = TESTDATA / name
    if not path.is_dir():
        pytest.skip(
            f"published cases {name} are not in {TESTDATA}: set YBA_TESTDATA", allow_module_level=True
        )
    return path
