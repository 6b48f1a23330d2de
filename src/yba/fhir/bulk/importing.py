"""The work of ``$import``: NDJSON files into the record, some hundred resources a transaction, resumable.

SMART Bulk Data Import (draft): the request names the files, the manifest of the answer names what was refused, with
file and line. A resource keeps its id; one that is there already gets a new version.
"""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec

from yba.fhir import record as records
from yba.fhir.addresses import allowed
from yba.fhir.calling import MOST_REDIRECTS, NotAllowed, Resolve, called, resolved
from yba.fhir.errors import Forbidden, Invalid, RecordError
from yba.fhir.jobs import JobRun
from yba.fhir.model import codec
from yba.fhir.outcome import outcome_of
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import Record
from yba.fhir.store.rows import execute

KIND = "import"
BATCH = 500
LONGEST_LINE = 16 * 1024 * 1024
TIMEOUT_SECONDS = 60
ERRORS = "errors.ndjson"


class Input(msgspec.Struct, frozen=True):
    """One file: the type its lines are of, and where it is."""

    type: str
    url: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be imported."""

    input: list[Input]
    request: str = ""
    base_url: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run has come: files done, lines done of the next, and what was counted so far."""

    file: int = 0
    line: int = 0
    stored: list[int] = []
    refused: list[int] = []


def run(run: JobRun, files: Path, *, sources: tuple[str, ...], resolve: Resolve = resolved) -> dict[str, Any]:
    """Do one import; what the status request answers with when it is done."""
    asked = msgspec.convert(run.params, Asked)
    for one in asked.input:
        check_source(one.url, sources)
    folder = files / run.job.id
    folder.mkdir(parents=True, exist_ok=True)
    place = msgspec.convert(run.kept, Place) if run.kept else Place()
    record = records.Record(run.connection, actor=run.actor, base_url=asked.base_url or None)
    for number in range(place.file, len(asked.input)):
        with _opened(asked.input[number].url, sources, resolve) as stream:
            place = _import_file(run, record, asked.input[number], stream, place, folder / ERRORS)
    execute(run.connection, "analyze")  # the planner knows nothing of what has just come
    return {"body": _manifest(asked, place)}


