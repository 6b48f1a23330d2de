"""Run a view (SQL on FHIR) over files, without a server, or over the record; print its rows."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from yba.fhir.views.definition import View

FORMATS = ("json", "ndjson", "csv", "parquet")
SPOOLED = 32 * 1024 * 1024


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    one = acts.add_parser("run", help="print the rows of a view")
    _view(one)
    source = one.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--resources", nargs="+", action="extend", metavar="FILE",
        help="NDJSON, or JSON with a resource, an array or a Bundle; also .gz; - reads NDJSON from standard input",
    )  # fmt: skip
    source.add_argument("--database", action="store_true", help="the house's own record instead of files")
    one.add_argument("--format", choices=FORMATS, default="json")
    one.add_argument("--no-header", action="store_true", help="CSV without the line of names")
    one.add_argument("--output", type=Path, metavar="FILE", help="write there, not to standard output")
    text = acts.add_parser("sql", help="print the SQL a view is compiled to")
    _view(text)
    text.add_argument("--dialect", choices=("postgresql", "duckdb"), default="postgresql")


def _view(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--view", type=Path, required=True, metavar="FILE", help="the ViewDefinition, in JSON"
    )


def run(given: argparse.Namespace) -> int:
    """0 with the rows, none too; 2 for a view, a file or a line that cannot be taken: nothing is printed then."""
    from yba.fhir.errors import RecordError

    try:
        view = _read(given.view)
        if given.act == "sql":
            print(_sql(view, given.dialect))
        else:
            _run(view, given)
    except BrokenPipeError:
        return 1
    except RecordError as error:
        print(f"yba: {error.message}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"yba: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 2
    return 0


def _read(path: Path) -> View:
    from yba.fhir.errors import Invalid, RecordError
    from yba.fhir.views import definition

    data = path.read_bytes()
    try:
        return definition.parse(data.removeprefix(b"\xef\xbb\xbf"))
    except RecordError as error:
        raise Invalid(error.key, f"{path}: {error.message}") from None


def _sql(view: View, dialect: str) -> str:
    from yba.fhir.views import rows
    from yba.fhir.views.duck import Duck
    from yba.fhir.views.postgres import Postgres

    return rows.compiled(view, Duck() if dialect == "duckdb" else Postgres(), "given").sql


def _run(view: View, given: argparse.Namespace) -> None:
    if given.format == "parquet" and given.output is None:
        from yba.fhir.errors import Invalid

        raise Invalid("views.output", "Parquet is no text: name a file with --output.")
    with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as out:
        if given.database:
            _of_record(view, given, out)
        else:
            _of_files(view, given, out)
        if given.format != "parquet":
            _deliver(out, given.output)


def _deliver(out: IO[bytes], path: Path | None) -> None:
    out.seek(0)
    if path is None:
        sys.stdout.flush()
        shutil.copyfileobj(out, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with path.open("wb") as file:
            shutil.copyfileobj(out, file)


def _of_files(view: View, given: argparse.Namespace, out: IO[bytes]) -> None:
    from yba.fhir.views.analysis import Analysis
    from yba.fhir.views.table import written

    with tempfile.TemporaryDirectory(prefix="yba-view-") as folder, Analysis() as analysis:
        for name in given.resources:
            analysis.open(_standard_input(Path(folder)) if name == "-" else Path(name))
        if given.format == "parquet":
            analysis.write_parquet(view, given.output)
        else:
            _write(written(analysis.table(view), given.format, header=not given.no_header), out)


def _standard_input(folder: Path) -> Path:
    path = folder / "standard-input.ndjson"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def _of_record(view: View, given: argparse.Namespace, out: IO[bytes]) -> None:
    from yba.fhir.views import stored
    from yba.fhir.views.parquet import parquet_of
    from yba.fhir.views.table import written
    from yba.site.opening import database_ready, system_record

    with database_ready():
        record = system_record()
        asked = stored.question(view, record.actor, stored.Narrowed())
        with stored.opened(record.connection, asked) as table:
            if given.format == "parquet":
                parquet_of(table, given.output)
            else:
                _write(written(table, given.format, header=not given.no_header), out)
        record.audit(
            "export", type_name=view.resource, detail=f"view {view.name or ''} from the command line"
        )


def _write(pieces: Iterable[bytes] | Iterator[bytes], out: IO[bytes]) -> None:
    for piece in pieces:
        out.write(piece)
