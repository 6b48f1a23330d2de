"""A narrative that could run in a reader's browser is not stored: scripts, frames, forms, events, script links.

FHIR R4, narrative.html#rules (txt-1). Everything else a narrative may not hold is told by ``$validate``; this alone is
refused on every write, because other systems show what they are sent. A resource without such marks costs one look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import tree

_MARKS = re.compile(
    rb"<\s*(?:\w+:)?(?:script|i?frame|frameset|object|embed|applet|form|input|button|link|base|meta|svg|style)\b"
    rb"|\bon[a-z]{3,}\s*=|(?:javascript|vbscript|data:text/html)[\s:;,]",
    re.IGNORECASE,
)


def check(type_name: str, content: bytes) -> None:
    """Raise Invalid with the path of a narrative that holds something active."""
    if b'"div":' not in content or _MARKS.search(content) is None:
        return
    from yba.fhir.validation.narrative import faults

    for path, div in _narratives(tree.parse(content), type_name):
        if _MARKS.search(div.encode()) is None:
            continue  # the marks stand in some other text
        for key, words in faults(div):
            if key == "txt-1":
                raise Invalid(
                    "store.narrative", f"The narrative {words}. Take it out; text alone is kept.", path=path
                )


def _narratives(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        text = value.get("text")
        if isinstance(text, dict) and isinstance(text.get("div"), str):
            yield f"{path}.text.div", text["div"]
        for name, one in value.items():
            yield from _narratives(one, f"{path}.{name}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _narratives(one, f"{path}[{number}]")
