"""A value set as the codes it stands for. Source: FHIR R4, valueset-operation-expand.html and valueset.html#expansion.

Properties of concepts, which R4 has no place for, are told by the extensions R5 gives for R4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yba.fhir.model.dates import instant
from yba.fhir.model.fold import fold
from yba.fhir.terminology.compose import Entry, Key, Selection, Versions
from yba.fhir.terminology.concept import spoken as words_of
from yba.fhir.terminology.concept import value_of
from yba.fhir.terminology.failures import too_costly
from yba.fhir.terminology.languages import PREFERRED, Languages, Wording, chosen, languages_of, wordings
from yba.fhir.terminology.library import Library
from yba.fhir.terminology.properties import Told, told_properties
from yba.fhir.terminology.systems import url_of, version_of
from yba.fhir.terminology.tables import Tabled

Tree = Any
MOST = 10_000
"""Codes one answer may hold; more are asked for by pages."""
DEEPEST = 100
"""Levels an expansion nests; a hierarchy of more is told flat."""
SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
PARAMETER = (
    "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter",
    "http://hl7.org/fhir/tools/StructureDefinition/valueset-expansion-parameter",
)
_HEAD = (
    "resourceType", "id", "language", "extension", "contained", "url", "identifier", "version", "name", "title",
    "status", "experimental",
)  # fmt: skip
_KEPT_OF_VALUE_SET = (
    "http://hl7.org/fhir/StructureDefinition/valueset-deprecated",
    "http://hl7.org/fhir/StructureDefinition/valueset-concept-definition",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status",
)
_RENDERING = (
    "http://hl7.org/fhir/StructureDefinition/rendering-style",
    "http://hl7.org/fhir/StructureDefinition/rendering-xhtml",
)
_KEPT_OF_DESIGNATION = (
    "http://hl7.org/fhir/StructureDefinition/coding-sctdescid",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status",
)


@dataclass(slots=True)
class Asked:
    """What was asked of an expansion; see ValueSet/$expand for each."""

    filter: str | None = None
    offset: int | None = None
    count: int | None = None
    include_designations: bool = False
    designations: list[str] = field(default_factory=list)
    include_definition: bool = False
    active_only: bool = False
    exclude_nested: bool = False
    exclude_not_for_ui: bool = False
    display_language: str | None = None
    header_language: str | None = None
    excluded_systems: list[str] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    supplements: list[str] = field(default_factory=list)
    versions: Versions = field(default_factory=Versions)
    echo: list[Tree] = field(default_factory=list)  # parameters to be told back as they were asked


def expand(library: Library, value_set: Tree, asked: Asked, *, identifier: str, at: datetime) -> Tree:
    """The value set with its expansion. Raises TooCostly, NotFound and what a definition makes impossible."""
    supplements = [*asked.supplements, *required_supplements(value_set)]
    for one in supplements:
        library.supplement(one)
    words = fold(asked.filter).split() if asked.filter else []
    selection = Selection(
        library,
        versions=asked.versions,
        supplements=supplements,
        excluded_systems=asked.excluded_systems,
        words=words,
    )
    direct = _one_page(selection, value_set, asked)
    if direct is not None:
        total, page, paged = direct
    else:
        total, page, paged = _page(_wanted(selection.entries(value_set), asked, words), value_set, asked)
    asked_languages = languages_of(spoken(asked.display_language, asked.header_language, value_set))
    told = Told()
    writer = _Writer(value_set, asked, asked_languages, told)
    nested = not asked.exclude_nested and not paged
    contains = _nest(page, writer) if nested else [writer.line(one) for one in page.values()]
    expansion: Tree = {"identifier": identifier, "timestamp": instant(at), "total": total}
    if asked.offset is not None:
        expansion["offset"] = asked.offset
    expansion["parameter"] = _parameters(asked, selection)
    if told.declared():
        expansion = {"extension": told.declared(), **expansion}
    if contains:
        expansion["contains"] = contains
    head = {key: value_set[key] for key in _HEAD if key in value_set}
    if asked.include_definition and "compose" in value_set:
        head["compose"] = value_set["compose"]
    return {**head, "expansion": expansion}


Page = tuple[int, dict[Key, Entry], bool]
"""How many codes there are in all, those to be told, and whether that is only a part."""


def _page(entries: dict[Key, Entry], value_set: Tree, asked: Asked) -> Page:
    total = len(entries)
    start = min(asked.offset or 0, total)
    end = total if asked.count is None else min(start + asked.count, total)
    if end - start > MOST:
        raise too_costly(str(value_set.get("url") or value_set.get("id") or ""), MOST)
    paged = start > 0 or end < total
    return total, dict(list(entries.items())[start:end]) if paged else entries, paged


def _one_page(selection: Selection, value_set: Tree, asked: Asked) -> Page | None:
    """A page of a whole code system that is kept in rows, or of its codes with words; None for any other question."""
    compose = value_set.get("compose") or {}
    includes = compose.get("include", ())
    simple = (
        len(includes) == 1 and includes[0].keys() <= {"system", "version"} and "system" in includes[0]
        and not compose.get("exclude") and compose.get("inactive") is not False
    )  # fmt: skip
    if not simple or asked.count is None or asked.count > MOST:
        return None
    if asked.active_only or asked.exclude_not_for_ui or asked.excluded_systems:
        return None
    system = selection.system(includes[0]["system"], includes[0].get("version"))
    if not isinstance(system, Tabled):
        return None
    total, start = system.count(selection.words), asked.offset or 0
    found = [Entry(system, concept) for concept in system.part(start, asked.count, selection.words)]
    return total, {one.key: one for one in found}, start > 0 or start + len(found) < total


def required_supplements(value_set: Tree) -> list[str]:
    """The supplements a value set says it needs."""
    return [
        str(one.get("valueCanonical"))
        for one in value_set.get("extension", ())
        if one.get("url") == SUPPLEMENT and one.get("valueCanonical")
    ]


def spoken(parameter: str | None, header: str | None, value_set: Tree | None) -> str | None:
    """The languages to answer in: the parameter's, the value set's extension's, the header's, its own."""
    told = value_set or {}
    return parameter or _told_language(told) or header or told.get("language")


def _told_language(value_set: Tree) -> str | None:
    """The displayLanguage a value set asks for by its parameter extension."""
    for holder in (value_set, value_set.get("compose", {})):
        for one in holder.get("extension", ()):
            if one.get("url") in PARAMETER:
                parts = {part.get("url"): value_of(part) for part in one.get("extension", ())}
                if parts.get("name") == "displayLanguage":
                    return str(parts.get("value", ""))
    return None


def _wanted(entries: dict[Key, Entry], asked: Asked, words: list[str]) -> dict[Key, Entry]:
    return {
        key: one
        for key, one in entries.items()
        if not (asked.active_only and one.concept.inactive)
        and not (asked.exclude_not_for_ui and one.concept.abstract)
        and (not words or _speaks_of(one, words))
    }


def _speaks_of(entry: Entry, words: list[str]) -> bool:
    """Whether each word asked for begins a word of the concept's code, display or designations."""
    there = words_of(entry.concept, entry.said)
    return all(f" {word}" in there for word in words)


