"""Views over exported files, in this process, by DuckDB: no server, no record.

Files are NDJSON (also compressed by gzip), or JSON with a resource, an array of them or a Bundle. They are read as
a stream; what does not fit into memory goes to a temporary folder.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources as packaged
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from yba.fhir.errors import Invalid, TooCostly, Unsupported
from yba.fhir.model import tree
from yba.fhir.views.definition import View
from yba.fhir.views.duck import MARK, Duck
from yba.fhir.views.parquet import OFFLINE, parquet_of
from yba.fhir.views.rows import compiled
from yba.fhir.views.table import Row, Table
from yba.fhir.views.value import BadView

_DECIMAL = r'([A-Za-z0-9_]":\s*)(-?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?)'
"""A decimal after a name: a quote after a letter or digit ends a name, for within a text it would be escaped."""
_CONFIGURATION = {
    **OFFLINE,
    "preserve_insertion_order": "true",
    "memory_limit": "1GB",
}
_FETCHED = 5000
BOM = b"\xef\xbb\xbf"


class Analysis:
    """A DuckDB of its own and the resources given to it. A context: its temporary files go with it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="yba-views-")
        self._database = duckdb.connect(
            ":memory:", config={**_CONFIGURATION, "temp_directory": self._folder.name}
        )
        self._database.execute(packaged.files(__package__).joinpath("duck.sql").read_text(encoding="utf-8"))
        self._database.execute("set timezone = 'UTC'")
        self._files: list[Path] = []
        self._given: list[Path] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._folder.cleanup()

    # -- what is given -------------------------------------------------------------------------------------

    def take(self, resources: Iterable[tree.Tree]) -> None:
        """Resources as trees."""
        path = Path(self._folder.name) / f"given-{len(self._files)}.ndjson"
        with path.open("wb") as out:
            for one in resources:
                out.write(tree.dump(one) + b"\n")
        self._files.append(path)

    def open(self, path: Path) -> None:
        """A file of resources. Raises Invalid naming the file, and the line where there is one."""
        if not path.is_file():
            raise Invalid("views.file", f"{path}: there is no such file.")
        plain = path.name.removesuffix(".gz")
        if plain.endswith(".json") and (taken := _whole(path)) is not None:
            self.take(taken)
            return
        if path.stat().st_size:
            # A name of our own: in theirs, DuckDB would take *, ? and [ for patterns, and .gz on its word.
            link = (
                Path(self._folder.name) / f"file-{len(self._files)}.ndjson{'.gz' if _is_gzip(path) else ''}"
            )
            if _starts(path, BOM):
                _copied(path, link)
            else:
                link.symlink_to(path.resolve())
            self._files.append(link)
            self._given.append(path)

    # -- rows ----------------------------------------------------------------------------------------------

    def table(self, view: View) -> Table:
        """The rows of a view, in the order of the resources."""
        made = compiled(view, Duck(), "given")
        order = ", ".join(["r.n", *made.order])
        rows = self._rows(view, f"{made.sql}\norder by {order}")
        return Table(made.columns, rows)

    def write_parquet(self, view: View, path: Path) -> None:
        """The rows of a view as a Parquet file."""
        parquet_of(self.table(view), path)

    def _rows(self, view: View, query: str) -> Iterator[Row]:
        if not self._files:
            return
        self._check(view)
        try:
            self._database.execute(f"create or replace temp view given as {self._source(view)}")
            found = self._database.execute(query)
            while piece := found.fetchmany(_FETCHED):
                yield from piece
        except duckdb.Error as error:
            raise self._meant(error) from error

    def _lines(self) -> str:
        files = ", ".join(Duck().quoted(str(path)) for path in self._files)
        return (
            "(select row_number() over () as n, json as line from read_ndjson_objects("
            f"[{files}], maximum_object_size = 67108864))"
        )

    def _source(self, view: View) -> str:
        wanted = Duck().quoted(view.resource)
        marked = rf"""regexp_replace(line::varchar, {Duck().quoted(_DECIMAL)}, '\1"\{MARK}\2"', 'g')::json"""
        return (
            f"select n, {marked} as doc from {self._lines()}"
            f" where json_extract_string(line, '$.resourceType') = {wanted}"
        )

    def _check(self, view: View) -> None:
        """Refuse files with a line that is no resource, naming it."""
        question = (
            f"select count(*) from {self._lines()} where json_extract_string(line, '$.resourceType') is null"
        )
        try:
            strange = self._database.execute(question).fetchone()
        except duckdb.Error as error:
            raise self._meant(error) from error
        if strange is not None and strange[0]:
            raise self._first_fault() or Invalid("views.file", "A line of the files is no resource.")

    def _meant(self, error: duckdb.Error) -> Exception:
        text = str(error)
        if "Malformed JSON" in text or "maximum_object_size" in text:
            return self._first_fault() or Invalid("views.file", "A line of the files cannot be read as JSON.")
        if "GZIP" in text or "gzip" in text:
            return self._first_fault() or Invalid("views.file", "A file cannot be unpacked by gzip.")
        if isinstance(error, duckdb.InvalidInputException) and " has several values " in text:
            return BadView("views.data", text.partition(": ")[2])
        if isinstance(error, duckdb.InvalidInputException) and " is no boolean in " in text:
            return BadView("views.data", text.partition(": ")[2])
        if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
            return BadView(
                "views.data",
                "A value of the data cannot be read as its type says, or a number grew too large.",
            )
        if isinstance(error, duckdb.OutOfMemoryException):
            return TooCostly(
                "views.memory", "The view needs more memory than there is. Split the view or the files."
            )
        if isinstance(error, duckdb.BinderException | duckdb.ParserException | duckdb.CatalogException):
            return Unsupported("views.combination", "The database cannot run this view as it is written.")
        return error

    def _first_fault(self) -> Invalid | None:
        for path in self._given:
            fault = _fault_in(path)
            if fault is not None:
                return fault
        return None


