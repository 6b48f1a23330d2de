"""What a worker of the record can do: kinds of jobs and their handlers, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from yba.fhir.bulk import export, importing
from yba.fhir.jobs import Handler
from yba.fhir.store import parameters, reindex, version_labels
from yba.fhir.views import exporting


def handlers(files: Path, import_sources: tuple[str, ...] = ()) -> Mapping[str, Handler]:
    """Kind of job -> what does it. ``files`` is the folder the application serves finished files from."""
    return {
        parameters.KIND: reindex.run,
        version_labels.KIND: version_labels.run,
        export.KIND: partial(export.run, files=files),
        exporting.EXPORT: partial(exporting.export, files=files),
        exporting.MATERIALIZE: exporting.materialize,
        importing.KIND: partial(importing.run, files=files, sources=import_sources),
    }
