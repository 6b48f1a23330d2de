"""Evaluate a FHIRPath expression on a resource and print the result as a JSON array; needs no server."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from yba.fhir.errors import RecordError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--resource",
        required=True,
        metavar="FILE",
        help="the resource in JSON or XML; - reads standard input",
    )
    parser.add_argument(
        "--unchecked",
        action="store_true",
        help="names that the type does not have give nothing, not an error",
    )
    parser.add_argument("expression", metavar="EXPRESSION")


def prepared(given: list[str]) -> list[str]:
    """An expression may begin with a minus, which is no option then: it goes to the end, behind ``--``."""
    options = given[:1]
    others: list[str] = []
    left = iter(given[1:])
    for word in left:
        if word == "--resource":
            options += [word, *[value for value in [next(left, None)] if value is not None]]
        elif word in _OPTIONS or word.startswith("--resource="):
            options.append(word)
        elif word == "--":
            others += left
        else:
            others.append(word)
    return [*options, "--", *others] if others else options


_OPTIONS = ("-h", "--help", "--unchecked")


def run(given: argparse.Namespace) -> int:
    """0 with a result, an empty one too; 1 for a resource that cannot be read, 2 for an expression that fails."""
    from yba.fhir.model import tree

    try:
        resource = _resource(given.resource)
    except (OSError, RecordError) as error:
        print(f"yba: {given.resource} cannot be read: {_told(error)}", file=sys.stderr)
        return 1
    try:
        values = _values(given.expression, resource, checked=not given.unchecked)
    except RecordError as error:
        print(f"yba: {error.message}", file=sys.stderr)
        return 2
    sys.stdout.flush()
    sys.stdout.buffer.write(tree.dump(values) + b"\n")
    return 0


def _told(error: Exception) -> str:
    if isinstance(error, RecordError):
        return error.message
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _resource(name: str) -> Any:
    from yba.fhir.errors import Invalid
    from yba.fhir.model import tree, xml

    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if data.lstrip().startswith(b"<"):
        data = xml.to_json(data)
    resource = tree.parse(data)
    if not isinstance(resource, dict):
        raise Invalid("fhirpath.resource", "It is no JSON object.")
    return resource


def _values(text: str, resource: Any, *, checked: bool) -> list[Any]:
    from yba.fhir.model import fhirpath

    expression = fhirpath.compile(text)
    kind = resource.get("resourceType")
    if checked and isinstance(kind, str):
        expression.check(kind)
    return expression.values(resource, now=datetime.now().astimezone(), trace=_trace, strict=checked)


def _trace(name: str, items: list[Any]) -> None:
    from yba.fhir.model import tree
    from yba.fhir.model.fhirpath.output import as_json

    shown = tree.dump([as_json(item) for item in items]).decode()
    print(f"trace {name}: {shown}", file=sys.stderr)