def check_source(url: str, sources: tuple[str, ...]) -> None:
    """Refuse what the operator has not allowed to read from. Raises Forbidden, Invalid."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "file") or ".." in parts.path:
        raise Invalid("import.url", f"A file to import is named by http, https or file, not '{url[:100]}'.")
    if not allowed(url, sources):
        raise Forbidden(
            "import.source",
            f"Files are not imported from '{url[:100]}'. The operator allows places by YBA_IMPORT_SOURCES.",
        )


def _import_file(
    run: JobRun, record: Record, one: Input, stream: IO[bytes], place: Place, errors: Path
) -> Place:
    batch: list[tuple[int, bytes]] = []
    for number, line in _lines(stream):
        if number <= place.line:
            continue
        batch.append((number, line))
        if len(batch) >= BATCH:
            place = _store(run, record, one, batch, place, errors)
            batch = []
    if batch:
        place = _store(run, record, one, batch, place, errors)
    done = Place(file=place.file + 1, line=0, stored=place.stored, refused=place.refused)
    run.keep(done)
    return done


@contextmanager
def _opened(url: str, sources: tuple[str, ...], resolve: Resolve) -> Iterator[IO[bytes]]:
    """The lines of a file, from where the operator allows and nowhere else, wherever it points on to."""
    try:
        with _found(url, sources, resolve) as stream:
            packed = urlsplit(url).path.endswith(".gz")
            yield gzip.GzipFile(fileobj=stream) if packed else stream  # type: ignore[misc]  # both are read by lines
    except (OSError, EOFError, http.client.HTTPException) as problem:
        raise Invalid("import.unreadable", f"{url} cannot be read: {problem}.") from problem


@contextmanager
def _found(url: str, sources: tuple[str, ...], resolve: Resolve) -> Iterator[IO[bytes]]:
    if urlsplit(url).scheme == "file":
        with _local(url, sources).open("rb") as file:
            yield file
        return
    with called(url, sources, timeout=TIMEOUT_SECONDS, redirects=MOST_REDIRECTS, resolve=resolve) as answer:
        if answer.status != 200:
            raise OSError(f"HTTP {answer.status}")
        yield answer
        if answer.length:  # the reading of lines takes any end for the end
            raise OSError(f"it ends {answer.length:,} bytes too soon")


def _local(url: str, sources: tuple[str, ...]) -> Path:
    """A file of this machine, under an allowed folder also when links are followed."""
    parts = urlsplit(url)
    name = url2pathname(parts.path)
    if "\0" in name:
        raise NotAllowed("no file has such a name")
    path = Path(name).resolve(strict=True)
    folders = [Path(url2pathname(urlsplit(one).path)).resolve() for one in sources if one.startswith("file:")]
    if parts.netloc not in ("", "localhost") or not any(path.is_relative_to(one) for one in folders):
        raise NotAllowed("it lies outside of the folders the operator allows")
    return path


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise Invalid("import.line", f"Line {number} is longer than {LONGEST_LINE:,} bytes.")
        if line.strip():
            yield number, line


def _store(
    run: JobRun, record: Record, one: Input, batch: list[tuple[int, bytes]], place: Place, errors: Path
) -> Place:
    """One transaction: the batch and the place reached, so that nothing is stored twice or left out."""
    numbers: list[int] = []
    resources: list[Resource] = []
    refused: list[tuple[int, RecordError]] = []
    for number, line in batch:
        try:
            resources.append(codec.decode(line, one.type))
            numbers.append(number)
        except RecordError as error:
            refused.append((number, error))

    def work() -> Place:
        results = record.put_all(resources)
        told = refused + [
            (number, result)
            for number, result in zip(numbers, results, strict=True)
            if isinstance(result, RecordError)
        ]
        if told:  # before the end: a crash tells a refusal twice rather than never
            with errors.open("ab") as stream:
                stream.write(
                    b"".join(_told(one, number, error) for number, error in sorted(told, key=_first))
                )
        reached = _counted(place, batch[-1][0], len(batch) - len(told), len(told))
        run.keep(reached)
        return reached

    place = record.attempt(
        work
    )  # again where another change stood in the way: one batch's is not the file's end
    run.progress(sum(place.stored) + sum(place.refused))
    return place


def _first(pair: tuple[int, RecordError]) -> int:
    return pair[0]


def _counted(place: Place, line: int, stored: int, refused: int) -> Place:
    def added(counts: list[int], more: int) -> list[int]:
        counts = [*counts, *([0] * (place.file + 1 - len(counts)))]
        counts[place.file] += more
        return counts

    return Place(
        file=place.file, line=line, stored=added(place.stored, stored), refused=added(place.refused, refused)
    )


def _told(one: Input, line: int, error: RecordError) -> bytes:
    outcome = outcome_of(error)
    for issue in outcome.issue:
        issue.diagnostics = f"{one.url}, line {line}: {issue.diagnostics or error.message}"
    return codec.encode(outcome) + b"\n"


def _manifest(asked: Asked, place: Place) -> dict[str, Any]:
    def of(counts: list[int], number: int) -> int:
        return counts[number] if number < len(counts) else 0

    return {
        "request": asked.request,
        "output": [
            {"type": one.type, "inputUrl": one.url, "count": of(place.stored, number)}
            for number, one in enumerate(asked.input)
        ],
        "error": [
            {
                "type": "OperationOutcome",
                "inputUrl": one.url,
                "count": of(place.refused, number),
                "url": f"job-file:{ERRORS}",
            }
            for number, one in enumerate(asked.input)
            if of(place.refused, number)
        ],
    }
