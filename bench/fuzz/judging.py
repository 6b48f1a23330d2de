"""What every answer must hold, whatever was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from bench.fuzz import values
from bench.fuzz.world import Asked
from yba.fhir.errors import RecordError
from yba.fhir.model import codec

SLOWEST = 5.0
#: What an answer must never show: our insides, or the database's words.
INSIDES = re.compile(
    r"Traceback \(most|psycopg|\.py\\*\", line|\bselect\b[^\"]{1,80}\bfrom\b record|record\.(resource|version|token)\b"
    r"|syntax error at|LINE 1:|SQLSTATE|pg_catalog|unnest\(|relation \"|violates .* constraint|invalid input syntax"
)


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


def faults(asked: Asked, answer: Answer) -> list[str]:
    """What is wrong with an answer; nothing when all holds."""
    found = []
    if answer.status >= 500:
        found.append(f"status {answer.status}")
    if answer.seconds > SLOWEST:
        found.append(f"took {answer.seconds:.1f} s")
    text = answer.body.decode("utf-8", "replace")
    shown = INSIDES.search(text + "\n" + "\n".join(answer.headers.values()))
    if shown:
        found.append(f"shows {shown.group()!r}")
    if asked.role in ("citizen", "none") and values.SECRET in text:
        found.append("shows another person's content")
    if answer.status >= 400 and answer.body:
        found += _outcome(answer)
    elif answer.body and "json" in answer.headers.get("Content-Type", ""):
        found += _content(answer)
    return found


def _outcome(answer: Answer) -> Iterator[str]:
    kind = answer.headers.get("Content-Type", "")
    if "xml" in kind:
        try:
            root = ElementTree.fromstring(answer.body)
        except ElementTree.ParseError as error:
            yield f"XML that cannot be read: {error}"
            return
        if root.tag != "{http://hl7.org/fhir}OperationOutcome":
            yield f"an error told by {root.tag}"
        return
    if "json" not in kind:
        yield f"an error told as '{kind}'"
        return
    try:
        outcome = codec.decode(answer.body)
    except RecordError as error:
        yield f"an error that is no resource: {error.message}"
        return
    if type(outcome).__name__ != "OperationOutcome":
        yield f"an error told by a {type(outcome).__name__}"
    elif not outcome.issue or not any(one.severity in ("error", "fatal") for one in outcome.issue):  # type: ignore[attr-defined]
        yield "an error without an issue of that severity"


def _content(answer: Answer) -> Iterator[str]:
    try:
        found: Any = json.loads(answer.body)
    except ValueError as error:
        yield f"JSON that cannot be read: {error}"
        return
    if not isinstance(found, dict) or "resourceType" not in found:
        return  # rows of a view, the manifest of an export
    if found["resourceType"] == "Bundle":
        for number, entry in enumerate(found.get("entry", ())):
            status = str(entry.get("response", {}).get("status", "")) if isinstance(entry, dict) else ""
            if status.startswith("5"):
                yield f"entry {number}: status {status}"
    try:
        codec.decode(answer.body)
    except RecordError as error:
        yield f"an answer that is no resource: {error.path}: {error.message}"
