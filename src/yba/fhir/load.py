"""Loading FHIR files without Django: bundles, single resources and NDJSON, plain or gzipped.

A transaction or batch bundle is carried out; a collection's entries and single resources keep their ids. What is
refused is reported with file, line and path, and the rest goes on.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, MutableSet
from dataclasses import dataclass, field
from pathlib import Path

from yba.fhir import bundle as bundles
from yba.fhir.errors import Invalid, RecordError
from yba.fhir.model import codec
from yba.fhir.r4.bundle import Bundle, BundleEntry, BundleEntryRequest
from yba.fhir.r4.datatypes import Resource
from yba.fhir.r4.operation_outcome import OperationOutcome
from yba.fhir.record import Record

Progress = Callable[[Path, int], None]
LINES = (".ndjson", ".jsonl")
BATCH = 500
# Bundles that are one document and are kept as they are.
KEPT_WHOLE = ("document", "message")


@dataclass(frozen=True, slots=True)
class Refused:
    """One thing that was not stored. ``line`` counts from 1 in NDJSON and is None elsewhere."""

    file: Path
    line: int | None
    path: str | None
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


@dataclass(slots=True)
class LoadReport:
    """What a run did: resources stored, files finished, files done before, and what was refused."""

    resources: int = 0
    files: int = 0
    skipped: int = 0
    refused: list[Refused] = field(default_factory=list)


def files_in(paths: Iterable[Path]) -> list[Path]:
    """FHIR files named or inside named folders; Synthea's facilities and staff first: patients refer to them."""
    found: set[Path] = set()
    for path in paths:
        found.update((one for one in path.rglob("*") if _is_fhir(one)) if path.is_dir() else [path])
    return sorted(
        found,
        key=lambda one: ("information" not in one.name.lower(), "hospital" not in one.name.lower(), str(one)),
    )


def _is_fhir(path: Path) -> bool:
    return path.is_file() and Path(path.name.removesuffix(".gz")).suffix.lower() in (*LINES, ".json")


def load_files(
    paths: Iterable[Path],
    record: Record,
    *,
    progress: Progress = lambda path, stored: None,
    done: MutableSet[str],
) -> LoadReport:
    """Load files that are not in ``done`` (by their text path); each that is wholly stored is added to it."""
    report = LoadReport()
    for path in files_in(paths):
        if str(path) in done:
            report.skipped += 1
            continue
        before = len(report.refused)
        try:
            _load_file(path, record, report)
        except (OSError, EOFError, zlib.error) as problem:
            report.refused.append(Refused(path, None, None, f"It cannot be read: {problem}"))
        if len(report.refused) == before:
            done.add(str(path))
            report.files += 1
        progress(path, report.resources)
    return report


def _load_file(path: Path, record: Record, report: LoadReport) -> None:
    """A file of lines by the hundred, another in one go."""
    batch: list[tuple[int | None, Resource]] = []
    for line, data in _documents(path):
        resource = None
        if line is not None:
            try:
                resource = codec.decode(data)
            except RecordError as error:
                report.refused.append(Refused(path, line, error.path, error.message))
                continue
        if resource is None or (isinstance(resource, Bundle) and resource.type not in KEPT_WHOLE):
            _store(record, path, line, data, report)
            continue
        batch.append((line, resource))
        if len(batch) == BATCH:
            _store_all(record, path, batch, report)
            batch = []
    _store_all(record, path, batch, report)


def _store_all(
    record: Record, path: Path, batch: list[tuple[int | None, Resource]], report: LoadReport
) -> None:
    for (line, _), result in zip(batch, record.put_all([one for _, one in batch]), strict=True):
        if isinstance(result, RecordError):
            report.refused.append(Refused(path, line, result.path, result.message))
        else:
            report.resources += 1


def _documents(path: Path) -> Iterator[tuple[int | None, bytes]]:
    packed = path.name.endswith(".gz")
    with gzip.open(path, "rb") if packed else path.open("rb") as stream:
        if not path.name.removesuffix(".gz").lower().endswith(LINES):
            yield None, stream.read()
            return
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield number, line.strip()


def _store(record: Record, path: Path, line: int | None, data: bytes, report: LoadReport) -> None:
    try:
        with record.atomic():
            stored, refused = store_document(record, data)
    except RecordError as error:
        report.refused.append(Refused(path, line, error.path, error.message))
        return
    report.resources += stored
    report.refused += [Refused(path, line, place, message) for place, message in refused]


def store_document(record: Record, data: bytes) -> tuple[int, list[tuple[str, str]]]:
    """Store one JSON text: how many resources were stored, and place and message of each refused batch entry.

    Raises a RecordError when nothing of it can be stored.
    """
    resource = codec.decode(data, deep=False)
    if not isinstance(resource, Bundle) or resource.type in KEPT_WHOLE:
        _keep(record, codec.decode(data))
        return 1, []
    answer = bundles.run(record, _as_requests(resource))
    stored, refused = 0, []
    for number, entry in enumerate(answer.entry):
        status = (entry.response.status or "") if entry.response else ""
        if status.startswith("2"):
            stored += 1
        else:
            refused.append((f"Bundle.entry[{number}]", _words(entry) or status))
    return stored, refused


def _keep(record: Record, resource: Resource) -> None:
    if resource.id:
        record.update(resource)
    else:
        record.create(resource)


def _as_requests(bundle: Bundle) -> Bundle:
    if bundle.type in ("transaction", "batch"):
        return bundle
    entries = []
    for number, entry in enumerate(bundle.entry):
        if entry.resource is None:
            raise Invalid("load.entry", "The entry has no resource.", path=f"Bundle.entry[{number}]")
        resource = codec.decode_raw(entry.resource)
        name = type(resource).__name__
        request = (
            BundleEntryRequest(method="PUT", url=f"{name}/{resource.id}")
            if resource.id
            else BundleEntryRequest(method="POST", url=name)
        )
        entries.append(BundleEntry(fullUrl=entry.fullUrl, resource=entry.resource, request=request))
    return Bundle(type="transaction", entry=entries)


def _words(entry: BundleEntry) -> str:
    """The words of a refused entry's OperationOutcome."""
    if entry.response is None or entry.response.outcome is None:
        return ""
    outcome = codec.decode_raw(entry.response.outcome)
    return (
        "; ".join(issue.diagnostics or "" for issue in outcome.issue)
        if isinstance(outcome, OperationOutcome)
        else ""
    )


__all__ = ["LINES", "LoadReport", "Refused", "files_in", "load_files", "store_document"]
