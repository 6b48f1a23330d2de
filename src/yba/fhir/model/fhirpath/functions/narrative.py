"""Whether a text may stand as narrative: simple XHTML in one div, with something to read (FHIR R4, narrative.html)."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

_XHTML = "{http://www.w3.org/1999/xhtml}"
_ELEMENT_NAMES = (
    "a abbr acronym address b bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt em h1 h2 h3 h4"
    " h5 h6 hr i img ins kbd li map area ol p pre q s samp small span strike strong sub sup table tbody td tfoot th"
    " thead tr tt u ul var center font"
)
_ATTRIBUTE_NAMES = (
    "title style class id lang dir align valign width height border cellpadding cellspacing colspan rowspan href name"
    " src alt abbr axis bgcolor char charoff cite color compact coords datetime face frame headers hspace longdesc"
    " noshade nowrap rel rev rules scope shape size span start summary tabindex target type usemap value vspace"
    " accesskey charset clear hreflang"
)
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split()) | {"{http://www.w3.org/XML/1998/namespace}lang"}
_FORBIDDEN = re.compile(r"<!DOCTYPE|<!ENTITY|<\?(?!xml )", re.IGNORECASE)
_SCRIPT = re.compile(r"\s*(javascript|vbscript|data\s*:\s*text)\s*:?", re.IGNORECASE)
_LONGEST = 5_000_000


def is_narrative(text: str) -> bool:
    """One ``div`` of XHTML with only formatting, links and pictures in it, and not empty."""
    if len(text) > _LONGEST or _FORBIDDEN.search(text):
        return False
    try:
        top = ElementTree.fromstring(text)  # noqa: S314 - no document type passes, so no entity is expanded
    except ElementTree.ParseError:
        return False
    if top.tag != _XHTML + "div":
        return False
    return all(_allowed(one) for one in top.iter()) and _says_something(top)


def _allowed(one: ElementTree.Element) -> bool:
    if not isinstance(one.tag, str):
        return True  # a comment
    if not one.tag.startswith(_XHTML) or one.tag[len(_XHTML) :] not in _ELEMENTS:
        return False
    return all(name in _ATTRIBUTES and not _SCRIPT.match(value) for name, value in one.attrib.items())


def _says_something(top: ElementTree.Element) -> bool:
    return bool("".join(top.itertext()).strip()) or top.find(f".//{_XHTML}img") is not None