def _nest(entries: Mapping[Key, Entry], writer: _Writer) -> list[Tree]:
    """Lines in the order of selection, one chosen by its place in a hierarchy under its parent."""
    roots: list[Tree] = []
    lines: dict[Key, Tree] = {}
    flat = bool(writer.asked.filter)
    for key, entry in entries.items():
        lines[key] = writer.line(entry)
    for key, entry in entries.items():
        parent = next(
            ((key[0], code) for code in entry.concept.parents if (key[0], code) in lines and code != key[1]),
            None,
        )
        if parent is None or not entry.nests or (flat and entry.whole) or not entries[parent].nests:
            roots.append(lines[key])
        else:
            lines[parent].setdefault("contains", []).append(lines[key])
    return roots if _holds(roots, len(lines)) else list(_unnested(lines.values()))


def _holds(roots: Sequence[Tree], count: int) -> bool:
    """Whether the lines below these are so many, none too deep for a reader of JSON or XML."""
    level: Sequence[Tree] = roots
    for _ in range(DEEPEST):
        count -= len(level)
        level = [inner for line in level for inner in line.get("contains", ())]
        if not level:
            break
    return count == 0


def _unnested(lines: Iterable[Tree]) -> Iterable[Tree]:
    """Without nesting: a hierarchy that runs in a ring has no top to hang it on, one too deep is not read by all."""
    for line in lines:
        line.pop("contains", None)
        yield line


