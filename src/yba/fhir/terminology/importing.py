"""Code lists out of CSV files, and FHIR packages, into the record.

A CSV has the headings ``code`` and ``display``, and any of ``display:xx`` (a designation in the language xx),
``definition``, ``parent``, ``status``, ``inactive``, ``notSelectable``; every other heading is a property of its name.
A package is npm's layout with one resource a file. Source: FHIR packages, "NPM Package Specification".
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.model import codec, tree
from yba.fhir.r4 import MODULES
from yba.fhir.record import Record
from yba.fhir.terminology.stored import LARGE, RecordShelf
from yba.fhir.terminology.tables import fill, replace

Tree = Any
IN_RESOURCE = 2_000
"""Concepts kept in the CodeSystem itself; more are kept in rows alone, and the resource says "not-present"."""
_MEMBER = 100_000_000
_CELL = 1_000_000
_WORDS = frozenset({"code", "display", "definition"})
_FLAGS = frozenset({"inactive", "notSelectable"})
_LANGUAGE = re.compile(r"display:[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_CODE = re.compile(r"\S+( \S+)*")
CONFORMANCE = frozenset(
    {
        "ActivityDefinition", "CapabilityStatement", "ChargeItemDefinition", "CodeSystem", "CompartmentDefinition",
        "ConceptMap", "GraphDefinition", "ImplementationGuide", "Library", "Measure", "MessageDefinition",
        "NamingSystem", "OperationDefinition", "PlanDefinition", "Questionnaire", "SearchParameter",
        "StructureDefinition", "StructureMap", "TerminologyCapabilities", "ValueSet",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: a line of a CSV or a file of a package."""

    place: str
    reason: str


@dataclass(slots=True)
class Report:
    """What an import did."""

    read: int = 0
    stored: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class About:
    """What a CSV does not say of its code system."""

    url: str
    version: str | None = None
    name: str | None = None
    title: str | None = None
    language: str = "vi"
    part: bool = False  # whether it is only a part of the system


# -- CSV -----------------------------------------------------------------------------------------------------------


def import_csv(record: Record, file: Path, *, about: About, skip_bad: bool = False) -> Report:
    """Make the code system of a url and version hold what the file says, in one transaction.

    Nothing is stored when a line is bad, unless bad lines are to be skipped; the report names each.
    """
    report = Report()
    good = set(_checked(file, report))
    if report.faults and (not skip_bad or not good):
        return report
    at = record.clock()
    identifier = _identifier("CodeSystem", about.url, about.version)
    with record.atomic():
        small = len(good) <= IN_RESOURCE
        concepts = [one for _, one in _concepts(file, good)] if small else []
        head = _head(about, _headings(file), len(good), concepts)
        record.update_stored(codec.decode(tree.dump({**head, "id": identifier}), "CodeSystem"))
        if not small:
            content = "fragment" if about.part else "complete"
            rows = ((one, None) for _, one in _concepts(file, good))
            replace(record.connection, identifier, rows, content=content, at=at)
    report.stored = len(good)
    return report


def _lines(file: Path) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_CELL)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.reader(opened)
        for cells in reader:
            yield reader.line_num, cells


def _headings(file: Path) -> list[str]:
    return next(iter(_lines(file)), (0, []))[1]


def _checked(file: Path, report: Report) -> Iterator[int]:
    """The numbers of good lines; faults go to the report. A parent may stand below its children."""
    headings = _headings(file)
    wrong = _wrong_headings(headings)
    if wrong:
        report.faults.append(Fault("line 1", wrong))
        return
    parents: dict[str, tuple[int, str]] = {}
    at = {name: place for place, name in enumerate(headings)}
    for number, cells in _body(file):
        report.read += 1
        reason = _wrong_cells(cells, headings, at, parents)
        if reason is not None:
            report.faults.append(Fault(f"line {number}", reason))
            continue
        parents[cells[at["code"]]] = (number, cells[at["parent"]] if "parent" in at else "")
    good = set(parents)
    for code, (number, parent) in parents.items():
        reason = _wrong_parent(code, parent, parents)
        if reason is not None:
            good.discard(code)
            report.faults.append(Fault(f"line {number}", reason))
    yield from (parents[code][0] for code in good)