def _starts(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _is_gzip(path: Path) -> bool:
    return _starts(path, b"\x1f\x8b")


def _copied(path: Path, to: Path) -> None:
    """A copy without the byte order mark."""
    with path.open("rb") as file, to.open("wb") as out:
        file.seek(len(BOM))
        shutil.copyfileobj(file, out)


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if _is_gzip(path) else path.open("rb")


def _fault_in(path: Path) -> Invalid | None:
    """The first line of a file that is no resource."""
    try:
        with _opened(path) as lines:
            for number, line in enumerate(lines, 1):
                line = line.removeprefix(BOM) if number == 1 else line
                if not line.strip():
                    continue
                try:
                    found = tree.parse(line)
                except Invalid as error:
                    said = re.sub(r" at line 1, column", " at column", error.message)
                    return Invalid("views.file", f"{path}, line {number}: {said}")
                if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
                    return Invalid(
                        "views.file", f"{path}, line {number}: this is no resource: it has no resourceType."
                    )
    except (OSError, EOFError, zlib.error) as error:
        return Invalid("views.file", f"{path} cannot be read: {error}")
    return None


def _whole(path: Path) -> Sequence[tree.Tree] | None:
    """The resources of a JSON file; None when it holds lines instead. Raises Invalid naming the file."""
    try:
        with _opened(path) as file:
            data: bytes = file.read().removeprefix(BOM)
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid("views.file", f"{path} cannot be read: {error}") from None
    try:
        found = tree.parse(data)
    except Invalid as error:
        first, _, rest = data.strip().partition(b"\n")
        if rest and _is_object(first):
            return None
        raise Invalid("views.file", f"{path}: {error.message}") from None
    if isinstance(found, dict) and found.get("resourceType") == "Bundle":
        entries = found.get("entry") or []
        inside = [one.get("resource") for one in entries if isinstance(one, dict)]
        return [one for one in inside if isinstance(one, dict)]
    taken = found if isinstance(found, list) else [found]
    for number, one in enumerate(taken, 1):
        if not isinstance(one, dict) or not isinstance(one.get("resourceType"), str):
            raise Invalid("views.file", f"{path}: number {number} is no resource: it has no resourceType.")
    return taken


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
