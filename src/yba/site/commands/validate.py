"""Validate FHIR files and print an OperationOutcome for each; needs no server and no database.

JSON, XML and NDJSON (an outcome a line of it). One outcome a line of output, or with --pretty set out over several.
Exit code 0 without errors, 1 with.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yba.fhir.errors import Invalid, RecordError

Tree = Any


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a resource; - reads standard input")
    parser.add_argument(
        "--profile", action="append", default=[], metavar="URL", help="a profile each resource must meet"
    )
    parser.add_argument(
        "--package",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a FHIR package (.tgz) with profiles",
    )
    parser.add_argument(
        "--definitions", action="append", default=[], type=Path, metavar="FOLDER",
        help="a folder, or a file, with profiles, value sets and code systems",
    )  # fmt: skip
    parser.add_argument("--pretty", action="store_true", help="set out over several lines")


def run(given: argparse.Namespace) -> int:
    """0 when no resource has an error, 1 when one has or a file cannot be read."""
    from yba.fhir.terminology import Terminology
    from yba.fhir.validation import Definitions, files

    try:
        extra: list[Tree] = []
        for package in given.package:
            extra += files.of_package(package)
        for folder in given.definitions:
            extra += files.of_folder(folder)
    except RecordError as error:
        print(f"yba: {error.message}", file=sys.stderr)
        return 1
    lists = [one for one in extra if one["resourceType"] in ("ValueSet", "CodeSystem")]
    definitions, terminology = Definitions(extra), Terminology(extra=lists)
    faulty = False
    for name in given.files:
        try:
            data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            unread = Invalid("validate.file", f"{name} cannot be read: {error.strerror}.")
            faulty |= _judged(name, None, unread, given, definitions, terminology)
            continue
        for line, read in files.resources(name, data):
            faulty |= _judged(name, line, read, given, definitions, terminology)
    return 1 if faulty else 0


def _judged(
    name: str, line: int | None, read: Tree, given: argparse.Namespace, definitions: Any, terminology: Any
) -> bool:
    """Print the outcome of one resource; whether it has an error."""
    from yba.fhir.validation import outcome, validate
    from yba.fhir.validation.issue import of_error

    if isinstance(read, RecordError):
        issues = [of_error(read)]
    else:
        issues = validate(read, profiles=given.profile, structures=definitions, terminology=terminology)
    told = outcome(issues)
    # which file, and which line of it: FHIR has no element of its own for that
    told = {"resourceType": told.pop("resourceType"), "extension": _source(name, line), **told}
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2 if given.pretty else None) + "\n")
    return any(issue.is_fault for issue in issues)


def _source(name: str, line: int | None) -> Iterable[Tree]:
    found: list[Tree] = [
        {"url": "http://hl7.org/fhir/StructureDefinition/operationoutcome-file", "valueString": name}
    ]
    if line is not None:
        found.append({"url": "https://yba.vn/fhir/StructureDefinition/line", "valuePositiveInt": line})
    return found
