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
from yba.fhir.errors import RecordError
from yba.fhir.load import LINES, store_document
from yba.site.models import LoadedFile

GZIP = b"\x1f\x8b"
#: Lines in one transaction: few enough to lose little, enough to be quick.
PIECE = 200


@dataclass
class Report:
    """What a run did. `refused`: one readable line each."""

    files: int = 0
    skipped: int = 0
    resources: int = 0
    refused: list[str] = field(default_factory=list)


Progress = Callable[[int], None]


def is_lines(path: Path) -> bool:
    """Whether a file holds a resource a line, by its name."""
    return path.name.removesuffix(".gz").lower().endswith(LINES)


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
        if is_lines(path):
            for _ in _load_lines(path, data, state, record=record, report=report):
                told.up_to(raw.tell())
        else:
            _load_whole(path, data.read(), state, record=record, report=report)


def _load_whole(path: Path, data: bytes, state: LoadedFile, *, record: fhir.Record, report: Report) -> None:
    """One resource or bundle: all of it and the note that it is done, or none."""
    try:
        with transaction.atomic():
            count, entries = store_document(record, data)
            refused = [f"{place}: {message}" for place, message in entries]
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
    try:
        with record.atomic():
            count, refused = store_document(record, line.strip())
    except RecordError as error:
        return [said(error)]
    report.resources += count
    return [f"{place}: {message}" for place, message in refused]


def _pieces(lines: Iterable[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    piece: list[tuple[int, bytes]] = []
    for line in lines:
        piece.append(line)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def said(error: RecordError) -> str:
    """Path and message of an error in one line."""
    return f"{error.path}: {error.message}" if error.path else error.message
