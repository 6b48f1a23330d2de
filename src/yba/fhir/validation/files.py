"""Files to be validated, and files with the profiles to do it by: JSON, XML, NDJSON, packages, folders."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yba.fhir.errors import Invalid, RecordError
from yba.fhir.model import tree

Tree = Any


def resources(name: str, data: bytes) -> Iterator[tuple[int | None, Tree | RecordError]]:
    """The resources of a file, each with its line in NDJSON; what cannot be read as the error that says why."""
    if name.endswith(".gz"):
        try:
            name, data = name[:-3], gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            yield None, Invalid("validate.file", f"{name} is not compressed with gzip.")
            return
    data = data.removeprefix(b"\xef\xbb\xbf")
    if name.endswith(".ndjson"):
        for number, line in enumerate(data.splitlines(), 1):
            if line.strip():
                yield number, _read(line)
        return
    yield None, _from_xml(data) if name.endswith(".xml") or data.lstrip()[:1] == b"<" else _read(data)


def _read(data: bytes) -> Tree | RecordError:
    try:
        return tree.parse(data)
    except RecordError as error:
        return error


def _from_xml(data: bytes) -> Tree | RecordError:
    from yba.fhir.model import xml

    try:
        return tree.parse(xml.to_json(data, ordered=True))
    except RecordError as error:
        return error


def of_package(path: Path) -> Iterator[Tree]:
    """The StructureDefinitions, ValueSets and CodeSystems of a FHIR package (.tgz). Raises Invalid."""
    try:
        with tarfile.open(path) as package:
            for member in package:
                parts = Path(member.name).parts
                if member.isfile() and len(parts) == 2 and parts[1].endswith(".json") and _wanted(parts[1]):
                    opened = package.extractfile(member)
                    if opened is not None:
                        yield from _definition(_read(opened.read()))
    except (OSError, tarfile.TarError, EOFError) as error:
        raise Invalid("validate.package", f"{path} cannot be read as a package: {error}.") from None


def of_folder(path: Path) -> Iterator[Tree]:
    """The definitions in a folder's JSON and XML files, or in one file; what is no resource is passed over.

    Raises Invalid for a file that can't be read: without a profile that was asked for, what breaks it would pass.
    """
    files = sorted([*path.rglob("*.json"), *path.rglob("*.xml")]) if path.is_dir() else [path]
    for one in files:
        try:
            data = one.read_bytes()
        except OSError as error:
            raise Invalid("validate.definitions", f"{one} cannot be read: {error.strerror}.") from None
        found = _from_xml(data) if one.suffix == ".xml" else _read(data)
        if isinstance(found, RecordError):
            raise Invalid("validate.definitions", f"{one} cannot be read: {found.message}")
        yield from _definition(found)


def _wanted(name: str) -> bool:
    return not name.startswith((".", "package"))


def _definition(found: Tree | RecordError) -> Iterator[Tree]:
    if isinstance(found, dict) and found.get("resourceType") in (
        "StructureDefinition",
        "ValueSet",
        "CodeSystem",
    ):
        yield found