def _body(file: Path) -> Iterator[tuple[int, list[str]]]:
    lines = _lines(file)
    next(lines, None)
    return ((number, cells) for number, cells in lines if any(cells))


def _wrong_headings(headings: list[str]) -> str | None:
    if "code" not in headings:
        return "there is no heading 'code'"
    if len(set(headings)) != len(headings):
        return "a heading is given twice"
    for name in headings:
        if not name.strip() or (name.startswith("display:") and not _LANGUAGE.fullmatch(name)):
            return f"'{name}' is no heading"
    return None


def _wrong_cells(
    cells: list[str], headings: list[str], at: dict[str, int], known: dict[str, tuple[int, str]]
) -> str | None:
    if len(cells) != len(headings):
        return f"{len(cells)} cells, not {len(headings)}"
    code = cells[at["code"]]
    if not _CODE.fullmatch(code):
        return (
            "the code is missing"
            if not code.strip()
            else f"'{code[:50]}' is no code: blanks around or in a row"
        )
    if code in known:
        return f"the code '{code[:50]}' stands on line {known[code][0]} already"
    for name in _FLAGS & at.keys():
        if cells[at[name]] not in ("", "true", "false"):
            return f"'{name}' is true or false, not '{cells[at[name]][:50]}'"
    return None


def _wrong_parent(code: str, parent: str, parents: dict[str, tuple[int, str]]) -> str | None:
    if not parent:
        return None
    seen = {code}
    while parent:
        if parent not in parents:
            return f"the parent '{parent[:50]}' is not in the file"
        if parent in seen:
            return f"'{code[:50]}' is above itself"
        seen.add(parent)
        parent = parents[parent][1]
    return None


def _concepts(file: Path, good: set[int]) -> Iterator[tuple[int, Tree]]:
    headings = _headings(file)
    for number, cells in _body(file):
        if number in good:
            yield number, _concept(headings, cells)


def _concept(headings: list[str], cells: list[str]) -> Tree:
    concept: Tree = {}
    designations, properties = [], []
    for name, text in zip(headings, cells, strict=True):
        if not text:
            continue
        if name in _WORDS:
            concept[name] = text
        elif name.startswith("display:"):
            designations.append({"language": name.partition(":")[2], "value": text})
        elif name in _FLAGS:
            properties.append({"code": name, "valueBoolean": text == "true"})
        else:
            properties.append(
                {"code": name, "valueCode" if name in ("parent", "status") else "valueString": text}
            )
    if designations:
        concept["designation"] = designations
    if properties:
        concept["property"] = properties
    return concept


def _head(about: About, headings: list[str], count: int, concepts: list[Tree]) -> Tree:
    uri = "http://hl7.org/fhir/concept-properties#"
    declared = []
    for name in headings:
        if name in _WORDS or name.startswith("display:"):
            continue
        kind = "boolean" if name in _FLAGS else "code" if name in ("parent", "status") else "string"
        known = {"uri": uri + name} if kind != "string" else {}
        declared.append({"code": name, **known, "type": kind})
    content = "fragment" if about.part else "complete"
    head: Tree = {
        "resourceType": "CodeSystem", "language": about.language, "url": about.url, "version": about.version,
        "name": about.name or _name(about.url), "title": about.title, "status": "active", "caseSensitive": True,
        "content": content if concepts else "not-present", "count": count,
    }  # fmt: skip
    head = {key: value for key, value in head.items() if value is not None}
    if declared:
        head["property"] = declared
    return head | ({"concept": concepts} if concepts else {})


