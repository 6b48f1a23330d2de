"""Loading FHIR files: each bundle in one transaction, NDJSON in pieces, and where to go on after a stop."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from django.db import transaction

from yba import fhir
from yba.fhir.errors import Invalid, RecordError
from yba.fhir.model import codec
from yba.fhir.r4.bundle import Bundle, BundleEntry, BundleEntryRequest
from yba.fhir.r4.datatypes import Resource
from yba.site.models import LoadedFile

GZIP = b"\x1f\x8b"
#: Lines in one transaction: few enough to lose little, enough to be quick.
PIECE = 200
LINES = (".ndjson", ".jsonl")
WHOLE = (".json",)
#: Bundles that are one document and are kept as they are.
KEPT_WHOLE = ("document", "message")
#: Bundles that carry requests; the others carry resources, which are stored under their own ids.
WITH_REQUESTS = ("transaction", "batch")


@dataclass
class Report:
    """What a run did. `refused`: one readable line each."""

    files: int = 0
    skipped: int = 0
    resources: int = 0
    refused: list[str] = field(default_factory=list)


Progress = Callable[[int], None]


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The FHIR files named, or found in the folders named, in the order that references need.

    Bundles of facilities and staff (Synthea names them hospitalInformation..., practitionerInformation...)
    come first: patients' bundles refer to them by identifier.
    """
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(one for one in path.rglob("*") if one.is_file() and kind_of(one))
        else:
            found.add(path)
    return sorted(found, key=lambda one: (_rank(one.name), str(one)))


def _rank(name: str) -> int:
    low = name.lower()
    if low.startswith("hospitalinformation"):
        return 0
    return 1 if "information" in low else 2


def kind_of(path: Path) -> str:
    """`lines`, `whole`, or "" for a file that is not FHIR by its name."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return "lines" if suffix in LINES else "whole" if suffix in WHOLE else ""


def load(paths: list[Path], *, record: fhir.Record, progress: Progress = lambda size: None) -> Report:
    """Load files; what is refused is reported and the rest goes on. `progress` hears of bytes read."""
    report = Report()
    for path in paths:
        before, told = len(report.refused), _Told(progress)
        try:
            _load_file(path, record=record, report=report, told=told)
            told.up_to(path.stat().st_size)
        except (OSError, EOFError, zlib.error) as problem:
            report.refused.append(f"{path}: can't be read: {problem}")
        report.files += len(report.refused) == before
    return report


class _Told:
    """How many bytes of one file were told of."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.bytes = 0

    def up_to(self, position: int) -> None:
        self.progress(position - self.bytes)
        self.bytes = position


def _load_file(path: Path, *, record: fhir.Record, report: Report, told: _Told) -> None:
    with path.open("rb") as raw:
        digest = hashlib.file_digest(raw, "sha256").hexdigest()
        state, _ = LoadedFile.objects.get_or_create(digest=digest, defaults={"name": str(path)[-400:]})
        if state.finished:
            report.skipped += 1
            return
        raw.seek(0)
        packed = raw.read(2) == GZIP
        raw.seek(0)
        data = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if packed else raw
        if kind_of(path) == "lines":
            for _ in _load_lines(path, data, state, record=record, report=report):
                told.up_to(raw.tell())
        else:
            _load_whole(path, data.read(), state, record=record, report=report)


def _load_whole(path: Path, data: bytes, state: LoadedFile, *, record: fhir.Record, report: Report) -> None:
    """One resource or bundle: all of it and the note that it is done, or none."""
    refused: list[str] = []
    try:
        with transaction.atomic():
            count = _store(data, record=record, refused=refused)
            state.finished = not refused
            state.save()
    except RecordError as error:
        report.refused.append(f"{path}: {said(error)}")
        return
    report.resources += count
    report.refused += [f"{path}: {one}" for one in refused]


def _load_lines(
    path: Path, data: IO[bytes], state: LoadedFile, *, record: fhir.Record, report: Report
) -> Iterator[None]:
    """Pieces of lines, each in one transaction with the note how far it went; yields after each."""
    again = set(state.refused)
    wanted = (
        (number, line)
        for number, line in enumerate(data, 1)
        if line.strip() and (number > state.lines or number in again)
    )
    for piece in _pieces(wanted):
        with transaction.atomic():
            for number, line in piece:
                refused = _load_line(line, record=record, report=report)
                report.refused += [f"{path}:{number}: {one}" for one in refused]
                (again.add if refused else again.discard)(number)
                state.lines = max(state.lines, number)
            state.refused = sorted(again)
            state.save()
        yield
    state.finished = not again
    state.save()


def _load_line(line: bytes, *, record: fhir.Record, report: Report) -> list[str]:
    """Store one line, or nothing of it; what was refused."""
    refused: list[str] = []
    try:
        with record.atomic():
            report.resources += _store(line.strip(), record=record, refused=refused)
    except RecordError as error:
        refused.append(said(error))
    return refused


def _pieces(lines: Iterable[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    piece: list[tuple[int, bytes]] = []
    for line in lines:
        piece.append(line)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _store(data: bytes, *, record: fhir.Record, refused: list[str]) -> int:
    """Store one resource, or a bundle's entries; how many were stored."""
    resource = codec.decode(data)
    if not isinstance(resource, Bundle) or resource.type in KEPT_WHOLE:
        _keep(resource, record=record)
        return 1
    bundle = resource if resource.type in WITH_REQUESTS else _as_transaction(resource)
    answer = record.run_bundle(bundle)
    stored = 0
    for number, entry in enumerate(answer.entry):
        status = (entry.response.status or "") if entry.response else ""
        if status[:1] == "2":
            stored += 1
        else:
            refused.append(f"Bundle.entry[{number}]: {status} {_outcome(entry)}".rstrip())
    return stored


def _keep(resource: Resource, *, record: fhir.Record) -> None:
    if resource.id:
        record.update(resource)
    else:
        record.create(resource)


def _as_transaction(bundle: Bundle) -> Bundle:
    """A collection as a transaction: a resource with an id is stored under it, another gets a new one."""
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


def _outcome(entry: BundleEntry) -> str:
    """The words of a refused entry's OperationOutcome."""
    from yba.fhir.r4.operation_outcome import OperationOutcome

    if entry.response is None or entry.response.outcome is None:
        return ""
    outcome = codec.decode_raw(entry.response.outcome)
    if not isinstance(outcome, OperationOutcome):
        return ""
    return "; ".join(
        issue.diagnostics or (issue.details and issue.details.text) or "" for issue in outcome.issue
    )


def said(error: RecordError) -> str:
    """Path and message of an error in one line."""
    return f"{error.path}: {error.message}" if error.path else error.message
