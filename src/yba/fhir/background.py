"""What a worker of the record can do: kinds of jobs and their handlers, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from yba.fhir.bulk import export
from yba.fhir.jobs import Handler


def handlers(files: Path) -> Mapping[str, Handler]:
    """Kind of job -> what does it. ``files`` is the folder the application serves finished files from."""
    return {
        export.KIND: partial(export.run, files=files),
    }