class _Writer:
    """Writes one line of an expansion."""

    def __init__(self, value_set: Tree, asked: Asked, languages: Languages, told: Told) -> None:
        self.asked = asked
        self._language = value_set.get("language")
        self._languages = languages
        self._told = told

    def line(self, entry: Entry) -> Tree:
        concept, said = entry.concept, entry.said
        texts = wordings(
            concept.display, entry.system.head.get("language"), concept.designations, said, self._language
        )
        shown = chosen(texts, self._languages)
        line: Tree = {}
        extensions = _extensions(entry)
        extensions += told_properties(entry.system, concept, said, self.asked.properties, self._told)
        if extensions:
            line["extension"] = extensions
        line["system"] = url_of(entry.system)
        if concept.abstract:
            line["abstract"] = True
        if concept.inactive:
            line["inactive"] = True
        if entry.versioned and version_of(entry.system) is not None:
            line["version"] = version_of(entry.system)
        line["code"] = concept.code
        if shown is not None:
            line["display"] = shown.text
        if self.asked.include_designations:
            designations = self._designations(texts, shown)
            if designations:
                line["designation"] = designations
        return line

    def _designations(self, texts: list[Wording], shown: Wording | None) -> list[Tree]:
        found = []
        for one in texts:
            if one is shown:
                continue
            if one.designation is None:
                if shown is not None and one.text == shown.text:
                    continue
                row: Tree = {"use": PREFERRED, "value": one.text}
                if one.language:
                    row = {"language": one.language, **row}
            else:
                row = {
                    key: one.designation[key]
                    for key in ("language", "use", "value")
                    if key in one.designation
                }
                kept = [
                    extension
                    for extension in one.designation.get("extension", ())
                    if extension.get("url") in _KEPT_OF_DESIGNATION
                ]
                if kept:
                    row = {"extension": kept, **row}
            if _is_asked(row, self.asked.designations):
                found.append(row)
        return found


def _is_asked(designation: Tree, tokens: list[str]) -> bool:
    """Whether a designation is one of those asked for: by language, or by use (system|code)."""
    if not tokens:
        return True
    use = designation.get("use", {})
    language = designation.get("language")
    for token in tokens:
        system, bar, code = token.rpartition("|")
        if not bar or system == "urn:ietf:bcp:47":
            if language is not None and Languages((code,)).match(language) is not None:
                return True
        elif use.get("system", "") == system and use.get("code") == code:
            return True
    return False


def _extensions(entry: Entry) -> list[Tree]:
    """What is told on of the concept: how to show it, and what the value set says of it."""
    said = entry.said.get("extension", ()) if entry.said is not None else ()
    found = [one for one in said if one.get("url") in _KEPT_OF_VALUE_SET]
    for url in _RENDERING:
        one = next((one for one in (*said, *entry.concept.extensions) if one.get("url") == url), None)
        if one is not None:
            found.append(one)
    return found


def _parameters(asked: Asked, selection: Selection) -> list[Tree]:
    rows = list(asked.echo)
    rows += [{"name": "used-codesystem", "valueUri": one} for one in selection.used_systems]
    rows += [{"name": "used-valueset", "valueUri": one} for one in selection.used_value_sets]
    rows += [{"name": "used-supplement", "valueUri": one} for one in selection.used_supplements]
    return rows
