"""XML text as a small tree of elements, read by expat without document types, entities or surprises in size."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from yba.fhir.errors import Invalid

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
DEPTH = 200
_SEPARATOR = "\x1f"
_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?\bencoding\s*=\s*["']([^"']*)["']""")
_END = re.compile(rb"</(?:[^\s>:]+:)?div\s*>")
_OWN_SPACE = re.compile(r"<div\b[^>]*?\sxmlns\s*=")


@dataclass(slots=True)
class Node:
    """An element: its namespace, name, attributes without namespace, and children; text is in narratives only.

    ``source``: of a narrative's ``div`` the text as it was sent.
    """

    space: str
    name: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    source: str = ""


class _Reading:
    """The state between expat's calls."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.root: Node | None = None
        self.open: list[Node] = []
        self.prefixes: set[str] = set()
        self.narrative_at: int | None = None
        self.narrative_depth = 0
        self.written: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse
        self.parser.EntityDeclHandler = _refuse
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartNamespaceDeclHandler = self.space

    def space(self, prefix: str | None, uri: str | None) -> None:
        if prefix and self.narrative_at is None:
            self.prefixes.add(prefix)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(_SEPARATOR)
        if len(self.open) + self.narrative_depth >= DEPTH:
            raise Invalid("codec.depth", f"The XML is nested deeper than {DEPTH} elements.")
        if self.narrative_at is not None:
            self.narrative_depth += 1
            self._write_start(local, attributes)
            return
        node = Node(space, local, _plain(attributes, local))
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.root = node
        self.open.append(node)
        if space == XHTML:
            node.attributes = {}
            self.narrative_at, self.narrative_depth = self.parser.CurrentByteIndex, 0
            self.written = []
            self._write_start(local, attributes, f' xmlns="{XHTML}"')

    def end(self, name: str) -> None:
        if self.narrative_at is not None:
            self.written.append(f"</{name.rpartition(_SEPARATOR)[2]}>")
            if self.narrative_depth:
                self.narrative_depth -= 1
                return
            self.open[-1].source = self._narrative()
            self.narrative_at = None
        self.open.pop()

    def characters(self, text: str) -> None:
        if self.narrative_at is not None:
            self.written.append(escape(text))
        elif text.strip() and self.open:
            name = self.open[-1].name
            raise Invalid("xml.text", f"{name} holds text; in FHIR values are attributes.", path=name)

    def _write_start(self, name: str, attributes: dict[str, str], space: str = "") -> None:
        own = "".join(
            f" {('xml:' if key.startswith('http://www.w3.org/XML') else '') + key.rpartition(_SEPARATOR)[2]}"
            f"={quoteattr(value)}"
            for key, value in attributes.items()
        )
        self.written.append(f"<{name}{space}{own}>")

    def _narrative(self) -> str:
        """The narrative as it was sent; written anew where its names hang on prefixes declared outside of it."""
        assert self.narrative_at is not None
        at = self.parser.CurrentByteIndex
        # Of an empty element (<div/>) expat tells the place after it, of any other the place of its end tag.
        after = self.data.find(b">", at) + 1 if _END.match(self.data, at) else at
        source = self.data[self.narrative_at : after].decode().replace("\r\n", "\n").replace("\r", "\n")
        if _OWN_SPACE.match(source) and not any(f"<{one}:" in source for one in self.prefixes):
            return source
        return "".join(self.written)


def read(data: bytes, *, fragment: bool = False) -> Node:
    """The root of an XML text in UTF-8. Raises Invalid with line and column. ``fragment``: no XML declaration."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    declared = None if fragment else _ENCODING.match(data)
    if declared is not None and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        raise Invalid(
            "xml.encoding", f"FHIR's XML is in UTF-8, not in '{declared[1].decode('ascii', 'replace')[:30]}'."
        )
    reading = _Reading(data)
    try:
        data.decode()
        reading.parser.Parse(data, True)
    except UnicodeDecodeError as error:
        raise Invalid("xml.utf-8", f"The text is not UTF-8 at byte {error.start}.") from None
    except expat.ExpatError as error:
        words = expat.errors.messages.get(error.code, "not well-formed")
        raise Invalid(
            "xml.syntax",
            f"The XML cannot be read at line {error.lineno}, column {error.offset + 1}: {words}.",
        ) from None
    if reading.root is None:
        raise Invalid("xml.syntax", "The body holds no XML element.")
    return reading.root


def _plain(attributes: dict[str, str], name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in attributes.items():
        space, _, local = key.rpartition(_SEPARATOR)
        if space == _XSI:  # where a schema is, which is no content
            continue
        if space and space != XHTML:
            raise Invalid(
                "xml.attribute", f"{name} has an attribute of the namespace {space[:100]}.", path=name
            )
        found[local] = value
    return found


def _refuse(*declared: object) -> None:
    raise Invalid("xml.doctype", "A document type is not taken. Send the resource alone.")
