"""The rules of the narrative's XHTML: well formed, allowed elements and attributes only, some content, safe links.

FHIR R4, narrative.html#rules (txt-1, txt-2): the formatting of HTML 4.0 chapters 7-11 (except section 4 of
chapter 9) and 15, ``a``, images within or anywhere, style attributes; no scripts, forms, frames, events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

_XHTML = "http://www.w3.org/1999/xhtml"
_ELEMENT_NAMES = """
p br div h1 h2 h3 h4 h5 h6 a span b em i strong small big tt dfn q var abbr acronym cite blockquote hr ul ol li dl dt
dd pre table caption colgroup col thead tr tfoot tbody th td code samp img map area address bdo del ins kbd sub sup
center u s strike font
"""
_ATTRIBUTE_NAMES = """
id class style title lang xml:lang xml:space xml:id dir accesskey tabindex xmlns span summary width border cellpadding
cellspacing align valign rowspan colspan char charoff abbr axis headers scope frame rules height nowrap bgcolor color
size face compact start type value noshade clear cite datetime name alt src href idref
"""
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ANYWHERE = frozenset(_ATTRIBUTE_NAMES.split())
_OF = {
    "a": frozenset({"charset", "hreflang", "rel", "rev", "shape", "coords", "target"}),
    "img": frozenset({"longdesc", "ismap", "usemap", "crossorigin"}),
    "area": frozenset({"shape", "coords", "nohref"}),
}
_SCHEMES = ("javascript:", "vbscript:", "data:text/html")
_BLANK = " \t\r\n\u00a0"


class _Read:
    """What an expat parser tells while it reads."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []
        self.depth = 0
        self.content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if self.depth == 0:
            self._root(name, local)
        elif local not in _ELEMENTS or (" " in name and name.rpartition(" ")[0] != _XHTML):
            self.faults.append(("txt-1", f"has the element <{local}>, which a narrative may not have"))
        self.depth += 1
        if local == "img" and (attributes.get("src") or attributes.get("alt")):
            self.content = True
        for attribute, value in attributes.items():
            self._attribute(local, attribute, value)

    def _root(self, name: str, local: str) -> None:
        if local != "div":
            self.faults.append(("txt-1", f"begins with <{local}>; a narrative is one <div>"))
        elif name != f"{_XHTML} div":
            self.faults.append(
                ("xhtml-namespace", f"must be in the namespace {_XHTML}: add xmlns to the <div>")
            )

    def _attribute(self, element: str, name: str, value: str) -> None:
        name = name.replace("http://www.w3.org/XML/1998/namespace ", "xml:")
        if name not in _ANYWHERE and name not in _OF.get(element, ()):
            self.faults.append(
                ("txt-1", f"has the attribute {name} on <{element}>, which a narrative may not have")
            )
        if name in ("href", "src"):
            address = "".join(value.split()).lower()
            if address.startswith(_SCHEMES):
                self.faults.append(("txt-1", f"has a link that runs a script: '{value[:40]}'"))
            elif element == "a" and address.startswith("urn:"):
                self.faults.append(("xhtml-link", f"has the link '{value[:80]}', which nobody can follow"))

    def end(self, _: str) -> None:
        self.depth -= 1

    def text(self, found: str) -> None:
        if found.strip(_BLANK):
            self.content = True

    def doctype(self, *_: Any) -> None:
        self.faults.append(("xhtml", "must not have a document type"))
        raise _Stopped

    def instruction(self, *_: Any) -> None:
        self.faults.append(("txt-1", "must not have a processing instruction"))


class _Stopped(Exception):
    """Reading has ended early."""


def faults(div: str) -> Iterator[tuple[str, str]]:
    """Pairs of the rule broken and what is wrong, to be read after the path."""
    read = _Read()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = read.start
    parser.EndElementHandler = read.end
    parser.CharacterDataHandler = read.text
    parser.StartDoctypeDeclHandler = read.doctype
    parser.ProcessingInstructionHandler = read.instruction
    try:
        parser.Parse(div.encode("utf-8", "replace"), True)
    except _Stopped:
        pass
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        hint = " (XHTML here knows only &lt; &gt; &amp; &quot; &apos;: write the character itself)"
        yield (
            "xhtml",
            f"is not well-formed XHTML at line {error.lineno}, column {error.offset + 1}: {what}"
            f"{hint if 'entity' in what else ''}",
        )
        return
    yield from dict.fromkeys(read.faults)
    if not read.content and not read.faults:
        yield "txt-2", "has nothing to read in it"