def _name(url: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", url.rstrip("/").rpartition("/")[2])
    return "".join(word[0].upper() + word[1:] for word in words) or "CodeSystem"


def _identifier(kind: str, url: str, version: str | None) -> str:
    """An id that is the same for one canonical url and version."""
    digest = hashlib.sha256(f"{kind} {url}|{version or ''}".encode()).hexdigest()[:16]
    word = re.sub(r"[^A-Za-z0-9\-.]+", "-", url.rstrip("/").rpartition("/")[2])[:40].strip("-.") or kind
    return f"{word}-{digest}"


# -- packages --------------------------------------------------------------------------------------------------------


def import_package(record: Record, file: Path) -> Report:
    """Store every conformance resource of a package under its canonical url and version.

    Each file is a transaction of its own; one that is there already as it is stays untouched.
    """
    report = Report()
    try:
        with tarfile.open(file) as package:
            _import_members(record, package, report)
    except (tarfile.TarError, EOFError, OSError) as error:
        report.faults.append(Fault(file.name, f"is no package: {error}"))
    return report


def _import_members(record: Record, package: tarfile.TarFile, report: Report) -> None:
    for member in package:
        path = Path(member.name)
        if not member.isfile() or path.suffix != ".json" or path.parts[:1] != ("package",):
            continue
        if path.name == "package.json" and len(path.parts) == 2:
            reason = _wrong_package(_read(package, member))
            if reason is not None:
                report.faults.append(Fault(member.name, reason))
                return
        if len(path.parts) != 2 or path.name in ("package.json", ".index.json"):
            continue
        report.read += 1
        try:
            _import_one(record, tree.parse(_read(package, member)), member.name, report)
        except RecordError as error:
            where = f" ({error.path})" if error.path else ""
            report.faults.append(Fault(member.name, f"{error.message}{where}"))


def _read(package: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = package.extractfile(member)
    if opened is None or member.size > _MEMBER:
        return b"{}"
    return opened.read()


def _wrong_package(text: bytes) -> str | None:
    try:
        said = json.loads(text)
    except ValueError:
        return "is no JSON"
    versions = said.get("fhirVersions") or said.get("fhir-version-list") or []
    if versions and not any(str(one).startswith("4.0") for one in versions):
        return f"the package is for FHIR {', '.join(map(str, versions))}, and this record is R4 (4.0.1)"
    return None


def _import_one(record: Record, resource: Tree, place: str, report: Report) -> None:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind not in CONFORMANCE or kind not in MODULES:
        report.faults.append(Fault(place, f"'{kind}' is not stored out of packages"))
        return
    url = str(resource.get("url") or f"urn:name:{resource.get('name', resource.get('id', ''))}")
    version = resource.get("version")
    identifier = _identifier(kind, url, version)
    with record.atomic():
        known = _known(record, kind, url, version, identifier)
        if known is not None:
            identifier = known["id"]
            if _bare(known) == _bare(resource):
                report.unchanged += 1
                return
        stored, _ = record.update_stored(codec.decode(tree.dump({**resource, "id": identifier}), kind))
        if kind == "CodeSystem" and stored.content is not None and len(stored.content) > LARGE:
            fill(record.connection, identifier, resource, stamp=stored.version, at=stored.updated)
    report.stored += 1


def _known(record: Record, kind: str, url: str, version: str | None, identifier: str) -> Tree | None:
    """What the record keeps under this canonical url and version already."""
    found = RecordShelf(lambda: record.connection, record.may).resource(kind, url, version)
    if found is not None and found.get("version") == version:
        return found
    row = record.search_stored(kind, [("_id", identifier)]).matches
    return tree.parse(row[0].content or b"{}") if row else None


def _bare(resource: Tree) -> Tree:
    """The resource without what the record writes itself."""
    kept = {key: value for key, value in resource.items() if key not in ("id", "meta")}
    meta = {
        key: value
        for key, value in resource.get("meta", {}).items()
        if key not in ("versionId", "lastUpdated", "tag")
    }
    return kept | ({"meta": meta} if meta else {})
